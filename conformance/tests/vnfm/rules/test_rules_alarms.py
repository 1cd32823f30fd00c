"""alarm-accepted, alarm-prompt, done-silent."""

from __future__ import annotations

from typing import Any

import pytest

from fenix_conformance.results import Outcome

from .history import IDS, Asked, History, bad, results, verdict

PASS, WARN, FAIL, NOT_JUDGED = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.NOT_APPLICABLE


def told(**delivery: Any) -> History:
    """One question, whose alarm is delivered so."""
    history = History().session()
    history.deliver(history.ask("MAINTENANCE"), **delivery)
    return history


def reported(**delivery: Any) -> tuple[History, Asked]:
    """A session in which an instance is reported as done."""
    history = History().session()
    history.answered("PLANNED_MAINTENANCE")
    return history, history.deliver(history.report(IDS[0]), **delivery)


def test_an_alarm_over_a_connection_that_was_closed_is_sent_anew() -> None:
    """Either end may close a connection that is kept; what came of the second try counts."""
    history = History().session()
    asked = history.ask("MAINTENANCE")
    history.deliver(asked, status=None, final=False)
    history.put(history.get(history.deliver(asked, 0.02)))
    assert bad(history) == set()
    assert verdict("alarm-accepted", told(status=None, final=False)) is NOT_JUDGED


@pytest.mark.parametrize(("latency", "outcome"), [(4.9, PASS), (5.1, PASS), (5.4, FAIL)])
def test_an_answer_belongs_into_the_window(latency: float, outcome: Outcome) -> None:
    """Whoever works in the handler may take all of it, and not more."""
    history = History().session()
    history.put(history.get(history.deliver(history.ask("MAINTENANCE"), latency=latency)))
    history.now = 8.0
    assert verdict("alarm-accepted", history) is outcome


@pytest.mark.parametrize(("latency", "outcome"), [(4.9, PASS), (5.4, FAIL)])
def test_a_report_is_answered_within_a_window_too(latency: float, outcome: Outcome) -> None:
    """Nobody waits for a reply to it, and the alarms behind it wait for its answer."""
    history, _ = reported(latency=latency)
    assert verdict("alarm-accepted", history) is outcome


def test_who_works_on_it_was_told_although_the_alarm_got_no_answer() -> None:
    """The handler took too long: what it did, and did not do, is judged all the same."""
    history = History().session()
    asked = history.deliver(history.ask("MAINTENANCE"), status=None, latency=6.9)
    history.put(history.get(asked), 5.5, status=409)
    history.now = 8.0
    assert bad(history) == {"alarm-accepted", "reply-in-time"}
    silent = History().session()
    silent.get(silent.deliver(silent.ask("MAINTENANCE"), status=None, latency=6.9))
    silent.now = 8.0
    assert bad(silent) == {"alarm-accepted", "reply-sent"}


@pytest.mark.parametrize(
    ("delivery", "outcome"),
    [
        ({}, PASS),
        ({"status": 201}, PASS),
        ({"status": 202}, PASS),
        ({"status": 204}, PASS),
        ({"status": 500}, FAIL),
        ({"status": 404}, FAIL),
        ({"status": 302}, FAIL),
        ({"status": None}, FAIL),
        ({"status": None, "effect": {"drop": True}}, NOT_JUDGED),
        ({"status": 400, "effect": {"truncate": 100}}, NOT_JUDGED),
        ({"status": 400, "effect": {"malformed": True}}, NOT_JUDGED),
        ({"status": 415, "effect": {"content_type": "text/plain"}}, NOT_JUDGED),
        ({"status": 400, "effect": {"crop": "reply_url"}}, NOT_JUDGED),
        ({"status": 500, "effect": {"traits": {"risk": 1}}, "risk": 1}, FAIL),
        ({"status": 200, "effect": {"traits": {"risk": 1}}, "risk": 1}, PASS),
        ({"status": 500, "effect": {"delay": "1s"}}, FAIL),
    ],
)
def test_alarm_accepted(delivery: dict[str, Any], outcome: Outcome) -> None:
    """Any 2xx will do; what a fault has spoiled may be refused."""
    assert verdict("alarm-accepted", told(**delivery)) is outcome


@pytest.mark.parametrize(("status", "outcome"), [(200, PASS), (400, NOT_JUDGED), (422, NOT_JUDGED), (500, FAIL)])
def test_unknown_state_may_be_refused(status: int, outcome: Outcome) -> None:
    """4xx says that it was not understood, which is true; 5xx says that something broke."""
    history = History().session()
    effect = {"traits": {"state": "POSTPONED"}}
    history.deliver(history.report(IDS[0]), status=status, effect=effect, state="POSTPONED")
    assert verdict("alarm-accepted", history) is outcome


def test_what_becomes_of_a_repeated_alarm_is_another_rules_matter() -> None:
    """One that was taken already may be refused when it comes again."""
    history = History().session()
    asked = history.answered("MAINTENANCE")
    history.deliver(asked, 0.5, status=409)
    assert verdict("alarm-accepted", history) is PASS


@pytest.mark.parametrize(
    ("delivery", "outcome"),
    [
        ({"latency": 0.1}, PASS),
        ({"latency": 2.0}, PASS),
        ({"latency": 2.1}, WARN),
        ({"latency": 4.0, "status": None}, NOT_JUDGED),
        ({"latency": 4.0, "effect": {"drip": "1s"}}, NOT_JUDGED),
        ({"latency": 4.0, "effect": {"delay": "3s"}}, NOT_JUDGED),
    ],
)
def test_alarm_prompt(delivery: dict[str, Any], outcome: Outcome) -> None:
    """Two seconds, unless it was the simulator that took them."""
    assert verdict("alarm-prompt", told(**delivery)) is outcome


def test_handler_is_held_up_by_faults() -> None:
    """Whoever lists and replies in the handler answers late where the API is slow: no fault of theirs."""
    history = History().session()
    asked = history.deliver(history.ask("MAINTENANCE"), latency=3.0)
    history.get(asked, latency=2.9, effect={"delay": "3s"})
    history.put(asked, 2.99)
    history.now += 4
    assert verdict("alarm-prompt", history) is NOT_JUDGED


def test_done_silent() -> None:
    """No reply is asked, and none is sent."""
    history, _ = reported()
    assert verdict("done-silent", history) is PASS


@pytest.mark.parametrize("state", ["ACK_INSTANCE_ACTION_DONE", "INSTANCE_ACTION_DONE", "NACK_INSTANCE_ACTION_DONE"])
@pytest.mark.parametrize("status", [200, 409, None])
def test_report_is_replied_to(state: str, status: int | None) -> None:
    """Whatever it says, and whatever it is answered; and no other rule takes it for an answer to what was asked."""
    history, done = reported()
    history.put(done, body={"state": state}, status=status)
    assert bad(history) == {"done-silent"}
    assert results(history, strict=True)["done-silent"].outcome is FAIL


def test_done_silent_is_not_judged_where_no_report_arrived() -> None:
    """Nothing was reported, or nobody got it."""
    history, _ = reported(status=None)
    assert verdict("done-silent", history) is NOT_JUDGED
    assert verdict("done-silent", told()) is NOT_JUDGED


def test_alarms_of_others_are_not_judged() -> None:
    """Only the projects of the VNFM under test."""
    history = told(status=500)
    history.projects = frozenset({"somebody else"})
    assert verdict("alarm-accepted", history) is NOT_JUDGED
