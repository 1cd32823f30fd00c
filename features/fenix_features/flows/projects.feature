Feature: Several projects, with and without managers
  Most hosts carry instances of several projects. Each project is asked about its own instances only; one without a
  manager is not asked at all.

  @list-scoped @alarm-addressed @two-projects
  Scenario: Each project hears of its own instances only
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And no list of EPC had an instance of IMS, and no list of IMS one of EPC
    And every alarm named its session and its project

  @reply-all @list-current-state @own-cloud @control-api
  Scenario: Two projects on one host are both asked, and nothing moves before both have replied
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 0   | 0   |
    And every project has a manager that acknowledges everything
    And the IMS manager holds back its reply to PLANNED_MAINTENANCE
    When a maintenance of all hosts starts
    And the IMS manager is asked for PLANNED_MAINTENANCE
    And the EPC manager has replied to PLANNED_MAINTENANCE
    Then the session stays in PLANNED_MAINTENANCE
    And no instance was moved
    When the IMS manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE
    And EPC was asked about 4 instances in PLANNED_MAINTENANCE, IMS about 4

  @flow-once @alarm-addressed @own-cloud @control-api
  Scenario: A project without an instance on the host is not asked about it
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 3   | 0   |
      | compute-2 | 0   | 3   |
      | compute-3 | 2   | 2   |
      | compute-4 | 0   | 0   |
    And every project has a manager that acknowledges everything
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And every manager was told PLANNED_MAINTENANCE 2 times

  @default-behaviour @two-projects
  Scenario: A project without a manager does not keep the session waiting
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything
    And IMS has no manager
    When a maintenance of all hosts starts
    Then the session ends

  @default-behaviour @own-cloud @control-api
  Scenario: The instances of a project without a manager are migrated unasked
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 0   | 0   |
    And every project has a manager that acknowledges everything
    And IMS has no manager
    And Fenix migrates the instances of a project without a manager
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And every host was maintained
    And Fenix carried out MIGRATE for each of the 4 instances of IMS
    And no list of EPC had an instance of IMS

  @default-behaviour @own-cloud @control-api
  Scenario: A Fenix that insists on managers fails the session before anybody is told
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 0   | 0   |
    And every project has a manager that acknowledges everything
    And IMS has no manager
    And Fenix fails a session in which a project has no manager
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_FAILED
    And the reason names IMS
    And the EPC manager was told nothing
