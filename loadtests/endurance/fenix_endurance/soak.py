"""Half the top rate for long, with sessions begun and deleted: memory flat, no thread or socket left over, no error."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import median
from typing import Any

from fenix_endurance import clients
from fenix_endurance.clients import Tally
from fenix_endurance.server import SOON, Serve, cloud

CLIENTS = 4
PROJECTS = 10
#: What may be more at the end: a share of the memory, and bytes for each session made meanwhile, whose id is kept so
#: that no other gets it.
GROWTH = 1.05
PER_SESSION = 200
#: Seconds; longer than a sender of alarms stays without work.
SETTLED = 20.0
#: Sockets of a server that nobody is connected to: the listening one, and a connection to the alarms' receiver for each
#: project at most, which is kept for its next alarm.
SOCKETS = 1 + PROJECTS


class _Sink(BaseHTTPRequestHandler):
    """Takes alarms and keeps nothing."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response_only(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Nothing is said."""


def run(folder: Path, *, short: bool, say: Callable[[str], None]) -> list[str]:
    """What did not hold."""
    top_seconds, seconds = (2.0, 8.0) if short else (10.0, 600.0)
    sink = ThreadingHTTPServer(("127.0.0.1", 0), _Sink)
    sink.daemon_threads = True
    threading.Thread(target=sink.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{sink.server_address[1]}/"
    server = Serve(folder, "--journal", str(folder / "run.db"), "--alarm-url", url, *cloud(PROJECTS, 2))
    projects = server.start()["projects"]
    try:
        warm = _load(server, projects, top_seconds, None)
        top = warm.answers.total() / top_seconds
        before = _settled(server)
        say(f"top rate {top:.0f}/s; before: {before[0]} threads, {before[1]} sockets, {server.resident() / 1e6:.1f} MB")
        sizes: list[tuple[float, int]] = []
        done = threading.Event()
        watch = threading.Thread(target=_watch, args=(server, sizes, done, seconds / 50))
        watch.start()
        tally = _load(server, projects, seconds, top / 2)
        done.set()
        watch.join()
        after = _settled(server, before)
        fifth = len(sizes) // 5
        early = median(size for _, size in sizes[fifth : 2 * fifth])
        late = median(size for _, size in sizes[-fifth:])
        allowed = early * GROWTH + PER_SESSION * len(tally.sessions)
        say(
            f"{tally.answers.total()} requests in {seconds:.0f} s ({tally.answers.total() / seconds:.0f}/s), "
            f"{len(tally.sessions)} sessions; answers {dict(tally.answers)}"
        )
        say(
            f"after: {after[0]} threads, {after[1]} sockets; memory {early / 1e6:.1f} MB in the second fifth, "
            f"{late / 1e6:.1f} MB in the last (allowed: {allowed / 1e6:.1f} MB)"
        )
        wrong = []
        if set(tally.answers) | set(warm.answers) != {200}:
            wrong.append(f"answers were {dict(tally.answers)}: {tally.problems[:1]}")
        if late > allowed:
            wrong.append(f"memory grew from {early / 1e6:.1f} to {late / 1e6:.1f} MB")
        for what, first, last in (("threads", before[0], after[0]), ("sockets", max(before[1], SOCKETS), after[1])):
            if last > first:
                wrong.append(f"there are {last} {what}, and {first} are allowed")
        with server.connect() as wire:
            if left := clients.known(wire):
                wrong.append(f"{len(left)} sessions are left over")
        if said := server.log.read_text():
            wrong.append(f"the server said {said[:300]}")
        return wrong
    finally:
        server.stop()
        sink.shutdown()
        sink.server_close()


def _load(server: Serve, projects: list[str], seconds: float, rate: float | None) -> Tally:
    """Clients for so long, at ``rate`` requests a second together, or as fast as they are answered."""
    tally = Tally()
    end = time.monotonic() + seconds
    pause = 0.0 if rate is None else CLIENTS / rate
    threads = [threading.Thread(target=_visits, args=(server, projects, tally, end, pause)) for _ in range(CLIENTS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return tally


def _visits(server: Serve, projects: list[str], tally: Tally, end: float, pause: float) -> None:
    """Sessions one after another: each project lists, replies and lists again, then the session is deleted. Each
    request is due ``pause`` seconds after the one before it was due."""
    due = time.monotonic()

    def wait() -> None:
        nonlocal due
        due += pause
        if (ahead := due - time.monotonic()) > 0:
            time.sleep(ahead)

    with server.connect() as wire:
        while time.monotonic() < end:
            wait()
            session_id = clients.begin(wire, tally)
            if session_id is None:
                return
            for project in projects[:-1]:
                path = f"/v1/maintenance/{session_id}/{project}"
                for method, document in (("GET", None), ("PUT", clients.MAINTENANCE), ("GET", None)):
                    wait()
                    status, body = wire.ask(method, path, document)
                    tally.add(status, body=body)
            wait()
            status, body = wire.ask("DELETE", f"/v1/maintenance/{session_id}")
            tally.add(status, body=body)


def _watch(server: Serve, sizes: list[tuple[float, int]], done: threading.Event, every: float) -> None:
    while not done.wait(every):
        sizes.append((time.monotonic(), server.resident()))


def _settled(server: Serve, least: tuple[int, int] | None = None) -> tuple[int, int]:
    """Threads and sockets once they stay as they are for a second, or are no more than ``least``."""
    end = time.monotonic() + (SETTLED if least else SOON)
    seen, since = (server.threads(), server.sockets()), time.monotonic()
    while time.monotonic() < end:
        now = server.threads(), server.sockets()
        if least is not None and now[0] <= least[0] and now[1] <= least[1]:
            return now
        if now != seen:
            seen, since = now, time.monotonic()
        if least is None and time.monotonic() - since > 1.0:
            return seen
        time.sleep(0.1)
    return server.threads(), server.sockets()
