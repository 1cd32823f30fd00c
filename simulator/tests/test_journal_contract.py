"""What every journal does, in memory or in a file: one set of tests for both."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenix_simulator.adapters.journal_memory import MemoryJournal
from fenix_simulator.adapters.journal_sqlite import SqliteJournal, open_journal
from fenix_simulator.domain import messages as m
from fenix_simulator.ports import Entry, Filter, Journal, JournalError, Recorded

BOUND = 10.0
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MOVED = Entry("event", "HostMaintained", m.HostMaintained(1, "host-1"), "s1", "p1")


@pytest.fixture(params=["memory", "sqlite"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Journal]:
    """An empty journal of each kind."""
    made = open_journal(None if request.param == "memory" else str(tmp_path / "journal.db"))
    yield made
    made.close()


def test_an_empty_journal(journal: Journal) -> None:
    """It begins at 1 and ends at 0."""
    assert (journal.first, journal.last) == (1, 0)
    assert journal.read() == []
    assert journal.append([], NOON) == 0
    assert not journal.wait(0, 0.0)


def test_entries_are_numbered_from_one_and_read_back(journal: Journal) -> None:
    """``append`` returns the last one's number; all of it is there, the data JSON-ready."""
    assert journal.append([MOVED, MOVED], NOON) == 2
    assert journal.append([Entry("start", "ServerStarted", {"version": "1"})], NOON + timedelta(seconds=1)) == 3
    assert (journal.first, journal.last) == (1, 3)
    first, _, third = journal.read()
    assert first == Recorded(1, NOON, "event", "HostMaintained", "s1", "p1", {"notification": 1, "host": "host-1"})
    assert third == Recorded(3, NOON + timedelta(seconds=1), "start", "ServerStarted", None, None, {"version": "1"})


def test_pages(journal: Journal) -> None:
    """``after`` and ``limit`` cut out a piece; beyond the end there is nothing; no limit means none."""
    journal.append([MOVED] * 10, NOON)
    assert [entry.number for entry in journal.read(after=3, limit=4)] == [4, 5, 6, 7]
    assert [entry.number for entry in journal.read(after=8, limit=4)] == [9, 10]
    assert journal.read(after=10) == []
    assert journal.read(after=1_000_000) == []
    assert journal.read(limit=0) == []
    assert journal.read(limit=-1) == []


def test_ids_with_any_text(journal: Journal) -> None:
    """Ids come out of URLs: quotes, NUL and lone surrogates neither break the journal nor the filter."""
    ids = ["a'b\"c", "nul\0nul", "lone\ud800", "ünï", "", "%s?", "-- "]
    journal.append([Entry("event", "HostMaintained", m.HostMaintained(1, "h"), one, one) for one in ids], NOON)
    for number, one in enumerate(ids, 1):
        found = journal.read(only=Filter(session_id=one, project_id=one))
        assert [entry.number for entry in found] == [number]
    assert journal.read(only=Filter(session_id="lone\ud800"))[0].session_id == "lone\\ud800"


def test_wait_returns_at_once_when_there_is_news(journal: Journal) -> None:
    """And False when the time runs out."""
    journal.append([MOVED], NOON)
    assert journal.wait(0, 0.0)
    assert not journal.wait(1, 0.01)
    assert not journal.wait(1, -1.0)


def test_wait_wakes_when_an_entry_is_added(journal: Journal) -> None:
    """A reader that waits is woken by another thread's append, and can read it then."""
    heard: list[list[int]] = []

    def follow() -> None:
        if journal.wait(0, BOUND):
            heard.append([entry.number for entry in journal.read()])

    reader = threading.Thread(target=follow)
    reader.start()
    journal.append([MOVED], NOON)
    reader.join(BOUND)
    assert heard == [[1]]


def test_close_wakes_whoever_waits(journal: Journal) -> None:
    """A long poll does not keep a server from stopping; nothing is taken any more."""
    answers: list[bool] = []
    waiting = threading.Event()

    def follow() -> None:
        waiting.set()
        answers.append(journal.wait(0, threading.TIMEOUT_MAX * 2))

    reader = threading.Thread(target=follow)
    reader.start()
    assert waiting.wait(BOUND)
    journal.close()
    reader.join(BOUND)
    assert answers == [False]
    with pytest.raises(JournalError, match="the journal is closed"):
        journal.append([MOVED], NOON)
    journal.close()


def test_threads_that_append_at_once(journal: Journal) -> None:
    """Every entry is kept once, each call's entries stand together, and each thread's in its order."""
    returned: dict[str, list[int]] = {}

    def write(name: str) -> None:
        mine = returned[name] = []
        for number in range(40):
            event = m.HostMaintained(number, name)
            mine.append(journal.append([Entry("event", "HostMaintained", event, name)] * 2, NOON))

    threads = [threading.Thread(target=write, args=(f"t{number}",)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)
    found = journal.read(limit=10_000)
    assert [entry.number for entry in found] == list(range(1, 641))
    for name, numbers in returned.items():
        mine = [entry for entry in found if entry.session_id == name]
        assert [entry.data["notification"] for entry in mine] == [number // 2 for number in range(80)]
        assert [entry.number for entry in mine] == [one for last in numbers for one in (last - 1, last)]


def test_readers_beside_writers(journal: Journal) -> None:
    """Readers that follow two writers see every entry once and in order."""
    total = 200

    def write() -> None:
        for _ in range(total // 2):
            journal.append([MOVED], NOON)

    seen: list[list[int]] = [[], []]

    def follow(mine: list[int]) -> None:
        while len(mine) < total and journal.wait(mine[-1] if mine else 0, BOUND):
            mine.extend(entry.number for entry in journal.read(mine[-1] if mine else 0, limit=7))

    threads = [threading.Thread(target=write) for _ in range(2)]
    threads += [threading.Thread(target=follow, args=(mine,)) for mine in seen]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)
    assert seen == [list(range(1, total + 1))] * 2


IDS = st.sampled_from([None, "a", "b", "c"])
ENTRIES = st.builds(
    lambda kind, number, session_id, project_id: Entry(
        kind, "HostMaintained" if number % 2 else "HostStarted", m.HostMaintained(number, "h"), session_id, project_id
    ),
    st.sampled_from(["event", "delivery", "request"]),
    st.integers(0, 9),
    IDS,
    IDS,
)
FILTERS = st.builds(
    Filter,
    kinds=st.frozensets(st.sampled_from(["event", "delivery", "start"]), max_size=2),
    types=st.frozensets(st.sampled_from(["HostMaintained", "Other"]), max_size=2),
    session_id=IDS,
    project_id=IDS,
)
STEPS = st.lists(
    st.one_of(st.lists(ENTRIES, max_size=4), st.tuples(st.integers(0, 30), st.integers(0, 12), FILTERS)), max_size=25
)


def fits(only: Filter, entry: Entry) -> bool:
    return (
        (not only.kinds or entry.kind in only.kinds)
        and (not only.types or entry.type in only.types)
        and only.session_id in (None, entry.session_id)
        and only.project_id in (None, entry.project_id)
    )


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_memory_and_file_answer_alike(steps: list[list[Entry] | tuple[int, int, Filter]]) -> None:
    """Any sequence of appends and filtered reads: both give what a plain list gives."""
    with tempfile.TemporaryDirectory() as folder:
        memory, file = MemoryJournal(), SqliteJournal(Path(folder) / "journal.db")
        model: list[Entry] = []
        try:
            for step in steps:
                if isinstance(step, list):
                    model += step
                    at = NOON + timedelta(microseconds=len(model))
                    assert memory.append(step, at) == file.append(step, at) == len(model)
                else:
                    after, limit, only = step
                    found = memory.read(after, limit, only)
                    expected = [n for n, entry in enumerate(model, 1) if n > after and fits(only, entry)][:limit]
                    assert [entry.number for entry in found] == expected
                    assert file.read(after, limit, only) == found
            assert memory.last == file.last == len(model)
        finally:
            file.close()
