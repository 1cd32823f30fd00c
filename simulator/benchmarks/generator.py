"""Load on any HTTP server, by wrk (https://github.com/wg/wrk), and what it cost.

    figures = measure("http://127.0.0.1:8919", [Request("GET", "/v1/maintenance/…")], pid=server.pid)

Any server that listens on a socket can be measured, whoever made it: nothing here knows what is asked. The generator
runs on one core and the server, where ``pinned`` started it, on the other. Rates depend on the machine; ratios of two
servers measured in turn do not so much, and CPU for each request still less.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: The share of its core above which the generator was the limit, and a round says nothing about the server.
BUSY = 0.9

_SCRIPT = """
local ffi = require("ffi")
ffi.cdef("typedef struct {long s; long ns;} instant; int clock_gettime(int clock, instant *now);")
local requests, at, once = {}, 0, false
begun, finished = 0, 0
local function now()
  local one = ffi.new("instant")
  ffi.C.clock_gettime(1, one)
  return tonumber(one.s) + tonumber(one.ns) / 1e9
end
local threads = {}
function setup(thread) table.insert(threads, thread) end
function init(args)
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^(%S+) (%S+) ?(.*)$")
    if body == "" then
      requests[#requests + 1] = wrk.format(method, path)
    else
      requests[#requests + 1] = wrk.format(method, path, {["Content-Type"] = "application/json"}, body)
    end
  end
  once = args[2] == "once"
end
function request()
  if begun == 0 then begun = now() end
  at = at + 1
  if at > #requests then
    if once then
      finished = now()
      wrk.thread:stop()
    end
    at = 1
  end
  return requests[at]
end
function done(summary, latency, _)
  local errors = summary.errors
  local ended = threads[1]:get("finished")
  local duration = summary.duration
  if ended > 0 then duration = (ended - threads[1]:get("begun")) * 1e6 end
  io.write(string.format("figures %d %d %d %d %d\\n", summary.requests, duration, errors.status,
    errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(99)))
end
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked: ``path`` with its query, ``body`` JSON text in one line, or empty."""

    method: str
    path: str
    body: str = ""


@dataclass(frozen=True, slots=True)
class Figures:
    """One round: answers a second, p99 in milliseconds, the server's CPU for each answer in microseconds (None where
    its process is not known), answers that were no 2xx or 3xx, connections that failed, the generator's share of its
    core."""

    rate: float
    p99: float
    cpu: float | None
    refused: int
    failed: int
    generator: float


def measure(
    url: str,
    requests: Sequence[Request],
    *,
    pid: int | None = None,
    seconds: float = 3.0,
    connections: int = 16,
    once: bool = False,
) -> Figures:
    """Send the requests in turn, again and again for so many seconds (``once``: until all are sent, if that is
    sooner). Errors: FileNotFoundError without wrk, RuntimeError where wrk fails."""
    if shutil.which("wrk") is None:
        raise FileNotFoundError("wrk is not installed (Debian: apt-get install wrk)")
    with tempfile.TemporaryDirectory() as directory:
        script, asked = Path(directory, "load.lua"), Path(directory, "requests")
        script.write_text(_SCRIPT)
        asked.write_text("".join(f"{one.method} {one.path} {one.body}\n" for one in requests))
        command = [
            *("wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "10s", "-s", str(script)),
            *(url, "--", str(asked), "once" if once else "again"),
        ]
        before, own = cpu_seconds(pid), _children()
        began = time.perf_counter()
        ran = subprocess.run(_pin(command, 0), capture_output=True, text=True, check=False)
        wall = time.perf_counter() - began
        used, own = cpu_seconds(pid) - before, _children() - own
    found = re.search(r"^figures (\d+) (\d+) (\d+) (\d+) (\d+)$", ran.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"wrk: {ran.stderr or ran.stdout}")
    answers, microseconds, refused, failed, p99 = map(int, found.groups())
    return Figures(
        rate=answers / max(microseconds, 1) * 1e6,
        p99=p99 / 1e3,
        cpu=None if pid is None else used / max(answers, 1) * 1e6,
        refused=refused,
        failed=failed,
        generator=own / wall,
    )


@contextlib.contextmanager
def pinned(command: Sequence[str], url: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A server as a process on the last core, from its first answer at ``url`` (of any status) until the end of the
    block. Errors: RuntimeError where it does not answer within a minute."""
    with subprocess.Popen(
        _pin(command, (os.cpu_count() or 1) - 1),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environment},
    ) as process:
        try:
            _await(process, url)
            yield process
        finally:
            process.terminate()


def _await(process: subprocess.Popen[str], url: str) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if process.poll() is not None:
            assert process.stderr is not None
            raise RuntimeError(f"the server ended: {process.stderr.read()[-500:]}")
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the server does not answer")


def settle(pid: int) -> None:
    """Wait until the process has nothing more to do."""
    used = -1.0
    while (now := cpu_seconds(pid)) - used > 0.02:
        used = now
        time.sleep(0.5)


def in_turn(rounds: int, measured: Mapping[str, Callable[[], Figures]]) -> dict[str, list[Figures]]:
    """Rounds of each, one after another, so that a neighbour's load falls on all; the first round warms up and is not
    told."""
    told: dict[str, list[Figures]] = {name: [] for name in measured}
    for number in range(rounds + 1):
        for name, call in measured.items():
            figures = call()
            if number:
                told[name].append(figures)
    return told


def ratios(one: Sequence[Figures], other: Sequence[Figures]) -> str:
    """How many times the other's rate the first has, and how many of its answers cost as much CPU as one of the
    other's: the median of the pairs, and the least and the most. On a machine with neighbours the second says more."""
    pairs = list(zip(one, other, strict=True))
    told = [f"rate {_spread([first.rate / second.rate for first, second in pairs])}"]
    cheaper = [second.cpu / first.cpu for first, second in pairs if first.cpu and second.cpu]
    if cheaper:
        told.append(f"by CPU {_spread(cheaper)}")
    return ", ".join(told)


def _spread(values: Sequence[float]) -> str:
    return f"{statistics.median(values):.2f} ({min(values):.2f} to {max(values):.2f})"


def summary(figures: Sequence[Figures]) -> str:
    """Medians of some rounds in words, and what was wrong with any."""
    cpu = [one.cpu for one in figures if one.cpu is not None]
    parts = [
        f"{statistics.median(one.rate for one in figures):7.0f}/s",
        f"p99 {statistics.median(one.p99 for one in figures):6.2f} ms",
        *([f"CPU {statistics.median(cpu):6.1f} µs"] if cpu else []),
    ]
    for name, count in (("refused", sum(f.refused for f in figures)), ("failed", sum(f.failed for f in figures))):
        if count:
            parts.append(f"{count} {name}")
    if any(one.generator > BUSY for one in figures):
        parts.append("the generator was the limit")
    return "  ".join(parts)


def cpu_seconds(pid: int | None) -> float:
    """What a process and its children have used so far; 0 for None."""
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    own = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return own + sum(cpu_seconds(int(child)) for child in children)


def resident_mb(pid: int) -> float:
    """What a process and its children have in memory, in megabytes."""
    own = int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6
    return own + sum(resident_mb(int(c)) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def _children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _pin(command: Sequence[str], core: int) -> list[str]:
    """The command on one core, where there is more than one and taskset."""
    if (os.cpu_count() or 1) < 2 or shutil.which("taskset") is None:
        return list(command)
    return ["taskset", "-c", str(core), *command]
