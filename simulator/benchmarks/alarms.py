"""Alarms delivered to a local sink that answers at once: the simulator's own sender against requests.Session.

    python simulator/benchmarks/alarms.py [--rounds 5] [--alarms 3000] [--projects 64,1]

Each project's alarms go one after another, projects side by side. `requests.Session` is what a sender of a few lines
would use: a session and a thread for each project. Both are asked in turn; printed is CPU of the sending process for
each alarm, and the rate as a ratio with its spread. The sink is another process, on the other core.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from fenix_simulator.adapters.target_guard import TargetGuard
from fenix_simulator.adapters.webhook import WebhookAlarmSink
from fenix_simulator.ports import Alarm, Delivery, DeliveryPolicy

#: About as long as an alarm that names two instances.
BODY = b'{"reason_data": {"event": {"traits": [' + b'["project_id", 1, "x"], ' * 56 + b"[]]}}}"

#: Answers every POST, without looking at what is in it.
SINK = """
import asyncio, re
LENGTH = re.compile(rb"(?i)content-length: *([0-9]+)")
class Sink(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport, self.data = transport, b""
    def data_received(self, data):
        self.data += data
        while (end := self.data.find(b"\\r\\n\\r\\n")) >= 0:
            whole = end + 4 + int(LENGTH.search(self.data[:end])[1])
            if len(self.data) < whole:
                return
            self.data = self.data[whole:]
            self.transport.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\n{}")
async def main():
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""

Round = tuple[float, float]


def by_simulator(url: str, projects: int, alarms: int) -> Round:
    """(alarms a second, CPU in microseconds for each) of the simulator's sender."""
    left = threading.Semaphore(0)
    failed: list[str] = []

    def delivered(_alarm: Alarm, delivery: Delivery) -> None:
        if delivery.status != 200:
            failed.append(str(delivery.error))
        left.release()

    sink = WebhookAlarmSink(DeliveryPolicy(), TargetGuard(), delivered, workers=max(projects, 1), depth=alarms)
    made = [
        Alarm(f"key-{n % projects}", "alarm", f"{url}/{n % projects}", f"s/{n}", "MAINTENANCE", BODY, f"req-{n}", "s")
        for n in range(alarms)
    ]

    def send() -> None:
        for alarm in made:
            sink.send(alarm)
        for _ in made:
            left.acquire()

    figures = _timed(send, alarms)
    sink.close()
    assert not failed, failed[0]
    return figures


def by_requests(url: str, projects: int, alarms: int) -> Round:
    """The same of a requests.Session for each project."""
    import requests

    def send_all(project: int) -> None:
        with requests.Session() as session:
            for _ in range(alarms // projects):
                answer = session.post(f"{url}/{project}", data=BODY, headers={"Content-Type": "application/json"})
                assert answer.status_code == 200

    def send() -> None:
        threads = [threading.Thread(target=send_all, args=(number,)) for number in range(projects)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    return _timed(send, alarms // projects * projects)


def _timed(call: Callable[[], None], alarms: int) -> Round:
    wall, cpu = time.perf_counter(), time.process_time()
    call()
    return alarms / (time.perf_counter() - wall), (time.process_time() - cpu) / alarms * 1e6


def main() -> None:
    """Both in turn, for each number of projects."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--alarms", type=int, default=3_000)
    parser.add_argument("--projects", default="64,1")
    given = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    with subprocess.Popen([sys.executable, "-c", SINK], stdout=subprocess.PIPE, text=True) as sink:
        assert sink.stdout is not None
        url = f"http://127.0.0.1:{int(sink.stdout.readline())}"
        os.sched_setaffinity(sink.pid, cores[:1])
        os.sched_setaffinity(0, cores[-1:])
        try:
            for projects in map(int, given.projects.split(",")):
                compare(url, projects, given.alarms, given.rounds)
        finally:
            sink.terminate()


def compare(url: str, projects: int, alarms: int, rounds: int) -> None:
    """Rounds of both, in turn; the first warms up."""
    pairs = [(by_simulator(url, projects, alarms), by_requests(url, projects, alarms)) for _ in range(rounds + 1)][1:]
    ratios = [ours[0] / theirs[0] for ours, theirs in pairs]
    cheaper = statistics.median(theirs[1] / ours[1] for ours, theirs in pairs)
    print(
        f"{projects:3} projects at once: {statistics.median(ours[0] for ours, _ in pairs):6.0f} alarms/s, "
        f"{statistics.median(ours[1] for ours, _ in pairs):4.0f} µs CPU each; requests.Session "
        f"{statistics.median(theirs[0] for _, theirs in pairs):6.0f}/s, "
        f"{statistics.median(theirs[1] for _, theirs in pairs):4.0f} µs; "
        f"{statistics.median(ratios):.2f} times the rate ({min(ratios):.2f} to {max(ratios):.2f}), "
        f"{cheaper:.2f} times as cheap"
    )


if __name__ == "__main__":
    main()
