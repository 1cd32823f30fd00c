"""Waits in the order in which they end; one that is given up is forgotten at no cost."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Generic, TypeVar

from fenix_simulator.domain.messages import TimerKind

#: So few dead entries are never worth a sweep.
_FEW = 64

Due = TypeVar("Due", float, datetime)


class Wait:
    """One wait of a session, as the ticker keeps it.

    ``due`` is the instant (manual), the monotonic second (wall time) or the second of the session's own simulated
    time (``jumps``) at which it ends. ``patient`` is False once it has waited for deliveries long enough.
    """

    __slots__ = ("due", "heap", "jumps", "kind", "live", "patient", "session_id", "timer", "token")

    def __init__(self, session_id: str, timer: int, kind: TimerKind, due: Any, *, jumps: bool = False) -> None:
        self.session_id = session_id
        self.timer = timer
        self.kind = kind
        self.due = due
        self.jumps = jumps
        self.patient = True
        self.live = True
        self.heap: TimerHeap[Any] | None = None
        self.token = 0

    def end(self) -> None:
        """It is over, wherever it stands."""
        self.live = False
        if self.heap is not None:
            self.heap.discard(self)


class TimerHeap(Generic[Due]):
    """Waits by the time they end, ties in the order in which they were pushed; O(log n) an operation, amortised.

    A discarded wait's entry stays, dead, until it comes up or until most entries are dead. Not thread-safe.
    """

    def __init__(self) -> None:
        self._entries: list[tuple[Due, int, Wait]] = []
        self._dead = 0
        self._pushed = 0

    def push(self, due: Due, wait: Wait) -> None:
        """Add a wait that is in no heap."""
        self._pushed += 1
        wait.heap, wait.token = self, self._pushed
        heapq.heappush(self._entries, (due, self._pushed, wait))

    def discard(self, wait: Wait) -> None:
        """Take a wait of this heap out of it."""
        wait.heap, wait.token = None, 0
        self._dead += 1
        if self._dead > _FEW and self._dead > len(self._entries) // 2:
            self._entries = [entry for entry in self._entries if self._is_live(entry)]
            heapq.heapify(self._entries)
            self._dead = 0

    def earliest(self) -> Due | None:
        """When the next wait ends; None when there is none."""
        entries = self._entries
        while entries and not self._is_live(entries[0]):
            heapq.heappop(entries)
            self._dead -= 1
        return entries[0][0] if entries else None

    def pop(self) -> Wait | None:
        """Take out the wait that ends next; None when there is none."""
        if self.earliest() is None:
            return None
        wait = heapq.heappop(self._entries)[2]
        wait.heap, wait.token = None, 0
        return wait

    def __len__(self) -> int:
        """How many entries are held, dead ones included."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Wait]:
        return (entry[2] for entry in self._entries if self._is_live(entry))

    def _is_live(self, entry: tuple[Due, int, Wait]) -> bool:
        return entry[2].heap is self and entry[2].token == entry[1]
