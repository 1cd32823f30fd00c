"""``fenix-simulator journal``: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fenix_contract.vocabulary import State
from fenix_simulator.adapters.journal_sqlite import SqliteJournal
from fenix_simulator.commands.journal import command
from fenix_simulator.domain.messages import HostMaintained, ReplyAccepted, StateEntered
from fenix_simulator.ports import Answered, Entry

BOUND = 10.0
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
HOSTILE = "\x1b[2J\x9b31m\nnext line" + "x" * 500


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A journal of four entries."""
    path = tmp_path / "maintenance.db"
    journal = SqliteJournal(path)
    journal.append(
        [
            Entry("event", "StateEntered", StateEntered(State.MAINTENANCE), "s1"),
            Entry("event", "ReplyAccepted", ReplyAccepted("p1", "ACK_MAINTENANCE"), "s1", "p1"),
            Entry("request", "RequestAnswered", Answered("PUT", "/v1", 200, 0.01, HOSTILE, "{}"), "s1", "p1"),
            Entry("event", "HostMaintained", HostMaintained(1, "host-1"), "s2"),
        ],
        NOON,
    )
    journal.close()
    return path


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(one) for one in arguments])


def numbers(result: Result) -> list[int]:
    assert result.exit_code == 0, result.output
    return [json.loads(line)["number"] for line in result.stdout.splitlines()]


def test_show_prints_one_line_for_each_entry(path: Path) -> None:
    """Number, time, kind, type, whom it concerns and what it says; a member without a value is left out."""
    result = run("show", path, "--raw")
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert len(lines) == 4
    assert lines[1].split() == [
        *("2", "2026-03-01", "12:00:00.000", "event", "ReplyAccepted"),
        *("session=s1", "project=p1", "state=ACK_MAINTENANCE"),
    ]


def test_show_tells_the_exchange(path: Path) -> None:
    """A line for what happened; what was asked for by name is told in any case."""
    lines = run("show", path).stdout.splitlines()
    assert lines[0] == "12:00:00.000  ── MAINTENANCE ──"
    assert lines[1].startswith("12:00:00.000  p1 → Fenix  PUT ")
    assert lines[2:] == ["12:00:00.000  host-1 is maintained and takes instances again"]
    (asked_for,) = run("show", path, "--type", "ReplyAccepted").stdout.splitlines()
    assert "state=ACK_MAINTENANCE" in asked_for


@pytest.mark.parametrize(("variable", "coloured"), [({}, True), ({"NO_COLOR": "1"}, False)])
def test_colours_are_for_terminals(path: Path, variable: dict[str, str], coloured: bool) -> None:
    """And for those who want them."""
    result = CliRunner().invoke(command, ["show", str(path)], env={"NO_COLOR": "", **variable}, color=True)
    assert ("\x1b[" in result.stdout) is coloured
    assert "\x1b[2J" not in result.stdout
    assert "\x1b[" not in CliRunner().invoke(command, ["show", str(path)]).stdout


def test_show_lets_nothing_steer_the_terminal(path: Path) -> None:
    """A body with escape sequences and line ends is shown as text, and cut."""
    for options in ([], ["--raw"]):
        line = run("show", path, "--kind", "request", *options).stdout.rstrip("\n")
        assert line.isprintable()
        assert "\\x1b[2J" in line
        assert "…" in line
        assert len(line) < 300


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ([], [1, 2, 3, 4]),
        (["--kind", "request"], [3]),
        (["--kind", "request", "--kind", "event"], [1, 2, 3, 4]),
        (["--type", "HostMaintained", "--type", "StateEntered"], [1, 4]),
        (["--session", "s1"], [1, 2, 3]),
        (["--session", "s1", "--project", "p1", "--kind", "event"], [2]),
        (["--after", "2"], [3, 4]),
        (["--session", "nobody"], []),
    ],
)
def test_filters(path: Path, filters: list[str], expected: list[int]) -> None:
    """Each narrows; the same one twice widens."""
    assert numbers(run("show", path, "--format", "json", *filters)) == expected


def test_export_writes_each_entry_as_an_object(path: Path) -> None:
    """NDJSON with all that was recorded, times in RFC 3339."""
    result = run("export", path)
    assert numbers(result) == [1, 2, 3, 4]
    assert json.loads(result.stdout.splitlines()[1]) == {
        "number": 2,
        "at": "2026-03-01T12:00:00Z",
        "kind": "event",
        "type": "ReplyAccepted",
        "session_id": "s1",
        "project_id": "p1",
        "data": {"project_id": "p1", "state": "ACK_MAINTENANCE", "instance_actions": None, "instance_id": None},
    }
    assert json.loads(result.stdout.splitlines()[2])["data"]["request_body"] == HOSTILE


def test_long_journals_are_written_whole(tmp_path: Path) -> None:
    """Thousands of entries, page by page, none missing or twice, also with a filter that fits few."""
    path = tmp_path / "long.db"
    journal = SqliteJournal(path)
    entries = [
        Entry("event", "HostMaintained", HostMaintained(number, "h"), "rare" if number % 900 == 0 else "s")
        for number in range(1, 3001)
    ]
    journal.append(entries, NOON)
    journal.close()
    assert numbers(run("export", path)) == list(range(1, 3001))
    assert numbers(run("show", path, "--session", "rare", "--format", "json")) == [900, 1800, 2700]


@pytest.mark.parametrize("name", ["show", "export"])
def test_what_is_no_journal_is_one_line_and_exit_2(tmp_path: Path, name: str) -> None:
    """Missing or something else: told on stderr, nothing on stdout."""
    text = tmp_path / "diary.txt"
    text.write_text("dear diary")
    for file, message in (
        (tmp_path / "missing.db", "no such file"),
        (text, "is not a journal"),
        (tmp_path, "directory"),
    ):
        result = run(name, file)
        assert result.exit_code == 2
        assert result.stdout == ""
        assert message in result.stderr
        assert len(result.stderr.splitlines()) == 1


@contextmanager
def running(*arguments: str | Path) -> Iterator[subprocess.Popen[str]]:
    """The command as a process of its own."""
    code = "from fenix_simulator.commands.journal import command; command()"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM])
def test_follow_shows_what_another_process_records(path: Path, end: signal.Signals) -> None:
    """What is there, then what comes, filtered; Ctrl-C or SIGTERM end it without an error."""
    with running("show", path, "--follow", "--kind", "event", "--format", "json") as process:
        assert process.stdout is not None
        assert [json.loads(process.stdout.readline())["number"] for _ in range(3)] == [1, 2, 4]
        journal = SqliteJournal(path)
        for kind in ("delivery", "event"):
            journal.append([Entry(kind, "HostMaintained", HostMaintained(2, "host-2"))], NOON)
            journal.append([Entry(kind, "HostMaintained", HostMaintained(3, "host-3"))], NOON)
        assert [json.loads(process.stdout.readline())["number"] for _ in range(2)] == [7, 8]
        journal.close()
        process.send_signal(end)
        output, errors = process.communicate(timeout=BOUND)
        assert (output, errors, process.returncode) == ("", "", 0)


def test_a_reader_of_stdout_that_has_seen_enough_is_no_error(tmp_path: Path) -> None:
    """As with ``| head``: no traceback, no complaint."""
    path = tmp_path / "long.db"
    journal = SqliteJournal(path)
    journal.append([Entry("event", "HostMaintained", HostMaintained(1, "h" * 100))] * 5000, NOON)
    journal.close()
    with running("export", path) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline())["number"] == 1
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(BOUND) == 0


def test_help_has_an_example_for_every_command() -> None:
    """With the command spelled as it is typed."""
    for name in ([], ["show"], ["export"]):
        result = run(*name, "--help")
        assert result.exit_code == 0
        assert re.search("Examples?: fenix-simulator journal", " ".join(result.stdout.split()))


def test_the_file_may_come_from_the_environment(path: Path) -> None:
    """The variable that ``serve --journal`` reads."""
    result = CliRunner().invoke(command, ["export"], env={"FENIX_SIM_JOURNAL": str(path)})
    assert numbers(result) == [1, 2, 3, 4]
