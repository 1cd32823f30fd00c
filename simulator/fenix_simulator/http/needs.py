"""What the surfaces need of the rest, as Protocols: the service behind them and the parts that may be absent."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from fenix_simulator.domain.rules import Behaviour, Dialect
from fenix_simulator.ports import Clock, Entry, Journal
from fenix_simulator.reply_round import GivenReply
from fenix_simulator.subscriptions import Subscriptions
from fenix_simulator.views import HostView, InstanceView, ProjectView, SessionView


class Service(Protocol):
    """The simulated infrastructure. Errors are those of ``domain.errors``; a refused call has changed nothing."""

    @property
    def behaviour(self) -> Behaviour: ...

    @property
    def dialect(self) -> Dialect: ...

    @property
    def journal(self) -> Journal: ...

    @property
    def subscriptions(self) -> Subscriptions: ...

    @property
    def clock(self) -> Clock: ...

    # -- sessions

    def create_session(
        self,
        hosts: Sequence[str] = (),
        maintenance_at: datetime | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str: ...

    def start_sessions(self) -> list[str]: ...

    def list_sessions(self) -> list[str]: ...

    def session_state(self, session_id: str) -> str: ...

    def session_view(self, session_id: str) -> SessionView: ...

    def delete_session(self, session_id: str) -> None: ...

    def pause_session(self, session_id: str) -> None: ...

    def resume_session(self, session_id: str) -> None: ...

    def step_session(self, session_id: str) -> None: ...

    def reset_session(self, session_id: str) -> None: ...

    def resend(self, number: int) -> object: ...

    # -- a project's part in a session

    def instance_ids(self, session_id: str, project_id: str) -> tuple[str, ...]: ...

    def instance_list_json(self, session_id: str, project_id: str) -> bytes: ...

    def ready_list(self, session_id: str, project_id: str) -> bytes | None: ...

    def reply_together(self, given: Sequence[GivenReply], along: Sequence[Entry]) -> list[bool]: ...

    def reply(
        self,
        session_id: str,
        project_id: str,
        state: str,
        instance_actions: Mapping[str, str] | None,
        instance_id: str | None = None,
        answered: Entry | None = None,
    ) -> bool: ...

    # -- the cloud

    def instances(
        self, project_id: str | None = None, host: str | None = None, session_id: str | None = None
    ) -> Iterator[InstanceView]: ...

    def instance(self, instance_id: str) -> InstanceView: ...

    def add_instance(
        self,
        project_id: str,
        vcpus: int | None = None,
        name: str | None = None,
        flavor: str | None = None,
        instance_id: str | None = None,
        floating_ip: bool = False,
    ) -> InstanceView: ...

    def remove_instance(self, instance_id: str) -> None: ...

    def move_instance(self, instance_id: str) -> InstanceView: ...

    def hosts(self) -> list[HostView]: ...

    def projects(self) -> list[ProjectView]: ...

    # -- the whole

    def export_state(self) -> dict[str, Any]: ...

    def import_state(self, state: dict[str, Any]) -> None: ...

    def reset(self) -> None: ...

    def clock_view(self) -> Mapping[str, Any]: ...

    def advance(self, by: timedelta | None, to: datetime | None, next_event: bool) -> Mapping[str, Any]: ...


class Effect(Protocol):
    """What a fault does to a request; ``scenario_effects.Then`` says what the members mean."""

    @property
    def status(self) -> int | None: ...

    @property
    def delay(self) -> timedelta | None: ...

    @property
    def drop(self) -> bool: ...

    @property
    def close(self) -> bool: ...

    @property
    def reset(self) -> bool: ...

    @property
    def truncate(self) -> bool: ...

    @property
    def malformed(self) -> bool: ...

    @property
    def content_type(self) -> str | None: ...

    @property
    def drip(self) -> timedelta | None: ...

    @property
    def stale(self) -> bool: ...


class Happening(Protocol):
    """What happens to a request, and the number of the fault that it is."""

    @property
    def fault(self) -> int: ...

    @property
    def effect(self) -> Effect: ...


class Faults(Protocol):
    """Faults to be injected; a service that can inject them has one as ``faults``."""

    def touches(self, operation: str) -> bool:
        """Whether there are any for the operation (``list``, ``reply``, ``control``)."""
        ...

    def request(
        self, operation: str, project_id: str | None, session_id: str | None = None, state: str | None = None
    ) -> Happening | None:
        """What is to happen to a request of the project, in that state of the session; it is counted by asking."""
        ...

    def list(self) -> Sequence[Mapping[str, Any]]: ...

    def add(self, fault: dict[str, Any]) -> Mapping[str, Any]: ...

    def remove(self, number: int) -> None: ...

    def clear(self) -> None: ...
