"""Reading a journal's file, in the server or from another process while the server writes.

The file is a SQLite database (``application_id`` 0x464E584A, ``user_version`` = the schema, 1), with one table::

    entry(number INTEGER PRIMARY KEY,   -- from 1, no gaps
          at TEXT,                      -- RFC 3339, UTC, microseconds
          kind TEXT, type TEXT,         -- see ports.Entry
          session_id TEXT, project_id TEXT,   -- NULL where it concerns none
          data TEXT)                    -- a JSON object, see journal_json
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from fenix_simulator.adapters.journal_json import CLOSED, decode, text
from fenix_simulator.ports import Filter, JournalError, Recorded

APPLICATION_ID = 0x464E584A
SCHEMA = 1

#: Seconds between two looks at the file's change counter while following it from another process.
FOLLOW_INTERVAL = 0.2


class SqliteJournalReader:
    """Reads a journal's file; never changes it. For one thread at a time.

    ``first``, ``last``, ``read`` and ``wait`` are as in ``ports.Journal``.
    """

    def __init__(self, path: str | Path) -> None:
        """Raises JournalError when there is no such file or it is no journal of this schema."""
        self._path = Path(path)
        if not self._path.exists():
            raise JournalError(f"{path}: no such file")
        if self._path.is_dir():
            raise JournalError(f"{path}: is a directory, not a journal")
        with explained(self._path):
            self._connection = _open_read_only(self._path)
        try:
            if not is_journal(self._connection, self._path):
                raise JournalError(f"{path}: is empty, not a journal")
        except BaseException:
            self._connection.close()
            raise

    def read(self, after: int = 0, limit: int = 1000, only: Filter = Filter()) -> list[Recorded]:
        """See ``ports.Journal``; JournalError when the file is damaged."""
        query, values = _query(after, limit, only)
        with explained(self._path):
            rows = self._connection.execute(query, values).fetchall()
        return [self._recorded(*row) for row in rows]

    def wait(self, after: int, timeout: float) -> bool:
        """See ``ports.Journal``. SQLite wakes nobody across processes, so the file's change counter (one read of
        shared memory) is looked at every FOLLOW_INTERVAL seconds."""
        end = time.monotonic() + timeout
        seen = self._data_version()
        pause = threading.Event()
        while self.last <= after:
            while (version := self._data_version()) == seen:
                left = end - time.monotonic()
                if left <= 0:
                    return False
                pause.wait(min(left, FOLLOW_INTERVAL))
            seen = version
        return True

    @property
    def first(self) -> int:
        """The oldest number, 1 when empty."""
        return self._edge("min") or 1

    @property
    def last(self) -> int:
        """The newest number, 0 when empty."""
        return self._edge("max")

    def close(self) -> None:
        """Let the file go."""
        self._connection.close()

    def _edge(self, which: str) -> int:
        with explained(self._path):
            return int(self._connection.execute(f"SELECT {which}(number) FROM entry").fetchone()[0] or 0)  # noqa: S608 - our word

    def _data_version(self) -> int:
        with explained(self._path):
            return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def _recorded(
        self, number: int, at: str, kind: str, type_: str, session_id: str | None, project_id: str | None, data: str
    ) -> Recorded:
        try:
            return Recorded(number, datetime.fromisoformat(at), kind, type_, session_id, project_id, decode(data))
        except (JournalError, TypeError, ValueError) as error:
            raise JournalError(f"{self._path}: entry {number} is damaged: {error}") from error


def is_journal(connection: sqlite3.Connection, path: Path) -> bool:
    """Whether the file is a journal of this schema; False when it is still empty, JournalError when it is neither."""
    with explained(path):
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        (schema,) = connection.execute("PRAGMA user_version").fetchone()
        (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        if application == APPLICATION_ID and schema == SCHEMA:
            return True
    if application == APPLICATION_ID:
        raise JournalError(
            f"{path}: was written by another version (schema {schema}; this one knows {SCHEMA})",
            hint="use the version that wrote it, or another file",
        )
    if application or schema or tables:
        raise JournalError(f"{path}: is a SQLite database, but not a journal of fenix-simulator")
    return False


@contextlib.contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite and the system say about the file into one clear JournalError."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise explanation(error, path) from error


def explanation(error: sqlite3.Error | OSError, path: Path) -> JournalError:
    """What the error means for the journal at ``path``."""
    if isinstance(error, OSError):
        return JournalError(f"{path}: {error.strerror or error}")
    name = getattr(error, "sqlite_errorname", None) or ""
    if name.startswith("SQLITE_NOTADB"):
        return JournalError(f"{path}: is not a journal (no SQLite database)")
    if name.startswith("SQLITE_CORRUPT"):
        return JournalError(f"{path}: is damaged ({error})", hint="use another file, or a copy of it")
    if name.startswith(("SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_READONLY")):
        return JournalError(
            f"{path}: cannot be written ({error})", hint="make room on its disk, or let it be written, and try again"
        )
    if isinstance(error, sqlite3.ProgrammingError) and "closed" in str(error):
        return JournalError(CLOSED)
    return JournalError(f"{path}: {error}")


def _open_read_only(path: Path) -> sqlite3.Connection:
    uri = path.resolve().as_uri()
    connection = _connect(f"{uri}?mode=ro")
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.OperationalError as error:
        connection.close()
        # A journal in a place where nothing can be written (a CI artifact): SQLite cannot make its shared memory there,
        # and can do without where no part of the journal is still in the write-ahead log.
        log = path.with_name(path.name + "-wal")
        if error.sqlite_errorname != "SQLITE_CANTOPEN":
            raise
        if log.exists() and log.stat().st_size:
            raise JournalError(
                f"{path}: cannot be read where nothing can be written, because {log.name} is part of it",
                hint=f"copy {path.name} and {log.name} to a place of your own",
            ) from error
        connection = _connect(f"{uri}?mode=ro&immutable=1")
    return connection


def _connect(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, isolation_level=None, check_same_thread=False)


def _query(after: int, limit: int, only: Filter) -> tuple[str, list[str | int]]:
    conditions, values = ["number > ?"], list[str | int]([after])
    for column, wanted in (("session_id", only.session_id), ("project_id", only.project_id)):
        if wanted is not None:
            conditions.append(f"{column} = ?")
            values.append(text(wanted))
    for column, words in (("kind", only.kinds), ("type", only.types)):
        if words:
            conditions.append(f"{column} IN ({', '.join('?' * len(words))})")
            values.extend(text(word) for word in words)
    values.append(max(limit, 0))
    where = " AND ".join(conditions)
    columns = "number, at, kind, type, session_id, project_id, data"
    return f"SELECT {columns} FROM entry WHERE {where} ORDER BY number LIMIT ?", values  # noqa: S608 - our own words
