"""The journal in a SQLite file (``journal_reader`` tells its layout).

WAL with ``synchronous=NORMAL``: a commit is in the system's page cache when ``append`` returns, so that it survives
the process's death at any moment (not the machine's loss of power). Threads that append at once share a commit.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from fenix_simulator.adapters.file_lock import FileInUse, FileLock
from fenix_simulator.adapters.group_commit import GroupCommit
from fenix_simulator.adapters.journal_json import CLOSED, encode, instant_text, text
from fenix_simulator.adapters.journal_memory import MemoryJournal
from fenix_simulator.adapters.journal_reader import (
    APPLICATION_ID,
    SCHEMA,
    SqliteJournalReader,
    explained,
    explanation,
    is_journal,
)
from fenix_simulator.ports import Entry, Filter, Journal, JournalError, Recorded

#: No index: that of the sessions alone would cost three times what all the rest of a row does, with each of them, and
#: a hundred thousand entries are searched in a tenth of a second.
_TABLE = f"""
BEGIN IMMEDIATE;
CREATE TABLE entry (
    number INTEGER PRIMARY KEY,
    at TEXT NOT NULL,
    kind TEXT NOT NULL,
    type TEXT NOT NULL,
    session_id TEXT,
    project_id TEXT,
    data TEXT NOT NULL
);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA};
COMMIT;
"""
_INSERT = "INSERT INTO entry (at, kind, type, session_id, project_id, data) VALUES "
_VALUES = "(?, ?, ?, ?, ?, ?)"

#: Rows written by one statement. Each statement lets other threads have the interpreter, and taking it back costs
#: far more than the row; SQLite takes 999 values in any build.
_ROWS = 128

_Row = tuple[str, str, str, str | None, str | None, str]


class SqliteJournal:
    """A journal in ``path``, gone on with when the file exists. One writer per file, any number of readers."""

    def __init__(self, path: str | Path) -> None:
        """Raises JournalError when the file is in use by another server, is no journal, or cannot be opened."""
        # Through a symbolic link it must be the same lock.
        self._path = Path(path).resolve()
        self._lock = _locked(self._path)
        try:
            with explained(self._path):
                self._connection = _open_for_writing(self._path)
                # Two subqueries: min and max in one query read the whole table.
                edges = "SELECT (SELECT min(number) FROM entry), (SELECT max(number) FROM entry)"
                first, last = self._connection.execute(edges).fetchone()
                self._first, self._last = int(first or 1), int(last or 0)
        except BaseException:
            self._lock.close()
            raise
        self._commits = GroupCommit(self._write)
        self._writing = threading.Lock()
        self._changed = threading.Condition(threading.Lock())
        self._readers: list[SqliteJournalReader] = []
        self._closed = False

    def append(self, entries: Sequence[Entry], at: datetime) -> int:
        """See ``ports.Journal``; JournalError when it could not be written (then none of the entries was)."""
        if not entries:
            return self._last
        instant = instant_text(at)
        try:
            return self._commits.submit([_row(entry, instant) for entry in entries])
        except sqlite3.Error as error:
            raise explanation(error, self._path) from error

    def read(self, after: int = 0, limit: int = 1000, only: Filter = Filter()) -> list[Recorded]:
        """See ``ports.Journal``; never waits for an append."""
        with self._reader() as reader:
            return reader.read(after, limit, only)

    def wait(self, after: int, timeout: float) -> bool:
        """See ``ports.Journal``; ends early, with False, when the journal is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._last > after or self._closed, min(timeout, threading.TIMEOUT_MAX))
            return self._last > after

    @property
    def first(self) -> int:
        """The oldest number kept, 1 when empty."""
        return self._first

    @property
    def last(self) -> int:
        """The newest number, 0 when empty."""
        return self._last

    def close(self) -> None:
        """Finish what is being written, wake whoever waits and let the file go."""
        with self._writing:
            if self._closed:
                return
            with self._changed:
                self._closed = True
                self._changed.notify_all()
                readers, self._readers = self._readers, []
            for reader in readers:
                reader.close()
            with explained(self._path):
                self._connection.close()
            self._lock.close()

    def _write(self, rows: list[_Row]) -> int:
        with self._writing:
            last = self._insert(rows)
        with self._changed:
            self._last = last
            self._changed.notify_all()
        return last

    def _insert(self, rows: list[_Row]) -> int:
        if len(rows) <= _ROWS:
            # One statement is one transaction: no BEGIN, no COMMIT.
            return self._insert_some(rows)
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            for start in range(0, len(rows), _ROWS):
                last = self._insert_some(rows[start : start + _ROWS])
            self._connection.execute("COMMIT")
        except BaseException:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            raise
        return last

    def _insert_some(self, rows: list[_Row]) -> int:
        statement = _INSERT + ",".join([_VALUES] * len(rows))
        last = self._connection.execute(statement, list(itertools.chain.from_iterable(rows))).lastrowid
        assert last is not None  # noqa: S101 - an INSERT has one
        return last

    @contextlib.contextmanager
    def _reader(self) -> Iterator[SqliteJournalReader]:
        with self._changed:
            if self._closed:
                raise JournalError(CLOSED)
            reader = self._readers.pop() if self._readers else None
        reader = reader or SqliteJournalReader(self._path)
        try:
            yield reader
        finally:
            with self._changed:
                keep = not self._closed
                if keep:
                    self._readers.append(reader)
            if not keep:
                reader.close()


def open_journal(path: str | None) -> Journal:
    """The journal in the file at ``path``, or a bounded one in memory when None; JournalError as SqliteJournal."""
    return MemoryJournal() if path is None else SqliteJournal(path)


def _row(entry: Entry, instant: str) -> _Row:
    session_id = entry.session_id and text(entry.session_id)
    project_id = entry.project_id and text(entry.project_id)
    return instant, entry.kind, entry.type, session_id, project_id, encode(entry).decode()


def _locked(path: Path) -> FileLock:
    if not path.parent.is_dir():
        raise JournalError(f"{path}: there is no directory {path.parent}")
    if path.is_dir():
        raise JournalError(f"{path}: is a directory, not a journal")
    try:
        with explained(path):
            return FileLock(path.with_name(path.name + ".lock"))
    except FileInUse as error:
        raise JournalError(
            f"{path}: is in use by another server (process {error.holder or 'unknown'})",
            hint="stop that one, or use another file",
        ) from error


def _open_for_writing(path: Path) -> sqlite3.Connection:
    # SQLite opens a file that is read-only as well, and says so only when something is to be written.
    if path.exists() and not os.access(path, os.W_OK):
        raise JournalError(f"{path}: cannot be written", hint="let it be written, or use another file")
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # Looked at before anything is changed: a file that is not ours stays as it is.
        if not is_journal(connection, path):
            connection.execute("PRAGMA journal_mode = WAL")
            connection.executescript(_TABLE)
        connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        connection.close()
        raise
    return connection
