"""What the surfaces are shown: flat, frozen records of sessions, instances, hosts and projects."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fenix_simulator.domain.cloud import Cloud
from fenix_simulator.domain.session import Session


@dataclass(frozen=True, slots=True)
class SessionView:
    """A session as the control API shows it; ``simulated_seconds`` is the infrastructure time that passed in it."""

    session_id: str
    state: str
    hosts: tuple[str, ...]
    projects: tuple[str, ...]
    maintenance_at: datetime
    metadata: Mapping[str, str]
    paused: bool
    current_host: str | None
    reason: str | None
    host_states: Mapping[str, str]
    awaiting: tuple[str, ...]
    replies: Mapping[str, str]
    reply_at: datetime | None
    simulated_seconds: float


@dataclass(frozen=True, slots=True)
class InstanceView:
    """An instance and the host it is on."""

    instance_id: str
    project_id: str
    name: str
    vcpus: int
    host: str
    flavor: str
    floating_ip: bool


@dataclass(frozen=True, slots=True)
class HostView:
    """A host, its size and what is on it."""

    name: str
    vcpus: int
    availability_zone: str
    free_vcpus: int
    instances: int


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project; ``managed`` says whether a manager would be told of a maintenance now."""

    project_id: str
    name: str
    instances: int
    managed: bool


def of_session(session: Session) -> SessionView:
    """The view of a session (call it while the session stands still)."""
    return SessionView(
        session_id=session.session_id,
        state=session.state.value,
        hosts=session.hosts,
        projects=tuple(session.projects),
        maintenance_at=session.maintenance_at,
        metadata=dict(session.metadata),
        paused=session.paused,
        current_host=session.current_host,
        reason=session.reason,
        host_states=session.host_states(),
        awaiting=session.awaiting(),
        replies={project: state for project, state in session.project_states.items() if state != session.state},
        reply_at=session.ask.reply_at if session.ask is not None and not session.is_over else None,
        simulated_seconds=session.simulated.total_seconds(),
    )


def of_instance(cloud: Cloud, instance_id: str) -> InstanceView:
    """The view of an instance of that cloud; UnknownInstance where there is none."""
    instance = cloud.instance(instance_id)
    return InstanceView(
        instance_id=instance_id,
        project_id=instance.project_id,
        name=instance.name,
        vcpus=instance.vcpus,
        host=cloud.host_of(instance_id),
        flavor=instance.flavor,
        floating_ip=instance.floating_ip,
    )


def of_host(cloud: Cloud, name: str) -> HostView:
    """The view of a host of that cloud."""
    host = cloud.hosts[name]
    return HostView(name, host.vcpus, host.availability_zone, cloud.free(name), cloud.count_on(name))
