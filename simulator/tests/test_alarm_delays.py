"""Delays in the machine's own time."""

from __future__ import annotations

import queue
from datetime import timedelta

from fenix_simulator.adapters.delays import MonotonicDelays

#: Bound of every wait, in seconds; reached only when something is broken.
BOUND = 10


def test_calls_come_in_the_order_in_which_they_are_due() -> None:
    """A later start with a shorter delay overtakes; the same delay keeps the order of starts."""
    delays, called = MonotonicDelays(), queue.Queue[str]()
    delays.start(timedelta(milliseconds=60), lambda: called.put("long"))
    delays.start(timedelta(milliseconds=20), lambda: called.put("short"))
    delays.start(timedelta(0), lambda: called.put("at once"))
    assert [called.get(timeout=BOUND) for _ in range(3)] == ["at once", "short", "long"]
    delays.close()


def test_a_call_that_fails_does_not_stop_the_next() -> None:
    """It is logged."""
    delays, called = MonotonicDelays(), queue.Queue[str]()
    delays.start(timedelta(0), lambda: 1 / 0)
    delays.start(timedelta(0), lambda: called.put("next"))
    assert called.get(timeout=BOUND) == "next"
    delays.close()


def test_nothing_is_called_after_closing() -> None:
    """Neither what was waiting nor what is started later."""
    delays, called = MonotonicDelays(), queue.Queue[str]()
    delays.start(timedelta(hours=1), lambda: called.put("waiting"))
    delays.close()
    delays.start(timedelta(0), lambda: called.put("late"))
    assert called.empty()
