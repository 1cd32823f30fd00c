"""The bounds of the journal in memory."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_simulator.adapters.journal_memory import MemoryJournal
from fenix_simulator.domain.messages import HostMaintained
from fenix_simulator.ports import Answered, Entry, Filter

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def entry(number: int, kind: str = "event") -> Entry:
    return Entry(kind, "HostMaintained", HostMaintained(number, "h"))


@given(st.integers(1, 7), st.lists(st.integers(0, 5), max_size=12), st.integers(0, 40), st.integers(0, 9))
def test_the_newest_entries_are_kept(limit: int, sizes: list[int], after: int, count: int) -> None:
    """Whatever the sizes of the appends: numbers go on, ``first`` tells what was dropped, reading starts there."""
    journal = MemoryJournal(limit=limit)
    total = 0
    for size in sizes:
        journal.append([entry(total + one) for one in range(1, size + 1)], NOON)
        total += size
    first = max(total - limit, 0) + 1
    assert (journal.first, journal.last) == (first, total)
    found = journal.read(after, count)
    expected = [number for number in range(first, total + 1) if number > after][:count]
    assert [one.number for one in found] == expected
    assert [one.data["notification"] for one in found] == expected


def test_bytes_are_bounded_too() -> None:
    """Long bodies push older entries out before the number of entries would; the newest is always kept."""
    journal = MemoryJournal(max_bytes=100_000)
    for number in range(20):
        body = "x" * 10_000
        journal.append([Entry("request", "Answered", Answered("PUT", f"/{number}", 200, 0.1, body, ""))], NOON)
    assert 5 <= journal.last - journal.first + 1 <= 10
    assert [one.data["path"] for one in journal.read()][-1] == "/19"
    huge = Answered("PUT", "/huge", 200, 0.1, "x" * 200_000, "")
    journal.append([Entry("request", "Answered", huge)], NOON)
    assert journal.first == journal.last == 21
    assert [one.data["path"] for one in journal.read()] == ["/huge"]


def test_a_filter_looks_through_many_entries() -> None:
    """One that fits few of thousands finds them all, across the ring's end."""
    journal = MemoryJournal(limit=3000)
    for number in range(1, 5001):
        journal.append([entry(number, "delivery" if number % 1000 == 0 else "event")], NOON)
    found = journal.read(only=Filter(kinds=frozenset({"delivery"})))
    assert [one.number for one in found] == [3000, 4000, 5000]


@pytest.mark.parametrize("settings", [{"limit": 0}, {"max_bytes": 0}])
def test_a_journal_that_keeps_nothing_is_refused(settings: dict[str, int]) -> None:
    """At least the newest entry must fit."""
    with pytest.raises(ValueError, match="at least one"):
        MemoryJournal(**settings)
