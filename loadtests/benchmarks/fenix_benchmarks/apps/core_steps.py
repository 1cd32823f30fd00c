"""Five maintenances of ten hosts, one after another, in a cloud of so many instances, by the core alone.

No clock, journal or socket has a part in it.

python core_steps.py INSTANCES

Prints {"instances", "steps", "moves", "cpu", "record", "indexed", "begin"} as JSON: events and moves of one session,
bytes for each instance of the inventory and of its indexed cloud besides, medians of the CPU seconds of a session's
steps and of its begin.
"""

import json
import statistics
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from fenix_simulator.domain import messages as m
from fenix_simulator.domain.cloud import Cloud
from fenix_simulator.domain.rules import Rules
from fenix_simulator.domain.session import Session
from fenix_simulator.inventory import generate

PER_HOST = 100
HOSTS = 10
SESSIONS = 5
ASKED = ("PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE")


def resident():
    """The process's resident bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def play(session, now):
    """Lead the session to its end: events applied, and how many of them were moves."""
    steps = moves = 0

    def take(events):
        nonlocal steps, moves
        for event in events:
            session.apply(event)
            moves += isinstance(event, m.InstanceMoved)
        steps += len(events)

    while not session.is_over:
        events = session.proceed(now)
        if events:
            take(events)
        elif awaiting := session.awaiting():
            for project_id in awaiting:
                state = session.ask.state
                listed = session.ask.told[project_id].listed if state in ASKED else ()
                actions = dict.fromkeys(listed, "MIGRATE") or None
                take(session.decide(m.Reply(project_id, f"ACK_{state}", actions)))
        else:
            take(session.decide(m.Tick(next(iter(session.timers.values())).timer)))
    assert session.state == "MAINTENANCE_DONE", session.reason
    return steps, moves


count = int(sys.argv[1])
projects = max(1, count // 1_000)
generate(1, HOSTS, None, 2, 2, 1)
before = resident()
inventory = generate(1, max(HOSTS, count // PER_HOST) + 1, None, projects, count // projects, 1)
record = resident()
cloud = Cloud(inventory.hosts, inventory.instances)
indexed = resident()
hosts = tuple(host.name for host in [*inventory.hosts[:HOSTS], inventory.hosts[-1]])
parts = dict.fromkeys(one.project_id for name in hosts for one in map(cloud.instance, cloud.on_host(name)))
now = datetime.now(UTC)
created = m.SessionCreated("benchmark", hosts, tuple(parts), now + timedelta(hours=1))
begins, plays = [], []
for _ in range(SESSIONS):
    used = time.process_time()
    session = Session(created, cloud.copy(), Rules(), lambda _project: True)
    begun = time.process_time()
    steps, moves = play(session, now)
    plays.append(time.process_time() - begun)
    begins.append(begun - used)
print(
    json.dumps(
        {
            "instances": count,
            "steps": steps,
            "cpu": statistics.median(plays),
            "moves": moves,
            "record": (record - before) / count,
            "indexed": (indexed - record) / count,
            "begin": statistics.median(begins),
        }
    )
)
