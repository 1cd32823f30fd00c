"""Requests that are kept waiting on purpose, without fewer threads for the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from waitress.task import ThreadedTaskDispatcher

_log = logging.getLogger(__name__)

#: How many requests may be kept waiting at once.
_LIMIT = 200


class Pauses:
    """Pauses on the threads of a waitress dispatcher; while one lasts the dispatcher has a thread more."""

    def __init__(
        self, dispatcher: ThreadedTaskDispatcher, threads: int, stopping: threading.Event, *, limit: int = _LIMIT
    ) -> None:
        """``threads`` is how many there are without pauses. All pauses end when ``stopping`` is set."""
        self._dispatcher = dispatcher
        self._threads = threads
        self._stopping = stopping
        self._limit = limit
        self._lock = threading.Lock()
        self._paused = 0
        self._closed = False

    def pause(self, seconds: float) -> None:
        """Wait. Where too many wait already, return at once."""
        with self.waiting() as wait:
            wait(seconds)

    @contextmanager
    def waiting(self) -> Iterator[Callable[[float], object]]:
        """A call that waits for a number of seconds, as often as wanted inside the block; where too many wait
        already, it returns at once."""
        if not self._begin():
            _log.warning("%d requests are being delayed; one more is not", self._limit)
            yield lambda _seconds: None
            return
        try:
            yield lambda seconds: self._stopping.wait(min(seconds, threading.TIMEOUT_MAX))
        finally:
            self._end()

    def close(self) -> None:
        """Leave the number of threads alone from now on."""
        with self._lock:
            self._closed = True

    def _begin(self) -> bool:
        with self._lock:
            if self._paused >= self._limit:
                return False
            self._paused += 1
            self._set_threads()
            return True

    def _end(self) -> None:
        with self._lock:
            self._paused -= 1
            self._set_threads()

    def _set_threads(self) -> None:
        if not self._closed:
            self._dispatcher.set_thread_count(self._threads + self._paused)
