"""``fenix-conformance vnfm`` and ``journal`` as a user meets them: runs over real sockets, processes, files."""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fenix_conformance.requirements import requirements_of
from fenix_conformance.results import Role
from fenix_contract.vocabulary import REPLY_STATES
from fenix_vnfm import EventKind, ManagerEvent, Policy, ProjectManager

MAIN = "from fenix_conformance.cli import main; main(prog_name='fenix-conformance')"
SUITE = [sys.executable, "-c", MAIN]

#: One host with an instance of each project, one empty host: a maintenance of one round.
CLOUD = "version: 1\ninventory: {hosts: 2, vcpus: 8, projects: 2, instances_per_project: 1, spare_hosts: 1}\n"
SECOND_SILENT = f"{CLOUD}projects: {{managers: [{{projects: [2], silent: true}}]}}\n"
FIRST_SILENT = f"{CLOUD}projects: {{managers: [{{projects: [1], silent: true}}]}}\n"

#: A VNFM that ends with status 7 as soon as a maintenance is complete.
MORTAL = """\
import os, sys
from fenix_vnfm import AlarmReceiver, ProjectManager
manager = ProjectManager(receiver=AlarmReceiver(port=int(sys.argv[1])), path="/maintenance")
manager.wait_for_outcome("MAINTENANCE_COMPLETE", timeout=60)
os._exit(7)
"""


def suite(*arguments: str | Path, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in an empty place."""
    command = [*SUITE, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, cwd=folder, check=False)


@contextmanager
def vnfm(policy: Policy = Policy(), **given: Any) -> Iterator[ProjectManager]:
    """A VNFM on a port of its own."""
    with ProjectManager(policy=policy, path="/maintenance", **given) as manager:
        yield manager


def scenario(folder: Path, name: str, text: str = CLOUD) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(text)
    return path


def entries(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def running(mark: str) -> list[int]:
    """The processes, other than this one, whose command line has that in it."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if mark.encode() in path.read_bytes() and int(path.parent.name) != os.getpid():
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def is_gone(pid: int, seconds: float = 10.0) -> bool:
    """Whether that process has ended, or does so soon."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([descriptor], [], [], seconds)[0])
    finally:
        os.close(descriptor)


@pytest.mark.slow
def test_scenarios_are_played_kept_and_judged_again_alike(tmp_path):
    """The same cloud twice is two sessions; what was judged from the run is judged the same from its journals."""
    scenario(tmp_path, "one"), scenario(tmp_path, "two")
    with vnfm() as manager:
        ran = suite(
            "vnfm", manager.alarm_url, "--scenario", "one.yaml", "--scenario", "two.yaml", "--reply-window", "3s",
            "--keep-journals", "kept", "--json", "run.json",
            folder=tmp_path,
        )  # fmt: skip
    assert ran.returncode in (0, 3), ran.stdout[-3000:] + ran.stderr[-1000:]
    told = json.loads((tmp_path / "run.json").read_text())
    assert (told["role"], told["subject"]) == ("vnfm", manager.alarm_url)
    assert [row["id"] for row in told["requirements"]] == [row.id for row in requirements_of(Role.VNFM)]
    rerun = told["requirements"][0]["rerun"]
    assert "--only alarm-accepted --scenario one.yaml --scenario two.yaml" in rerun

    kept = [tmp_path / "kept" / "one.ndjson", tmp_path / "kept" / "two.ndjson"]
    for path in kept:
        rows = entries(path)
        assert [row["number"] for row in rows] == list(range(1, len(rows) + 1))
        assert rows[0]["data"]["scenario"]["timing"]["reply_window"] == "3s"
        assert "SessionDone" in [row["type"] for row in rows]
        assert rows[-1]["data"]["scenario"] == path.stem
    again = suite("journal", *kept, "--json", "again.json", folder=tmp_path)
    assert again.returncode == ran.returncode, again.stdout[-3000:] + again.stderr[-1000:]
    judged = json.loads((tmp_path / "again.json").read_text())["requirements"]
    assert [row["outcome"] for row in judged] == [row["outcome"] for row in told["requirements"]]


def test_the_vnfm_has_the_project_id_that_it_must_have_wherever_its_project_stands(tmp_path):
    path = scenario(tmp_path, "second", FIRST_SILENT)
    with vnfm() as manager:
        suite(
            "vnfm", manager.alarm_url, "--scenario", path, "--project", "MINE", "--reply-window", "1s",
            "--keep-journals", tmp_path,
        )  # fmt: skip
        assert {event.project_id for event in manager.events if event.kind is EventKind.ALARM} == {"MINE"}
    rows = entries(tmp_path / "second.ndjson")
    (created,) = [row for row in rows if row["type"] == "SessionCreated"]
    assert created["data"]["projects"][1] == "MINE"
    assert rows[-1]["data"]["projects"] == ["MINE"]


@pytest.mark.slow
def test_the_next_scenario_begins_while_only_the_silence_of_others_is_waited_for(tmp_path):
    first, second = scenario(tmp_path, "silence", SECOND_SILENT), scenario(tmp_path, "next")
    with vnfm() as manager:
        suite(
            "vnfm", manager.alarm_url, "--scenario", first, "--scenario", second, "--reply-window", "4s",
            "--keep-journals", tmp_path,
        )  # fmt: skip
    (failed,) = [row["at"] for row in entries(tmp_path / "silence.ndjson") if row["type"] == "SessionFailed"]
    (begun,) = [row["at"] for row in entries(tmp_path / "next.ndjson") if row["type"] == "SessionCreated"]
    assert begun < failed


@pytest.mark.slow
def test_a_late_reply_is_waited_for(tmp_path):
    path = scenario(tmp_path, "late")
    late = Policy(delay=timedelta(seconds=2.5), may_be_late=True)
    with vnfm(late) as manager:
        suite("vnfm", manager.alarm_url, "--scenario", path, "--reply-window", "2s", "--keep-journals", tmp_path)
    rows = entries(tmp_path / "late.ndjson")
    (failed,) = [row["number"] for row in rows if row["type"] == "SessionFailed"]
    own = rows[-1]["data"]["projects"][0]
    assert [row for row in rows[failed:] if row["project_id"] == own and row["data"].get("method") == "PUT"]


def test_that_the_vnfm_does_nothing_at_all_is_said_early(tmp_path):
    path = scenario(tmp_path, "first")
    with vnfm(Policy(silent=frozenset(map(str, REPLY_STATES)), fetch_list=False)) as manager:
        ran = suite("vnfm", manager.alarm_url, "--scenario", path, "--reply-window", "1s")
    assert "the VNFM sent nothing at all in first" in ran.stderr
    assert ran.returncode not in (0, 2, 4)


@pytest.mark.slow
def test_a_scenario_that_takes_too_long_is_judged_by_what_happened_so_far(tmp_path):
    path = scenario(tmp_path, "slow")
    with vnfm(Policy(delay=timedelta(seconds=0.7))) as manager:
        ran = suite(
            "vnfm", manager.alarm_url, "--scenario", path, "--reply-window", "3s", "--max-wait", "1s",
            "--keep-journals", tmp_path,
        )  # fmt: skip
    assert "slow had not ended after 1 s" in ran.stderr
    rows = entries(tmp_path / "slow.ndjson")
    assert not [row for row in rows if row["type"] in ("SessionDone", "SessionFailed")]
    asked = [row for row in rows if row["type"] == "ProjectsAsked"]
    own = rows[-1]["data"]["projects"][0]
    replies = [row for row in rows if row["type"] == "ReplyAccepted" and row["project_id"] == own]
    assert len(replies) == len(asked)


@pytest.mark.slow
def test_a_vnfm_that_listens_no_more_costs_one_scenario_not_all(tmp_path):
    paths = [scenario(tmp_path, name) for name in ("one", "two", "three", "four")]
    holder: list[ProjectManager] = []

    def leave(event: ManagerEvent) -> None:
        if event.kind is EventKind.REPLY and event.state == "MAINTENANCE_COMPLETE":
            holder[0].receiver.close()

    with vnfm(on_event=leave) as manager:
        holder.append(manager)
        given = [word for path in paths for word in ("--scenario", str(path))]
        ran = suite("vnfm", manager.alarm_url, *given, "--reply-window", "1s", "--keep-journals", tmp_path)
    assert "any more; not played: three, four" in ran.stderr
    assert ran.returncode not in (0, 2, 4)
    assert sorted(path.stem for path in tmp_path.glob("*.ndjson")) == ["one", "two"]
    assert {row["data"]["status"] for row in entries(tmp_path / "two.ndjson") if row["kind"] == "delivery"} >= {None}


@pytest.mark.slow
def test_a_vnfm_that_the_suite_started_is_started_again_when_it_died(tmp_path):
    (tmp_path / "mortal.py").write_text(MORTAL)
    scenario(tmp_path, "one"), scenario(tmp_path, "two")
    port = free_port()
    ran = suite(
        "vnfm", f"http://127.0.0.1:{port}/maintenance", "--command", f"{sys.executable} mortal.py {port}",
        "--scenario", "one.yaml", "--scenario", "two.yaml", "--reply-window", "3s", "--keep-journals", "kept",
        folder=tmp_path,
    )  # fmt: skip
    assert ran.returncode in (0, 3), ran.stdout[-3000:] + ran.stderr[-1000:]
    fact = "the VNFM ended with status 7 and was started again before two"
    assert f"note: {fact}" in ran.stderr
    assert entries(tmp_path / "kept" / "two.ndjson")[-1]["data"]["facts"] == [fact]
    assert not running(f"mortal.py {port}".replace(" ", "\0"))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_behind(tmp_path, number):
    scenario(tmp_path, "held"), scenario(tmp_path, "next")
    with vnfm(Policy(silent=frozenset(map(str, REPLY_STATES)))) as manager:
        command = [*SUITE, "vnfm", manager.alarm_url, "--scenario", str(tmp_path / "held.yaml")]
        command += ["--scenario", str(tmp_path / "next.yaml"), "--reply-window", "60s"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            manager.wait_for(lambda event: event.kind is EventKind.SILENT, timeout=30)
            assert len(running(str(tmp_path))) > 1
            process.send_signal(number)
            _, errors = process.communicate(timeout=20)
    assert process.returncode == 4
    assert "interrupted" in errors
    assert "Traceback" not in errors
    assert not running(str(tmp_path))


def test_a_run_that_is_killed_takes_its_simulators_with_it(tmp_path):
    scenario(tmp_path, "held")
    with vnfm(Policy(silent=frozenset(map(str, REPLY_STATES)))) as manager:
        command = [
            *SUITE,
            "vnfm",
            manager.alarm_url,
            "--scenario",
            str(tmp_path / "held.yaml"),
            "--reply-window",
            "60s",
        ]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            manager.wait_for(lambda event: event.kind is EventKind.SILENT, timeout=30)
            left = [pid for pid in running(str(tmp_path)) if pid != process.pid]
            assert left
            process.kill()
    assert all(is_gone(pid) for pid in left)


NOBODY = "http://127.0.0.1:1/maintenance"
WRONG: dict[str, tuple[list[str], int, str]] = {
    "no URL": (["vnfm"], 2, "ALARM_URL is missing"),
    "no http": (["vnfm", "ftp://127.0.0.1/"], 2, "is not an http URL"),
    "a password": (["vnfm", "http://me:secret@127.0.0.1/"], 2, "carries a user name"),
    "nobody there": (["vnfm", NOBODY], 4, f"nobody listens at {NOBODY}"),
    "no such host": (["vnfm", "http://nowhere.invalid/"], 4, "nobody listens at http://nowhere.invalid/"),
    "no such requirement": (["vnfm", NOBODY, "--only", "nope"], 2, "no vnfm requirement nope"),
    "a server's requirement": (["vnfm", NOBODY, "--only", "list-shape"], 2, "no vnfm requirement list-shape"),
    "nothing left": (["vnfm", NOBODY, "--only", "retry", "--skip", "retry"], 3, "nothing is selected"),
    "no such scenario": (["vnfm", NOBODY, "--scenario", "nope"], 2, "nope: neither a file nor a bundled scenario"),
    "a bad scenario": (["vnfm", NOBODY, "--scenario", "bad.yaml"], 2, "bad.yaml:2: inventory.hosts"),
    "bad duration": (["vnfm", NOBODY, "--reply-window", "soon"], 2, "not a duration"),
    "no window": (["vnfm", NOBODY, "--reply-window", "0s"], 2, "not between"),
    "fuzz with jobs": (["vnfm", NOBODY, "--fuzz", "3", "--jobs", "2"], 2, "leave --jobs out"),
    "no jobs": (["vnfm", NOBODY, "--jobs", "0"], 2, "--jobs"),
    "empty project": (["vnfm", NOBODY, "--project", ""], 2, "--project is empty"),
    "no project's id": (["vnfm", NOBODY, "--project", "a b/c"], 2, "--project 'a b/c' is no id of a project"),
    "too large a seed": (["vnfm", NOBODY, "--seed", "9" * 23], 2, "is not in the range"),
    "empty command": (["vnfm", NOBODY, "--command", " "], 2, "--command: it is empty"),
    "open quote": (["vnfm", NOBODY, "--command", "vnfm 'x"], 2, "is no command line"),
    "no such command": (["vnfm", NOBODY, "--command", "no-such-vnfm"], 2, "no-such-vnfm cannot be run"),
    "a dead command": (["vnfm", NOBODY, "--command", "false"], 4, "ended with status 1"),
    "no such baseline": (["vnfm", NOBODY, "--baseline", "nowhere.yaml"], 2, "nowhere.yaml"),
    "a server's baseline": (["vnfm", NOBODY, "--baseline", "upstream-2019"], 2, "upstream-2019"),
    "a port that is none": (["vnfm", "http://127.0.0.1:99999/"], 2, "is not an http URL"),
    "an open bracket": (["vnfm", "http://[::1/"], 2, "is not an http URL"),
    "two URLs": (["vnfm", NOBODY, NOBODY], 2, "unexpected extra argument"),
    "no such option": (["vnfm", NOBODY, "--scenarios", "nack"], 2, "No such option '--scenarios'"),
    "an option without its value": (["vnfm", NOBODY, "--only"], 2, "requires an argument"),
    "no such command at all": (["vnfms", NOBODY], 2, "No such command 'vnfms'"),
    "a scenario without a name": (["vnfm", NOBODY, "--scenario", ""], 2, "no scenario has an empty name"),
    "a folder for a scenario": (["vnfm", NOBODY, "--scenario", "folder"], 2, "folder: cannot be read"),
    "bytes for a scenario": (["vnfm", NOBODY, "--scenario", "bytes"], 2, "bytes:1: not UTF-8 text"),
    "no such dialect": (["vnfm", NOBODY, "--dialect", "nope"], 2, "'nope' is not one of 'map', 'per-instance'"),
    "no own action window": (["vnfm", NOBODY, "--own-action-window", "0s"], 2, "not between"),
    "no wait": (["vnfm", NOBODY, "--max-wait", "-5s"], 2, "not a duration"),
    "no start": (["vnfm", NOBODY, "--start-timeout", "x"], 2, "not a duration"),
    "too many jobs": (["vnfm", NOBODY, "--jobs", "99"], 2, "99 is not in the range"),
    "a file for journals": (["vnfm", NOBODY, "--keep-journals", "bytes"], 2, "'bytes' is a file"),
    "a folder for a report": (["vnfm", NOBODY, "--html", "folder"], 2, "'folder' is a directory"),
    "no such format": (["vnfm", NOBODY, "--format", "xml"], 2, "'xml' is not one of"),
    "made up and named": (["vnfm", NOBODY, "--fuzz", "3", "--scenario", "nack"], 2, "leave --scenario out"),
    "made up and kept": (["vnfm", NOBODY, "--fuzz", "3", "--keep-journals", "k"], 2, "leave --keep-journals out"),
    "no journal": (["journal"], 2, "FILE is missing"),
    "an address for a journal": (["journal", "http://127.0.0.1:1"], 2, "an address is no FILE"),
    "a folder without journals": (["journal", "folder"], 2, "folder: a folder without journals"),
    "bytes for a journal": (["journal", "bytes"], 2, "bytes, line 1: not UTF-8 text"),
    "a damaged database": (["journal", "damaged.db"], 2, "damaged.db: is "),
    "one of two journals": (["journal", "start.ndjson", "nowhere"], 2, "nowhere: no such file"),
    "a journal's wrong format": (["journal", "start.ndjson", "--format", "xml"], 2, "'xml' is not one of"),
    "explain nothing": (["explain"], 2, "Missing argument 'FILE'"),
    "explain no such file": (["explain", "nowhere"], 2, "nowhere: no such file"),
    "explain a folder": (["explain", "folder"], 2, "folder: a folder without journals"),
    "explain bytes": (["explain", "bytes"], 2, "bytes, line 1: not UTF-8 text"),
    "explain no entry": (["explain", "start.ndjson", "--entry", "0"], 2, "0 is not in the range"),
    "explain half an entry": (["explain", "start.ndjson", "--entry", "1.5"], 2, "'1.5' is not a valid integer"),
    "explain an entry that is no alarm": (["explain", "start.ndjson", "--entry", "1"], 2, "has to do with no alarm"),
    "explain another scenario": (["explain", "start.ndjson", "--scenario", "nack"], 2, "not of 'nack'"),
    "selftest of nobody": (["selftest", "--role", "vnfms"], 2, "'vnfms' is not one of"),
    "selftest of an unknown VNFM": (["selftest", "--role", "vnfm", "nope"], 2, "no behaviour of a VNFM nope"),
    "selftest of one end's as the other's": (["selftest", "--role", "server", "misses-one"], 2, "misses-one"),
    "no such journal": (["journal", "nowhere.ndjson"], 2, "nowhere.ndjson"),
    "an empty journal": (["journal", "empty.ndjson"], 2, "empty.ndjson"),
    "a foreign file": (["journal", "bad.yaml"], 2, "bad.yaml"),
    "nobody's journal": (["journal", "start.ndjson", "--project", "P"], 2, "nothing in it is about project P"),
    "journal, nothing left": (["journal", "start.ndjson", "--skip", "retry", "--only", "retry"], 3, "nothing is"),
}


@pytest.mark.parametrize(("arguments", "code", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_call_gets_one_clear_line(tmp_path, arguments, code, says):
    (tmp_path / "bad.yaml").write_text("version: 1\ninventory: {hosts: 0, projects: 1, instances_per_project: 1}\n")
    (tmp_path / "empty.ndjson").write_text("")
    (tmp_path / "start.ndjson").write_text(json.dumps(START) + "\n")
    (tmp_path / "bytes").write_bytes(b"\x00\xff\xfe")
    (tmp_path / "damaged.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 500)
    (tmp_path / "folder").mkdir()
    ran = suite(*arguments, folder=tmp_path)
    assert ran.returncode == code, ran.stderr
    if code == 2:
        assert len(ran.stderr.splitlines()) == 1
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
    assert "secret" not in ran.stderr
    assert ran.stdout == ""


START = {
    "number": 1,
    "at": "2026-01-01T00:00:00Z",
    "kind": "start",
    "type": "ServerStarted",
    "session_id": None,
    "project_id": None,
    "data": {"version": "1", "scenario": {}},
}


def test_a_journal_in_which_nothing_happened_is_no_pass(tmp_path):
    (tmp_path / "start.ndjson").write_text(json.dumps(START) + "\n")
    ran = suite("journal", "start.ndjson", folder=tmp_path)
    assert ran.returncode == 3, ran.stdout + ran.stderr


def test_the_list_names_every_requirement():
    ran = suite("vnfm", "--list")
    assert ran.returncode == 0
    assert [line.split()[0] for line in ran.stdout.splitlines()] == [row.id for row in requirements_of(Role.VNFM)]


def test_a_folder_stands_for_the_journals_in_it(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.ndjson").write_text(json.dumps(START) + "\n")
    (tmp_path / "other.txt").write_text("no journal")
    ran = suite("journal", tmp_path, "--format", "json")
    assert ran.returncode == 3, ran.stderr
    assert json.loads(ran.stdout)["subject"] == str(tmp_path)


def test_a_dry_run_of_made_up_scenarios_names_none():
    ran = suite("vnfm", NOBODY, "--dry-run", "--fuzz", "20", "--seed", "4")
    assert ran.returncode == 0
    assert "scenarios: 20 made-up ones, seed 4\n" in ran.stdout


def test_a_dry_run_tells_the_programme_and_starts_nothing():
    ran = suite("vnfm", NOBODY, "--dry-run", "--only", "retry")
    assert ran.returncode == 0
    assert "scenarios: happy-path, " in ran.stdout
    assert "retry" in ran.stdout


def test_options_come_from_the_environment_too(tmp_path):
    environment = {**os.environ, "FENIX_CONFORMANCE_ALARM_URL": NOBODY, "FENIX_CONFORMANCE_SCENARIO": "nack happy-path"}
    ran = subprocess.run(
        [*SUITE, "vnfm", "--dry-run"], capture_output=True, text=True, timeout=60, env=environment, check=False
    )
    assert "scenarios: happy-path, nack\n" in ran.stdout
