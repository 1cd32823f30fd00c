Feature: An instance is re-created in the middle of a maintenance
  A project goes on living while its hosts are maintained: it may heal or replace an instance at any moment. The new
  instance lands on a host that is done, so it is not asked about; the one that is gone is not asked about any more.

  Background:
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 0   | 0   |
    And every project has a manager that acknowledges everything

  @list-current-state @list-fresh @own-cloud @control-api
  Scenario: An instance re-created in PLANNED_MAINTENANCE is in no list again, neither the old one nor the new one
    Given the EPC manager is slow to take up PLANNED_MAINTENANCE
    When a maintenance of all hosts starts
    And the EPC manager is asked for PLANNED_MAINTENANCE
    And EPC re-creates an instance of the host that is to be emptied
    And the EPC manager goes on
    Then the session ends in MAINTENANCE_DONE
    And neither the instance that is gone nor the new one was asked about
    And every host was maintained
    And EPC has its 4 instances, IMS has its 4 instances

  @reply-advances @action-done @own-cloud @control-api
  Scenario: A reply that still names an instance that is gone is taken
    Given the EPC manager holds back its reply to PLANNED_MAINTENANCE
    When a maintenance of all hosts starts
    And the EPC manager is asked for PLANNED_MAINTENANCE
    And EPC re-creates an instance of the host that is to be emptied
    And the EPC manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE
    And every reply was taken
    And the instance that is gone was not reported INSTANCE_ACTION_DONE
    And EPC has its 4 instances, IMS has its 4 instances
