"""list-fetched, list-fresh."""

from __future__ import annotations

import pytest

from fenix_conformance.results import Outcome

from .history import IDS, ORIGIN, OTHER_PROJECT, Asked, History, bad, verdict

PASS, WARN, FAIL, NOT_JUDGED = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.NOT_APPLICABLE


def asked_in(state: str) -> tuple[History, Asked]:
    """A session in which the state was asked and the alarm taken."""
    history = History().session()
    return history, history.deliver(history.ask(state))


@pytest.mark.parametrize("state", ["MAINTENANCE", "PLANNED_MAINTENANCE"])
def test_list_was_fetched(state: str) -> None:
    """Between the alarm and the reply."""
    history, asked = asked_in(state)
    history.put(history.get(asked))
    assert verdict("list-fetched", history) is PASS


def test_list_fetched_before_the_alarm_was_answered() -> None:
    """A handler may work before it answers, and list before anything else."""
    history = History().session()
    asked = history.ask("PLANNED_MAINTENANCE")
    history.deliver(asked, 0.0, latency=0.1)
    history.put(history.get(asked, 0.001), 0.05)
    assert bad(history) == set()


def test_list_was_not_fetched() -> None:
    """A SHOULD where the reply is right all the same, or says nothing of instances."""
    history, asked = asked_in("MAINTENANCE")
    history.put(asked)
    assert bad(history) == {"list-fetched"}
    assert verdict("list-fetched", history) is WARN
    history, asked = asked_in("PLANNED_MAINTENANCE")
    history.put(asked)
    assert verdict("list-fetched", history) is WARN
    assert verdict("list-fresh", history) is FAIL


def test_list_was_not_fetched_and_the_reply_is_wrong() -> None:
    """A MUST then."""
    history, asked = asked_in("PLANNED_MAINTENANCE")
    history.put(asked, body={"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"instance-9": "MIGRATE"}})
    assert verdict("list-fetched", history) is FAIL


def test_list_fetched_after_the_reply_does_not_count() -> None:
    """It told nothing to whoever wrote the reply."""
    history, asked = asked_in("MAINTENANCE")
    history.get(history.put(asked, 0.05), 0.2)
    assert verdict("list-fetched", history) is WARN


def test_list_is_not_judged_where_the_alarm_names_the_instance() -> None:
    """In the per-instance dialect there may be no link."""
    history = History().session()
    asked = history.ask("PLANNED_MAINTENANCE", ids=IDS[:1], instance=IDS[0])
    history.put(history.deliver(asked))
    assert verdict("list-fetched", history) is NOT_JUDGED
    assert verdict("list-fresh", history) is NOT_JUDGED
    assert bad(history) == set()


def test_list_that_cannot_be_had_is_asked_for_again() -> None:
    """Whoever says nothing more after one try, with time left, is silent: NACK could have been said."""
    history, asked = asked_in("MAINTENANCE")
    history.get(asked, status=503, effect={"status": 503})
    history.now = 6
    assert bad(history) == {"list-fetched", "reply-sent"}
    history.put(history.get(asked, 1.0), 1.1)
    assert bad(history) == set()


@pytest.mark.parametrize("tries", [(0.1, 0.3, 0.7), (4.5,)])
def test_a_list_that_can_never_be_had_excuses_a_silence(tries: tuple[float, ...]) -> None:
    """It asked again and again, or there was no time to."""
    history, asked = asked_in("MAINTENANCE")
    for one in tries:
        history.get(asked, one, status=503, effect={"status": 503})
    history.now = 6
    assert bad(history) == {"list-fetched"}


@pytest.mark.parametrize(("timely", "named"), [(True, IDS[:1]), (True, IDS), (False, IDS)])
def test_a_list_that_came_when_the_question_was_over_is_another_one(timely: bool, named: list[str]) -> None:
    """In other states lists hold all of the project's instances; who is late cannot know."""
    history, asked = asked_in("PLANNED_MAINTENANCE")
    if timely:
        history.get(asked, ids=IDS[:1])
    history.now = 0.04
    history.end("MAINTENANCE_FAILED", failed_by=OTHER_PROJECT)
    history.get(asked, 0.1, ids=IDS)
    history.put(asked, 0.2, status=409, body={
        "state": "ACK_PLANNED_MAINTENANCE", "instance_actions": dict.fromkeys(named, "MIGRATE"),
    })  # fmt: skip
    assert bad(history) == set()


def test_list_that_cannot_be_had_may_be_answered_with_a_guess_that_is_right() -> None:
    """It was tried, and a fault took the answer away: what is right is not blamed."""
    history, asked = asked_in("PLANNED_MAINTENANCE")
    history.put(history.get(asked, status=503, effect={"status": 503}))
    assert "list-fresh" not in bad(history)


def test_list_of_an_earlier_state_was_used() -> None:
    """Each state has a list of its own."""
    history = History().session()
    history.answered("PLANNED_MAINTENANCE")
    history.put(history.deliver(history.ask("PLANNED_MAINTENANCE", ids=["instance-3"])), body={
        "state": "ACK_PLANNED_MAINTENANCE", "instance_actions": dict.fromkeys(IDS, "MIGRATE"),
    })  # fmt: skip
    assert verdict("list-fresh", history) is FAIL


def test_nack_needs_no_list() -> None:
    """A refusal chooses nothing."""
    history, asked = asked_in("PLANNED_MAINTENANCE")
    history.put(asked, body=asked.reply("NACK_"))
    assert verdict("list-fresh", history) is NOT_JUDGED
    assert verdict("list-fetched", history) is WARN


def test_list_is_fetched_by_another_spelling() -> None:
    """A slash more, a query, an alarm whose link has a slash of its own: the same list."""
    history = History().session()
    asked = history.ask("PLANNED_MAINTENANCE")
    history.deliver(asked, instance_ids=f"{ORIGIN}{asked.list_path}/", reply_url=f"{ORIGIN}{asked.path}/")
    for spelling in ("/", "?format=json", "/?a=b"):
        history.request(
            asked, 0.02, path=asked.list_path + spelling, response_body='{"instance_ids": ["instance-1", "instance-2"]}'
        )
    history.put(asked, path=asked.path + "/")
    assert bad(history) == set()
