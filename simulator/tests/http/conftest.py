"""What the tests of the HTTP surfaces share: the real service over a small cloud, with a clock that stands still."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient

from fenix_simulator.adapters.clock import ManualClock, TimeMode
from fenix_simulator.adapters.faults import FaultBoard
from fenix_simulator.adapters.journal_json import decode_event
from fenix_simulator.adapters.journal_memory import MemoryJournal
from fenix_simulator.adapters.ticker import Ticker
from fenix_simulator.control import SimulatorService
from fenix_simulator.domain.cloud import Cloud
from fenix_simulator.domain.messages import Host, Instance
from fenix_simulator.domain.rules import Behaviour, Dialect, Rules
from fenix_simulator.http.app import create_app
from fenix_simulator.http.config import HttpConfig
from fenix_simulator.ports import Alarm, Delivery, Entry, Filter, Recorded
from fenix_simulator.scenario import SessionPlan
from fenix_simulator.subscriptions import Subscription, Subscriptions

HOSTS = ("h0", "h1", "h2")
#: id, project, host; h2 is empty.
INSTANCES = (("a0", "A", "h0"), ("a/1", "A", "h0"), ("b0", "B", "h1"))


class RecordingSink:
    """Keeps the alarms that would be sent."""

    def __init__(self) -> None:
        self.alarms: list[Alarm] = []

    def send(self, alarm: Alarm) -> None:
        self.alarms.append(alarm)

    def close(self, timeout: float = 5.0) -> None:
        """Nothing is open."""


class FakeAlarms:
    """Makes alarms without a body: what they say is not what is tested here."""

    def check(self, session_id: str, project_id: str) -> None:
        """Every URL fits."""

    def project_alarm(self, session_id: str, event: Any, metadata: Any, subscription: Any, *_: Any) -> Alarm:
        return _alarm(session_id, event.notification, subscription)

    def host_alarm(self, session_id: str, event: Any, subscription: Any, *_: Any) -> Alarm:
        return _alarm(session_id, event.notification, subscription)


def _alarm(session_id: str, number: int, subscription: Subscription) -> Alarm:
    (url,) = subscription.alarm_actions
    return Alarm("key", subscription.alarm_id, url, f"{session_id}/{number}", "", b"", "req-0")


class FakeDelays:
    """Keeps the calls until they are made by hand."""

    def __init__(self) -> None:
        self.waiting: list[tuple[timedelta, Callable[[], None]]] = []

    def start(self, delay: timedelta, call: Callable[[], None]) -> None:
        self.waiting.append((delay, call))

    def pass_by(self) -> None:
        """Every delay is over."""
        due, self.waiting = self.waiting, []
        for _, call in due:
            call()


class World:
    """A service with everything around it in memory, and the applications over it."""

    def __init__(self, behaviour: Behaviour = Behaviour.STRICT, dialect: Dialect = Dialect.MAP) -> None:
        self.journal = MemoryJournal()
        self.clock = ManualClock(datetime(2026, 3, 1, 12, 0, tzinfo=UTC))
        self.subscriptions = Subscriptions()
        self.sink = RecordingSink()
        self.faults = FaultBoard((), {1: "A", 2: "B", "alpha": "A", "beta": "B"}, self.journal, self.clock)
        self.delays = FakeDelays()
        self.wire = RecordingSink()
        namespace = uuid.uuid5(uuid.NAMESPACE_URL, "urn:test")

        def timers(fire: Callable[[str, int], None]) -> Ticker:
            self.ticker = Ticker(TimeMode.parse("manual"), self.clock, fire)
            return self.ticker

        self.service = SimulatorService(
            mode="manual",
            decode=decode_event,
            scenario={"name": "small"},
            cloud=lambda: Cloud(
                [Host(name, 4) for name in HOSTS],
                [Instance(one, project, f"vm-{one}", 1, host) for one, project, host in INSTANCES],
            ),
            project_names={"A": "alpha", "B": "beta"},
            rules=Rules(behaviour=behaviour, dialect=dialect),
            journal=self.journal,
            clock=self.clock,
            sink=self.sink,
            delays=self.delays,
            wire=self.wire,
            plan=(SessionPlan(("h0",), timedelta()), SessionPlan(("h1",), timedelta(seconds=5))),
            metadata={"openstack_release": "Queens"},
            faults=self.faults,
            alarms=FakeAlarms(),
            subscriptions=self.subscriptions,
            timers=timers,
            namespace=namespace,
        )

    def client(self, **config: Any) -> FlaskClient:
        """A client of an application with that configuration."""
        return create_app(self.service, HttpConfig(**config)).test_client()

    def listen(self) -> None:
        """Every project gets a manager, so that sessions ask for replies."""
        self.subscriptions.add(
            Subscription("everybody", "everybody", alarm_actions=("http://127.0.0.1:1/",), repeat_actions=True)
        )

    def session(self, state: str = "MAINTENANCE") -> str:
        """A session that awaits replies to that state."""
        if not self.subscriptions.list():
            self.listen()
        session_id = self.service.create_session()
        for _ in range(50):
            view = self.service.session_view(session_id)
            if view.state == state and view.awaiting:
                return session_id
            for project in view.awaiting:
                asked = self.service.instance_ids(session_id, project) if view.current_host else ()
                self.service.reply(session_id, project, f"ACK_{view.state}", dict.fromkeys(asked, "MIGRATE"))
            self.service.advance(None, None, True)
        raise AssertionError(f"the session is in {view.state} and not in {state}")

    def fault(self) -> int:
        """Injects a fault that touches nothing here, and tells its number."""
        return int(self.faults.add({"when": {"operation": "list", "nth": 1_000}, "then": {"status": 503}})["number"])

    def delivery(self, url: str = "http://127.0.0.1:1/", alarm_id: str = "everybody", body: str = "{}") -> int:
        """Records a delivery and tells its number."""
        delivery = Delivery(alarm_id, url, "s/1", "MAINTENANCE", 1, 200, None, 0.01, body, True)
        entry = Entry("delivery", "AlarmDelivered", delivery, "s", "A")
        return self.journal.append([entry], self.clock.now())

    def requests(self) -> list[Recorded]:
        """The requests in the journal, oldest first."""
        return self.journal.read(only=Filter(kinds=frozenset({"request"})))


@pytest.fixture
def make_world() -> Iterator[Callable[..., World]]:
    """Makes worlds, and ends them with the test."""
    worlds: list[World] = []

    def make(**choices: Any) -> World:
        worlds.append(World(**choices))
        return worlds[-1]

    yield make
    for world in worlds:
        world.ticker.close()


@pytest.fixture
def world(make_world: Callable[..., World]) -> World:
    """A strict server's world."""
    return make_world()


@pytest.fixture
def client(world: World) -> FlaskClient:
    """A client of the strict server without tokens."""
    return world.client()
