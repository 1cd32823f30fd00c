"""Stopping a run from outside: whoever waits finds out, and what was started is told to end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Interrupted(Exception):
    """The run was told to stop."""


class Interruption:
    """Shared by all threads of a run."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._lock = threading.Lock()
        self._enders: list[Callable[[], None]] = []

    def interrupt(self) -> None:
        """Stop the run: waits end, and processes that are held are told to end. Never from a signal's handler."""
        self._event.set()
        with self._lock:
            enders = list(self._enders)
        for end in enders:
            end()

    @property
    def has_come(self) -> bool:
        """Whether the run was told to stop."""
        return self._event.is_set()

    def check(self) -> None:
        """Raise Interrupted when the run was told to stop."""
        if self._event.is_set():
            raise Interrupted

    def pause(self, seconds: float) -> None:
        """Wait; raises Interrupted as soon as the run is told to stop."""
        self._event.wait(seconds)
        self.check()

    @contextmanager
    def ending(self, end: Callable[[], None]) -> Iterator[None]:
        """Call ``end`` when the run is told to stop while the block runs."""
        with self._lock:
            self._enders.append(end)
        try:
            if self._event.is_set():
                end()
            yield
        finally:
            with self._lock:
                self._enders.remove(end)
