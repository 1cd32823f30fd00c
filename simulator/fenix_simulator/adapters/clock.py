"""Clocks, and the modes in which simulated time may pass."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Self


class Pace(StrEnum):
    """How waits of the infrastructure pass; a window granted to projects runs in wall time in all but ``manual``."""

    #: In wall time.
    REAL = "real"
    #: N times faster than wall time.
    SCALED = "scaled"
    #: At once, as soon as no delivery of the session is in flight.
    AUTO = "auto"
    #: Only when the clock is advanced; windows too.
    MANUAL = "manual"


@dataclass(frozen=True, slots=True)
class TimeMode:
    """A pace and, for ``scaled``, how many times faster than wall time the infrastructure works (``factor`` > 0)."""

    pace: Pace
    factor: float = 1.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``real``, ``scaled:N``, ``auto`` or ``manual``; ValueError says what is wrong and what would do."""
        word, colon, number = text.strip().partition(":")
        if word not in set(Pace):
            raise ValueError(f"{text!r} is no time mode: say real, scaled:N, auto or manual")
        pace = Pace(word)
        if pace is not Pace.SCALED:
            if colon:
                raise ValueError(f"{text!r}: only scaled takes a number, as in scaled:60")
            return cls(pace)
        try:
            factor = float(number)
        except ValueError:
            factor = math.nan
        if not (math.isfinite(factor) and factor > 0):
            raise ValueError(f"{text!r}: scaled needs a number greater than 0, as in scaled:60")
        return cls(pace, factor)

    def __str__(self) -> str:
        return f"{self.pace}:{self.factor:g}" if self.pace is Pace.SCALED else str(self.pace)


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The instant, aware UTC."""
        return datetime.now(UTC)


class ManualClock:
    """A clock that stands still until it is moved, and never goes back."""

    def __init__(self, start: datetime) -> None:
        """``start`` is an aware instant; ValueError when it has no time zone."""
        self._lock = threading.Lock()
        self._now = _in_utc(start)

    def now(self) -> datetime:
        """The instant, aware UTC."""
        return self._now

    def advance_to(self, instant: datetime) -> None:
        """Move to ``instant`` (aware); ValueError when that lies before now."""
        instant = _in_utc(instant)
        with self._lock:
            if instant < self._now:
                raise ValueError(f"the clock shows {self._now.isoformat()} and cannot go back to {instant.isoformat()}")
            self._now = instant


def _in_utc(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no time zone")
    return instant.astimezone(UTC)
