"""The journal in memory, bounded: when it is full the oldest entries go."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import is_dataclass
from datetime import datetime
from functools import cache
from sys import getsizeof
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from fenix_simulator.adapters.journal_json import CLOSED, decode, encode, text
from fenix_simulator.ports import Entry, Filter, JournalError, Recorded

#: A reader holds the lock for this many entries at a time, so that a long read never keeps an append waiting.
_STRIDE = 512

_Kept = tuple[Entry, datetime, int]


class MemoryJournal:
    """Keeps the newest ``limit`` entries, and no more than about ``max_bytes`` of them (the newest always).

    Entries are kept as they came and turned into JSON when they are read: an append costs a few microseconds.
    """

    def __init__(self, limit: int = 100_000, max_bytes: int = 256 * 1024 * 1024) -> None:
        if limit < 1 or max_bytes < 1:
            raise ValueError("a journal keeps at least one entry")
        self._limit = limit
        self._max_bytes = max_bytes
        self._bytes = 0
        self._first = 1
        self._last = 0
        # Entry number n is in slot (n - 1) % limit; the list grows to its limit and is written round after that.
        self._ring: list[_Kept | None] = []
        self._changed = threading.Condition(threading.Lock())
        self._closed = False

    def append(self, entries: Sequence[Entry], at: datetime) -> int:
        """See ``ports.Journal``; JournalError when closed."""
        kept = [(entry, at, _weight(entry)) for entry in entries]
        with self._changed:
            if self._closed:
                raise JournalError(CLOSED)
            for one in kept:
                self._keep(one)
            self._changed.notify_all()
            return self._last

    def read(self, after: int = 0, limit: int = 1000, only: Filter = Filter()) -> list[Recorded]:
        """See ``ports.Journal``. Costs by what is read from ``after`` on, not by what is kept."""
        found: list[Recorded] = []
        number = after
        while len(found) < limit:
            with self._changed:
                number = max(number, self._first - 1)
                stop = min(number + _STRIDE, self._last)
                kept = [self._ring[index % self._limit] for index in range(number, stop)]
            if not kept:
                break
            for one in kept:
                number += 1
                if one is not None and _fits(only, one[0]):
                    found.append(_recorded(number, one[0], one[1]))
                    if len(found) == limit:
                        break
        return found

    def wait(self, after: int, timeout: float) -> bool:
        """See ``ports.Journal``; ends early, with False, when the journal is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._last > after or self._closed, min(timeout, threading.TIMEOUT_MAX))
            return self._last > after

    @property
    def first(self) -> int:
        """The oldest number still kept (1 while nothing was dropped)."""
        return self._first

    @property
    def last(self) -> int:
        """The newest number, 0 when empty."""
        return self._last

    def close(self) -> None:
        """Take no more entries and wake whoever waits; what was kept can still be read."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _keep(self, one: _Kept) -> None:
        if self._last - self._first + 1 == self._limit:
            self._drop()
        if self._last < self._limit:
            self._ring.append(one)
        else:
            self._ring[self._last % self._limit] = one
        self._last += 1
        self._bytes += one[2]
        while self._bytes > self._max_bytes and self._first < self._last:
            self._drop()

    def _drop(self) -> None:
        slot = (self._first - 1) % self._limit
        oldest = self._ring[slot]
        if oldest is not None:
            self._bytes -= oldest[2]
        self._ring[slot] = None
        self._first += 1


def _recorded(number: int, entry: Entry, at: datetime) -> Recorded:
    session_id = entry.session_id and text(entry.session_id)
    project_id = entry.project_id and text(entry.project_id)
    return Recorded(number, at, entry.kind, entry.type, session_id, project_id, decode(encode(entry)))


def _fits(only: Filter, entry: Entry) -> bool:
    return (
        _is_wanted(only.session_id, entry.session_id)
        and _is_wanted(only.project_id, entry.project_id)
        and (not only.kinds or entry.kind in only.kinds)
        and (not only.types or entry.type in only.types)
    )


def _is_wanted(wanted: str | None, value: str | None) -> bool:
    return wanted is None or (value is not None and text(value) == text(wanted))


def _weight(entry: Entry) -> int:
    """About how many bytes the entry takes in memory; a guess is enough to bound it."""
    weight = 400
    record: type = type(entry.data)
    for name in _long_fields(record):
        value = getattr(entry.data, name)
        if value:
            # Text with one wide character takes two or four bytes for each.
            weight += getsizeof(value) if type(value) is str else 80 * len(value)
    return weight


@cache
def _long_fields(record: type) -> tuple[str, ...]:
    if not is_dataclass(record):
        return ()
    return tuple(name for name, hint in get_type_hints(record).items() if _may_be_long(hint))


def _may_be_long(annotation: Any) -> bool:
    if get_origin(annotation) in (Union, UnionType):
        return any(_may_be_long(member) for member in get_args(annotation))
    return annotation is str or get_origin(annotation) in (tuple, list, dict, Mapping, Sequence)
