Feature: Scale-in
  In a full cloud no host can be emptied. Fenix asks the projects for SCALE_IN, and again as long as there is no room
  for the instances of one host. After MAINTENANCE_COMPLETE the projects may grow back.

  Background:
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 2   | 2   |
    And every project has a manager that acknowledges everything

  @scale-in-done @flow-order @own-cloud @control-api
  Scenario: The projects make room in SCALE_IN before a host is emptied
    Given the EPC manager holds back its reply to PREPARE_MAINTENANCE
    When a maintenance of all hosts starts
    And the EPC manager is asked for PREPARE_MAINTENANCE
    Then at least 8 vCPUs are free in the cloud
    When the EPC manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE
    And the states told were MAINTENANCE, SCALE_IN, PREPARE_MAINTENANCE, PLANNED_MAINTENANCE, MAINTENANCE_COMPLETE
    And no instance that was given up was asked about

  @scale-in-done @reply-advances @own-cloud @control-api
  Scenario: SCALE_IN is repeated until there is room
    Given every manager gives up one instance at each SCALE_IN
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And every manager was told SCALE_IN 2 times
    And every manager gave up 2 instances

  @scale-out @own-cloud @control-api
  Scenario: After MAINTENANCE_COMPLETE the projects are back at their size
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And every manager was told SCALE_IN 1 time
    And every manager added again what it gave up
    And EPC has its 6 instances, IMS has its 6 instances

  @scale-in-done @flow-order @own-cloud @control-api
  Scenario: A session in which nobody makes room ends
    Given every manager gives up nothing at SCALE_IN
    And a reply window of 1 second for SCALE_IN
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_FAILED
    And the reason says that there is no room
    And EPC has its 6 instances, IMS has its 6 instances

  @nack-honest @reply-nack @own-cloud @control-api
  Scenario: A manager that can spare nothing says so instead of keeping Fenix waiting
    Given the EPC manager refuses SCALE_IN because it can spare nothing
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_FAILED
    And the reason names EPC
    And EPC has its 6 instances
