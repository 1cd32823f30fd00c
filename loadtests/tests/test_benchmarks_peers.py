# ruff: noqa: E402 - the benchmarks are scripts, which are found by their folder
"""Benchmarks: servers that cannot be had, do not start or answer wrongly are left out; a small round is real."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
sys.path.append(str(BENCHMARKS))

from fenix_benchmarks import alarms, growth, peers, served, serving_compared, works  # isort: skip
from fenix_benchmarks.cache import Cache, Unavailable, tool  # isort: skip
from fenix_benchmarks.processes import NotStarted, running  # isort: skip

GET, PUT = works.WORKS[0], works.WORKS[2]


def plan_of(*command: str):
    return lambda cache, folder, port: peers.Start("x 1", [part.format(port=port) for part in command])


def program(folder: Path, name: str, text: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


# -- installing ------------------------------------------------------------------------------------------------------


def test_without_installing_what_is_not_there_is_unavailable(tmp_path):
    cache = Cache(tmp_path, install=False)
    with pytest.raises(Unavailable, match=r"moto==1 is not installed .*--no-install was given"):
        cache.python("moto", ["moto==1"])
    with pytest.raises(Unavailable, match=r"@a/b 1 is not installed"):
        cache.npm("@a/b", "1")
    assert list(tmp_path.iterdir()) == []


def test_an_installation_that_fails_tells_its_last_line(tmp_path, monkeypatch):
    program(tmp_path, "npm", "echo first >&2; echo npm error 404 no such package >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(Unavailable, match=r"^wiremock 0: npm failed: npm error 404 no such package$"):
        Cache(tmp_path / "cache").npm("wiremock", "0")


def test_an_installation_is_made_once(tmp_path, monkeypatch):
    program(
        tmp_path, "npm", 'mkdir -p "$3/node_modules/x"; echo {} > "$3/node_modules/x/package.json"; echo . >> asked'
    )
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.chdir(tmp_path)
    found = {Cache(tmp_path / "cache").npm("x", "1") for _ in range(2)}
    assert [one.name for one in found] == ["x"]
    assert (tmp_path / "asked").read_text() == ".\n"


def test_a_program_that_is_not_there_is_named(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(Unavailable, match="java is not installed"):
        tool("java")


def test_a_server_on_which_nothing_bare_can_be_started_is_left_out(tmp_path):
    told = serving_compared.Told()
    with (
        pytest.raises(Unavailable, match="no way is known to start it; it can be started on waitress, granian"),
        serving_compared.started(peers.bare("cheroot"), Cache(tmp_path), told),
    ):
        pass


# -- starting --------------------------------------------------------------------------------------------------------


def test_a_server_that_ends_is_told_with_its_last_words(tmp_path):
    command = [sys.executable, "-c", "print('port taken'); raise SystemExit(3)"]
    with (
        pytest.raises(NotStarted, match=r"^it ended with 3: port taken$"),
        running(command, "http://127.0.0.1:1", folder=tmp_path),
    ):
        pass


def test_a_server_that_does_not_answer_in_time_is_ended(tmp_path):
    command = [sys.executable, "-c", "import os, time; open('pid', 'w').write(str(os.getpid())); time.sleep(60)"]
    with (
        pytest.raises(NotStarted, match=r"^no answer within 0.5 s$"),
        running(command, "http://127.0.0.1:1", folder=tmp_path, seconds=0.5),
    ):
        pass
    assert not (tmp_path / "pid").exists() or not Path("/proc", (tmp_path / "pid").read_text()).exists()


def test_what_a_server_has_started_ends_with_it(tmp_path):
    started = (
        "import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)']).pid)"
    )
    with (
        pytest.raises(NotStarted) as left,
        running([sys.executable, "-c", started], "http://127.0.0.1:1", folder=tmp_path),
    ):
        pass
    pid = int(str(left.value).rpartition(" ")[2])
    pause, end = threading.Event(), time.monotonic() + 10
    while is_running(pid) and time.monotonic() < end:
        pause.wait(0.02)
    assert not is_running(pid)


def is_running(pid: int) -> bool:
    """Whether there is such a process; one that ended and that nobody has asked about is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_command_that_does_not_exist_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("fenix_benchmarks.processes.pinned", lambda command, core: list(command))
    with (
        pytest.raises(NotStarted, match="no-such-server: No such file"),
        running(["no-such-server"], "", folder=tmp_path),
    ):
        pass


# -- answering -------------------------------------------------------------------------------------------------------


@pytest.fixture
def answering() -> Iterator:
    """Servers that give every method and path the answers of a table, and 404 to the rest."""
    servers = []

    def make(table: dict[str, tuple[int, str]]) -> str:
        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                status, text = table.get(f"{self.command} {self.path}") or table.get("*") or (404, "")
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text.encode())

            do_GET = do_PUT = answer  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield make
    for server in servers:
        server.shutdown()
        server.server_close()


def test_a_server_that_answers_the_ids_and_refuses_the_rest_is_right(answering):
    url = answering({f"GET {GET.path}": (200, GET.listed), f"PUT {PUT.path}": (200, "")})
    works.check(url, GET.request, GET)
    works.check(url, PUT.request, PUT)
    works.check(url, GET.request, GET, ids=2)


@pytest.mark.parametrize(
    ("work", "table", "message"),
    [
        (GET, {}, "GET of 2 ids is answered 404"),
        (PUT, {f"PUT {PUT.path}": (500, "broken")}, "PUT of 2 actions is answered 500: broken"),
        (GET, {f"GET {GET.path}": (200, "[]")}, "answered with something else"),
        (GET, {f"GET {GET.path}": (200, '{"instance_ids": ["other"]}')}, "answered with something else"),
        (GET, {f"GET {GET.path}": (200, "not JSON")}, "answered with something else: not JSON"),
        (GET, {"*": (200, GET.listed)}, "a path that is nowhere is answered 200"),
        (PUT, {"*": (204, "")}, "a path that is nowhere is answered 204"),
    ],
)
def test_a_server_that_answers_wrongly_is_not_timed(answering, work, table, message):
    with pytest.raises(works.Wrong, match=message):
        works.check(answering(table), work.request, work)


@pytest.mark.parametrize("work", works.WORKS, ids=lambda work: work.name)
def test_the_canned_answers_are_the_work(work):
    assert len(json.loads(work.listed)["instance_ids"]) == work.instances
    assert peers.answers()[work.path][work.method] == work.answer
    assert "\n" not in work.request.body


@pytest.mark.parametrize(
    ("modules", "servers"),
    [
        ([], []),
        (["waitress", "waitress.server"], ["waitress"]),
        (["werkzeug.serving"], ["werkzeug.serving"]),
        (["werkzeug.serving", "granian"], ["granian"]),
        (["notgranian", "granian.server"], []),
    ],
)
def test_the_server_below_is_read_from_the_imports(modules, servers):
    lines = [f"import time:       123 |        456 |   {name}" for name in modules]
    assert served.loaded("\n".join(["import time: self [us] | cumulative | imported package", *lines])) == servers


# -- the command -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--parts", "speed"], "there is no part 'speed'; there are: serving, alarms, growth"),
        (["--work", "get-3"], "there is no work 'get-3'; there are: get-2, get-100, put-2"),
        (["--parts", ""], "no part is given"),
        (["--sizes", "10"], "--sizes takes numbers of 1000 and more"),
        (["--rounds", "0"], "'0' is no number of 1 and more"),
        (["--write", "nowhere.md"], "nowhere.md"),
    ],
)
def test_wrong_options_are_one_line_and_exit_2(options, message, tmp_path):
    ran = subprocess.run(
        [sys.executable, str(BENCHMARKS / "compare.py"), *options], cwd=tmp_path, capture_output=True, text=True
    )
    assert ran.returncode == 2
    assert message in ran.stderr.splitlines()[-1]
    assert ran.stdout == ""


def test_a_peer_that_nobody_knows_is_refused_with_those_that_are_known():
    assert [one.name for one in peers.chosen(["wiremock", "bare-on-granian"], [])] == ["WireMock", "bare on granian"]
    with pytest.raises(ValueError, match=r"no peer 'x'; there are: bare-on-waitress, bare-on-granian, wiremock"):
        peers.chosen(["x"], ["waitress"])


# -- small and real --------------------------------------------------------------------------------------------------


def test_a_small_round_of_serve_and_bare_is_measured_and_the_rest_left_out(tmp_path):
    try:
        tool("wrk")
    except Unavailable as missing:
        pytest.skip(str(missing))
    others = [
        peers.bare("waitress"),
        peers.Peer("gone", "", plan_of(sys.executable, "-c", "raise SystemExit('no luck')")),
        peers.Peer("wrong", "", plan_of(sys.executable, "-m", "http.server", "{port}", "--bind", "127.0.0.1")),
    ]
    said: list[str] = []
    quick = [peers.Peer(one.name, one.note, one.plan, warm=0) for one in others]
    told = serving_compared.run(
        [GET], quick, Cache(tmp_path, install=False), rounds=1, seconds=1, say=said.append, warm_up=0
    )
    assert told.left_out["gone"] == "it ended with 1: no luck"
    assert "GET of 2 ids is answered 404" in told.left_out["wrong, GET of 2 ids"]
    own = told.rounds["get-2"]
    assert list(own) == ["serve", "bare on waitress"]
    assert all(one.figures is not None and one.figures.rate > 0 for name in own for one in own[name])
    assert not any(one.figures.failed or one.figures.refused for name in own for one in own[name])


def test_both_senders_send_every_alarm():
    told = alarms.run(rounds=1, count=64, say=lambda _text: None)
    assert list(told) == [1, 64]
    for senders in told.values():
        for name in senders:
            assert senders[name][0].figures is not None, senders[name][0].void
            assert senders[name][0].figures.failed == 0


def test_the_core_is_measured():
    (row,) = growth.run([1_000], say=lambda _text: None)
    assert row["instances"] == 1_000
    assert row["event"] > 0
    assert row["bytes"] > 0


def test_a_cloud_that_takes_too_long_is_told_and_left_out(monkeypatch):
    monkeypatch.setattr(growth, "_SECONDS", 0.01)
    said: list[str] = []
    assert growth.run([1_000], say=said.append) == []
    assert said[-1] == "core: 1,000 instances are left out: not done within 0.01 s"
