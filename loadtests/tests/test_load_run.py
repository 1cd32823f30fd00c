"""``fenix-loadtest URL`` as people meet it: what it measures, what it decides, and what it leaves behind."""

from __future__ import annotations

import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

SHORT = ("--users", "4", "--sessions", "3", "--hold", "200ms", "--lead", "0s")


def report(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


def test_an_open_loop_run_against_the_simulator(command, simulator, left_over):
    """It keeps the rate, checks every reply, writes both reports, and takes everything away."""
    ended = command.run(
        simulator, *SHORT, "--hold", "1s", "--rate", "40", "--mix", "list=2,reply=1", "--duration", "2s",
        "--json", "r.json", "--html", "r.html", "--max-p95", "5s", "--max-p99", "PUT reply=5s",
    )  # fmt: skip
    assert (ended.returncode, ended.stderr) == (0, "")
    made = report(command.folder / "r.json")
    assert made["verdict"] == "held"
    assert {row["name"] for row in made["requests"]} == {
        "GET list", "GET list on alarm", "PUT reply", "PUT reply again",
    }  # fmt: skip
    assert 40 <= made["total"]["requests"] <= 100
    assert made["replies"]["accepted"] == made["replies"]["shown"] >= 6
    assert made["replies"]["lost"] == 0
    assert made["reaction"][0]["p50"] > 0
    assert all(row["held"] for row in made["thresholds"])
    assert "p99 of PUT reply" in ended.stdout
    assert "<html" in (command.folder / "r.html").read_text()
    assert left_over(simulator) == []


def test_closed_users_and_many_sessions_against_another_server(command, fake, left_over):
    """Nothing of the simulator is needed: a server with the published APIs will do."""
    server = fake()
    ended = command.run(
        server.url, "--users", "4", "--sessions", "8", "--hold", "100ms", "--lead", "0s", "--think", "20ms",
        "--duration", "2s", "--json", "r.json",
    )  # fmt: skip
    made = report(command.folder / "r.json")
    assert ended.returncode == 0, ended.stdout
    assert made["sessions"]["done"] > 0
    assert made["replies"]["once"] > 0
    assert left_over(server.url) == []


def test_only_the_waves_that_alarms_ask_for(command, fake):
    """The mix ``wave`` makes no request that no alarm asked for."""
    ended = command.run(fake().url, *SHORT, "--mix", "wave", "--duration", "1s", "--json", "r.json")
    names = {row["name"] for row in report(command.folder / "r.json")["requests"]}
    assert (ended.returncode, names) == (0, {"GET list on alarm", "PUT reply"})


def test_one_accepted_reply_that_is_lost_fails_the_run(command, fake, left_over):
    """It is named: the session goes on when just that reply is sent again."""
    server = fake(loses=lambda session, project, times: session == 1 and project == 2 and times == 1, window=10.0)
    ended = command.run(server.url, *SHORT, "--patience", "1500ms", "--duration", "2s", "--json", "r.json")
    made = report(command.folder / "r.json")
    assert ended.returncode == 1
    assert made["replies"]["lost"] == 1
    assert [(one["state"], one["projects"], one["certain"]) for one in made["losses"]] == [
        ("MAINTENANCE", ["project-2"], True)
    ]
    assert "lost: the reply of project project-2 to MAINTENANCE of session" in ended.stdout
    assert left_over(server.url) == []


def test_a_reply_that_is_lost_for_good_fails_the_run_at_the_windows_end(command, fake):
    """Which it is cannot be told then: all that were told are named."""
    server = fake(loses=lambda session, project, times: session == 0 and project == 1, window=3.0)
    ended = command.run(server.url, *SHORT, "--patience", "5s", "--duration", "1s", "--json", "r.json")
    losses = report(command.folder / "r.json")["losses"]
    assert ended.returncode == 1
    assert [(sorted(one["projects"]), one["certain"]) for one in losses] == [
        (["project-0", "project-1", "project-2"], False)
    ]


@pytest.mark.parametrize(
    ("flags", "server", "row"),
    [
        (("--max-p99", "0.001ms"), {}, "p99 of PUT reply"),
        (("--max-p95", "GET nothing=1s"), {}, "p95 of GET nothing"),
        ((), {"list_status": 500}, "failures"),
    ],
)
def test_a_threshold_that_does_not_hold_fails_the_run(command, fake, flags, server, row):
    """The table says which."""
    ended = command.run(fake(**server).url, *SHORT, "--duration", "1s", "--max-wait", "1s", *flags)
    assert ended.returncode == 1
    assert any(line.startswith(row) and line.endswith("BROKEN") for line in ended.stdout.splitlines())


def test_failures_may_be_allowed(command, fake):
    """A number or a share."""
    url = fake(list_status=500).url
    ended = command.run(url, *SHORT, "--duration", "1s", "--max-failures", "100%")
    assert ended.returncode == 0, ended.stdout


def test_a_server_that_is_not_there(command):
    """Exit 4 and one line."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ended = command.run(f"http://127.0.0.1:{port}")
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (4, "", 1)
    assert "could not be reached" in ended.stderr


def test_a_server_without_an_admin_api_cannot_be_loaded(command, fake, left_over):
    """What was set up until then is taken away."""
    server = fake()
    server.handle = lambda method, path, body, real=server.handle: (
        (403, {"detail": "not you"}) if method == "POST" and path == "/v1/maintenance" else real(method, path, body)
    )
    ended = command.run(server.url, *SHORT, "--duration", "1s")
    assert ended.returncode == 4
    assert "not run: no session could be started" in ended.stdout
    assert left_over(server.url) == []


def test_a_server_that_sends_no_alarm(command, fake, left_over):
    """There is nothing to reply to, and no load."""
    server = fake(mute=True)
    ended = command.run(server.url, *SHORT, "--duration", "1s", "--max-wait", "1s")
    assert ended.returncode == 4
    assert "no alarm arrived" in ended.stdout
    assert left_over(server.url) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_load_and_leaves_nothing_behind(command, fake, left_over, number, wait_until):
    """What was measured until then is judged."""
    server = fake()
    process = command.start(server.url, *SHORT, "--duration", "1m", "--rate", "20")
    wait_until(lambda: server.replies > 5)
    process.send_signal(number)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 0, out
    assert "accepted replies lost" in out
    assert left_over(server.url) == []


def test_a_second_interrupt_waits_for_no_session(command, fake, left_over, wait_until):
    """What the sessions had still to show is not decided then, and that is no pass."""
    server = fake(loses=lambda session, project, times: True, window=60.0)
    process = command.start(server.url, *SHORT, "--duration", "1m", "--rate", "20")
    wait_until(lambda: server.replies > 5)
    process.send_signal(signal.SIGINT)
    before = server.replies
    wait_until(lambda: server.replies > before)  # the replies that were held back
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert process.returncode == 1, out
    assert left_over(server.url) == []


@pytest.mark.slow
def test_two_processes(command, simulator, left_over):
    """Each has sessions of its own; their figures are one report."""
    ended = command.run(simulator, *SHORT, "--processes", "2", "--rate", "40", "--duration", "2s", "--json", "r.json")
    made = report(command.folder / "r.json")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert len(made["generator"]["cpu"]) == 2
    assert made["total"]["requests"] > 40
    assert left_over(simulator) == []


@pytest.mark.slow
def test_a_master_and_two_workers(command, fake, left_over):
    """As on several machines: a loss that one worker sees fails the master's run."""
    server = fake(loses=lambda session, project, times: session == 1 and project == 0 and times == 1, window=10.0)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    workers = [command.start("--worker", "--master-port", port) for _ in range(2)]
    ended = command.run(
        server.url, *SHORT, "--patience", "1500ms", "--master", "--expect-workers", "2", "--master-port", port,
        "--duration", "2s", "--rate", "40", "--json", "r.json",
    )  # fmt: skip
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert [one["projects"] for one in report(command.folder / "r.json")["losses"]] == [["project-0"]]
    for worker in workers:
        worker.communicate(timeout=20)
        assert worker.returncode == 0
    assert left_over(server.url) == []


def test_plain_locust(command, fake, left_over):
    """``locust -f`` with the same flags, and the same exit code."""
    server = fake()
    locustfile = Path(__file__).parents[1] / "locustfile.py"
    ended = command.run(
        "-f", str(locustfile), "--host", server.url, "--headless", "-u", "3", "-r", "3", "-t", "3s",
        "--sessions", "2", "--hold", "200ms", "--max-p99", "0.001ms", module="locust",
    )  # fmt: skip
    assert ended.returncode == 1, ended.stderr
    assert "BROKEN" in ended.stdout
    assert left_over(server.url) == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "URL is missing"),
        (("ftp://here",), "is not an http or https URL"),
        (("http://h", "--users", "0"), "'0' is not a whole number from 1"),
        (("http://h", "--users", "many"), "'many' is not a whole number"),
        (("http://h", "--rate", "-1"), "'-1' is not a rate such as 50"),
        (("http://h", "--duration", "10"), "'10' is not a duration such as"),
        (("http://h", "--mix", "list=x"), "is not a mix such as list=8,reply=1"),
        (("http://h", "--mix", "list=0"), "asks for nothing"),
        (("http://h", "--max-p95", "fast"), "'fast' is not a duration such as"),
        (("http://h", "--max-failures", "-2"), "is not a number of failures"),
        (("http://h", "--json", "nowhere/r.json"), "cannot be written"),
        (("http://h", "--master", "--worker"), "two processes"),
        (("http://h", "--master", "--processes", "2"), "starts a master and workers by itself"),
        (("http://h", "--master-host", "x"), "--master-host goes with --worker"),
        (("http://h", "--expect-workers", "2"), "--expect-workers goes with --master"),
        (("alarms",), "ALARM_URL is missing"),
        (("alarms", "nowhere"), "is not an http or https URL"),
        (("alarms", "http://h", "--rate", "0"), "--rate 0 sends no alarm"),
        (("alarms", "http://h", "--state", "DONE"), "is not one of"),
    ],
)
def test_what_cannot_be_meant_is_said_in_one_line(command, arguments, words):
    """Exit 2, before anything is asked of the server."""
    ended = command.run(*arguments)
    assert ended.returncode == 2
    assert words in ended.stderr
    assert "Traceback" not in ended.stderr
    (line,) = ended.stderr.splitlines()
    assert line.startswith("Error: ")


def test_the_command_itself_loads_nothing_of_locust(command):
    """locust replaces parts of the standard library: it is for the processes that generate load only."""
    code = (
        "import sys, fenix_loadtest.cli, fenix_loadtest.storm.command; print({'locust', 'gevent'} & set(sys.modules))"
    )
    command.folder.joinpath("look.py").write_text(code)
    ended = command.run(module="look")
    assert ended.stdout.strip() == "set()", ended.stderr


def test_none_of_it_is_loaded_here():
    """Nor by its tests."""
    assert not {"locust", "gevent"} & set(sys.modules)
