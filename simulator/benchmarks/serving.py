"""Lists and replies of `serve` against a WSGI callable with constant bytes, by wrk, in turn.

    python simulator/benchmarks/serving.py [--rounds 5] [--seconds 3] [--only get-2,put-2,…] [--bare waitress,granian]

Prints, for each kind of request, the rate as a ratio to the bare server's with its spread, and the server's CPU for
each answer. `put-2` are replies that change the session (each project replies once to each session); `repeat-2` is
one reply sent again and again, which is answered 200 and changes nothing. `flask` is an answer by Flask's ordinary
way. Another server joins by one more line in ``CASES`` or with ``generator.measure`` alone.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from generator import Figures, Request, in_turn, measure, pinned, ratios, resident_mb, settle, summary

#: What a bare server answers: as many bytes as a list of so many ids has.
BARE = """
import os
body = b"x" * int(os.environ["BARE_BYTES"])
head = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
def app(environ, start_response):
    start_response("200 OK", head)
    return [body]
"""
SERVERS = {
    "waitress": "from waitress import serve; serve(app, host='127.0.0.1', port={port}, threads=16)",
}


@dataclass(frozen=True, slots=True)
class Served:
    """A `serve` that runs, with a session that awaits replies."""

    url: str
    pid: int
    session_id: str
    projects: tuple[str, ...]

    def path(self, session_id: str = "", project: int = 0) -> str:
        return f"/v1/maintenance/{session_id or self.session_id}/{self.projects[project]}"

    def ask(self, method: str, path: str, document: Any = None) -> Any:
        """One request, for the setting up; raises where it is refused."""
        body = None if document is None else json.dumps(document).encode()
        asked = urllib.request.Request(
            self.url + path, body, {"Content-Type": "application/json"} if body else {}, method=method
        )
        with urllib.request.urlopen(asked, timeout=60) as answer:
            return json.loads(answer.read() or b"null")

    def reply(self, session_id: str = "", project: int = 0) -> Request:
        """A reply that names each of the project's instances."""
        path = self.path(session_id, project)
        listed = self.ask("GET", path)["instance_ids"]
        document = {"instance_actions": dict.fromkeys(listed, "MIGRATE"), "state": "ACK_MAINTENANCE"}
        return Request("PUT", path, json.dumps(document))


@contextlib.contextmanager
def serve(projects: int, instances: int, *options: str) -> Iterator[Served]:
    """`fenix-simulator serve` with so many projects of so many instances each, whose managers answer nothing."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [
        *(sys.executable, "-m", "fenix_simulator", "serve", "--port", str(port), "--time", "manual"),
        *("--projects", str(projects), "--instances", str(projects * instances)),
        *("--hosts", str(max(10, projects * instances // 100)), "--alarm-url", "http://127.0.0.1:1/", *options),
    ]
    with pinned(command, url + "/simulator/v1/ready") as process:
        served = Served(url, process.pid, "", ())
        ids = tuple(one["project_id"] for one in served.ask("GET", "/simulator/v1/projects")["projects"])
        session_id = served.ask("POST", "/v1/maintenance", {})["session_id"]
        yield Served(url, process.pid, session_id, ids)


@contextlib.contextmanager
def bare(server: str, size: int) -> Iterator[tuple[str, int]]:
    """That server with ``size`` constant bytes: its URL and process."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as directory:
        Path(directory, "bare.py").write_text(BARE)
        if server == "granian":
            command = [
                *(str(Path(sys.executable).with_name("granian")), "--interface", "wsgi", "--workers", "1"),
                *("--blocking-threads", "16", "--port", str(port), "--no-access-log", "--log-level", "error"),
                *("--working-dir", directory, "bare:app"),
            ]
        else:
            command = [sys.executable, "-c", BARE + SERVERS[server].format(port=port)]
        with pinned(command, url, BARE_BYTES=str(size)) as process:
            yield url, process.pid


def free_port() -> int:
    """A port that nobody listens on at the moment, for servers that cannot tell which one they took."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Replies:
    """Rounds of replies that change something: each begins as many sessions as it needs, and takes them away."""

    def __init__(self, served: Served, sessions: int = 100) -> None:
        self._served = served
        self._sessions = sessions
        # The last project never replies: the sessions stay where they are.
        self._replies = [served.reply(project=number) for number in range(len(served.projects) - 1)]

    def round(self, seconds: float) -> Figures:
        """As ``measure``; it ends when all have replied."""
        served = self._served
        begun = [served.ask("POST", "/v1/maintenance", {})["session_id"] for _ in range(self._sessions)]
        requests = [
            Request(one.method, one.path.replace(served.session_id, session_id), one.body)
            for session_id in begun
            for one in self._replies
        ]
        settle(served.pid)  # alarms were sent
        figures = measure(served.url, requests, pid=served.pid, seconds=seconds, once=True)
        for session_id in begun:
            served.ask("DELETE", f"/v1/maintenance/{session_id}")
        return figures


#: Name → (projects, instances of each, options of `serve`, what is sent).
CASES: dict[str, tuple[int, int, tuple[str, ...], str]] = {
    "get-2": (3, 2, (), "list"),
    "get-100": (3, 100, (), "list"),
    "get-10000": (2, 10_000, (), "list"),
    "put-2": (100, 2, (), "replies"),
    "repeat-2": (3, 2, (), "repeat"),
    "put-2-file": (100, 2, ("--journal",), "replies"),
    "repeat-2-file": (3, 2, ("--journal",), "repeat"),
    "get-2-file": (3, 2, ("--journal",), "list"),
    "flask": (3, 2, (), "session"),
}


@contextlib.contextmanager
def case(name: str, seconds: float) -> Iterator[tuple[Callable[[], Figures], int, int]]:
    """What measures one round of a case, the bytes of one answer, and the server's process."""
    projects, instances, options, kind = CASES[name]
    with tempfile.TemporaryDirectory() as directory:
        if "--journal" in options:
            options = (*options, str(Path(directory, "journal.db")))
        with serve(projects, instances, *options) as served:
            if kind == "replies":
                size = len(served.reply().body)
                replies = Replies(served)
                yield lambda: replies.round(seconds), size, served.pid
                return
            if kind == "repeat":
                request = served.reply()
                served.ask(request.method, request.path, json.loads(request.body))
                size = len(request.body)
            else:
                path = served.path() if kind == "list" else f"/v1/maintenance/{served.session_id}"
                request = Request("GET", path)
                size = len(json.dumps(served.ask("GET", path)))
            yield lambda: measure(served.url, [request], pid=served.pid, seconds=seconds), size, served.pid


def main() -> None:
    """Every case in turn with the bare servers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--only", default=",".join(CASES))
    parser.add_argument("--bare", default="waitress,granian")
    given = parser.parse_args()
    servers = [name for name in given.bare.split(",") if name and is_there(name)]
    for name in given.only.split(","):
        with contextlib.ExitStack() as stack:
            measured, size, pid = stack.enter_context(case(name, given.seconds))
            calls = {"serve": measured}
            for server in servers:
                url, bare_pid = stack.enter_context(bare(server, size))
                asked = Request("PUT", "/", "{}") if name.startswith(("put", "repeat")) else Request("GET", "/")
                calls[server] = lambda url=url, bare_pid=bare_pid, asked=asked: measure(  # type: ignore[misc]
                    url, [asked], pid=bare_pid, seconds=given.seconds
                )
            told = in_turn(given.rounds, calls)
            print(f"{name} ({size} bytes): serve {summary(told['serve'])}, {resident_mb(pid):.0f} MB")
            for server in servers:
                print(
                    f"    bare {server:9} {summary(told[server])};  serve to it: {ratios(told['serve'], told[server])}"
                )
            sys.stdout.flush()


def is_there(server: str) -> bool:
    """Whether the server is installed; says so where it is not."""
    if subprocess.run([sys.executable, "-c", f"import {server}"], capture_output=True, check=False).returncode == 0:
        return True
    print(f"{server} is not installed: left out")
    return False


if __name__ == "__main__":
    main()
