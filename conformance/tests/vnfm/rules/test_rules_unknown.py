"""unknown-tolerated."""

from __future__ import annotations

from typing import Any

import pytest

from fenix_conformance.results import Outcome

from .history import BEFORE, IDS, Asked, History, bad, verdict

PASS, FAIL, NOT_JUDGED = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE
STRANGE: dict[str, Any] = {"effect": {"traits": {"risk": "high"}}, "risk": "high"}


def plain_play(silent: bool = False) -> History:
    """Another scenario without anything that is not known, in which the VNFM answers, or does not."""
    history = History("without", began=BEFORE).session()
    history.answered("MAINTENANCE")
    asked = history.get(history.deliver(history.ask("MAINTENANCE_COMPLETE")))
    if not silent:
        history.put(asked)
    history.now += 9
    return history


def told(answer: bool, **delivery: Any) -> tuple[History, Asked]:
    """A question whose alarm has a trait that nobody knows."""
    history = History().session()
    asked = history.deliver(history.ask("MAINTENANCE"), **{**STRANGE, **delivery})
    if answer:
        history.put(history.get(asked))
    history.now = 6
    return history, asked


def test_passed_over() -> None:
    """Answered as ever."""
    history, _ = told(True)
    assert verdict("unknown-tolerated", history) is PASS
    assert bad(history) == set()


@pytest.mark.parametrize("status", [200, 400, 500])
def test_not_answered(status: int) -> None:
    """Taken and forgotten, or refused; elsewhere it answers."""
    history, _ = told(False, status=status)
    assert verdict("unknown-tolerated", history, plain_play()) is FAIL


def test_not_answered_elsewhere_either() -> None:
    """The trait is not to blame."""
    history, _ = told(False)
    assert verdict("unknown-tolerated", history, plain_play(silent=True)) is NOT_JUDGED


def test_told_without_it_too() -> None:
    """Another delivery had nothing strange: its answer is no proof."""
    history = History().session()
    asked = history.deliver(history.ask("MAINTENANCE"))
    history.deliver(asked, 0.02, **STRANGE)
    history.put(history.get(asked))
    assert verdict("unknown-tolerated", history) is NOT_JUDGED


@pytest.mark.parametrize("trait", ["service", "metadata", "host", "actions_at", "project_id"])
def test_traits_that_the_api_has(trait: str) -> None:
    """None of them is strange."""
    history, _ = told(True, effect={"traits": {trait: "x"}}, risk=None, **{trait: "x"})
    assert verdict("unknown-tolerated", history) is NOT_JUDGED


def after_unknown_state(answer: bool, status: int = 200) -> History:
    """A report comes with a state that nobody knows, and then a question."""
    history = History().session()
    history.answered("MAINTENANCE")
    effect = {"traits": {"state": "POSTPONED"}}
    history.deliver(history.report(IDS[0]), effect=effect, status=status, state="POSTPONED")
    history.now += 1
    asked = history.get(history.deliver(history.ask("PLANNED_MAINTENANCE")))
    if answer:
        history.put(asked)
    history.now += 9
    return history


@pytest.mark.parametrize("status", [200, 400, 422])
def test_unknown_state_passed_over(status: int) -> None:
    """Taken or refused: the next one is answered."""
    history = after_unknown_state(True, status)
    assert verdict("unknown-tolerated", history) is PASS
    assert bad(history) == set()


def test_nothing_answered_after_an_unknown_state() -> None:
    """It died of it."""
    assert verdict("unknown-tolerated", after_unknown_state(False), plain_play()) is FAIL


def test_nothing_came_after_an_unknown_state() -> None:
    """Nobody knows what would have become of it."""
    history = History().session()
    history.deliver(history.report(IDS[0]), effect={"traits": {"state": "X"}}, state="X")
    assert verdict("unknown-tolerated", history) is NOT_JUDGED
