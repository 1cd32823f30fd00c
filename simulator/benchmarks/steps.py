"""What a session's step costs, and what an instance takes, from 1,000 to 1,000,000 instances.

    python simulator/benchmarks/steps.py [--sizes 1000,10000,100000,1000000] [--steps 2000] [--plot steps.svg]

The core alone: no clock, no journal, no threads. Each size is a process of its own. A step is what one event leads to:
deciding, applying and the session's next step. Measured are moves off a host (one instance touched by each) and
replies; a cost that grows with the cloud shows as a line that rises. The plot has both axes logarithmic.
"""

from __future__ import annotations

import argparse
import gc
import json
import math
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fenix_contract.vocabulary import ACTION_STATES
from fenix_simulator.domain import messages as m
from fenix_simulator.domain.cloud import Cloud
from fenix_simulator.domain.rules import Rules
from fenix_simulator.domain.session import Session
from fenix_simulator.inventory import generate

NOW = datetime(2026, 3, 1, tzinfo=UTC)
PER_HOST = 100
PER_PROJECT = 1_000
PAGE = 4096

Row = dict[str, float]


def resident() -> int:
    """The process's resident bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def measured(instances: int, steps: int) -> Row:
    """One size: bytes per instance, and microseconds of CPU for each event of a session under way."""
    generate(1, 10, None, 2, 2, 1)
    before = resident()
    number = max(10, instances // PER_PROJECT)
    inventory = generate(1, instances // PER_HOST, None, number, instances // number, 1)
    cloud = Cloud(inventory.hosts, inventory.instances)
    held = resident() - before
    projects = tuple(project.project_id for project in inventory.projects)
    hosts = tuple(host.name for host in inventory.hosts)
    created = m.SessionCreated("session", hosts, projects, NOW + timedelta(hours=1))
    session = Session(created, cloud.copy(), Rules(), lambda _project: True)
    copied = resident() - before - held
    gc.collect()
    gc.freeze()
    _settle(session, session.proceed(NOW))
    while session.state not in ACTION_STATES:
        _go_on(session)
    began, counted, moved = time.process_time(), 0, 0
    while counted < steps and not session.is_over:
        events, moves = _go_on(session)
        counted, moved = counted + events, moved + moves
    used = time.process_time() - began
    return {
        "instances": instances,
        "bytes": held / instances,
        "copied": copied / instances,
        "event": used / counted * 1e6,
        "move": used / max(moved, 1) * 1e6,
    }


def _go_on(session: Session) -> tuple[int, int]:
    """Reply for all who are asked, else let the oldest wait end: how many events that were, and moves among them."""
    awaiting = session.awaiting()
    if not awaiting:
        timer = min(timer.timer for timer in session.timers.values())
        return _settle(session, session.decide(m.Tick(timer)))
    counted = moved = 0
    for project in awaiting:
        actions = None
        if session.state in ACTION_STATES:
            actions = dict.fromkeys(session.instance_ids(project), "MIGRATE")
        events, moves = _settle(session, session.decide(m.Reply(project, f"ACK_{session.state}", actions)))
        counted, moved = counted + events, moved + moves
    return counted, moved


def _settle(session: Session, events: list[m.Event]) -> tuple[int, int]:
    counted = moved = 0
    while events:
        for event in events:
            session.apply(event)
            counted += 1
            moved += isinstance(event, m.InstanceMoved)
        events = session.proceed(NOW)
    return counted, moved


def plot(rows: list[Row], path: Path) -> None:
    """Microseconds for each event over instances, and bytes for each instance, as an SVG."""
    width, height, margin = 640, 360, 60
    xs = [math.log10(row["instances"]) for row in rows]
    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">']
    parts.append(f'<rect width="{width}" height="{height}" fill="white"/>')

    def place(x: float, value: float) -> tuple[float, float]:
        across = (x - xs[0]) / max(xs[-1] - xs[0], 1e-9)
        return margin + across * (width - 2 * margin), height - margin - math.log10(value) / 4 * (height - 2 * margin)

    for decade in range(5):
        _, y = place(xs[0], 10**decade)
        parts.append(f'<path d="M{margin} {y:.1f}H{width - margin}" stroke="#ddd"/>')
        parts.append(f'<text x="{margin - 8}" y="{y + 4:.1f}" text-anchor="end" font-size="12">{10**decade}</text>')
    for x, row in zip(xs, rows, strict=True):
        across, _ = place(x, 1)
        parts.append(f'<text x="{across:.1f}" y="{height - margin + 20}" text-anchor="middle" font-size="12">')
        parts.append(f"{row['instances']:,.0f}</text>")
    for name, colour, words in (
        ("event", "#c33", "µs CPU for each event"),
        ("bytes", "#36c", "bytes for each instance"),
        ("copied", "#393", "bytes more in a session's copy"),
    ):
        points = [place(x, max(row[name], 1)) for x, row in zip(xs, rows, strict=True)]
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{colour}" stroke-width="2"/>')
        x, y = points[-1]
        parts.append(
            f'<text x="{x:.1f}" y="{y - 8:.1f}" text-anchor="end" font-size="12" fill="{colour}">{words}</text>'
        )
    parts.append(f'<text x="{width / 2}" y="{height - 12}" text-anchor="middle" font-size="12">instances</text></svg>')
    path.write_text("\n".join(parts) + "\n", encoding="utf-8")


def main() -> None:
    """Each size in a process of its own, then the table and the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", default="1000,10000,100000,1000000")
    parser.add_argument("--steps", type=int, default=2_000)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--one", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(given.one, given.steps)))
        return
    rows = []
    for size in given.sizes.split(","):
        command = [sys.executable, __file__, "--one", size, "--steps", str(given.steps)]
        ran = subprocess.run(command, capture_output=True, text=True, check=True)
        row = json.loads(ran.stdout)
        rows.append(row)
        print(
            f"{row['instances']:9,.0f} instances: {row['event']:6.1f} µs CPU an event ({1e6 / row['event']:7.0f} a "
            f"second, {row['event'] / rows[0]['event']:.2f} of the first size), {row['move']:6.1f} µs a move; "
            f"{row['bytes']:4.0f} bytes an instance, {row['copied']:4.0f} more in a session's copy"
        )
    if given.plot:
        plot(rows, given.plot)


if __name__ == "__main__":
    main()
