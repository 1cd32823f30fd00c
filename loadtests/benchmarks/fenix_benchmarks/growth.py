"""Part three: what an event and an instance cost the core in clouds of 1,000 to 1,000,000 instances.

Measured and drawn by ``simulator/benchmarks/steps.py``; here each size is pinned, bounded in time, and a table's row.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Sequence

import steps

from fenix_benchmarks.processes import pinned

SIZES = (1_000, 10_000, 100_000, 1_000_000)

#: Events of a session at least that are measured.
_EVENTS = 5_000

#: Seconds that the measurement of one size may take.
_SECONDS = 300


def run(sizes: Sequence[int], *, say: Callable[[str], None]) -> list[steps.Row]:
    """Each size in a process of its own. A size that cannot be measured is told and left out."""
    told = []
    for instances in sizes:
        say(f"core: {instances:,} instances")
        command = [sys.executable, steps.__file__, "--one", str(instances), "--steps", str(_EVENTS)]
        try:
            ran = subprocess.run(pinned(command, -1), capture_output=True, text=True, timeout=_SECONDS, check=True)
        except subprocess.TimeoutExpired:
            say(f"core: {instances:,} instances are left out: not done within {_SECONDS} s")
        except subprocess.CalledProcessError as error:
            said = (error.stderr.strip().splitlines() or ["no words"])[-1]
            say(f"core: {instances:,} instances are left out: {said}")
        else:
            told.append(json.loads(ran.stdout))
    return told
