Feature: No spare host
  There is room enough, but it is spread over hosts that are all in use. Fenix asks the projects on one of them for
  PREPARE_MAINTENANCE, with the same choice of actions as in PLANNED_MAINTENANCE, to make the first empty host.

  Background:
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | EPC | IMS |
      | compute-1 | 1   | 1   |
      | compute-2 | 2   | 1   |
      | compute-3 | 1   | 2   |
    And every project has a manager that acknowledges everything

  @flow-order @flow-complete @own-cloud @control-api
  Scenario: One host is emptied first where there is room and no empty host
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And the states told were MAINTENANCE, PREPARE_MAINTENANCE, PLANNED_MAINTENANCE, MAINTENANCE_COMPLETE
    And every host was maintained

  @list-fresh @list-fetched @list-current-state @own-cloud
  Scenario: An instance may be asked about again on the host that it was moved to, so each alarm's list is fetched anew
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And every manager fetched a list for each alarm that asked it
    And the instances that PREPARE_MAINTENANCE moved were asked about again in PLANNED_MAINTENANCE
    And no instance was asked about twice in PLANNED_MAINTENANCE

  @own-action-done @own-cloud @control-api
  Scenario: A project empties its part of the first host itself
    Given the EPC manager chooses OWN_ACTION
    When a maintenance of all hosts starts
    Then the session ends in MAINTENANCE_DONE
    And the states told were MAINTENANCE, PREPARE_MAINTENANCE, PLANNED_MAINTENANCE, MAINTENANCE_COMPLETE
    And every host was maintained
