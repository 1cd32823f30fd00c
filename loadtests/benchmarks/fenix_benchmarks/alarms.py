"""Part two: alarms a second, by the simulator's sender and by requests.Session, one at a time and 64 at once.

The senders and the sink are those of ``simulator/benchmarks/alarms.py``; here each round is a process of its own.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Callable, Iterator

import alarms
from generator import Figures, cpu_seconds

from fenix_benchmarks import OURS
from fenix_benchmarks.processes import end, pinned
from fenix_benchmarks.rounds import Round, in_turn

AT_ONCE = (1, 64)
SENDERS = ("simulator", "requests")

#: Seconds that one round may take.
_SECONDS = 180

#: Prints alarms a second and CPU µs for each, as JSON.
_ROUND = """
import json, sys
sys.path.append(sys.argv[1])
import alarms
print(json.dumps(getattr(alarms, "by_" + sys.argv[2])(sys.argv[3], int(sys.argv[4]), int(sys.argv[5]))))
"""


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
        pinned([sys.executable, "-c", alarms.SINK], 0),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}", process.pid
    finally:
        end(process)
        if process.stdout is not None:
            process.stdout.close()


def _round(name: str, url: str, pid: int, at_once: int, count: int) -> Callable[[], Figures]:
    def measure() -> Figures:
        command = [sys.executable, "-c", _ROUND, str(OURS), name, url, str(at_once), str(count)]
        before = cpu_seconds(pid)
        try:
            ran = subprocess.run(pinned(command, -1), capture_output=True, text=True, timeout=_SECONDS, check=False)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(f"{name}: {count} alarms were not sent within {_SECONDS} s") from error
        if ran.returncode:
            raise RuntimeError(f"{name}: {(ran.stderr.strip().splitlines() or ['no words'])[-1]}")
        rate, cpu = json.loads(ran.stdout)
        # Here the sink is the other end: where it is busy, it is the limit.
        busy = (cpu_seconds(pid) - before) / (count / rate)
        return Figures(rate=rate, p99=0.0, cpu=cpu, refused=0, failed=0, generator=busy)

    return measure
