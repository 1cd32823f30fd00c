"""sessions-apart."""

from __future__ import annotations

from typing import Any

import pytest

from fenix_conformance.results import Outcome

from .history import OTHER_SESSION, SESSION, Asked, History, bad, verdict

PASS, FAIL, NOT_JUDGED = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE


def both_asked() -> tuple[History, Asked, Asked]:
    """Two sessions at once that ask about other instances each."""
    history = History().session(SESSION).session(OTHER_SESSION)
    one = history.get(history.deliver(history.ask("PLANNED_MAINTENANCE", ids=["a", "b"])))
    other = history.get(history.deliver(history.ask("PLANNED_MAINTENANCE", ids=["c"], session=OTHER_SESSION)))
    return history, one, other


def test_both_answered() -> None:
    """Each at its own URL."""
    history, one, other = both_asked()
    history.put(one)
    history.put(other)
    assert verdict("sessions-apart", history) is PASS
    assert bad(history) == set()


def test_only_one_answered() -> None:
    """The other's window went by meanwhile."""
    history, one, _ = both_asked()
    history.put(one)
    history.now = 6
    assert bad(history) == {"sessions-apart", "reply-sent"}


def test_none_answered() -> None:
    """Silence is no mixing up."""
    history, _, _ = both_asked()
    history.now = 6
    assert verdict("sessions-apart", history) is NOT_JUDGED


def test_other_sessions_instances() -> None:
    """The right URL, the wrong list."""
    history, one, other = both_asked()
    history.put(one, body={"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"c": "MIGRATE"}})
    history.put(other)
    assert verdict("sessions-apart", history) is FAIL


def test_other_sessions_state() -> None:
    """The reply went to the other session, whose question stays open."""
    history = History().session(SESSION).session(OTHER_SESSION)
    one = history.get(history.deliver(history.ask("MAINTENANCE")))
    other = history.get(history.deliver(history.ask("SCALE_IN", session=OTHER_SESSION)))
    history.put(one)
    history.put(one, 0.2, body=other.reply(), status=409)
    history.now = 6
    assert "sessions-apart" in bad(history)


def test_instances_of_both_sessions() -> None:
    """An instance that both ask about is nobody's foreigner."""
    history = History().session(SESSION).session(OTHER_SESSION)
    for session in (SESSION, OTHER_SESSION):
        history.put(history.get(history.deliver(history.ask("PLANNED_MAINTENANCE", session=session))))
    assert verdict("sessions-apart", history) is PASS


@pytest.mark.parametrize("about", [{}, {"state": "MAINTENANCE"}])
def test_foreign_instance_of_no_session_is_another_rules_matter(about: dict[str, Any]) -> None:
    """Nothing was mixed up."""
    history, one, other = both_asked()
    history.put(one, body={"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"x": "MIGRATE"}, **about})
    history.put(other)
    assert verdict("sessions-apart", history) is PASS


def test_one_after_the_other() -> None:
    """They were never at once."""
    history = History().session(SESSION)
    history.answered("MAINTENANCE")
    history.end()
    history.now += 1
    history.session(OTHER_SESSION)
    history.answered("MAINTENANCE", session=OTHER_SESSION)
    assert verdict("sessions-apart", history) is NOT_JUDGED


def test_one_session() -> None:
    """Nothing to tell apart."""
    history = History().session()
    history.answered("MAINTENANCE")
    assert verdict("sessions-apart", history) is NOT_JUDGED
