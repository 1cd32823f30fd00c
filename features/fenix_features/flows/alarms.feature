Feature: Alarms that come twice, late, or from the future
  Aodh sends an alarm once and does not look at the answer, but networks repeat and delay, and a later Fenix may tell of
  states that nobody knows today. A manager takes each alarm, and acts on it once.

  @duplicate-alarm
  Scenario: The same alarm again, after it was replied to, has no second effect
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything
    And the EPC manager holds back its reply to MAINTENANCE_COMPLETE
    When a maintenance of all hosts starts
    And the EPC manager is asked for MAINTENANCE_COMPLETE
    And the alarm of MAINTENANCE comes to the EPC manager again
    And the EPC manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE
    And the EPC manager took the alarm of MAINTENANCE as a duplicate
    And the EPC manager replied to MAINTENANCE once

  @duplicate-alarm
  Scenario: The same alarm again, while the first is still worked on, has no second effect
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything
    And the EPC manager holds back its reply to MAINTENANCE
    When a maintenance of all hosts starts
    And the EPC manager is asked for MAINTENANCE
    And the alarm of MAINTENANCE comes to the EPC manager again
    And the EPC manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE
    And the EPC manager took the alarm of MAINTENANCE as a duplicate
    And the EPC manager replied to MAINTENANCE once

  @duplicate-alarm @scale-in-done @own-cloud @control-api
  Scenario: SCALE_IN told twice gives up instances once
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 2   | 2   |
    And every project has a manager that acknowledges everything
    And the IMS manager holds back its reply to SCALE_IN
    When a maintenance of all hosts starts
    And the IMS manager is asked for SCALE_IN
    And the EPC manager has replied to SCALE_IN
    And the alarm of SCALE_IN comes to the EPC manager again
    Then the EPC manager took the alarm of SCALE_IN as a duplicate
    And EPC has its 4 instances
    When the IMS manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE

  @late-alarm
  Scenario: An alarm for a state that is over does no harm
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    When an alarm like that of PLANNED_MAINTENANCE comes late to the EPC manager
    Then the EPC manager is done with the late alarm
    And the session stays in MAINTENANCE_DONE
    When another maintenance of all hosts starts
    Then the second session ends in MAINTENANCE_DONE

  @unknown-tolerated
  Scenario: An alarm of an unknown state with unknown traits does not stop a manager from answering the next one
    Given projects in a cloud with a spare host
    And every project has a manager that acknowledges everything
    And the EPC manager holds back its reply to MAINTENANCE
    When a maintenance of all hosts starts
    And the EPC manager is asked for MAINTENANCE
    And an alarm of the state INSTANCE_ACTION_POSTPONED comes to the EPC manager
    And the EPC manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE
    And the EPC manager left the alarm of INSTANCE_ACTION_POSTPONED alone
