Feature: Live migration
  Where the alarm allows LIVE_MIGRATE a manager may choose it, so that its instances run on while they are moved.

  @actions-allowed @action-done @alarm-actions
  Scenario: A project whose manager chooses LIVE_MIGRATE gets through the maintenance
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything
    And the EPC manager chooses LIVE_MIGRATE
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And EPC chose LIVE_MIGRATE wherever its alarms allowed it
    And each instance that was left to Fenix was reported INSTANCE_ACTION_DONE once for each move

  @reply-advances @actions-own @own-cloud @control-api
  Scenario: Each project chooses for its own instances
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 0   | 0   |
    And every project has a manager that acknowledges everything
    And the EPC manager chooses LIVE_MIGRATE
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And Fenix carried out LIVE_MIGRATE for each of the 4 instances of EPC
    And Fenix carried out MIGRATE for each of the 4 instances of IMS
