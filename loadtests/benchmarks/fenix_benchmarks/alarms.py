"""Part two: alarms a second, by the simulator's sender and by requests.Session, one at a time and 64 at once."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator

from generator import Figures, cpu_seconds

from fenix_benchmarks.peers import APPS
from fenix_benchmarks.processes import end, pinned
from fenix_benchmarks.rounds import Round, in_turn

AT_ONCE = (1, 64)
SENDERS = ("simulator", "requests")

#: Seconds that one round may take.
_SECONDS = 180


def run(*, rounds: int, count: int, say: Callable[[str], None]) -> dict[int, dict[str, list[Round]]]:
    """Rounds of ``count`` alarms, by how many are on their way at once, by sender."""
    senders = [name for name in SENDERS if name != "requests" or importlib.util.find_spec("requests")]
    if "requests" not in senders:
        say("requests is not installed: the sender is not compared")
    told = {}
    with sink() as (url, pid):
        for at_once in AT_ONCE:
            say(f"alarms, {at_once} at once: {rounds} rounds of {count}")
            told[at_once] = in_turn(rounds, {name: _round(name, url, pid, at_once, count) for name in senders})
    return told


@contextlib.contextmanager
def sink() -> Iterator[tuple[str, int]]:
    """What takes the alarms, on the first core: its URL and process."""
    process = subprocess.Popen(
        pinned([sys.executable, str(APPS / "alarm_sink.py")], 0), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}/alarms", process.pid
    finally:
        end(process)
        if process.stdout is not None:
            process.stdout.close()


def _round(name: str, url: str, pid: int, at_once: int, count: int) -> Callable[[], Figures]:
    count -= count % at_once

    def measure() -> Figures:
        command = [sys.executable, str(APPS / "alarm_sender.py"), name, url, str(at_once), str(count)]
        before = cpu_seconds(pid)
        try:
            ran = subprocess.run(pinned(command, -1), capture_output=True, text=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"{name}: {count} alarms were not sent within {_SECONDS} s") from error
        if ran.returncode:
            raise RuntimeError(f"{name}: {ran.stderr.strip().splitlines()[-1]}")
        told = json.loads(ran.stdout)
        return Figures(
            rate=told["sent"] / told["seconds"],
            p99=0.0,
            cpu=told["cpu"] / max(told["sent"], 1) * 1e6,
            refused=0,
            failed=count - told["sent"],
            # Here the sink is the other end: where it is busy, it is the limit.
            generator=(cpu_seconds(pid) - before) / told["seconds"],
        )

    return measure
