"""200 connections that drip headers and bodies: others are answered nearly as soon as without them.

Stretches with and without the slow ones alternate, so that whatever else the machine does falls on both.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from fenix_endurance import clients
from fenix_endurance.clients import Tally
from fenix_endurance.server import SOON, Serve, cloud

SLOW = 200
OTHERS = 4
#: Requests a second of each of the others.
RATE = 50
#: How many times as long the others' p95 may be, as the median of the pairs of stretches.
ALLOWED = 2.0
#: Seconds; below this it is the scheduler of the machine that is measured.
LEAST = 0.005

#: Half of the connections drip a header, half a body, a byte every quarter of a second; one that the server closes is
#: opened again. In a process of its own, so that it takes no time from those who measure.
DRIPS = """
import socket, sys, time
port, count = int(sys.argv[1]), int(sys.argv[2])
path = sys.argv[3]
head = f"PUT {path} HTTP/1.1\\r\\nHost: 127.0.0.1\\r\\n".encode()
starts = [head + b"X-Slow: ", head + b"Content-Type: application/json\\r\\nContent-Length: 4000\\r\\n\\r\\n{"]
def opened(number):
    one = socket.create_connection(("127.0.0.1", port), timeout=60)
    one.sendall(starts[number % 2])
    return one
slow = [opened(number) for number in range(count)]
print("open", flush=True)
while True:
    for number, one in enumerate(slow):
        try:
            one.send(b" " if number % 2 else b"x")
        except OSError:
            one.close()
            slow[number] = opened(number)
    time.sleep(0.25)
"""


def run(folder: Path, *, short: bool, say: Callable[[str], None]) -> list[str]:
    """What did not hold."""
    pairs, seconds = (5, 1.3) if short else (10, 6.0)
    server = Serve(folder, "--alarm-url", clients.NOBODY, *cloud(3, 2))
    projects = server.start()["projects"]
    idle = server.sockets()
    ratios, wrong = [], []
    try:
        with server.connect() as wire:
            session_id = clients.begin(wire, Tally())
        path = f"/v1/maintenance/{session_id}/{projects[0]}"
        _measured(server, path, 0.5)
        _await(lambda: server.sockets() <= idle)
        for number in range(1, pairs + 1):
            without, good = _measured(server, path, seconds)
            _await(lambda: server.sockets() <= idle)
            with _slow_ones(server, path, idle + SLOW):
                held = server.sockets() - idle
                beside, also_good = _measured(server, path, seconds)
            _await(lambda: server.sockets() <= idle)
            ratios.append(max(beside, LEAST) / max(without, LEAST))
            say(
                f"pair {number}: p95 {without * 1e3:.2f} ms without, {beside * 1e3:.2f} ms beside {held} slow "
                f"connections: {ratios[-1]:.2f} times"
            )
            if not (good and also_good):
                wrong.append(f"pair {number}: a request of the others was not answered 200")
            if held < SLOW:
                wrong.append(f"pair {number}: only {held} slow connections were open")
    finally:
        server.stop()
    say(f"median of {pairs} pairs: {median(ratios):.2f} times (allowed: {ALLOWED:g})")
    if median(ratios) > ALLOWED:
        wrong.append(f"the others' p95 is {median(ratios):.2f} times as long")
    return wrong


def _measured(server: Serve, path: str, seconds: float) -> tuple[float, bool]:
    """The p95 of steady lists and replies, and whether all were answered 200."""
    taken: list[float] = []
    tally = Tally()
    end = time.monotonic() + seconds

    def client() -> None:
        with server.connect() as wire:
            while (began := time.monotonic()) < end:
                put = len(taken) % 2
                status, body = wire.ask("PUT", path, clients.MAINTENANCE) if put else wire.ask("GET", path)
                taken.append(time.monotonic() - began)
                tally.add(status, body=body)
                time.sleep(max(0.0, 1 / RATE - taken[-1]))

    threads = [threading.Thread(target=client) for _ in range(OTHERS)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return clients.percentile(taken, 0.95), set(tally.answers) == {200}


@contextlib.contextmanager
def _slow_ones(server: Serve, path: str, sockets: int) -> Iterator[None]:
    command = [sys.executable, "-c", DRIPS, str(server.port), str(SLOW), path]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            _await(lambda: server.sockets() >= sockets)
            yield
        finally:
            process.kill()


def _await(holds: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not holds() and time.monotonic() < end:
        time.sleep(0.05)
