Feature: NACK
  A project that cannot take part replies NACK and the state. That is an answer, and it is not an acknowledgement.

  @reply-nack @reply-200 @nack-honest @reply-state
  Scenario Outline: A NACK ends the session
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything
    And the EPC manager answers <state> with NACK
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_FAILED
    And the EPC manager replied to <state> once
    And the last state that EPC was told is <state>
    And nobody was told of a state that follows <state>

    Examples:
      | state                |
      | MAINTENANCE          |
      | PLANNED_MAINTENANCE  |
      | MAINTENANCE_COMPLETE |

  @reply-nack @nack-honest @own-cloud @control-api
  Scenario: A NACK to SCALE_IN ends the session
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 2   | 2   |
    And every project has a manager that acknowledges everything
    And the EPC manager answers SCALE_IN with NACK
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_FAILED
    And the last state that EPC was told is SCALE_IN
    And the reason names EPC

  @reply-nack @nack-honest @own-cloud @control-api
  Scenario: A NACK to PREPARE_MAINTENANCE ends the session and moves nothing
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 1   | 1   |
      | compute-2 | 2   | 1   |
      | compute-3 | 1   | 2   |
    And every project has a manager that acknowledges everything
    And the EPC manager answers PREPARE_MAINTENANCE with NACK
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_FAILED
    And the last state that EPC was told is PREPARE_MAINTENANCE
    And the reason names EPC
    And no instance was moved
