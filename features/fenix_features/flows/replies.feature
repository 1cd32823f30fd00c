Feature: Replies that come late, again, or wrong
  A reply counts for the state that the session is in, once, and for the project's own instances. Whatever else is sent
  changes nothing, and the right reply is still taken.

  @reply-repeat @reply-once @two-projects
  Scenario: The same reply again has one effect
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything
    And the IMS manager holds back its reply to MAINTENANCE
    When a maintenance of all hosts starts
    And the IMS manager is asked for MAINTENANCE
    And the EPC manager has replied to MAINTENANCE
    And EPC sends its reply to MAINTENANCE again
    Then it is answered 200
    And the session stays in MAINTENANCE
    When the IMS manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE
    And the alarms of every manager followed the workflow

  @reply-repeat @action-done @own-cloud
  Scenario: The same reply to PLANNED_MAINTENANCE again moves no instance twice
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
    And EPC sends its reply to PLANNED_MAINTENANCE again
    Then it is answered 200
    When the IMS manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE
    And each instance that was left to Fenix was reported INSTANCE_ACTION_DONE once for each move

  @reply-other-state @flow-complete
  Scenario: A reply to a session that is over changes nothing
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    When EPC sends its reply to PLANNED_MAINTENANCE again
    Then the session stays in MAINTENANCE_DONE
    And each instance that was left to Fenix was reported INSTANCE_ACTION_DONE once for each move

  @reply-in-time @own-cloud @control-api
  Scenario: A late reply is refused and nothing is moved
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 0   | 0   |
    And every project has a manager that acknowledges everything
    And the EPC manager holds back its reply to PLANNED_MAINTENANCE
    And a short reply window for PLANNED_MAINTENANCE
    When a maintenance of all hosts starts
    And the EPC manager is asked for PLANNED_MAINTENANCE
    Then the session ends in MAINTENANCE_FAILED
    When the EPC manager sends the reply that it held back
    Then the reply of the EPC manager to PLANNED_MAINTENANCE is refused with 409
    And the session stays in MAINTENANCE_FAILED
    And no instance was moved

  @reply-other-state @reply-state
  Scenario Outline: Only ACK_ and the state that is asked is an acknowledgement
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything
    And the EPC manager holds back its reply to MAINTENANCE_COMPLETE
    When a maintenance of all hosts starts
    And the EPC manager is asked for MAINTENANCE_COMPLETE
    And EPC sends <reply> by hand
    Then the session is not in MAINTENANCE_DONE

    Examples:
      | reply                        |
      | ACK_MAINTENANCE              |
      | ACK_SCALE_IN                 |
      | MAINTENANCE_COMPLETE         |
      | ack_maintenance_complete     |
      | PERHAPS_MAINTENANCE_COMPLETE |

  @reply-foreign-instance @actions-own @two-projects
  Scenario: An action for another project's instance has no effect on it
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything
    And the EPC manager holds back its reply to PLANNED_MAINTENANCE
    And the IMS manager holds back its reply to PLANNED_MAINTENANCE
    When a maintenance of all hosts starts
    And the EPC manager is asked for PLANNED_MAINTENANCE
    And EPC sends a reply that names the instances of IMS as well
    Then no instance of IMS is moved unless IMS has replied so
    And nobody but IMS was told of a move of an instance of IMS

  @reply-other-state @reply-malformed @reply-action-allowed @reply-foreign-instance @own-cloud @control-api
  Scenario Outline: A reply that is wrong is refused, and the right one is still taken
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 0   | 0   |
    And every project has a manager that acknowledges everything
    And the EPC manager holds back its reply to PLANNED_MAINTENANCE
    When a maintenance of all hosts starts
    And the EPC manager is asked for PLANNED_MAINTENANCE
    And EPC sends a reply that <is wrong>
    Then it is refused with <status>, and told what was awaited
    And the session still awaits EPC in PLANNED_MAINTENANCE
    When the EPC manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE

    Examples:
      | is wrong                           | status |
      | acknowledges MAINTENANCE once more | 409    |
      | acknowledges SCALE_IN              | 409    |
      | names the bare state               | 422    |
      | names no actions                   | 422    |
      | leaves a listed instance out       | 422    |
      | names an instance of IMS           | 422    |
      | names an instance that nobody has  | 422    |
      | chooses the action REBOOT          | 422    |
      | is not JSON                        | 400    |

  @reply-once @own-cloud @control-api
  Scenario: A second, different reply to a state is refused, and the first one counts
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
    And EPC sends NACK_PLANNED_MAINTENANCE by hand
    Then it is refused with 409, and told what was awaited
    When the IMS manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE
