Feature: The server is killed in the middle of a session
  With a journal a session outlives its server: what was answered 200 counts, and the session goes on where it was.

  Background:
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 0   | 0   |
    And every project has a manager that acknowledges everything
    And Fenix keeps a journal

  @reply-advances @flow-complete @flow-once @own-cloud @control-api @restart
  Scenario: A session whose server was killed in PLANNED_MAINTENANCE goes on to its end
    Given the EPC manager holds back its reply to PLANNED_MAINTENANCE
    When a maintenance of all hosts starts
    And the EPC manager is asked for PLANNED_MAINTENANCE
    And Fenix is killed
    And Fenix starts again
    Then the session stays in PLANNED_MAINTENANCE
    When the EPC manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE
    And every host was maintained
    And the alarms of every manager followed the workflow
    And no instance was asked about twice in PLANNED_MAINTENANCE

  @reply-200 @reply-all @own-cloud @control-api @restart
  Scenario: A reply that was answered 200 is not asked for again
    Given the IMS manager holds back its reply to MAINTENANCE
    When a maintenance of all hosts starts
    And the IMS manager is asked for MAINTENANCE
    And the EPC manager has replied to MAINTENANCE
    And Fenix is killed
    And Fenix starts again
    Then the session awaits IMS only
    When the IMS manager sends the reply that it held back
    Then the session ends in MAINTENANCE_DONE
    And the EPC manager replied to MAINTENANCE once

  @retry @own-cloud @control-api @restart
  Scenario: A manager that cannot reach the server tries again until it is back
    Given the EPC manager holds back its reply to PLANNED_MAINTENANCE
    When a maintenance of all hosts starts
    And the EPC manager is asked for PLANNED_MAINTENANCE
    And Fenix is killed
    And the EPC manager sends the reply that it held back
    And the EPC manager has tried in vain
    And Fenix starts again
    Then the session ends in MAINTENANCE_DONE
    And every reply was taken
