"""CPU of a whole maintenance in `auto`, with managers in the same process (no sockets).

    python simulator/benchmarks/maintenance.py [HOSTS INSTANCES PROJECTS]

Prints CPU and wall seconds, and the CPU for each instance moved. Two sizes side by side show whether a step's cost
grows with the cloud.
"""

from __future__ import annotations

import json
import queue
import resource
import sys
import time
import uuid

from fenix_contract.alarm import decode
from fenix_simulator.adapters.clock import SystemClock, TimeMode
from fenix_simulator.adapters.journal_memory import MemoryJournal
from fenix_simulator.adapters.ticker import Ticker
from fenix_simulator.alarms import AlarmBuilder
from fenix_simulator.domain.cloud import Cloud
from fenix_simulator.domain.rules import Rules
from fenix_simulator.inventory import generate
from fenix_simulator.ports import Alarm
from fenix_simulator.service import MaintenanceService
from fenix_simulator.subscriptions import Subscription, Subscriptions

SIZES = ((100, 1_000, 10), (1_000, 100_000, 10))
BASE = "http://127.0.0.1:1"


class QueueSink:
    """Hands alarms to whoever takes them from the queue."""

    def __init__(self) -> None:
        self.alarms: queue.SimpleQueue[Alarm] = queue.SimpleQueue()

    def send(self, alarm: Alarm) -> None:
        """Take an alarm."""
        self.alarms.put(alarm)

    def close(self, timeout: float = 5.0) -> None:
        """Nothing is on its way."""


def run(hosts: int, instances: int, projects: int) -> None:
    """One maintenance of that size, all of it told in one line."""
    inventory = generate(1, hosts, None, projects, instances // projects, 1)
    subscriptions, sink, namespace = Subscriptions(), QueueSink(), uuid.uuid4()
    for project in inventory.projects:
        known = Subscription(
            project.project_id, "benchmark", project.project_id, alarm_actions=(BASE,), repeat_actions=True
        )
        subscriptions.add(known)
    service = MaintenanceService(
        cloud=lambda: Cloud(inventory.hosts, inventory.instances),
        project_names={project.project_id: project.name for project in inventory.projects},
        rules=Rules(),
        journal=MemoryJournal(),
        clock=SystemClock(),
        sink=sink,
        alarms=AlarmBuilder(BASE, namespace=namespace),
        subscriptions=subscriptions,
        timers=lambda fire: Ticker(TimeMode.parse("auto"), SystemClock(), fire),
        namespace=namespace,
    )
    wall, cpu = time.perf_counter(), time.process_time()
    session_id = service.create_session()
    moved = 0
    while service.session_state(session_id) != "MAINTENANCE_DONE":
        alarm = sink.alarms.get(timeout=60)
        if alarm.state == "INSTANCE_ACTION_DONE":
            moved += 1
            continue
        message = decode(alarm.body)
        actions = None
        if message.allowed_actions:
            listed = json.loads(service.instance_list_json(session_id, message.project_id))["instance_ids"]
            actions = dict.fromkeys(listed, "MIGRATE")
        service.reply(session_id, message.project_id, f"ACK_{message.state}", actions)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(
        f"{hosts} hosts, {instances} instances, {projects} projects: {cpu:.2f} s CPU, {wall:.2f} s wall, "
        f"{moved} moves, {cpu / moved * 1e6:.0f} µs CPU a move, peak {peak} MB"
    )


if __name__ == "__main__":
    given = tuple(int(text) for text in sys.argv[1:4])
    for size in [given] if len(given) == 3 else SIZES:
        run(*size)
