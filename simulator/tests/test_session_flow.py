"""The workflow, state by state: what a session tells whom, and where it goes next."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fenix_contract.vocabulary import State
from fenix_simulator.domain import messages as m
from fenix_simulator.domain.rules import Behaviour, Default, Dialect, Rules
from fenix_simulator.domain.transitions import TRANSITIONS, diagram, following

SPARE = ({"h0": 4, "h1": 4, "h2": 4}, [("a0", "A", "h0"), ("a1", "A", "h0"), ("b0", "B", "h1")])
NO_SPARE = ({"h0": 4, "h1": 4, "h2": 4}, [("a0", "A", "h0"), ("a1", "A", "h0"), ("a2", "A", "h1"), ("b0", "B", "h2")])
FULL = (
    {"h0": 2, "h1": 2, "h2": 2},
    [("a0", "A", "h0"), ("a1", "A", "h0"), ("b0", "B", "h1"), ("b1", "B", "h1"), ("a2", "A", "h2")],
)


def test_a_spare_host_is_maintained_first_and_each_other_one_after_its_instances_left(drive):
    """MAINTENANCE → START → PLANNED per host → COMPLETE → DONE, with the notifications that upstream sends."""
    flow = drive(*SPARE).until()
    assert flow.session.state is State.MAINTENANCE_DONE
    assert flow.told() == [
        ("A", "MAINTENANCE"),
        ("B", "MAINTENANCE"),
        ("A", "PLANNED_MAINTENANCE"),
        ("A", "INSTANCE_ACTION_DONE"),
        ("A", "INSTANCE_ACTION_DONE"),
        ("B", "PLANNED_MAINTENANCE"),
        ("B", "INSTANCE_ACTION_DONE"),
        ("A", "MAINTENANCE_COMPLETE"),
        ("B", "MAINTENANCE_COMPLETE"),
    ]
    assert [event.host for event in flow.of(m.HostMaintained)] == ["h2", "h0", "h1"]


def test_maintenance_waits_for_every_acknowledgement_and_for_maintenance_at(drive):
    flow = drive(*SPARE)
    flow.reply("A")
    assert flow.session.state is State.MAINTENANCE
    assert flow.session.awaiting() == ("B",)
    flow.reply("B")
    assert [timer.purpose for timer in flow.session.timers.values()] == [m.TimerPurpose.MAINTENANCE_AT]
    assert next(iter(flow.session.timers.values())).duration == timedelta(hours=1)
    flow.tick()
    assert flow.session.state is State.START_MAINTENANCE


def test_without_an_empty_host_the_emptiest_is_prepared(drive):
    """PREPARE picks most free vCPUs, then fewest instances, and asks only the projects there."""
    flow = drive(*NO_SPARE).until("PREPARE_MAINTENANCE")
    assert flow.session.current_host == "h1"
    assert flow.session.awaiting() == ("A",)
    assert flow.session.instance_ids("A") == ("a2",)
    assert flow.session.instance_ids("B") == ()
    assert flow.until().session.state is State.MAINTENANCE_DONE


def test_a_host_with_a_floating_ip_instance_is_prepared_last(drive):
    flow = drive(*NO_SPARE, floating=("a2",)).until("PREPARE_MAINTENANCE")
    assert flow.session.current_host == "h2"


def test_without_room_the_projects_are_asked_to_scale_in(drive):
    flow = drive(*FULL).until("SCALE_IN")
    assert flow.session.awaiting() == ("A", "B")
    flow.do(m.RemoveInstance("a2"))
    assert flow.session.state is State.SCALE_IN
    flow.acknowledge()
    assert flow.session.state is State.START_MAINTENANCE
    assert flow.until().session.state is State.MAINTENANCE_DONE


def test_scale_in_repeats_at_once_where_something_was_removed_but_not_enough(drive):
    hosts = {"h0": 2, "h1": 2}
    flow = drive(hosts, [("a0", "A", "h0"), ("a1", "A", "h0"), ("b0", "B", "h1"), ("b1", "B", "h1")])
    flow.until("SCALE_IN")
    flow.do(m.RemoveInstance("a0"))
    flow.acknowledge()
    assert flow.session.state is State.SCALE_IN
    assert flow.told("SCALE_IN") == [("A", "SCALE_IN"), ("B", "SCALE_IN")] * 2
    flow.do(m.RemoveInstance("b0"))
    flow.acknowledge()
    assert flow.session.state is State.PREPARE_MAINTENANCE


def test_scale_in_gives_up_when_nothing_is_ever_removed(drive):
    flow = drive(*FULL).until("SCALE_IN")
    flow.acknowledge()
    assert flow.session.state is State.SCALE_IN
    flow.tick()
    assert len(flow.told("SCALE_IN")) == 4
    flow.acknowledge()
    flow.tick()
    assert flow.session.state is State.MAINTENANCE_FAILED
    assert flow.session.reason == "there is no room for a host's instances: 1 vCPUs are free, 2 are needed"


def test_prepare_falls_back_to_scale_in_when_the_instances_fit_nowhere(drive):
    """Enough free vCPUs together, but no host has room for a large instance."""
    flow = drive(
        {"h0": 4, "h1": 4, "h2": 4},
        [("a0", "A", "h0"), ("b0", "B", "h1"), ("c0", "C", "h2")],
        vcpus={"a0": 2, "b0": 3, "c0": 3},
    ).until("PREPARE_MAINTENANCE")
    assert flow.session.current_host == "h0"
    flow.acknowledge()
    assert flow.session.state is State.SCALE_IN
    flow.do(m.RemoveInstance("b0"))
    flow.acknowledge()
    assert flow.until().session.state is State.MAINTENANCE_DONE


@pytest.mark.parametrize("state", ["MAINTENANCE", "SCALE_IN", "PREPARE_MAINTENANCE", "MAINTENANCE_COMPLETE"])
def test_a_nack_fails_the_session_in_every_state(drive, state):
    cloud = {"SCALE_IN": FULL, "PREPARE_MAINTENANCE": NO_SPARE}.get(state, SPARE)
    flow = drive(*cloud).until(state)
    project = flow.session.awaiting()[0]
    flow.reply(project, f"NACK_{state}")
    assert flow.session.state is State.MAINTENANCE_FAILED
    assert flow.session.reason == f"project {project} replied NACK_{state} to {state}"


@pytest.mark.parametrize("state", ["MAINTENANCE", "SCALE_IN", "PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE"])
def test_silence_fails_the_session_when_the_window_ends(drive, state):
    cloud = {"SCALE_IN": FULL, "PREPARE_MAINTENANCE": NO_SPARE}.get(state, SPARE)
    flow = drive(*cloud).until(state)
    silent = flow.session.awaiting()[-1]
    for project in flow.session.awaiting()[:-1]:
        flow.reply(project)
    flow.tick()
    assert flow.session.state is State.MAINTENANCE_FAILED
    assert flow.session.reason == f"no reply to {state} from project {silent} before the window ended"


def test_instances_of_a_project_without_a_manager_are_migrated_unasked(drive):
    flow = drive(*SPARE, managed=lambda project: project != "A").until()
    assert flow.session.state is State.MAINTENANCE_DONE
    assert "A" not in {project for project, _ in flow.told()}
    moved = [event.instance_id for event in flow.of(m.InstanceMoved)]
    assert {"a0", "a1"} <= set(moved)


@pytest.mark.parametrize(
    "rules", [Rules(default=Default.FAIL), Rules(behaviour=Behaviour.UPSTREAM)], ids=["configured", "upstream"]
)
def test_the_default_can_be_to_fail_at_once_and_nobody_is_told(drive, rules):
    flow = drive(*SPARE, rules=rules, managed=lambda project: project != "B")
    assert flow.session.state is State.MAINTENANCE_FAILED
    assert flow.told() == []
    assert flow.session.reason == "project B has no manager to ask"


def test_a_session_without_any_manager_runs_through_by_itself(drive):
    flow = drive(*SPARE, managed=lambda project: False).until()
    assert flow.session.state is State.MAINTENANCE_DONE


def test_own_action_waits_for_the_project_to_move_its_instances(drive):
    flow = drive(*SPARE).until("PLANNED_MAINTENANCE")
    flow.acknowledge("OWN_ACTION")
    assert [timer.purpose for timer in flow.session.timers.values()] == [m.TimerPurpose.OWN_ACTIONS]
    for instance_id in ("a0", "a1"):
        flow.do(m.MoveInstance(instance_id))
    assert flow.session.state is State.START_MAINTENANCE
    assert flow.told("INSTANCE_ACTION_DONE") == []
    assert flow.session.cloud.on_host("h2") == ("a0", "a1")


def test_own_action_that_is_never_done_fails_the_session(drive):
    flow = drive(*SPARE).until("PLANNED_MAINTENANCE")
    flow.acknowledge("OWN_ACTION")
    flow.tick()
    assert flow.session.state is State.MAINTENANCE_FAILED
    assert "host h0 was not emptied in time: instances a0, a1" in flow.session.reason


def test_an_instance_that_is_re_created_leaves_the_host_and_lands_on_a_maintained_one(drive):
    flow = drive(*SPARE).until("PLANNED_MAINTENANCE")
    flow.do(m.RemoveInstance("a0"))
    flow.do(m.AddInstance(m.Instance("a9", "A", "a9", 1, "")))
    assert flow.session.cloud.host_of("a9") == "h2"
    assert flow.session.instance_ids("A") == ("a1",)
    flow.reply("A", actions={"a0": "OWN_ACTION", "a1": "MIGRATE"})
    assert flow.until().session.state is State.MAINTENANCE_DONE
    assert [event.instance_id for event in flow.of(m.InstanceMoved)] == ["a1", "b0"]


def test_an_instance_removed_while_it_is_moved_gives_its_room_back(drive):
    flow = drive(*SPARE).until("PLANNED_MAINTENANCE")
    flow.acknowledge()
    assert flow.session.moving.instance_id == "a0"
    flow.do(m.RemoveInstance("a0"))
    assert flow.session.moving.instance_id == "a1"
    assert flow.until().session.state is State.MAINTENANCE_DONE
    assert flow.session.cloud.used("h0") + flow.session.cloud.used("h1") + flow.session.cloud.used("h2") == 2


def test_only_the_chosen_hosts_are_maintained(drive):
    flow = drive(*SPARE, chosen=("h0", "h2")).until()
    assert flow.session.state is State.MAINTENANCE_DONE
    assert {event.host for event in flow.of(m.HostMaintained)} == {"h0", "h2"}
    assert {project for project, _ in flow.told()} == {"A"}


def test_live_migration_takes_its_own_time(drive):
    rules = Rules(live_migrate=timedelta(seconds=7))
    flow = drive(*SPARE, rules=rules).until("PLANNED_MAINTENANCE")
    flow.acknowledge("LIVE_MIGRATE")
    assert [timer.duration for timer in flow.session.timers.values()] == [timedelta(seconds=7)]


def test_the_per_instance_dialect_asks_about_one_instance_at_a_time(drive):
    flow = drive(*SPARE, rules=Rules(dialect=Dialect.PER_INSTANCE)).until("PLANNED_MAINTENANCE")
    asked = [event for event in flow.of(m.ProjectNotified) if event.state == "PLANNED_MAINTENANCE"]
    assert [(event.instance_id, event.instance_ids) for event in asked] == [("a0", ("a0",)), ("a1", ("a1",))]
    flow.do(m.Reply("A", "ACK_PLANNED_MAINTENANCE", {"a0": "MIGRATE"}, "a0"))
    assert flow.session.awaiting() == ("A",)
    flow.do(m.Reply("A", "ACK_PLANNED_MAINTENANCE", {"a1": "MIGRATE"}, "a1"))
    assert flow.session.awaiting() == ()
    assert flow.session.moving.instance_id == "a0"


def test_a_paused_session_takes_replies_but_goes_nowhere(drive):
    flow = drive(*SPARE)
    flow.do(m.Pause())
    flow.acknowledge()
    assert flow.session.state is State.MAINTENANCE
    assert flow.session.awaiting() == ()
    timer = next(iter(flow.session.timers.values()))
    flow.do(m.Tick(timer.timer))
    flow.do(m.Resume())
    assert flow.until().session.state is State.MAINTENANCE_DONE


def test_a_restart_starts_every_open_wait_anew(drive):
    flow = drive(*SPARE)
    before = next(iter(flow.session.timers.values()))
    flow.do(m.Restart())
    after = next(iter(flow.session.timers.values()))
    assert after == replace(before, timer=before.timer + 1)
    flow.do(m.Tick(before.timer))
    assert flow.session.state is State.MAINTENANCE


def test_a_replay_of_the_events_gives_the_same_session(drive):
    flow = drive(*NO_SPARE).until()
    again = drive(*NO_SPARE).session.__class__(flow.created, flow.cloud.copy(), flow.rules, lambda project: False)
    for event in flow.history:
        again.apply(event)
    assert again.state is State.MAINTENANCE_DONE
    assert {host: again.cloud.on_host(host) for host in again.hosts} == {
        host: flow.session.cloud.on_host(host) for host in flow.session.hosts
    }
    assert (again.simulated, again.maintained, again.last) == (
        flow.session.simulated,
        flow.session.maintained,
        flow.session.last,
    )


def test_reply_at_is_a_whole_second_that_the_window_really_reaches(drive):
    """A VNFM that replies before ``reply_at`` is in time."""
    flow = drive(*SPARE)
    flow.now = flow.now + timedelta(microseconds=300)
    flow.until("PLANNED_MAINTENANCE")
    asked = next(event for event in flow.of(m.ProjectNotified) if event.state == "PLANNED_MAINTENANCE")
    window = next(timer for timer in flow.session.timers.values() if timer.purpose is m.TimerPurpose.REPLIES)
    assert asked.reply_at.microsecond == 0
    assert flow.now + window.duration == asked.reply_at


def test_upstream_tells_a_reply_at_in_the_past(drive):
    """The sign bug of the public server: now minus the window."""
    flow = drive(*SPARE, rules=Rules(behaviour=Behaviour.UPSTREAM))
    assert flow.of(m.ProjectNotified)[0].reply_at == flow.now - timedelta(seconds=20)


def test_the_table_leads_from_the_start_to_an_end_and_nowhere_else():
    reached, todo = set(), [State.MAINTENANCE]
    while todo:
        state = todo.pop()
        if state not in reached:
            reached.add(state)
            todo.extend(following(state))
    assert reached == set(State) == set(TRANSITIONS)
    assert {state for state in State if not following(state)} == {State.MAINTENANCE_DONE, State.MAINTENANCE_FAILED}
    assert all(f"{state} --> {then}" in diagram() for state in State for then in following(state))
