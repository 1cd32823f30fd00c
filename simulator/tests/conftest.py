"""What the simulator's tests share: a session driven without clock, network or threads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from fenix_contract.vocabulary import ACTION_STATES
from fenix_simulator.domain import messages as m
from fenix_simulator.domain.cloud import Cloud
from fenix_simulator.domain.rules import Rules
from fenix_simulator.domain.session import Session

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class Drive:
    """A session with its history; time passes only by messages."""

    def __init__(
        self,
        hosts: Mapping[str, int],
        instances: Sequence[tuple[str, str, str]],
        *,
        rules: Rules | None = None,
        managed: Callable[[str], bool] = lambda project: True,
        chosen: Sequence[str] = (),
        vcpus: Mapping[str, int] | None = None,
        floating: Sequence[str] = (),
    ) -> None:
        """``instances`` are (id, project, host); each has one vCPU unless ``vcpus`` says otherwise."""
        records = [
            m.Instance(one, project, one, (vcpus or {}).get(one, 1), host, floating_ip=one in floating)
            for one, project, host in instances
        ]
        self.cloud = Cloud([m.Host(name, size) for name, size in hosts.items()], records)
        self.rules = rules or Rules()
        self.managed = managed
        projects = tuple(dict.fromkeys(project for _, project, host in instances if not chosen or host in chosen))
        self.created = m.SessionCreated("session", tuple(chosen or hosts), projects, NOW + timedelta(hours=1))
        self.session = Session(self.created, self.cloud.copy(), self.rules, managed)
        self.history: list[m.Event] = []
        self.now = NOW
        self._settle(self.session.proceed(self.now))

    def _settle(self, events: list[m.Event]) -> None:
        while events:
            for event in events:
                self.history.append(event)
                self.session.apply(event)
            events = self.session.proceed(self.now)

    def do(self, command: m.Command) -> None:
        """Give the session a command and let it go on until it waits."""
        self._settle(self.session.decide(command))

    def reply(self, project: str, state: str | None = None, actions: Mapping[str, str] | None = None) -> None:
        """Reply with ``ACK_`` and the current state, MIGRATE for every listed instance, unless told otherwise."""
        if actions is None and self.session.state in ACTION_STATES:
            actions = dict.fromkeys(self.session.instance_ids(project), "MIGRATE")
        self.do(m.Reply(project, state or f"ACK_{self.session.state}", actions))

    def acknowledge(self, action: str = "MIGRATE") -> None:
        """Every awaited project acknowledges."""
        for project in self.session.awaiting():
            actions = None
            if self.session.state in ACTION_STATES:
                actions = dict.fromkeys(self.session.instance_ids(project), action)
            self.reply(project, actions=actions)

    def tick(self) -> None:
        """The oldest wait ends."""
        self.do(m.Tick(min(timer.timer for timer in self.session.timers.values())))

    def until(self, *states: str, own: bool = False) -> Drive:
        """Acknowledge and let time pass until the session awaits replies in one of the states, or is over."""
        for _ in range(10_000):
            if self.session.is_over or (self.session.state in states and self.session.awaiting()):
                return self
            if self.session.awaiting():
                self.acknowledge("OWN_ACTION" if own else "MIGRATE")
            else:
                self.tick()
        raise AssertionError(f"still in {self.session.state}")

    def told(self, state: str | None = None) -> list[tuple[str, str]]:
        """(project, state) of every notification to a project, in order."""
        return [
            (event.project_id, event.state.value)
            for event in self.history
            if isinstance(event, m.ProjectNotified) and state in (None, event.state)
        ]

    def of(self, kind: type[m.Event]) -> list[m.Event]:
        """The events of one class, in order."""
        return [event for event in self.history if isinstance(event, kind)]


@pytest.fixture
def drive() -> type[Drive]:
    """Drives a session through its messages."""
    return Drive
