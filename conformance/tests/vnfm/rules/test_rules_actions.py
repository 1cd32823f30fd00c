"""actions-cover, actions-allowed, actions-own, own-action-done."""

from __future__ import annotations

from typing import Any

import pytest

from fenix_conformance.results import Outcome

from .history import ACTION_STATES, IDS, Asked, History, bad, results, verdict

PASS, WARN, FAIL, NOT_JUDGED = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.NOT_APPLICABLE
BOTH = dict.fromkeys(IDS, "MIGRATE")


def asked_in(state: str = "PLANNED_MAINTENANCE", **about: Any) -> tuple[History, Asked]:
    """A session in which the state was asked, the alarm taken and the list fetched."""
    history = History().session()
    return history, history.get(history.deliver(history.ask(state, **about)))


def chose(actions: Any, state: str = "PLANNED_MAINTENANCE", **about: Any) -> History:
    """The same, acknowledged with these actions."""
    history, asked = asked_in(state, **about)
    history.put(asked, body={"state": "ACK_" + state, "instance_actions": actions})
    return history


@pytest.mark.parametrize("state", ACTION_STATES)
def test_actions_of_the_listed_instances(state: str) -> None:
    """One for each, of those allowed, and no other."""
    history = chose({IDS[0]: "OWN_ACTION", IDS[1]: "LIVE_MIGRATE"}, state)
    assert [verdict(f"actions-{rule}", history) for rule in ("cover", "allowed", "own")] == [PASS, PASS, PASS]


@pytest.mark.parametrize("state", ACTION_STATES)
@pytest.mark.parametrize("actions", [{}, {IDS[0]: "MIGRATE"}, None])
def test_left_out(state: str, actions: Any) -> None:
    """One of them, or all; and no other rule is broken by it."""
    assert bad(chose(actions, state)) == {"actions-cover"}


def test_no_member_at_all() -> None:
    """An ACK of the plain form."""
    history, asked = asked_in()
    history.put(asked, body={"state": "ACK_PLANNED_MAINTENANCE"}, status=422)
    found = results(history)["actions-cover"]
    assert found.outcome is FAIL
    assert "no instance_actions" in found.message


def test_one_action_for_all_is_none_for_each() -> None:
    """The member of the per-instance dialect says nothing in this one."""
    history, asked = asked_in()
    history.put(asked, body={"state": "ACK_PLANNED_MAINTENANCE", "instance_action": "MIGRATE"})
    assert verdict("actions-cover", history) is FAIL


@pytest.mark.parametrize("state", ["MAINTENANCE", "SCALE_IN", "MAINTENANCE_COMPLETE"])
def test_states_that_ask_for_no_actions(state: str) -> None:
    """Nothing is chosen."""
    history = History().session()
    history.answered(state)
    assert verdict("actions-cover", history) is NOT_JUDGED


def test_refusal_needs_no_actions() -> None:
    """What is refused is not chosen for."""
    history, asked = asked_in()
    history.put(asked, body=asked.reply("NACK_"))
    assert [verdict(f"actions-{rule}", history) for rule in ("cover", "allowed", "own")] == [NOT_JUDGED] * 3


def test_wrong_reply_that_was_put_right() -> None:
    """Refused, and sent again with all of them: the one that stands counts."""
    history, asked = asked_in()
    history.put(asked, body={"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {}}, status=422)
    history.put(asked, 0.3)
    assert bad(history) == set()


def test_instance_that_was_removed_meanwhile() -> None:
    """What is gone needs no action; it may be named all the same."""
    history, asked = asked_in()
    history.now = 0.04
    history.removed(IDS[1])
    history.put(asked, 0.05, body={"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {IDS[0]: "MIGRATE"}})
    assert bad(history) == set()
    history, asked = asked_in()
    history.now = 0.2
    history.removed(IDS[1])
    history.put(asked, 0.05, body={"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {IDS[0]: "MIGRATE"}})
    assert bad(history) == {"actions-cover"}


def test_stale_list_is_what_was_shown() -> None:
    """A fault gave it an older list: the reply is right by what was shown, and nobody is blamed for the rest."""
    history = History().session()
    asked = history.deliver(history.ask("PLANNED_MAINTENANCE"))
    history.get(asked, ids=["instance-1"], effect={"stale": True})
    history.put(asked, body={"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"instance-1": "MIGRATE"}})
    assert bad(history) == set()


@pytest.mark.parametrize("action", ["EVACUATE", "migrate", "", "MIGRATE "])
def test_action_that_does_not_exist(action: str) -> None:
    """No word of the contract."""
    assert verdict("actions-allowed", chose({**BOTH, IDS[0]: action})) is FAIL


def test_action_that_is_not_allowed_now() -> None:
    """Of the words that there are, the alarm names those allowed."""
    history = chose({**BOTH, IDS[0]: "OWN_ACTION"}, allowed=["MIGRATE", "LIVE_MIGRATE"])
    assert verdict("actions-allowed", history) is FAIL
    assert verdict("actions-allowed", chose(BOTH, allowed=["MIGRATE"])) is PASS


@pytest.mark.parametrize("actions", [{}, None, {IDS[0]: 1, IDS[1]: None}])
def test_no_action_is_a_word(actions: Any) -> None:
    """Nothing to compare; other rules see to it."""
    assert verdict("actions-allowed", chose(actions)) is NOT_JUDGED


def test_alarm_says_no_actions() -> None:
    """Where it names none, all there are will do."""
    history = History().session()
    asked = history.ask("PLANNED_MAINTENANCE")
    history.put(history.get(history.deliver(asked, allowed_actions=None)), body=asked.reply("ACK_", "LIVE_MIGRATE"))
    assert verdict("actions-allowed", history) is PASS


def test_foreign_instance() -> None:
    """One that nobody asked about; and no other rule is broken by it."""
    assert bad(chose({**BOTH, "instance-9": "MIGRATE"})) == {"actions-own"}


def test_instance_that_was_asked_about_and_is_listed_no_more() -> None:
    """It belongs to the question."""
    history = History().session()
    asked = history.deliver(history.ask("PLANNED_MAINTENANCE"))
    history.put(history.get(asked, ids=IDS[:1]))
    assert verdict("actions-own", history) is PASS


def test_per_instance() -> None:
    """One question and one reply for each instance, each to a URL of its own."""
    history = History().session()
    questions = [history.ask("PLANNED_MAINTENANCE", ids=[one], instance=one, enters=one == IDS[0]) for one in IDS]
    for question in questions:
        history.put(history.deliver(question))
    assert bad(history) == set()
    assert verdict("actions-cover", history) is PASS


@pytest.mark.parametrize(("member", "rule"), [({}, "cover"), ({"instance_action": "EVACUATE"}, "allowed")])
def test_per_instance_wrong(member: dict[str, Any], rule: str) -> None:
    """The same rules hold."""
    history = History().session()
    question = history.deliver(history.ask("PLANNED_MAINTENANCE", ids=IDS[:1], instance=IDS[0]))
    history.put(question, body={"state": "ACK_PLANNED_MAINTENANCE", **member})
    assert bad(history) == {f"actions-{rule}"}


# -- own-action-done ---------------------------------------------------------------------------------------------------


def promised() -> tuple[History, int]:
    """Both instances will be moved by the project; the window for it has begun."""
    history = chose(dict.fromkeys(IDS, "OWN_ACTION"))
    history.now = 0.5
    return history, history.timer("own_actions", 10)


@pytest.mark.parametrize("leave", ["moved", "removed"])
def test_left_the_host(leave: str) -> None:
    """Moved or removed, both will do."""
    history, _ = promised()
    history.now = 3
    for one in IDS:
        getattr(history, leave)(one)
    assert verdict("own-action-done", history) is PASS


def test_stayed() -> None:
    """One is still there when the window is over."""
    history, timer = promised()
    history.now = 3
    history.moved(IDS[0])
    history.now = 10.5
    history.event("TimerExpired", "47479bca-7f0e-11ea-99c9-2c600c9893ee", timer=timer)
    assert verdict("own-action-done", history) is FAIL
    assert "1 instances" in results(history)["own-action-done"].message


def test_window_is_not_over() -> None:
    """The recording ends before."""
    history, _ = promised()
    history.now = 3
    assert verdict("own-action-done", history) is NOT_JUDGED


def test_left_before_it_was_asked_does_not_count() -> None:
    """An older move is none of this round's."""
    history = History().session()
    history.moved(IDS[0])
    history.now = 1
    history.put(
        history.get(history.deliver(history.ask("PLANNED_MAINTENANCE", ids=IDS[:1]))),
        body={"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {IDS[0]: "OWN_ACTION"}},
    )
    history.now = 2
    timer = history.timer("own_actions", 10)
    history.now = 12
    history.event("TimerExpired", "47479bca-7f0e-11ea-99c9-2c600c9893ee", timer=timer)
    assert verdict("own-action-done", history) is FAIL


def test_promise_that_was_refused_binds_nobody() -> None:
    """It did not count."""
    history, asked = asked_in()
    history.put(asked, body=asked.reply("ACK_", "OWN_ACTION"), status=422)
    assert verdict("own-action-done", history) is NOT_JUDGED
