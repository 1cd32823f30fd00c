Feature: Two sessions at once
  An administrator may maintain two availability zones at the same time. Projects with instances in both take part in
  both sessions; session_id, the list and the place of the reply belong together.

  Background:
    Given this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:
      | host      | zone | EPC | IMS |
      | compute-1 | az1  | 2   | 2   |
      | compute-2 | az1  | 0   | 0   |
      | compute-3 | az2  | 2   | 2   |
      | compute-4 | az2  | 0   | 0   |
    And every project has a manager that acknowledges everything

  @sessions-apart @sessions-independent @own-cloud
  Scenario: Two sessions side by side both come to their end
    When a maintenance of the hosts in zone az1 starts
    And a maintenance of the hosts in zone az2 starts
    Then both sessions end in MAINTENANCE_DONE
    And in both sessions the alarms of every manager followed the workflow
    And every reply went to the session that had asked

  @sessions-independent @sessions-apart @own-cloud
  Scenario: A manager that keeps one session waiting does not hold the other up
    Given the EPC manager holds back its reply to MAINTENANCE
    When a maintenance of the hosts in zone az1 starts
    And the EPC manager is asked for MAINTENANCE
    And a maintenance of the hosts in zone az2 starts
    Then the second session ends in MAINTENANCE_DONE
    And the session stays in MAINTENANCE
    When the EPC manager sends the reply that it held back
    Then both sessions end in MAINTENANCE_DONE
