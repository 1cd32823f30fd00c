"""The ticker by hand: nothing fires by itself, and everything in the order of its time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_simulator.adapters.clock import ManualClock, SystemClock, TimeMode
from fenix_simulator.adapters.ticker import Ticker
from fenix_simulator.domain.messages import TimerKind

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


class ByHand:
    """A manual ticker that records each fire with the clock's time; ``then`` is called on each."""

    def __init__(self, then: Callable[[ByHand, str, int], None] | None = None) -> None:
        self.clock = ManualClock(NOON)
        self.ticker = Ticker(TimeMode.parse("manual"), self.clock, self._fire)
        self.fired: list[tuple[str, int, timedelta]] = []
        self._then = then

    def start(self, session_id: str, timer: int, minutes: float, kind: TimerKind = TimerKind.WINDOW) -> None:
        """Begin a wait of so many minutes."""
        self.ticker.start(session_id, timer, kind, minutes * MINUTE)

    def _fire(self, session_id: str, timer: int) -> None:
        self.fired.append((session_id, timer, self.clock.now() - NOON))
        if self._then is not None:
            self._then(self, session_id, timer)


def test_waits_end_when_the_clock_is_moved_past_them() -> None:
    """Windows and infrastructure alike; each fires with the clock at its end, and the rest goes on waiting."""
    hand = ByHand()
    hand.start("s", 1, 10)
    hand.start("s", 2, 5, TimerKind.INFRASTRUCTURE)
    hand.start("t", 3, 30)
    assert hand.ticker.advance(4 * MINUTE) == NOON + 4 * MINUTE
    assert hand.fired == []
    assert hand.ticker.advance_to(NOON + 20 * MINUTE) == NOON + 20 * MINUTE
    assert hand.fired == [("s", 2, 5 * MINUTE), ("s", 1, 10 * MINUTE)]
    assert [timer.due for timer in hand.ticker.due()] == [NOON + 30 * MINUTE]


def test_ties_end_in_the_order_in_which_they_started() -> None:
    """Across sessions too, so that a run repeats exactly."""
    hand = ByHand()
    for number, session_id in enumerate("bacba"):
        hand.start(session_id, number, 5)
    hand.ticker.advance(5 * MINUTE)
    assert [timer for _, timer, _ in hand.fired] == [0, 1, 2, 3, 4]


def test_waits_started_by_a_fire_are_part_of_the_advance() -> None:
    """They begin at the time of the fire that started them, not at the advance's target."""

    def again(hand: ByHand, session_id: str, timer: int) -> None:
        if timer < 10:
            hand.start(session_id, timer + 1, 2)

    hand = ByHand(again)
    hand.start("s", 1, 2)
    hand.ticker.advance(7 * MINUTE)
    assert hand.fired == [("s", 1, 2 * MINUTE), ("s", 2, 4 * MINUTE), ("s", 3, 6 * MINUTE)]
    assert hand.clock.now() == NOON + 7 * MINUTE


def test_advance_next_goes_to_the_next_end() -> None:
    """All that end at that instant fire; with nothing to wait for the clock stays."""
    hand = ByHand()
    hand.start("s", 1, 3)
    hand.start("t", 2, 3)
    hand.start("s", 3, 4)
    assert hand.ticker.advance_next() == NOON + 3 * MINUTE
    assert [timer for _, timer, _ in hand.fired] == [1, 2]
    assert hand.ticker.advance_next() == NOON + 4 * MINUTE
    assert hand.ticker.advance_next() == NOON + 4 * MINUTE
    assert len(hand.fired) == 3


def test_a_fire_can_stop_a_wait_of_the_same_instant() -> None:
    """Stopped, forgotten and replaced waits never fire."""

    def stop_others(hand: ByHand, session_id: str, timer: int) -> None:
        if timer == 1:
            hand.ticker.stop("s", 2)
            hand.ticker.forget("t")
            hand.start("s", 4, 60)

    hand = ByHand(stop_others)
    hand.start("s", 1, 5)
    hand.start("s", 2, 5)
    hand.start("t", 3, 5)
    hand.start("s", 4, 5)
    hand.ticker.advance(5 * MINUTE)
    assert [timer for _, timer, _ in hand.fired] == [1]
    assert [(timer.session_id, timer.timer) for timer in hand.ticker.due()] == [("s", 4)]


def test_holds_do_not_matter_by_hand() -> None:
    """Whoever moves the clock decides."""
    hand = ByHand()
    hand.ticker.hold("s")
    hand.start("s", 1, 1, TimerKind.INFRASTRUCTURE)
    hand.ticker.advance_next()
    hand.ticker.release("s")
    assert [timer for _, timer, _ in hand.fired] == [1]


def test_the_clock_is_not_moved_back() -> None:
    """The error tells both times, and nothing fires."""
    hand = ByHand()
    hand.start("s", 1, 1)
    with pytest.raises(ValueError, match="is past"):
        hand.ticker.advance_to(NOON - MINUTE)
    with pytest.raises(ValueError, match="is past"):
        hand.ticker.advance(-MINUTE)
    assert hand.fired == []
    assert hand.clock.now() == NOON


def test_a_fire_that_raises_does_not_stop_the_advance(caplog: pytest.LogCaptureFixture) -> None:
    """It is logged, and the clock reaches its target."""

    def fail(hand: ByHand, session_id: str, timer: int) -> None:
        raise RuntimeError("broken on purpose")

    hand = ByHand(fail)
    hand.start("s", 1, 1)
    hand.start("s", 2, 2)
    assert hand.ticker.advance(5 * MINUTE) == NOON + 5 * MINUTE
    assert [timer for _, timer, _ in hand.fired] == [1, 2]
    assert "broken on purpose" in caplog.text


def test_the_end_of_the_calendar_is_far_enough() -> None:
    """The longest wait there is ends with the calendar; so does the longest advance."""
    hand = ByHand()
    hand.ticker.start("s", 1, TimerKind.WINDOW, timedelta.max)
    assert hand.ticker.due()[0].due == datetime.max.replace(tzinfo=UTC)
    assert hand.ticker.advance(timedelta.max) == datetime.max.replace(tzinfo=UTC)
    assert [timer for _, timer, _ in hand.fired] == [1]


def test_manual_needs_a_clock_that_can_be_moved() -> None:
    """A mistake of whoever wires it, told at once."""
    with pytest.raises(ValueError, match="can be moved"):
        Ticker(TimeMode.parse("manual"), SystemClock(), lambda session_id, timer: None)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 30)), max_size=20),
    st.lists(st.integers(0, 15), max_size=6),
)
def test_any_waits_fire_in_order_of_their_ends(waits: list[tuple[str, int]], steps: list[int]) -> None:
    """However the clock is moved: what has fired is what has ended, in order of ends, then of starts."""
    hand = ByHand()
    for number, (session_id, minutes) in enumerate(waits):
        hand.start(session_id, number, minutes)
    for step in steps:
        hand.ticker.advance(step * MINUTE)
    passed = sum(steps)
    ended = sorted((minutes, number) for number, (_, minutes) in enumerate(waits) if minutes <= passed)
    assert [(at // MINUTE, timer) for _, timer, at in hand.fired] == (ended if steps else [])
    assert hand.clock.now() == NOON + passed * MINUTE
