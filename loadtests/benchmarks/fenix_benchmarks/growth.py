"""Part three: what a step, an instance and the begin of a session cost in clouds of 1,000 to 1,000,000 instances."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fenix_benchmarks.peers import APPS
from fenix_benchmarks.processes import pinned

SIZES = (1_000, 10_000, 100_000, 1_000_000)

#: Seconds that the measurement of one size may take.
_SECONDS = 300

_WIDTH, _HEIGHT = 720, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 40, 36, 44
_COLOURS = ("#0b6e99", "#b3541e", "#4d7c0f")


@dataclass(frozen=True, slots=True)
class Size:
    """One cloud: instances, steps (events) and moves of a session, its CPU seconds, bytes for an instance's record and
    its place in the indexes, CPU seconds of the session's begin."""

    instances: int
    steps: int
    moves: int
    cpu: float
    record: float
    indexed: float
    begin: float

    @property
    def steps_per_second(self) -> float:
        """Of CPU."""
        return self.steps / self.cpu

    @property
    def move_microseconds(self) -> float:
        """CPU for an instance that was moved, with all that its session did besides."""
        return self.cpu / self.moves * 1e6

    @property
    def begin_each(self) -> float:
        """CPU seconds of a session's begin, for each instance of the cloud that it copies."""
        return self.begin / self.instances

    @property
    def bytes_each(self) -> float:
        """For each instance of the cloud."""
        return self.record + self.indexed


def run(sizes: Sequence[int], *, say: Callable[[str], None]) -> list[Size]:
    """Each size in a process of its own. A size that cannot be measured is told and left out."""
    told = []
    for instances in sizes:
        say(f"core: {instances:,} instances")
        command = pinned([sys.executable, str(APPS / "core_steps.py"), str(instances)], -1)
        try:
            ran = subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)
        except subprocess.TimeoutExpired:
            say(f"core: {instances:,} instances are left out: not done within {_SECONDS} s")
        except subprocess.CalledProcessError as error:
            said = (error.stderr.strip().splitlines() or ["no words"])[-1]
            say(f"core: {instances:,} instances are left out: {said}")
        else:
            told.append(Size(**json.loads(ran.stdout)))
    return told


def plot(sizes: Sequence[Size]) -> str:
    """How costs grow with the cloud, as SVG: each as a multiple of what the smallest cloud has. A flat line costs the
    same in every cloud. Sizes are on a logarithmic scale."""
    first = sizes[0]
    lines = (
        ("CPU of a step", [first.steps_per_second / one.steps_per_second for one in sizes]),
        ("bytes for an instance", [one.bytes_each / first.bytes_each for one in sizes]),
        ("a session's begin, for an instance", [one.begin_each / first.begin_each for one in sizes]),
    )
    top = max(2, math.ceil(max(max(values) for _, values in lines)))
    span = max(1.0, math.log10(sizes[-1].instances / first.instances))

    def x(instances: int) -> float:
        return _LEFT + math.log10(instances / first.instances) / span * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - value / top)

    title = f"Cost in larger clouds, as multiples of the cost with {first.instances:,} instances"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-family="sans-serif">',
        f'<title>{title}</title><g font-size="12">',
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        f'<text x="{_WIDTH / 2:.0f}" y="{_HEIGHT - 6}" text-anchor="middle">instances in the cloud</text>',
    ]
    for multiple in range(0, top + 1, max(1, top // 10)):
        at = y(multiple)
        parts.append(f'<path d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}" stroke="#ccc"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{multiple}</text>')
    for one in sizes:
        at = x(one.instances)
        parts.append(f'<text x="{at:.1f}" y="{_HEIGHT - 24}" text-anchor="middle">{one.instances:,}</text>')
    for number, ((name, values), colour) in enumerate(zip(lines, _COLOURS, strict=True)):
        points = [(x(one.instances), y(value)) for one, value in zip(sizes, values, strict=True)]
        drawn = " ".join(f"{across:.1f},{down:.1f}" for across, down in points)
        parts.append(f'<polyline points="{drawn}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [f'<circle cx="{across:.1f}" cy="{down:.1f}" r="3" fill="{colour}"/>' for across, down in points]
        parts.append(f'<text x="{_LEFT + number * 210}" y="18" fill="{colour}">● {name}</text>')
    return "\n".join([*parts, "</g></svg>"]) + "\n"
