"""``fenix-simulator serve`` with a scenario that comes on standard input, and what a restart makes of its options."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

SOON = 60.0
RUN = [sys.executable, "-m", "fenix_simulator", "serve", "--port", "0"]
SCENARIO = b"version: 1\ninventory: {hosts: 2, projects: 2, instances_per_project: 1}\n"


@pytest.fixture
def start(tmp_path):
    """Starts servers with an open standard input and ends them with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(*arguments: str, ready: Path = tmp_path / "ready.json") -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [*RUN, "--ready-file", str(ready), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        started.append(process)
        return process

    yield begin
    for process in started:
        with process:
            process.kill()


def ready(process: subprocess.Popen[bytes], file: Path) -> dict:
    """What the ready file tells; it is there when the first line is."""
    assert process.stdout is not None
    assert process.stdout.readline(), process.stderr.read()
    return json.loads(file.read_text())


def test_a_process_that_was_started_ahead_is_fed_its_scenario(start, tmp_path):
    process = start("--scenario", "-", "--project-id", "mine")
    process.stdin.write(SCENARIO)
    process.stdin.close()
    told = ready(process, tmp_path / "ready.json")
    assert told["projects"][0] == "mine"
    process.send_signal(signal.SIGTERM)
    assert process.wait(SOON) == 0


def test_the_mark_of_a_documents_end_is_enough(start, tmp_path):
    """So whoever started it can keep its standard input open, and end it by closing that."""
    process = start("--scenario", "-", "--until-eof")
    process.stdin.write(SCENARIO + b"...\n")
    process.stdin.flush()
    told = ready(process, tmp_path / "ready.json")
    with urllib.request.urlopen(f"{told['url']}/simulator/v1/health", timeout=SOON) as answer:
        assert answer.status == 200
    process.stdin.close()
    assert process.wait(SOON) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_process_that_waits_for_its_scenario_can_be_stopped(start, tmp_path, number):
    process = start("--scenario", "-")
    # More than a pipe holds: once it is written the other side reads, and takes signals.
    process.stdin.write(b"# nothing yet\n" * 50_000)
    process.stdin.flush()
    process.send_signal(number)
    assert process.wait(SOON) == 0
    assert process.stderr.read() == b""


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"", "<stdin>: a scenario was to come from there, and nothing came"),
        (b"  \n\n", "<stdin>: a scenario was to come from there, and nothing came"),
        (b"version: 1\ninventory: {hosts: x}\n", "<stdin>:2: inventory"),
        (b"version: 1\n\nsed: 1\ninventory: {hosts: 1, projects: 1, instances_per_project: 1}\n", "<stdin>:3: sed:"),
        (b"\xff", "<stdin>:1: not UTF-8 text"),
        (b"x" * 2_100_000, "<stdin>: the file is larger than 2,000,000 bytes"),
    ],
)
@pytest.mark.parametrize("command", [["serve", "--scenario", "-"], ["scenario", "validate", "-"]])
def test_errors_name_the_place(command, given, said):
    done = subprocess.run(
        [sys.executable, "-m", "fenix_simulator", *command], input=given, capture_output=True, timeout=SOON, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_scenario_from_elsewhere_can_be_checked():
    done = subprocess.run(
        [sys.executable, "-m", "fenix_simulator", "scenario", "validate", "-"],
        input=SCENARIO,
        capture_output=True,
        timeout=SOON,
        check=True,
    )
    assert done.stdout.decode().startswith("-: good: 2 hosts, 2 projects, 2 instances")


def test_a_journal_goes_on_with_the_same_options_only(start, tmp_path):
    journal = ["--journal", str(tmp_path / "run.db"), "--scenario", "-"]
    options = ["--project-id", "mine", "--base-path", "/x", "--own-action-window", "3s"]
    for arguments in (options, options):
        process = start(*journal, *arguments)
        process.stdin.write(SCENARIO)
        process.stdin.close()
        assert ready(process, tmp_path / "ready.json")["projects"][0] == "mine"
        process.terminate()
        assert process.wait(SOON) == 0
    for arguments, said in (
        (["--project-id", "yours", *options[2:]], b"differs in inventory"),
        ([*options[:2], "--base-path", "/y", *options[4:]], b"differs in base_path"),
        (options[:4], b"differs in timing"),
    ):
        process = start(*journal, *arguments)
        _, errors = process.communicate(SCENARIO, SOON)
        assert process.returncode == 2
        assert said in errors
