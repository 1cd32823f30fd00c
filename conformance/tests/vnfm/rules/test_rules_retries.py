"""retry."""

from __future__ import annotations

from typing import Any

import pytest

from fenix_conformance.results import Outcome

from .history import Asked, History, bad, results, verdict

PASS, FAIL, NOT_JUDGED = Outcome.PASS, Outcome.FAIL, Outcome.NOT_APPLICABLE
FAILED = {"status": 503, "effect": {"status": 503}}


def tried(*after: float, last: dict[str, Any] | None = None, until: float = 6.0) -> History:
    """Tries at these times, all answered 503 but the last one."""
    history = History().session()
    asked = history.get(history.deliver(history.ask("MAINTENANCE")))
    for number, when in enumerate(after, 1):
        is_last = number == len(after)
        history.put(asked, when, **((last if last is not None else {"status": 200}) if is_last else FAILED))
    history.now = until
    return history


def test_again_after_a_pause() -> None:
    """As it should be."""
    history = tried(0.1, 0.3, 0.7)
    assert verdict("retry", history) is PASS
    assert bad(history) == set()


@pytest.mark.parametrize(
    "failure",
    [*({"status": one} for one in (503, 500, 408, 425, 429, None)), {"status": 200, "effect": {"close": True}}],
)
def test_failed_for_now(failure: dict[str, Any]) -> None:
    """What may pass by is tried again, whoever is to blame for it."""
    assert verdict("retry", tried(0.1, last=failure)) is FAIL


@pytest.mark.parametrize("answer", [200, 400, 404, 409, 415, 422])
def test_answers_that_last(answer: int) -> None:
    """There is no point in saying the same again."""
    assert verdict("retry", tried(0.1, last={"status": answer})) is NOT_JUDGED


def test_not_again() -> None:
    """One try, and time left: and no other rule takes it for a silence."""
    assert bad(tried(0.1, last=FAILED)) == {"retry"}


def test_again_when_the_window_was_over() -> None:
    """That is too late."""
    assert verdict("retry", tried(0.1, 5.5, last={"status": 409}, until=7.0)) is FAIL
    assert verdict("retry", tried(4.5, 5.5, last={"status": 409}, until=7.0)) is not FAIL


def test_bounds_of_its_own() -> None:
    """Three tries or more are trying."""
    assert verdict("retry", tried(0.1, 0.3, last=FAILED)) is FAIL
    assert verdict("retry", tried(0.1, 0.3, 0.7, last=FAILED)) is not FAIL


@pytest.mark.parametrize(("after", "outcome"), [(3.9, FAIL), (4.1, NOT_JUDGED), (4.9, NOT_JUDGED)])
def test_time_left_for_another(after: float, outcome: Outcome) -> None:
    """A second."""
    assert verdict("retry", tried(after, last=FAILED)) is outcome


def test_recording_ends_before_the_window() -> None:
    """Another try may have come."""
    assert verdict("retry", tried(0.1, last=FAILED, until=4.0)) is NOT_JUDGED


def test_session_went_on() -> None:
    """The answer was lost, but the reply had counted: the next alarm says so."""
    history = tried(0.1, last={"status": None, "effect": {"close": True}}, until=1.0)
    history.answered("PLANNED_MAINTENANCE")
    history.now = 9
    assert bad(history) == set()


@pytest.mark.parametrize(
    ("tries", "outcome"),
    [
        ((0.1, 0.102, 0.3), PASS),
        ((0.1, 0.102), PASS),
        ((0.1, 0.102, 0.104), FAIL),
        ((0.1, 0.102, 0.104, 0.106, 0.5), FAIL),
        ((0.1, 0.2, 0.202, 0.3, 0.302, 0.5), PASS),
        ((0.1, 0.13, 0.16, 0.19), PASS),
    ],
)
def test_pauses(tries: tuple[float, ...], outcome: Outcome) -> None:
    """One try at once is forgiven, a row of them is not."""
    assert verdict("retry", tried(*tries)) is outcome


def test_without_end() -> None:
    """Three tries and more that begin when the window is long over."""
    late = [5.6, 5.8, 6.0, 6.2]
    assert verdict("retry", tried(0.1, 1.0, *late, last=FAILED)) is FAIL
    assert "still sent again" in results(tried(0.1, 1.0, *late, last=FAILED))["retry"].message


@pytest.mark.parametrize("tries", [(0.1, 1.0, 3.0, 5.2), (0.1, 1.0, 3.0, 5.2, 5.4), (0.1, 1.0, 2.0, 5.6, 6.0)])
def test_in_flight_when_the_window_ends(tries: tuple[float, ...]) -> None:
    """Some are late by a little, or two by more."""
    assert verdict("retry", tried(*tries, last=FAILED)) is not FAIL


def test_repetition_of_what_was_accepted_is_no_retry() -> None:
    """Nothing had failed."""
    history = History().session()
    asked: Asked = history.get(history.deliver(history.ask("MAINTENANCE")))
    for after in (0.1, 0.101, 0.102, 0.103):
        history.put(asked, after)
    assert verdict("retry", history) is NOT_JUDGED


def test_not_judged_without_a_window() -> None:
    """Nobody knows how long it lasts."""
    history = History().session()
    asked = history.deliver(history.ask("MAINTENANCE", window=0))
    history.put(asked, **FAILED)
    assert verdict("retry", history) is NOT_JUDGED
