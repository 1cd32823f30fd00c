"""Calls made after a while: a heap and one thread that waits for its top, so that waiting costs no thread each."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Protocol

_log = logging.getLogger(__name__)


class Delays(Protocol):
    """Calls back after a delay."""

    def start(self, delay: timedelta, call: Callable[[], None]) -> None:
        """Call after the delay, on a thread of its own; calls that are due at the same time keep their order."""
        ...

    def close(self) -> None:
        """Drop every call that is not due."""
        ...


class MonotonicDelays:
    """Delays in the machine's own time. The thread exists from the first ``start`` on."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()
        self._thread: threading.Thread | None = None
        self._closed = False

    def start(self, delay: timedelta, call: Callable[[], None]) -> None:
        """Call after the delay. Ignored after ``close``. The call must be short: others wait for it."""
        with self._changed:
            if self._closed:
                return
            heapq.heappush(self._heap, (time.monotonic() + delay.total_seconds(), next(self._numbers), call))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="alarm-delays", daemon=True)
                self._thread.start()
            self._changed.notify()

    def close(self) -> None:
        """Drop every call that is not due and end the thread."""
        with self._changed:
            self._closed = True
            self._heap.clear()
            self._changed.notify()

    def _run(self) -> None:
        while (call := self._next()) is not None:
            try:
                call()
            except Exception:
                _log.exception("a delayed call failed")

    def _next(self) -> Callable[[], None] | None:
        """Wait for the next call that is due; None when closed."""
        with self._changed:
            while not self._closed:
                left = self._heap[0][0] - time.monotonic() if self._heap else None
                if left is not None and left <= 0:
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(left)
            return None
