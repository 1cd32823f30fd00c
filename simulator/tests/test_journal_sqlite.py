"""The journal's file: who may have it, what is wrong with it, and what it survives."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fenix_simulator.adapters.file_lock import FileInUse, FileLock
from fenix_simulator.adapters.journal_memory import MemoryJournal
from fenix_simulator.adapters.journal_reader import APPLICATION_ID, SqliteJournalReader
from fenix_simulator.adapters.journal_sqlite import SqliteJournal, open_journal
from fenix_simulator.domain.messages import HostMaintained
from fenix_simulator.ports import Entry, Filter, JournalError

BOUND = 10.0
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PATH = os.pathsep.join(path for path in sys.path if path)
Opener = Callable[[Path], object]

#: Opens the journal named by its first argument, says so, and keeps it until its stdin ends.
HOLDER = """
import sys
from fenix_simulator.adapters.journal_sqlite import SqliteJournal
journal = SqliteJournal(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


def entry(number: int, session_id: str | None = "s") -> Entry:
    return Entry("event", "HostMaintained", HostMaintained(number, "host"), session_id)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where a journal may be made."""
    return tmp_path / "journal.db"


@pytest.fixture
def filled(path: Path) -> Path:
    """A journal of a few hundred entries, closed."""
    journal = SqliteJournal(path)
    for number in range(50):
        journal.append([entry(number)] * 10, NOON)
    journal.close()
    return path


@pytest.fixture
def other_server(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has the journal open."""
    environment = {**os.environ, "PYTHONPATH": PATH}
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        yield process
        process.kill()


def test_open_journal_keeps_a_file_only_where_one_is_named(path: Path) -> None:
    """Without a path it is the bounded one in memory."""
    assert isinstance(open_journal(None), MemoryJournal)
    journal = open_journal(str(path))
    assert isinstance(journal, SqliteJournal)
    journal.close()


def test_a_journal_goes_on_where_it_stopped(filled: Path) -> None:
    """Numbers go on after a restart, and nothing but the one file is left when it is closed."""
    journal = SqliteJournal(filled)
    assert (journal.first, journal.last) == (1, 500)
    assert journal.append([entry(1)], NOON) == 501
    assert journal.read(499, 5)[-1].number == 501
    journal.close()
    assert [file.name for file in filled.parent.iterdir()] == [filled.name]


def test_many_entries_are_added_as_one(path: Path) -> None:
    """More than one statement takes; and the file has all or none of a call's entries."""
    journal = SqliteJournal(path)
    assert journal.append([entry(number) for number in range(1000)], NOON) == 1000
    assert [one.data["notification"] for one in journal.read()] == list(range(1000))
    journal.close()


@pytest.mark.parametrize("count", [10, 1000])
def test_a_full_disk_is_told_and_survived(path: Path, count: int) -> None:
    """The error names the file, none of the call's entries is kept, and numbers have no gap when it goes on."""
    journal = SqliteJournal(path)
    journal.append([entry(0)], NOON)
    # SQLite gives the same error for a file that may not grow as for a disk that is full.
    journal._connection.execute("PRAGMA max_page_count = 6")
    big = Entry("event", "Big", {"text": "x" * 4000})
    with pytest.raises(JournalError, match=f"{path.name}.*full"):
        journal.append([big] * count, NOON)
    assert journal.last == 1
    assert [one.number for one in journal.read()] == [1]
    journal._connection.execute("PRAGMA max_page_count = 100000")
    assert journal.append([big] * count, NOON) == 1 + count
    journal.close()


def test_an_entry_that_cannot_be_written_takes_its_call_with_it(path: Path) -> None:
    """None of the entries of that call is kept."""
    journal = SqliteJournal(path)
    with pytest.raises(JournalError, match="Strange cannot be written"):
        journal.append([entry(1), Entry("event", "Strange", {"thing": object()})], NOON)
    assert journal.last == 0
    assert journal.append([entry(1)], NOON) == 1
    journal.close()


# -- who may have the file -------------------------------------------------------------------------------------------


def test_a_second_server_is_refused(path: Path, other_server: subprocess.Popen[str]) -> None:
    """With one line that names the file and the process; readers are welcome."""
    with pytest.raises(JournalError, match=rf"in use by another server \(process {other_server.pid}\)") as caught:
        SqliteJournal(path)
    assert str(path) in caught.value.message
    reader = SqliteJournalReader(path)
    assert reader.last == 0
    reader.close()


def test_a_killed_server_leaves_the_file_free(path: Path, other_server: subprocess.Popen[str]) -> None:
    """Its lock ends with it, although its lock file is still there."""
    other_server.kill()
    other_server.wait(BOUND)
    assert path.with_name("journal.db.lock").exists()
    journal = SqliteJournal(path)
    assert journal.append([entry(1)], NOON) == 1
    journal.close()


def test_a_second_journal_in_the_process_is_refused_too(path: Path, tmp_path: Path) -> None:
    """By whichever name: a symbolic link leads to the same lock. After ``close`` it is free."""
    link = tmp_path / "link.db"
    link.symlink_to(path)
    journal = SqliteJournal(path)
    for name in (path, link):
        with pytest.raises(JournalError, match="in use"):
            SqliteJournal(name)
    journal.close()
    SqliteJournal(link).close()


def test_a_lock_is_had_by_one_at_a_time(tmp_path: Path) -> None:
    """Eight threads that take and leave it, removing its file each time, never have it together."""
    path = tmp_path / "lock"
    holders = threading.Semaphore(1)
    together: list[bool] = []
    taken = [0]

    def take() -> None:
        mine = 0
        while mine < 20:
            try:
                lock = FileLock(path)
            except FileInUse:
                continue
            together.append(not holders.acquire(blocking=False))
            taken[0] += 1
            mine += 1
            holders.release()
            lock.close()

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)
    assert taken == [160]
    assert not any(together)


def test_a_reader_follows_another_connections_appends(path: Path) -> None:
    """``wait`` of a reader sees what the writer commits, and gives up when its time is out."""
    journal = SqliteJournal(path)
    reader = SqliteJournalReader(path)
    assert not reader.wait(0, 0.01)
    waiting = threading.Thread(target=journal.append, args=([entry(1)], NOON))
    waiting.start()
    assert reader.wait(0, BOUND)
    assert reader.wait(0, 0.0)
    assert [one.number for one in reader.read()] == [1]
    assert (reader.first, reader.last) == (1, 1)
    waiting.join(BOUND)
    reader.close()
    journal.close()


def block(path: Path) -> None:
    """Keep SQLite from making its own file there: as in a folder that cannot be written, but also for root."""
    path.symlink_to(path.parent / "nowhere" / "nothing")


def test_a_journal_can_be_read_where_nothing_can_be_written(filled: Path) -> None:
    """As an artifact of a CI run is."""
    for suffix in ("-wal", "-shm"):
        block(filled.with_name(filled.name + suffix))
    reader = SqliteJournalReader(filled)
    assert reader.last == 500
    assert reader.read(only=Filter(session_id="s"), limit=1)[0].number == 1
    reader.close()


def test_entries_that_cannot_be_reached_are_not_passed_over(path: Path, other_server: subprocess.Popen[str]) -> None:
    """Where part of the journal is in a write-ahead log that cannot be read there, the error says what to copy."""
    other_server.kill()
    other_server.wait(BOUND)
    shm = path.with_name("journal.db-shm")
    shm.unlink()
    block(shm)
    with pytest.raises(JournalError, match=r"journal\.db-wal is part of it") as caught:
        SqliteJournalReader(path)
    assert "copy" in caught.value.hint


# -- what is wrong with the file -------------------------------------------------------------------------------------


def write_text(path: Path) -> None:
    path.write_text("this is a diary, but not that kind\n" * 100)


def write_foreign_database(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE cats (name TEXT)")
    connection.close()


def write_newer_schema(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA user_version = 2")
    connection.close()


@pytest.mark.parametrize("open_file", [SqliteJournal, SqliteJournalReader])
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (write_text, "is not a journal"),
        (write_foreign_database, "is a SQLite database, but not a journal"),
        (write_newer_schema, "written by another version .schema 2; this one knows 1"),
        (Path.mkdir, "is a directory"),
    ],
)
def test_what_is_no_journal_is_refused_and_left_alone(
    path: Path, open_file: Opener, make: Callable[[Path], None], message: str
) -> None:
    """One clear line that begins with the file; the file is as it was, and no other is left behind."""
    make(path)
    before = path.read_bytes() if path.is_file() else None
    with pytest.raises(JournalError, match=message) as caught:
        open_file(path)
    assert caught.value.message.startswith(str(path))
    assert before is None or path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize(
    ("open_file", "message"), [(SqliteJournal, "there is no directory"), (SqliteJournalReader, "no such file")]
)
def test_a_file_that_cannot_be_there(tmp_path: Path, open_file: Opener, message: str) -> None:
    """A missing directory is not made, a missing file not read."""
    with pytest.raises(JournalError, match=message):
        open_file(tmp_path / "missing" / "journal.db")
    assert not (tmp_path / "missing").exists()


def test_an_empty_file_becomes_a_journal_and_is_none_yet(path: Path) -> None:
    """As ``mktemp`` makes one: a server may begin there, a reader finds nothing."""
    path.touch()
    with pytest.raises(JournalError, match="is empty, not a journal"):
        SqliteJournalReader(path)
    journal = SqliteJournal(path)
    assert journal.append([entry(1)], NOON) == 1
    journal.close()


def read_all(open_file: type[SqliteJournal] | type[SqliteJournalReader], path: Path) -> None:
    journal = open_file(path)
    try:
        journal.read(limit=10_000)
    finally:
        journal.close()


@pytest.mark.parametrize("open_file", [SqliteJournal, SqliteJournalReader])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.5, 0.9])
def test_a_torn_file_gives_one_clear_error(
    filled: Path, open_file: type[SqliteJournal] | type[SqliteJournalReader], share: float
) -> None:
    """Cut short anywhere, as by a copy that broke off."""
    os.truncate(filled, int(filled.stat().st_size * share))
    with pytest.raises(JournalError, match=r"journal\.db: is (damaged|not a journal)"):
        read_all(open_file, filled)


@pytest.mark.parametrize("open_file", [SqliteJournal, SqliteJournalReader])
def test_a_corrupt_page_gives_one_clear_error(
    filled: Path, open_file: type[SqliteJournal] | type[SqliteJournalReader]
) -> None:
    """Every page but the first overwritten in turn: an error or an answer, never anything else."""
    whole = filled.read_bytes()
    errors: list[str] = []
    for page in range(1, len(whole) // 4096):
        filled.write_bytes(whole[: page * 4096] + b"\xa5" * 4096 + whole[(page + 1) * 4096 :])
        try:
            read_all(open_file, filled)
        except JournalError as error:
            errors.append(error.message)
    assert errors
    assert all("is damaged" in error for error in errors)


@pytest.mark.parametrize(
    ("column", "value"), [("data", "{"), ("data", b"\xff"), ("data", "[]"), ("at", "yesterday"), ("at", 5)]
)
def test_a_damaged_entry_is_named(filled: Path, column: str, value: object) -> None:
    """Which one it is, and what is wrong with it."""
    connection = sqlite3.connect(filled)
    connection.execute(f"UPDATE entry SET {column} = ? WHERE number = 7", (value,))
    connection.commit()
    connection.close()
    reader = SqliteJournalReader(filled)
    assert len(reader.read(limit=6)) == 6
    with pytest.raises(JournalError, match="entry 7 is damaged"):
        reader.read()
    reader.close()


def test_a_copy_with_its_log_is_whole(path: Path, tmp_path: Path) -> None:
    """What a running server has committed is in the file and its log; both copied are a journal."""
    journal = SqliteJournal(path)
    journal.append([entry(1)] * 20, NOON)
    copy = tmp_path / "copy"
    copy.mkdir()
    for name in ("journal.db", "journal.db-wal"):
        shutil.copy(tmp_path / name, copy / name)
    journal.close()
    reader = SqliteJournalReader(copy / "journal.db")
    assert reader.last == 20
    reader.close()
