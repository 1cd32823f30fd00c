Feature: Own action
  A manager that replies OWN_ACTION moves the instance itself: it switches over, or re-creates it elsewhere. Fenix does
  nothing with the instance and waits until the host is empty.

  Background:
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 2   | 2   |
      | compute-2 | 2   | 2   |
      | compute-3 | 0   | 0   |
    And every project has a manager that acknowledges everything

  @own-action-done @flow-complete @own-cloud @control-api
  Scenario: Projects that move their instances themselves are waited for
    Given the EPC manager chooses OWN_ACTION
    And the IMS manager chooses OWN_ACTION
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And every host was maintained
    And EPC moved its 4 instances itself
    And IMS moved its 4 instances itself
    And no INSTANCE_ACTION_DONE was told

  @own-action-done @action-done @own-cloud @control-api
  Scenario: One project moves its instances itself and leaves the other's to Fenix
    Given the EPC manager chooses OWN_ACTION
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And EPC moved its 4 instances itself
    And each instance that was left to Fenix was reported INSTANCE_ACTION_DONE once for each move

  @own-action-done @own-cloud @control-api
  Scenario: An instance that its project promised to move and left behind fails the session
    Given the EPC manager chooses OWN_ACTION and then moves nothing
    And Fenix waits 1 second for own actions
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_FAILED
    And the reason says that the host was not emptied in time
    And EPC has its 4 instances, IMS has its 4 instances
