"""Which replies count: the strict server's refusals, cell by cell, and that a refusal changes nothing."""

from __future__ import annotations

import pytest

from fenix_contract.vocabulary import State
from fenix_simulator.domain import messages as m
from fenix_simulator.domain.errors import ReplyInvalid, ReplyNotAwaited, UnknownProject
from fenix_simulator.domain.rules import Behaviour, Dialect, Rules

CLOUD = (
    {"h0": 4, "h1": 4, "h2": 4},
    [("a0", "A", "h0"), ("a1", "A", "h0"), ("b0", "B", "h0"), ("c0", "C", "h1")],
)
BOTH = {"a0": "MIGRATE", "a1": "MIGRATE"}

REFUSED = {
    "an earlier state": ("A", "ACK_MAINTENANCE", BOTH, ReplyNotAwaited, "does not answer the state PLANNED"),
    "a later state": ("A", "ACK_MAINTENANCE_COMPLETE", BOTH, ReplyNotAwaited, "does not answer the state PLANNED"),
    "lower case": ("A", "ack_planned_maintenance", BOTH, ReplyNotAwaited, "does not answer"),
    "the bare state": ("A", "PLANNED_MAINTENANCE", BOTH, ReplyNotAwaited, "does not answer"),
    "another prefix": ("A", "OK_PLANNED_MAINTENANCE", BOTH, ReplyNotAwaited, "does not answer"),
    "a project that was not told": ("C", "ACK_PLANNED_MAINTENANCE", {}, ReplyNotAwaited, "awaits no reply from"),
    "a project without a part": ("D", "ACK_PLANNED_MAINTENANCE", {}, UnknownProject, "has no part in session"),
    "no actions": ("A", "ACK_PLANNED_MAINTENANCE", None, ReplyInvalid, "no action for a0, a1"),
    "an action missing": ("A", "ACK_PLANNED_MAINTENANCE", {"a0": "MIGRATE"}, ReplyInvalid, "no action for a1"),
    "a foreign instance": ("A", "ACK_PLANNED_MAINTENANCE", BOTH | {"b0": "MIGRATE"}, ReplyInvalid, "b0 is not asked"),
    "an own instance of another host": (
        "B",
        "ACK_PLANNED_MAINTENANCE",
        {"b0": "MIGRATE", "nowhere": "MIGRATE"},
        ReplyInvalid,
        "nowhere is not asked about",
    ),
    "an unknown action": ("A", "ACK_PLANNED_MAINTENANCE", BOTH | {"a1": "REBOOT"}, ReplyInvalid, "REBOOT is not an"),
}


@pytest.mark.parametrize(("project", "state", "actions", "error", "says"), REFUSED.values(), ids=REFUSED)
def test_a_reply_that_does_not_fit_is_refused_and_changes_nothing(drive, project, state, actions, error, says):
    flow = drive(*CLOUD).until("PLANNED_MAINTENANCE")
    events = len(flow.history)
    with pytest.raises(error, match=says) as caught:
        flow.do(m.Reply(project, state, actions))
    assert caught.value.expected or error is UnknownProject
    assert len(flow.history) == events
    assert flow.session.awaiting() == ("A", "B")


def test_the_same_reply_again_has_one_effect(drive):
    flow = drive(*CLOUD).until("PLANNED_MAINTENANCE")
    for _ in range(3):
        flow.reply("A", actions=BOTH)
    assert flow.session.awaiting() == ("B",)
    planned = [e for e in flow.of(m.ReplyAccepted) if e.project_id == "A" and e.state == "ACK_PLANNED_MAINTENANCE"]
    assert len(planned) == 1


def test_another_reply_to_the_same_state_is_refused(drive):
    flow = drive(*CLOUD).until("PLANNED_MAINTENANCE")
    flow.reply("A", actions=BOTH)
    with pytest.raises(ReplyNotAwaited, match="has already given another reply"):
        flow.reply("A", actions={"a0": "OWN_ACTION", "a1": "MIGRATE"})
    with pytest.raises(ReplyNotAwaited, match="has already given another reply"):
        flow.reply("A", "NACK_PLANNED_MAINTENANCE", {})


def test_a_repeat_is_still_taken_when_nothing_is_awaited_from_the_project_any_more(drive):
    """PUT is idempotent: a manager whose 200 was lost sends its reply again, by then perhaps too late."""
    flow = drive(*CLOUD).until("PLANNED_MAINTENANCE")
    flow.reply("A", actions=BOTH)
    flow.reply("B", actions={"b0": "MIGRATE"})
    assert flow.session.moving is not None
    flow.do(m.Reply("A", "ACK_PLANNED_MAINTENANCE", BOTH))
    done = flow.until()
    flow.do(m.Reply("A", "ACK_MAINTENANCE_COMPLETE", None))
    assert done.session.state is State.MAINTENANCE_DONE


def test_a_stale_reply_is_refused_while_the_session_awaits_another(drive):
    flow = drive(*CLOUD)
    flow.acknowledge()
    flow.until("PLANNED_MAINTENANCE")
    with pytest.raises(ReplyNotAwaited):
        flow.do(m.Reply("A", "ACK_MAINTENANCE"))


def test_nothing_is_awaited_after_the_end(drive):
    flow = drive(*CLOUD).until()
    with pytest.raises(ReplyNotAwaited, match="the session is in MAINTENANCE_DONE"):
        flow.do(m.Reply("A", "NACK_MAINTENANCE_COMPLETE"))


def test_per_instance_a_report_may_be_answered_without_effect(drive):
    """Tacker acknowledges even INSTANCE_ACTION_DONE."""
    flow = drive(*CLOUD, rules=Rules(dialect=Dialect.PER_INSTANCE)).until("PLANNED_MAINTENANCE")
    events = len(flow.history)
    flow.do(m.Reply("A", "ACK_INSTANCE_ACTION_DONE", None, "a0"))
    assert len(flow.history) == events


def test_per_instance_a_repeat_is_taken_even_when_other_instances_are_asked_about(drive):
    """Tacker sends each reply twice, from threads: the second may come late."""
    flow = drive(*CLOUD, rules=Rules(dialect=Dialect.PER_INSTANCE)).until("PLANNED_MAINTENANCE")
    first = flow.session.current_host
    for one, project in (("a0", "A"), ("a1", "A"), ("b0", "B"), ("c0", "C")):
        if flow.session.cloud.host_of(one) == first:
            flow.do(m.Reply(project, "ACK_PLANNED_MAINTENANCE", {one: "MIGRATE"}, one))
    flow.tick()
    while not flow.session.awaiting():
        flow.tick()
    assert (flow.session.state, flow.session.current_host) != ("PLANNED_MAINTENANCE", first)
    events = len(flow.history)
    flow.do(m.Reply("A", "ACK_PLANNED_MAINTENANCE", {"a0": "MIGRATE"}, "a0"))
    assert len(flow.history) == events
    with pytest.raises((ReplyInvalid, ReplyNotAwaited)):
        flow.do(m.Reply("A", "ACK_PLANNED_MAINTENANCE", {"a0": "OWN_ACTION"}, "a0"))


UPSTREAM = {
    "NACK": ("NACK_PLANNED_MAINTENANCE", {}, "MAINTENANCE_FAILED"),
    "unknown": ("FOO", None, "MAINTENANCE_FAILED"),
    "stale": ("ACK_MAINTENANCE", None, "MAINTENANCE_FAILED"),
    "lower case": ("ack_planned_maintenance", None, "MAINTENANCE_FAILED"),
    "bare state": ("PLANNED_MAINTENANCE", None, "PLANNED_MAINTENANCE"),
}


@pytest.mark.parametrize(("state", "actions", "then"), UPSTREAM.values(), ids=UPSTREAM)
def test_upstream_takes_every_reply_and_fails_by_it_later(drive, state, actions, then):
    flow = drive(*CLOUD, rules=Rules(behaviour=Behaviour.UPSTREAM)).until("PLANNED_MAINTENANCE")
    flow.do(m.Reply("A", state, actions))
    assert flow.session.state == then
    assert flow.session.project_states["A"] == state
