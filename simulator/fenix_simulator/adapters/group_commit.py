"""Several threads' writes in one commit.

A commit costs far more than the rows in it. So the thread that comes first writes for all: it leads the batch that is
open, and whoever comes while it waits or writes is in the next batch, led by one of those in it. No thread of its own,
and a lone writer changes no thread at all.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

#: Seconds that a leader waits at most for as many writers as were in the commit before.
GATHER = 0.0002
#: After so many commits of a lone writer a leader waits once, to see whether there are others now.
PROBE = 64

Row = TypeVar("Row")


class _Batch(Generic[Row]):
    """Rows that go into one commit. ``gate`` is locked until the batch has its leader or is ``done``."""

    __slots__ = ("done", "error", "full", "gate", "last", "rows", "writers")

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.writers = 0
        self.last = 0
        self.error: BaseException | None = None
        self.done = False
        self.gate = threading.Lock()
        self.gate.acquire()
        self.full = threading.Lock()
        self.full.acquire()


class GroupCommit(Generic[Row]):
    """Calls ``write(rows)``, one call at a time, with the rows of all threads that are here, in the order they came.

    ``write`` commits them and returns the last one's number; numbers have no gaps.
    """

    def __init__(self, write: Callable[[list[Row]], int]) -> None:
        self._write = write
        self._lock = threading.Lock()
        self._open: _Batch[Row] = _Batch()
        self._is_led = False
        self._expected = 1
        self._commits = 0

    def submit(self, rows: list[Row]) -> int:
        """Have the rows committed, all or none, and return the last one's number. Raises what ``write`` raised for
        the batch that they were in."""
        with self._lock:
            batch = self._open
            batch.rows += rows
            upto = len(batch.rows)
            batch.writers += 1
            if batch.writers == self._expected:
                batch.full.release()
            leads = not self._is_led
            self._is_led = True
        if not leads:
            batch.gate.acquire()
        if batch.done:
            batch.gate.release()
        else:
            self._lead(batch)
        if batch.error is not None:
            raise batch.error
        return batch.last - len(batch.rows) + upto

    def _lead(self, batch: _Batch[Row]) -> None:
        try:
            if batch.writers < self._expected:
                batch.full.acquire(timeout=GATHER)
        finally:
            with self._lock:
                self._open = _Batch()
                self._commits += 1
                probes = batch.writers == 1 and self._commits % PROBE == 0
                self._expected = 2 if probes else batch.writers
            try:
                batch.last = self._write(batch.rows)
            except BaseException as error:  # each writer of the batch raises it
                batch.error = error
            finally:
                batch.done = True
                batch.gate.release()
                self._hand_over()

    def _hand_over(self) -> None:
        with self._lock:
            if self._open.rows:
                self._open.gate.release()
            else:
                self._is_led = False
