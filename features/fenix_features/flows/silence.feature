Feature: Silence
  A manager that takes its alarm and never replies does not hold a maintenance up for ever: the reply window ends.

  @reply-silence
  Scenario Outline: A session does not wait longer than the reply window for a silent manager
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything
    And the EPC manager leaves <state> unanswered
    And the shortest reply window that Fenix offers for <state>
    When a maintenance of all hosts starts
    Then the session fails or goes on once the reply window of <state> is over

    Examples:
      | state                |
      | MAINTENANCE          |
      | PLANNED_MAINTENANCE  |
      | MAINTENANCE_COMPLETE |

  @reply-silence @reply-sent @own-cloud @control-api
  Scenario Outline: Silence in a cloud with a spare host fails the session when the window ends
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 0   | 0   |
    And every project has a manager that acknowledges everything
    And the EPC manager leaves <state> unanswered
    And a short reply window for <state>
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_FAILED
    And it did not end before the reply window of <state> was over
    And the last state that EPC was told is <state>
    And the reason names EPC

    Examples:
      | state                |
      | MAINTENANCE          |
      | PLANNED_MAINTENANCE  |
      | MAINTENANCE_COMPLETE |

  @reply-silence @reply-sent @own-cloud @control-api
  Scenario: Silence in SCALE_IN fails the session when the window ends
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 2   | 2   |
    And every project has a manager that acknowledges everything
    And the EPC manager leaves SCALE_IN unanswered
    And a short reply window for SCALE_IN
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_FAILED
    And it did not end before the reply window of SCALE_IN was over
    And the reason names EPC

  @reply-silence @reply-sent @own-cloud @control-api
  Scenario: Silence in PREPARE_MAINTENANCE fails the session when the window ends and moves nothing
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 1   | 1   |
      | compute-2 | 2   | 1   |
      | compute-3 | 1   | 2   |
    And every project has a manager that acknowledges everything
    And the EPC manager leaves PREPARE_MAINTENANCE unanswered
    And a short reply window for PREPARE_MAINTENANCE
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_FAILED
    And it did not end before the reply window of PREPARE_MAINTENANCE was over
    And the reason names EPC
    And no instance was moved
