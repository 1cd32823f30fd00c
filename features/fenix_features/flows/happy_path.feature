Feature: A rolling maintenance from the announcement to the end
  Fenix maintains one host after the other. By an alarm it tells the manager of each project what is next; the manager
  fetches the list of its instances that this is about and replies. Nothing goes on before all have replied.

  Background:
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything

  @flow-complete @flow-order @reply-advances @reply-200 @reply-sent
  Scenario: Managers that acknowledge everything are led from the announcement to the end
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And every manager was told MAINTENANCE first, and once
    And every manager was told MAINTENANCE_COMPLETE last, and once
    And the alarms of every manager followed the workflow
    And every reply was taken

  @flow-every-instance @flow-once @list-current-state @actions-cover
  Scenario: Every instance is asked about before the maintenance is complete, and none twice in PLANNED_MAINTENANCE
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And every instance that MAINTENANCE listed was asked about
    And no instance was asked about twice in PLANNED_MAINTENANCE

  @action-done @done-silent
  Scenario: Fenix reports each instance that it has moved
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And each instance that was left to Fenix was reported INSTANCE_ACTION_DONE once for each move
    And every manager heard of the instances that were moved before it was asked again
    And nobody replied to INSTANCE_ACTION_DONE

  @alarm-traits @alarm-link @alarm-addressed @alarm-length @alarm-actions
  Scenario: An alarm tells what is asked and of whom, and links to the list and the place of the reply
    When a maintenance of all hosts starts, with metadata longer than 255 characters
    Then the session ends in MAINTENANCE_DONE
    And every alarm named its session and its project
    And every alarm that asks for a reply linked to the list and to the place of the reply
    And the alarms of PLANNED_MAINTENANCE named the actions to choose from
    And no text in an alarm was longer than 255 characters

  @alarm-deadline @reply-in-time
  Scenario: Every reply comes before the instant that its alarm names
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And every reply was taken before its alarm's reply_at

  @reply-needed @reply-all @two-projects
  Scenario Outline: Fenix waits for a project that has not replied yet
    Given the IMS manager holds back its reply to <state>
    When a maintenance of all hosts starts
    And the IMS manager is asked for <state>
    Then the session waits in <state>, and IMS is told nothing more
    When the IMS manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE

    Examples:
      | state                |
      | MAINTENANCE          |
      | PLANNED_MAINTENANCE  |
      | MAINTENANCE_COMPLETE |

  @reply-200 @alarm-accepted
  Scenario: A manager may fetch its list and reply while the alarm's own request is still open
    Given every manager answers an alarm only after its own requests
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And every reply was taken

  @flow-complete @ids-opaque @own-cloud @control-api
  Scenario: At the end every host is maintained and every instance is still there
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 3   | 0   |
      | compute-2 | 0   | 3   |
      | compute-3 | 2   | 2   |
      | compute-4 | 0   | 0   |
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And the states told were MAINTENANCE, PLANNED_MAINTENANCE, MAINTENANCE_COMPLETE
    And every host was maintained
    And EPC has its 5 instances, IMS has its 5 instances
