"""Time modes are read from text; the manual clock stands still and never goes back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from fenix_simulator.adapters.clock import ManualClock, Pace, SystemClock, TimeMode

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("real", TimeMode(Pace.REAL)),
        ("auto", TimeMode(Pace.AUTO)),
        (" manual ", TimeMode(Pace.MANUAL)),
        ("scaled:60", TimeMode(Pace.SCALED, 60.0)),
        ("scaled:0.5", TimeMode(Pace.SCALED, 0.5)),
    ],
)
def test_time_mode_is_read_from_text(text: str, mode: TimeMode) -> None:
    """Each mode has a word; what is printed can be read again."""
    assert TimeMode.parse(text) == mode
    assert TimeMode.parse(str(mode)) == mode


@pytest.mark.parametrize(
    "text",
    [
        "",
        "fast",
        "REAL",
        "scaled",
        "scaled:",
        "scaled:0",
        "scaled:-1",
        "scaled:nan",
        "scaled:inf",
        "scaled:x",
        "auto:2",
    ],
)
def test_bad_time_mode_says_what_would_do(text: str) -> None:
    """The error quotes the text and shows a form that works."""
    with pytest.raises(ValueError, match=r"scaled:(N|60)") as caught:
        TimeMode.parse(text)
    assert repr(text) in str(caught.value)


def test_system_clock_tells_aware_utc() -> None:
    """Instants are aware, in UTC, and go on."""
    clock = SystemClock()
    first, second = clock.now(), clock.now()
    assert first.utcoffset() == timedelta()
    assert first <= second


def test_manual_clock_stands_until_it_is_moved() -> None:
    """It shows its start, then where it was moved, in UTC whatever the zone it was given."""
    clock = ManualClock(NOON.astimezone(timezone(timedelta(hours=2))))
    assert clock.now() == NOON
    assert clock.now().tzinfo is UTC
    clock.advance_to(NOON + timedelta(hours=1))
    assert clock.now() == NOON + timedelta(hours=1)


def test_manual_clock_never_goes_back() -> None:
    """An instant before now is refused and changes nothing; the same instant is none."""
    clock = ManualClock(NOON)
    clock.advance_to(NOON)
    with pytest.raises(ValueError, match="cannot go back"):
        clock.advance_to(NOON - timedelta(microseconds=1))
    assert clock.now() == NOON


def test_naive_instants_are_refused() -> None:
    """A clock without a time zone would be a clock of some machine."""
    naive = datetime(2026, 3, 1, 12, 0)  # noqa: DTZ001 - the point
    with pytest.raises(ValueError, match="no time zone"):
        ManualClock(naive)
    with pytest.raises(ValueError, match="no time zone"):
        ManualClock(NOON).advance_to(naive)
