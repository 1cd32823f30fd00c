"""The orchestrator: takes commands to sessions, journals what they decide, and turns events into alarms and waits.

Locks, outermost first: ``_topology`` (which sessions and instances exist; never taken for a reply or a timer), one per
session, ``_cloud`` (the inventory as it stands). Two sessions never wait for each other. Nothing is sent under a lock:
alarms are handed to the sink's queues, which does not block.

Every event is in the journal before it is applied and before anything that it causes can be seen, so a reply that was
answered 200 is as durable as the journal is.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from fenix_contract.vocabulary import Action, EventType, HostState
from fenix_simulator import views
from fenix_simulator.domain import messages as m
from fenix_simulator.domain.cloud import Cloud, require_room
from fenix_simulator.domain.errors import (
    AlreadyExists,
    LimitReached,
    UnknownHost,
    UnknownInstance,
    UnknownProject,
    UnknownSession,
)
from fenix_simulator.domain.rules import Behaviour, Dialect, Rules
from fenix_simulator.domain.session import Session
from fenix_simulator.event_query import holds
from fenix_simulator.ports import Alarm, AlarmSink, Clock, Entry, Journal, Timers
from fenix_simulator.subscriptions import Subscription, Subscriptions

#: The project that administrators' notifications belong to, as upstream names it.
ADMIN = "admin"

#: What somebody is told of.
Notified = m.ProjectNotified | m.HostMaintenanceStarted | m.HostMaintained

_MOVES_INSTANCES = (m.InstanceMoved, m.InstanceAdded, m.InstanceRemoved)


class AlarmFactory(Protocol):
    """Makes an alarm of an event for one subscription (``alarms.AlarmBuilder``)."""

    def check(self, session_id: str, project_id: str) -> None:
        """Raise where the project's URL would not fit into a trait."""
        ...

    def project_alarm(
        self,
        session_id: str,
        event: m.ProjectNotified,
        metadata: Mapping[str, str],
        subscription: Subscription,
        previous: str,
        now: datetime,
    ) -> Alarm: ...

    def host_alarm(
        self,
        session_id: str,
        event: m.HostMaintenanceStarted | m.HostMaintained,
        subscription: Subscription,
        previous: str,
        now: datetime,
    ) -> Alarm: ...


@dataclass(slots=True)
class Untold:
    """A notification of the past and the alarms (by ``alarm_id``) that were delivered for it."""

    event: Notified
    heard_by: set[str] = field(default_factory=set)


class _Running:
    """A session with its lock and its lists that are ready to be sent."""

    __slots__ = ("lists", "lock", "session")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.lock = threading.RLock()
        self.lists: dict[str, bytes] = {}


class MaintenanceService:
    """What the HTTP surfaces, the ticker and the commands call. Safe to use from any thread."""

    def __init__(
        self,
        *,
        cloud: Callable[[], Cloud],
        project_names: Mapping[str, str],
        rules: Rules,
        journal: Journal,
        clock: Clock,
        sink: AlarmSink,
        alarms: AlarmFactory,
        subscriptions: Subscriptions,
        timers: Callable[[Callable[[str, int], None]], Timers],
        namespace: uuid.UUID,
        session_limit: int = 1_000,
        instance_limit: int = 2_000_000,
    ) -> None:
        self.rules = rules
        self.journal = journal
        self.clock = clock
        self.subscriptions = subscriptions
        self.namespace = namespace
        self._pristine = cloud
        self._cloud = cloud()
        self._project_names = dict(project_names)
        self._sink = sink
        self._alarms = alarms
        self._timers = timers(self.fire)
        self._session_limit = session_limit
        self._instance_limit = instance_limit
        self._topology = threading.RLock()
        self._cloud_lock = threading.RLock()
        self._sessions: dict[str, _Running] = {}
        self._sessions_made = 0
        self._instances_made = 0

    @property
    def behaviour(self) -> Behaviour:
        """Whose manners the server has."""
        return self.rules.behaviour

    @property
    def dialect(self) -> Dialect:
        """How PREPARE and PLANNED ask for actions."""
        return self.rules.dialect

    # -- sessions ----------------------------------------------------------------------------------------------------

    def create_session(
        self,
        hosts: Sequence[str] = (),
        maintenance_at: datetime | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Start a maintenance over ``hosts`` (all when empty) and return its id.

        Raises UnknownHost, LimitReached, or a MaintenanceError where an alarm's URL would not fit into a trait.
        """
        with self._topology:
            chosen = tuple(dict.fromkeys(hosts)) or tuple(self._cloud.hosts)
            unknown = [host for host in chosen if host not in self._cloud.hosts]
            if unknown:
                known = ", ".join(list(self._cloud.hosts)[:5])
                raise UnknownHost(
                    f"there is no host {', '.join(unknown[:5])}",
                    expected=f"hosts of the inventory ({known} …)",
                    hint="leave hosts empty to maintain all of them",
                )
            if len(self._sessions) >= self._session_limit:
                raise LimitReached(
                    f"there are {self._session_limit} sessions, which is the limit",
                    hint="DELETE /v1/maintenance/<session_id> takes one away",
                )
            session_id = str(uuid.uuid5(self.namespace, f"session/{self._sessions_made + 1}"))
            projects = self._projects_on(chosen)
            for project in projects:
                self._alarms.check(session_id, project)
            at = self.clock.now()
            created = m.SessionCreated(
                session_id, chosen, projects, maintenance_at or at + self.rules.lead, dict(metadata or {})
            )
            with self._cloud_lock:
                self.journal.append([_entry(session_id, created)], at)
                running = self._begin(created)
        with running.lock:
            self._commit(running, running.session.proceed(at))
        return session_id

    def list_sessions(self) -> list[str]:
        """The ids of all sessions, oldest first."""
        return list(self._sessions)

    def has_session(self, session_id: str) -> bool:
        """Whether there is such a session."""
        return session_id in self._sessions

    def has_project(self, project_id: str) -> bool:
        """Whether the inventory has such a project."""
        return project_id in self._project_names or self._cloud.count_of(project_id) > 0

    def session_state(self, session_id: str) -> str:
        """The session's workflow state. Raises UnknownSession."""
        return self._running(session_id).session.state.value

    def session_view(self, session_id: str) -> views.SessionView:
        """All that can be said of a session. Raises UnknownSession."""
        running = self._running(session_id)
        with running.lock:
            return views.of_session(running.session)

    def delete_session(self, session_id: str) -> None:
        """Take a session away, whatever its state. Raises UnknownSession."""
        with self._topology:
            running = self._running(session_id)
            with running.lock:
                self._timers.forget(session_id)
                self.journal.append([_entry(session_id, m.SessionDeleted())], self.clock.now())
                del self._sessions[session_id]

    def pause_session(self, session_id: str) -> None:
        """Hold a session where it is. Raises UnknownSession, SessionOver."""
        self._handle(self._running(session_id), m.Pause())

    def resume_session(self, session_id: str) -> None:
        """Let a held session go on; its open windows start anew. Raises UnknownSession, SessionOver."""
        self._handle(self._running(session_id), m.Resume())

    # -- the project's two endpoints ---------------------------------------------------------------------------------

    def instance_ids(self, session_id: str, project_id: str) -> tuple[str, ...]:
        """The project's instances that belong to the session's state. Raises UnknownSession, UnknownProject."""
        running = self._running(session_id)
        with running.lock, self._cloud_lock if running.session.is_over else running.lock:
            return running.session.instance_ids(project_id)

    def instance_list_json(self, session_id: str, project_id: str) -> bytes:
        """``{"instance_ids": […]}``, kept ready until the list changes. Raises UnknownSession, UnknownProject."""
        running = self._running(session_id)
        ready = running.lists.get(project_id)
        if ready is not None:
            return ready
        with running.lock:
            body = json.dumps({"instance_ids": self.instance_ids(session_id, project_id)}).encode()
            if not running.session.is_over:
                running.lists[project_id] = body
        return body

    def reply(
        self,
        session_id: str,
        project_id: str,
        state: str,
        instance_actions: Mapping[str, str] | None,
        instance_id: str | None = None,
    ) -> None:
        """Take a project's reply; when it returns the reply is in the journal.

        Raises UnknownSession, UnknownProject, ReplyNotAwaited or ReplyInvalid, and has then changed nothing.
        """
        self._handle(self._running(session_id), m.Reply(project_id, state, instance_actions, instance_id))

    # -- the cloud ---------------------------------------------------------------------------------------------------

    def instances(
        self, project_id: str | None = None, host: str | None = None, session_id: str | None = None
    ) -> Iterator[views.InstanceView]:
        """The instances, of one project or one host where asked, as the cloud or a session's copy of it has them."""
        with ExitStack() as locks:
            cloud = self._cloud
            if session_id is not None:
                running = self._running(session_id)
                locks.enter_context(running.lock)
                cloud = running.session.cloud
            locks.enter_context(self._cloud_lock)
            if host is not None:
                ids = cloud.on_host(host) if host in cloud.hosts else ()
            else:
                ids = cloud.of_project(project_id) if project_id is not None else tuple(cloud.instances)
        for instance_id in ids:
            try:
                view = views.of_instance(cloud, instance_id)
            except UnknownInstance:
                continue
            if project_id is None or view.project_id == project_id:
                yield view

    def instance(self, instance_id: str) -> views.InstanceView:
        """One instance. Raises UnknownInstance."""
        with self._cloud_lock:
            return views.of_instance(self._cloud, instance_id)

    def hosts(self) -> list[views.HostView]:
        """The hosts with what is free and what is on them."""
        with self._cloud_lock:
            return [views.of_host(self._cloud, name) for name in self._cloud.hosts]

    def projects(self) -> list[views.ProjectView]:
        """The projects."""
        names = dict.fromkeys([*self._project_names, *self._cloud.projects()])
        return [
            views.ProjectView(
                project,
                self._project_names.get(project, ""),
                self._cloud.count_of(project),
                self.subscriptions.is_managed(project),
            )
            for project in names
        ]

    def remove_instance(self, instance_id: str) -> None:
        """The project removes an instance. Raises UnknownInstance."""
        with self._topology, ExitStack() as locks:
            with self._cloud_lock:
                gone = m.InstanceRemoved(
                    instance_id, self._cloud.instance(instance_id).project_id, self._cloud.host_of(instance_id)
                )
            concerned = self._lock_active(locks, instance_id)
            if not concerned:
                self._commit_cloud(gone)
            for running in concerned:
                self._commit(running, running.session.decide(m.RemoveInstance(instance_id)))

    def add_instance(
        self,
        project_id: str,
        vcpus: int | None = None,
        name: str | None = None,
        flavor: str | None = None,
        instance_id: str | None = None,
        floating_ip: bool = False,
    ) -> views.InstanceView:
        """The project creates an instance like its others where nothing else is said.

        Raises UnknownProject, AlreadyExists, NoCapacity, LimitReached.
        """
        with self._topology, ExitStack() as locks:
            record = self._new_record(project_id, vcpus, name, flavor, instance_id, floating_ip)
            active = self._lock_active(locks)
            decided = [(running, running.session.decide(m.AddInstance(record))) for running in active]
            if not decided:
                with self._cloud_lock:
                    self._commit_cloud(m.InstanceAdded(record, require_room(self._cloud, record.vcpus)))
            for running, events in decided:
                self._commit(running, events)
            return self.instance(record.instance_id)

    def move_instance(self, instance_id: str) -> views.InstanceView:
        """The project moves an instance away from its host. Raises UnknownInstance, NoCapacity."""
        with self._topology, ExitStack() as locks:
            self.instance(instance_id)
            concerned = self._lock_active(locks, instance_id)
            emptying = [one for one in concerned if one.session.current_host == one.session.cloud.host_of(instance_id)]
            decided = [(one, one.session.decide(m.MoveInstance(instance_id))) for one in emptying or concerned]
            if not decided:
                self._commit_cloud(self._own_move(instance_id))
            for running, events in decided:
                self._commit(running, events)
            return self.instance(instance_id)

    # -- timers and restarts -----------------------------------------------------------------------------------------

    def fire(self, session_id: str, timer: int) -> None:
        """A wait ended; one of a session that is gone means nothing any more."""
        running = self._sessions.get(session_id)
        if running is not None:
            self._handle(running, m.Tick(timer))

    def fold(self, kind: str, session_id: str | None, event: m.Event) -> None:
        """Apply an event of the past, as the journal has it, without its effects."""
        if kind == "cloud":
            self._apply_to_cloud(event)
            return
        if isinstance(event, m.SessionCreated):
            self._begin(event)
            return
        running = self._sessions.get(session_id or "")
        if running is None:
            return
        if isinstance(event, m.SessionDeleted):
            del self._sessions[running.session.session_id]
            return
        running.session.apply(event)
        if isinstance(event, _MOVES_INSTANCES):
            self._apply_to_cloud(event)
        if running.session.is_over:
            running.session.cloud = self._cloud

    def go_on(self, untold: Mapping[str, Sequence[Untold]]) -> None:
        """After a fold: tell what (per session) may not have been told and still matters; start the waits anew."""
        for session_id, running in list(self._sessions.items()):
            with running.lock:
                for one in untold.get(session_id, ()):
                    if self._is_still_news(running.session, one.event):
                        self._tell(running.session, one.event, one.heard_by)
                self._commit(running, running.session.decide(m.Restart()))
                self._commit(running, running.session.proceed(self.clock.now()))

    def reset(self) -> None:
        """Forget every session and instance change; the inventory is as it was at the start."""
        with self._topology, self._cloud_lock:
            for session_id in self.list_sessions():
                self.delete_session(session_id)
            self.journal.append([Entry("cloud", "CloudReset", m.CloudReset())], self.clock.now())
            self._apply_to_cloud(m.CloudReset())

    # -- inside ------------------------------------------------------------------------------------------------------

    def _running(self, session_id: str) -> _Running:
        running = self._sessions.get(session_id)
        if running is None:
            raise UnknownSession(
                f"there is no session {session_id!r}",
                expected="the session_id of an alarm or of POST /v1/maintenance",
                hint="GET /v1/maintenance lists the sessions",
            )
        return running

    def _begin(self, created: m.SessionCreated) -> _Running:
        session = Session(created, self._cloud.copy(), self.rules, self.subscriptions.is_managed)
        running = self._sessions[created.session_id] = _Running(session)
        self._sessions_made += 1
        return running

    def _projects_on(self, hosts: tuple[str, ...]) -> tuple[str, ...]:
        cloud = self._cloud
        with self._cloud_lock:
            if len(hosts) == len(cloud.hosts):
                return tuple(project for project in cloud.projects() if cloud.count_of(project))
            there = {cloud.instance(one).project_id for host in hosts for one in cloud.on_host(host)}
            return tuple(project for project in cloud.projects() if project in there)

    def _handle(self, running: _Running, command: m.Command) -> None:
        with running.lock:
            self._commit(running, running.session.decide(command))

    def _commit(self, running: _Running, events: list[m.Event]) -> None:
        """Journal, apply and carry on until the session waits again (with the session's lock held)."""
        session = running.session
        while events:
            at = self.clock.now()
            entries = [_entry(session.session_id, event) for event in events]
            if any(isinstance(event, _MOVES_INSTANCES) for event in events):
                with self._cloud_lock:
                    self.journal.append(entries, at)
                    for event in events:
                        if isinstance(event, _MOVES_INSTANCES):
                            self._apply_to_cloud(event)
            else:
                self.journal.append(entries, at)
            for event in events:
                session.apply(event)
                self._effect(running, event)
            events = session.proceed(self.clock.now())

    def _effect(self, running: _Running, event: m.Event) -> None:
        session = running.session
        match event:
            case m.TimerStarted(timer, _, kind, duration):
                self._timers.start(session.session_id, timer, kind, duration)
            case m.TimerStopped(timer):
                self._timers.stop(session.session_id, timer)
            case m.StateEntered():
                running.lists.clear()
                if session.is_over:
                    self._timers.forget(session.session_id)
                    session.cloud = self._cloud
            case m.ProjectNotified():
                running.lists.pop(event.project_id, None)
                self._tell(session, event)
            case m.HostMaintenanceStarted() | m.HostMaintained():
                self._tell(session, event)
            case m.ReplyAccepted() | m.InstanceMoved() | m.InstanceRemoved():
                running.lists.pop(event.project_id, None)
            case m.InstanceAdded(instance):
                running.lists.pop(instance.project_id, None)
            case _:
                pass

    def _tell(self, session: Session, event: Notified, heard_by: AbstractSet[str] = frozenset()) -> None:
        project, event_type = _addressed(event)
        facts = _facts(session.session_id, event)
        for subscription in self.subscriptions.matching(project, event_type):
            if not subscription.alarm_actions or subscription.alarm_id in heard_by:
                continue
            if subscription.query and not holds(subscription.query, facts):
                continue
            previous = self.subscriptions.fire(subscription.alarm_id)
            if previous is None:
                continue
            now = self.clock.now()
            for one in _single_actions(subscription):
                if isinstance(event, m.ProjectNotified):
                    alarm = self._alarms.project_alarm(session.session_id, event, session.metadata, one, previous, now)
                else:
                    alarm = self._alarms.host_alarm(session.session_id, event, one, previous, now)
                self._sink.send(alarm)

    @staticmethod
    def _is_still_news(session: Session, event: Notified) -> bool:
        if not isinstance(event, m.ProjectNotified) or event.reply_at is None:
            return True
        ask = session.ask
        told = ask.told.get(event.project_id) if ask is not None and not session.is_over else None
        if ask is None or told is None or ask.state.value != event.state.value:
            return False
        return event.instance_ids == told.asked[: len(event.instance_ids)] and not told.replied()

    def _lock_active(self, locks: ExitStack, instance_id: str | None = None) -> list[_Running]:
        active = []
        for _, running in sorted(self._sessions.items()):
            locks.enter_context(running.lock)
            session = running.session
            if not session.is_over and (instance_id is None or instance_id in session.cloud):
                active.append(running)
        return active

    def _commit_cloud(self, event: m.Event) -> None:
        with self._cloud_lock:
            self.journal.append(
                [Entry("cloud", type(event).__name__, event, None, getattr(event, "project_id", None))],
                self.clock.now(),
            )
            self._apply_to_cloud(event)

    def _apply_to_cloud(self, event: m.Event) -> None:
        """Fold a change into the inventory; with several sessions the last one's move is what stays."""
        cloud = self._cloud
        match event:
            case m.InstanceMoved(instance_id, target=target) if instance_id in cloud:
                cloud.move(instance_id, target)
            case m.InstanceRemoved(instance_id) if instance_id in cloud:
                cloud.remove(instance_id)
            case m.InstanceAdded(instance, host):
                if instance.instance_id not in cloud:
                    cloud.place(instance, host)
                    self._instances_made += 1
            case m.CloudReset():
                self._cloud = self._pristine()
            case _:
                pass

    def _own_move(self, instance_id: str) -> m.InstanceMoved:
        instance, source = self._cloud.instance(instance_id), self._cloud.host_of(instance_id)
        target = require_room(self._cloud, instance.vcpus, besides=source)
        return m.InstanceMoved(instance_id, instance.project_id, Action.OWN_ACTION, source, target)

    def _new_record(
        self,
        project_id: str,
        vcpus: int | None,
        name: str | None,
        flavor: str | None,
        instance_id: str | None,
        floating_ip: bool,
    ) -> m.Instance:
        with self._cloud_lock:
            if not self.has_project(project_id):
                raise UnknownProject(
                    f"there is no project {project_id!r}",
                    expected="a project of the inventory",
                    hint="GET /simulator/v1/projects lists them",
                )
            if len(self._cloud) >= self._instance_limit:
                raise LimitReached(f"there are {self._instance_limit} instances, which is the limit")
            if instance_id is not None and instance_id in self._cloud:
                raise AlreadyExists(f"instance {instance_id!r} exists already", hint="leave instance_id out")
            like = next((self._cloud.instance(one) for one in self._cloud.of_project(project_id)), None)
            number = self._instances_made + 1
            return m.Instance(
                instance_id=instance_id or str(uuid.uuid5(self.namespace, f"instance/{number}")),
                project_id=project_id,
                name=name or f"{self._project_names.get(project_id) or project_id}-added-{number}",
                vcpus=vcpus or (like.vcpus if like else 1),
                host="",
                flavor=flavor or (like.flavor if like else ""),
                floating_ip=floating_ip,
            )


def _entry(session_id: str, event: m.Event) -> Entry:
    return Entry("event", type(event).__name__, event, session_id, getattr(event, "project_id", None))


def _addressed(event: Notified) -> tuple[str, EventType]:
    """Whose notification it is, and of which type."""
    if isinstance(event, m.ProjectNotified):
        return event.project_id, EventType.SCHEDULED
    return ADMIN, EventType.HOST


def _facts(session_id: str, event: Notified) -> dict[str, str]:
    """What an alarm's query may ask about a notification."""
    project, event_type = _addressed(event)
    facts = {"event_type": str(event_type), "traits.project_id": project, "traits.session_id": session_id}
    if isinstance(event, m.ProjectNotified):
        return {**facts, "traits.service": "fenix", "traits.state": event.state.value}
    started = isinstance(event, m.HostMaintenanceStarted)
    state = HostState.IN_MAINTENANCE if started else HostState.MAINTENANCE_COMPLETE
    return {**facts, "traits.service": "fenix", "traits.host": event.host, "traits.state": state.value}


def _single_actions(subscription: Subscription) -> Iterator[Subscription]:
    """One subscription per URL: Aodh notifies each of an alarm's actions."""
    for url in subscription.alarm_actions:
        yield replace(subscription, alarm_actions=(url,))
