"""Reading a journal's file: what was exported, what a simulator keeps, and what is neither."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from fenix_conformance.vnfm.journal import JournalInvalid
from fenix_conformance.vnfm.journal_file import load_journal

ROW = {
    "number": 1,
    "at": "2026-11-26T10:26:34.443033Z",
    "kind": "start",
    "type": "ServerStarted",
    "session_id": None,
    "project_id": None,
    "data": {"version": "0.1.0"},
}


def ndjson(*rows: object) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def test_exported_lines_are_read_in_order_of_their_numbers(tmp_path: Path) -> None:
    path = tmp_path / "run.ndjson"
    path.write_bytes(ndjson({**ROW, "number": 2}, ROW) + b"\n")
    assert [entry.number for entry in load_journal(path)] == [1, 2]
    assert load_journal(path)[0].data == {"version": "0.1.0"}


def test_lines_come_through_a_pipe_too(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(ndjson(ROW),))
    writer.start()
    assert len(load_journal(path)) == 1
    writer.join(10)


def test_what_a_simulator_keeps_is_read_by_the_simulator(kept_journal: Path) -> None:
    entries = load_journal(kept_journal)
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    assert {"ServerStarted", "SessionCreated"} <= {entry.type for entry in entries}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "no such file"),
        (b"", "an empty journal"),
        (b"\n\n", "an empty journal"),
        (b"<html>", "line 1: no JSON object"),
        (ndjson(ROW) + b'{"number": 2, "at', "line 2: no JSON object"),
        (b'{"\x80": 1}', "line 1: not UTF-8 text"),
        (b"[" * 100_000, "line 1: no JSON object"),
        (ndjson(["list"]), "entry 1 is none of a journal"),
        (ndjson(ROW, {**ROW, "number": "two"}), "entry 2 is none of a journal"),
        (ndjson({"schema": 1}), "entry 1 is none of a journal"),
    ],
)
def test_what_is_no_journal_is_told_in_one_line(content: bytes | None, said: str, tmp_path: Path) -> None:
    path = tmp_path / "run.ndjson"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(JournalInvalid) as caught:
        load_journal(path)
    message = str(caught.value)
    assert str(path) in message
    assert said in message
    assert "fenix-simulator journal export" in message
    assert "\n" not in message


def test_a_folder_is_no_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalInvalid, match="is a directory"):
        load_journal(tmp_path)


def test_another_database_is_told_by_the_simulator(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE things (name TEXT)")
    with pytest.raises(JournalInvalid) as caught:
        load_journal(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)
