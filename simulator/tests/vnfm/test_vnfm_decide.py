"""The decisions: what is replied to an alarm, and which instances are given up."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenix_contract.alarm import AlarmMessage, decode
from fenix_contract.vocabulary import ACTION_STATES, REPLY_STATES, Action, State
from fenix_vnfm import CloudInstance, Policy
from fenix_vnfm.decide import choose_removals, decide

ALL = ("MIGRATE", "LIVE_MIGRATE", "OWN_ACTION")
URL = "http://fenix/v1/maintenance/s/p"
PLAIN = [str(state) for state in REPLY_STATES if state not in ACTION_STATES]


def message(state: str, allowed: tuple[str, ...] = ALL, instance_ids: str = URL) -> AlarmMessage:
    return AlarmMessage(
        "maintenance.scheduled",
        {"state": state, "session_id": "s", "instance_ids": instance_ids, "allowed_actions": str(list(allowed))},
    )


@pytest.mark.parametrize("state", PLAIN)
def test_a_state_without_actions_is_acknowledged_with_its_own_word_only(state: str) -> None:
    assert decide(message(state, ()), ("a",), Policy()) == {"state": f"ACK_{state}"}
    assert decide(message(state, ()), None, Policy()) == {"state": f"ACK_{state}"}


@pytest.mark.parametrize("state", ACTION_STATES)
@pytest.mark.parametrize(
    ("wanted", "allowed", "can_move", "expected"),
    [
        (Action.MIGRATE, ALL, False, "MIGRATE"),
        (Action.LIVE_MIGRATE, ALL, False, "LIVE_MIGRATE"),
        (Action.OWN_ACTION, ALL, True, "OWN_ACTION"),
        (Action.OWN_ACTION, ALL, False, "MIGRATE"),
        (Action.MIGRATE, ("LIVE_MIGRATE", "OWN_ACTION"), False, "LIVE_MIGRATE"),
        (Action.MIGRATE, ("OWN_ACTION",), True, "OWN_ACTION"),
        (Action.LIVE_MIGRATE, ("OWN_ACTION", "MIGRATE"), False, "MIGRATE"),
        (Action.LIVE_MIGRATE, (), False, "LIVE_MIGRATE"),
        (Action.MIGRATE, ("FLY", "LIVE_MIGRATE"), False, "LIVE_MIGRATE"),
    ],
)
def test_each_listed_instance_gets_an_action_that_is_allowed_and_possible(
    state: State, wanted: Action, allowed: tuple[str, ...], can_move: bool, expected: str
) -> None:
    reply = decide(message(state, allowed), ("a", "b"), Policy(action=wanted), can_move=can_move)
    assert reply == {"instance_actions": {"a": expected, "b": expected}, "state": f"ACK_{state}"}


@pytest.mark.parametrize("allowed", [("OWN_ACTION",), ("FLY",)])
def test_what_the_project_cannot_do_is_refused(allowed: tuple[str, ...]) -> None:
    assert decide(message("PLANNED_MAINTENANCE", allowed), ("a",), Policy()) == {"state": "NACK_PLANNED_MAINTENANCE"}


@pytest.mark.parametrize("state", ACTION_STATES)
def test_without_the_list_actions_cannot_be_named_and_the_state_is_refused(state: State) -> None:
    assert decide(message(state), None, Policy()) == {"state": f"NACK_{state}"}


def test_an_empty_list_is_acknowledged_with_no_actions() -> None:
    reply = decide(message("PLANNED_MAINTENANCE"), (), Policy())
    assert reply == {"instance_actions": {}, "state": "ACK_PLANNED_MAINTENANCE"}


def test_the_action_may_differ_from_instance_to_instance() -> None:
    chosen = Policy(action={"a": Action.LIVE_MIGRATE})
    reply = decide(message("PLANNED_MAINTENANCE"), ("a", "b"), chosen)
    assert reply is not None
    assert reply["instance_actions"] == {"a": "LIVE_MIGRATE", "b": "MIGRATE"}
    seen: list[tuple[str, str]] = []

    def choose(instance_id: str, alarm: AlarmMessage) -> Action:
        seen.append((instance_id, alarm.state))
        return Action.LIVE_MIGRATE

    reply = decide(message("PLANNED_MAINTENANCE"), ("a",), Policy(action=choose))
    assert reply is not None
    assert reply["instance_actions"] == {"a": "LIVE_MIGRATE"}
    assert seen == [("a", "PLANNED_MAINTENANCE")]


@pytest.mark.parametrize("ids", ["['a']", "a"])
def test_an_alarm_about_one_instance_is_answered_in_its_own_dialect(ids: str) -> None:
    asked = message("PLANNED_MAINTENANCE", instance_ids=ids)
    reply = decide(asked, asked.instance_id_list, Policy())
    assert reply == {"instance_action": "MIGRATE", "state": "ACK_PLANNED_MAINTENANCE"}


@pytest.mark.parametrize("state", REPLY_STATES)
def test_a_policy_can_refuse_a_state_or_leave_it_unanswered(state: State) -> None:
    assert decide(message(state), ("a",), Policy(nack=frozenset({state}))) == {"state": f"NACK_{state}"}
    assert decide(message(state), ("a",), Policy(silent=frozenset({state}))) is None


@pytest.mark.parametrize("state", ["INSTANCE_ACTION_DONE", "START_MAINTENANCE", "MAINTENANCE_DONE", "HELLO", ""])
def test_a_state_that_awaits_no_reply_gets_none(state: str) -> None:
    assert decide(message(state), ("a",), Policy()) is None


def test_scale_in_without_room_is_refused_only_where_the_policy_says_so() -> None:
    asked = message("SCALE_IN", ())
    assert decide(asked, (), Policy(), made_room=False) == {"state": "ACK_SCALE_IN"}
    strict = Policy(nack_when_unable=True)
    assert decide(asked, (), strict, made_room=False) == {"state": "NACK_SCALE_IN"}
    assert decide(asked, (), strict, made_room=True) == {"state": "ACK_SCALE_IN"}


@settings(max_examples=100, deadline=None)
@given(
    state=st.sampled_from(sorted(REPLY_STATES)),
    listed=st.one_of(st.none(), st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=6)),
    wanted=st.dictionaries(st.text(min_size=1, max_size=8), st.sampled_from(list(Action)), max_size=4),
    allowed=st.lists(st.sampled_from([*ALL, "FLY"]), unique=True),
    can_move=st.booleans(),
)
def test_a_reply_covers_exactly_what_was_listed_with_what_is_allowed(
    state: str, listed: list[str] | None, wanted: dict[str, Action], allowed: list[str], can_move: bool
) -> None:
    """actions-cover, actions-own, actions-allowed, reply-state."""
    reply = decide(message(state, tuple(allowed)), listed, Policy(action=wanted), can_move=can_move)
    assert reply is not None
    assert reply["state"] in (f"ACK_{state}", f"NACK_{state}")
    actions = reply.get("instance_actions")
    assert (actions is not None) == (state in ACTION_STATES and reply["state"].startswith("ACK_"))
    if actions is not None:
        assert list(actions) == listed
        assert set(actions.values()) <= set(allowed or ALL)
        assert can_move or "OWN_ACTION" not in actions.values()


# -- giving up -------------------------------------------------------------------------------------------------------


def instance(name: str, vcpus: int = 2, *, floating_ip: bool = False) -> CloudInstance:
    return CloudInstance(f"id of {name}", "p", name, vcpus, floating_ip=floating_ip)


@pytest.mark.parametrize(
    ("names", "policy", "expected"),
    [
        (["v-1", "v-2", "v-3", "v-4", "v-5", "v-6"], Policy(), ["v-6", "v-5"]),
        (["v-9", "v-10", "v-8"], Policy(), ["v-10"]),
        (["v-1", "v-2", "v-3", "v-4"], Policy(), ["v-4", "v-3"]),
        (["v-1", "v-2"], Policy(), ["v-2"]),
        (["v-1"], Policy(), []),
        (["v-1"], Policy(scale_in_minimum=0), ["v-1"]),
        ([], Policy(), []),
        (["v-1", "v-2", "v-3"], Policy(scale_in_share=1, scale_in_minimum=2), ["v-3"]),
        (["v-1", "v-2", "v-3"], Policy(scale_in_share=0), []),
        (["a", "b", "v-1"], Policy(), ["v-1"]),
        (["v-1-rev2", "v-2-rev1"], Policy(), ["v-1-rev2"]),
    ],
)
def test_the_highest_numbered_go_first_and_never_below_the_minimum(
    names: list[str], policy: Policy, expected: list[str]
) -> None:
    assert [one.name for one in choose_removals([instance(name) for name in names], policy)] == expected


def test_an_instance_with_a_floating_ip_goes_last() -> None:
    some = [instance("v-1"), instance("v-2"), instance("v-3", floating_ip=True)]
    assert [one.name for one in choose_removals(some, Policy())] == ["v-2"]
    assert [one.name for one in choose_removals(some, Policy(scale_in_share=1))] == ["v-2", "v-1"]


def test_the_share_is_one_of_vcpus() -> None:
    some = [instance("v-1", 8), instance("v-2", 2), instance("v-3", 2)]
    assert [one.name for one in choose_removals(some, Policy())] == ["v-3", "v-2"]


@settings(max_examples=100, deadline=None)
@given(
    sizes=st.lists(st.integers(1, 16), max_size=12),
    share=st.floats(0, 1),
    minimum=st.integers(0, 5),
)
def test_the_share_is_reached_unless_the_minimum_forbids_and_not_exceeded_by_more_than_one(
    sizes: list[int], share: float, minimum: int
) -> None:
    some = [instance(f"v-{number}", size) for number, size in enumerate(sizes)]
    policy = Policy(scale_in_share=share, scale_in_minimum=minimum)
    chosen = choose_removals(some, policy)
    assert len(some) - len(chosen) >= min(minimum, len(some))
    given_up = sum(one.vcpus for one in chosen)
    goal = share * sum(sizes)
    if given_up < goal - 1e-6:
        assert len(some) - len(chosen) == min(minimum, len(some))
    if chosen:
        assert given_up - chosen[-1].vcpus < goal


def test_the_decoded_bytes_of_an_alarm_lead_to_the_reply(alarm: Callable[..., bytes]) -> None:
    reply = decide(decode(alarm("PLANNED_MAINTENANCE")), ("x",), Policy())
    assert reply == {"instance_actions": {"x": "MIGRATE"}, "state": "ACK_PLANNED_MAINTENANCE"}
