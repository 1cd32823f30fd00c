"""A bounded, numbered record that threads add to and others wait on."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from itertools import islice
from typing import Generic, Protocol, TypeVar


class Numbered(Protocol):
    """What a record holds: its items count from 1."""

    @property
    def number(self) -> int: ...


Item = TypeVar("Item", bound=Numbered)


class Record(Generic[Item]):
    """Remembers the newest ``keep`` items; ``describe`` names one in the message of a wait that was in vain."""

    def __init__(self, keep: int, describe: Callable[[Item], str]) -> None:
        if keep < 1:
            raise ValueError("a record keeps at least one item")
        self._added = threading.Condition()
        self._items: deque[Item] = deque(maxlen=keep)
        self._count = 0
        self._describe = describe

    def add(self, make: Callable[[int], Item]) -> Item:
        """Add the item that ``make`` gives for its number, and wake those who wait."""
        with self._added:
            item = make(self._count + 1)
            self._count += 1
            self._items.append(item)
            self._added.notify_all()
        return item

    @property
    def items(self) -> tuple[Item, ...]:
        """The items remembered, oldest first."""
        with self._added:
            return tuple(self._items)

    @property
    def count(self) -> int:
        """How many were added: the number of the newest."""
        with self._added:
            return self._count

    def wait_for(self, predicate: Callable[[Item], bool], timeout: float, after: int = 0) -> Item:
        """The first item with a number greater than ``after`` for which ``predicate`` holds, as soon as it is there.

        ``timeout`` is in seconds. Raises TimeoutError that says what there was instead.
        """
        deadline = time.monotonic() + timeout
        seen = after
        while fresh := self._await_newer(seen, deadline):
            for item in fresh:
                if predicate(item):
                    return item
            seen = fresh[-1].number
        others = ", ".join(self._describe(item) for item in self.items if item.number > after) or "nothing"
        raise TimeoutError(f"not within {timeout:g} s; what there was: {others}")

    def _await_newer(self, seen: int, deadline: float) -> list[Item]:
        with self._added:
            while self._count <= seen:
                left = deadline - time.monotonic()
                if left <= 0:
                    return []
                self._added.wait(left)
            return list(islice(reversed(self._items), self._count - seen))[::-1]
