"""A journal that cannot be written any more says so, keeps what it has and takes entries again once it can."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from fenix_simulator.adapters.journal_sqlite import SqliteJournal
from fenix_simulator.domain.messages import HostMaintained
from fenix_simulator.ports import Entry, JournalError

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
LARGE = [Entry("event", "HostMaintained", HostMaintained(1, "h" * 100_000))]


def test_a_full_one_refuses_entries_and_takes_them_when_there_is_room(tmp_path):
    path = tmp_path / "run.db"
    journal = SqliteJournal(path)
    last = journal.append(LARGE, NOON)
    # SQLite itself refuses to let the file grow, as it does on a full disk.
    journal._connection.execute("PRAGMA max_page_count = 1")
    for _ in range(2):
        with pytest.raises(JournalError) as refused:
            journal.append(LARGE, NOON)
        assert refused.value.message == f"{path}: cannot be written (database or disk is full)"
        assert refused.value.hint == "make room on its disk, or let it be written, and try again"
    assert [entry.number for entry in journal.read()] == [last]
    journal._connection.execute("PRAGMA max_page_count = 100000")
    assert journal.append(LARGE, NOON) == last + 1
    journal.close()


def test_a_read_only_one_is_refused_at_the_start(tmp_path, monkeypatch):
    """Where root runs the tests every file can be written, so the system's answer is put in its place."""
    path = tmp_path / "run.db"
    SqliteJournal(path).close()
    before = path.read_bytes()
    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda *_: False)
        with pytest.raises(JournalError, match="cannot be written") as refused:
            SqliteJournal(path)
    assert refused.value.hint == "let it be written, or use another file"
    assert path.read_bytes() == before
    SqliteJournal(path).close()
