"""The orchestrator: takes commands to sessions; what these decide is carried out by ``steps``.

Locks, outermost first: ``_topology`` (which sessions and instances exist; never taken for a reply or a timer), one per
session, ``_cloud`` (the inventory as it stands). Two sessions never wait for each other. Nothing is sent under a lock:
alarms are handed to the sink's queues, which does not block.

Every event is in the journal before it is applied and before anything that it causes can be seen, so a reply that was
answered 200 is as durable as the journal is. Where the journal cannot be written, what was asked for is refused; what
a session would do of itself is tried again until it can.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import datetime

from fenix_simulator import views
from fenix_simulator.cloud_keeper import CLOUD_EVENTS, CloudKeeper
from fenix_simulator.domain import messages as m
from fenix_simulator.domain.cloud import Cloud
from fenix_simulator.domain.errors import LimitReached, UnknownHost, UnknownSession
from fenix_simulator.domain.rules import Behaviour, Dialect, Rules
from fenix_simulator.domain.session import Session
from fenix_simulator.notifier import AlarmFactory, Notifier, Untold
from fenix_simulator.ports import AlarmSink, Clock, Entry, Journal, JournalError, Timers
from fenix_simulator.reply_round import GivenReply, take_together
from fenix_simulator.running import Running, session_entry
from fenix_simulator.shards import Shard
from fenix_simulator.steps import Steps
from fenix_simulator.subscriptions import Subscriptions


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
        shard: Shard = Shard(),
        session_limit: int = 1_000,
        instance_limit: int = 2_000_000,
    ) -> None:
        self.rules = rules
        self.journal = journal
        self.clock = clock
        self.subscriptions = subscriptions
        self.namespace = namespace
        self.shard = shard
        self._keeper = CloudKeeper(cloud, project_names, journal, clock, namespace, instance_limit)
        self._notifier = Notifier(subscriptions, alarms, sink, clock)
        self._timers = timers(self.fire)
        self._steps = Steps(journal, clock, self._keeper, self._notifier, self._timers)
        self._session_limit = session_limit
        self._topology = threading.RLock()
        self._sessions: dict[str, Running] = {}
        #: Of all sessions that there ever were or are to be: none takes the id of another.
        self._ids: set[str] = set()
        self._next_id = 1

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
        session_id: str | None = None,
    ) -> str:
        """Start a maintenance over ``hosts`` (all when empty) and return its id.

        ``session_id`` is one that was kept for it. Raises UnknownHost, LimitReached, or a
        MaintenanceError where an alarm's URL would not fit into a trait.
        """
        with self._topology:
            if session_id is None:
                self._require_room(1)
                session_id = self._free_id()
            chosen, projects = self._scope(hosts, session_id)
            at = self.clock.now()
            created = m.SessionCreated(
                session_id, chosen, projects, maintenance_at or at + self.rules.lead, dict(metadata or {})
            )
            with self._keeper.lock:
                self.journal.append([session_entry(session_id, created)], at)
                running = self._begin(created)
            # Before anybody else can have it: the session may begin anew as soon as it is known.
            running.lock.acquire()
        try:
            self._steps.lead_on(running)
        finally:
            running.lock.release()
        return session_id

    def list_sessions(self) -> list[str]:
        """The ids of all sessions, oldest first."""
        return list(self._sessions)

    def has_session(self, session_id: str) -> bool:
        """Whether there is such a session."""
        return session_id in self._sessions

    def has_project(self, project_id: str) -> bool:
        """Whether the inventory has such a project."""
        return self._keeper.has_project(project_id)

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
                self.journal.append([session_entry(session_id, m.SessionDeleted())], self.clock.now())
                del self._sessions[session_id]

    def pause_session(self, session_id: str) -> None:
        """Hold a session where it is. Raises UnknownSession, SessionOver."""
        self._handle(session_id, m.Pause())

    def resume_session(self, session_id: str) -> None:
        """Let a held session go on; its open windows start anew. Raises UnknownSession, SessionOver."""
        self._handle(session_id, m.Resume())

    # -- the project's two endpoints ---------------------------------------------------------------------------------

    def instance_ids(self, session_id: str, project_id: str) -> tuple[str, ...]:
        """The project's instances that belong to the session's state. Raises UnknownSession, UnknownProject."""
        running = self._running(session_id)
        with running.lock, self._keeper.lock if running.session.is_over else running.lock:
            return running.session.instance_ids(project_id)

    def instance_list_json(self, session_id: str, project_id: str) -> bytes:
        """``{"instance_ids": […]}``, kept ready until the list changes. Raises UnknownSession, UnknownProject."""
        ready = self.ready_list(session_id, project_id)
        if ready is not None:
            return ready
        running = self._running(session_id)
        with running.lock:
            body = json.dumps({"instance_ids": self.instance_ids(session_id, project_id)}).encode()
            if not running.session.is_over:
                running.lists[project_id] = body
        return body

    def ready_list(self, session_id: str, project_id: str) -> bytes | None:
        """What ``instance_list_json`` answers where that waits for nobody; None where it would, or would raise."""
        running = self._sessions.get(session_id)
        return None if running is None else running.lists.get(project_id)

    def reply(
        self,
        session_id: str,
        project_id: str,
        state: str,
        instance_actions: Mapping[str, str] | None,
        instance_id: str | None = None,
        answered: Entry | None = None,
    ) -> bool:
        """Take a project's reply; when it returns the reply is in the journal. A repeated reply changes nothing.

        ``answered`` is what the journal is to say of the request: it is written with the reply, in one commit.
        Returns whether it was. Raises UnknownSession, UnknownProject, ReplyNotAwaited or ReplyInvalid, and has then
        changed nothing.
        """
        along = [] if answered is None else [answered]
        with self._locked(session_id) as running:
            events = running.session.decide(m.Reply(project_id, state, instance_actions, instance_id))
            self._steps.commit(running, events, along)
            return bool(events and along)

    def reply_together(self, given: Sequence[GivenReply], along: Sequence[Entry]) -> list[bool]:
        """Take replies that came at once, where that needs no waiting, with one commit; see ``reply_round``."""
        return take_together(
            given, along, sessions=self._sessions, journal=self.journal, clock=self.clock, apply=self._steps.apply
        )

    # -- the cloud ---------------------------------------------------------------------------------------------------

    def instances(
        self, project_id: str | None = None, host: str | None = None, session_id: str | None = None
    ) -> Iterator[views.InstanceView]:
        """The instances, of one project or one host where asked, as the cloud or a session's copy of it has them."""
        if session_id is None:
            return self._keeper.instances(self._keeper.cloud, project_id, host)
        running = self._running(session_id)
        with running.lock:
            return self._keeper.instances(running.session.cloud, project_id, host)

    def instance(self, instance_id: str) -> views.InstanceView:
        """One instance. Raises UnknownInstance."""
        return self._keeper.instance(instance_id)

    def hosts(self) -> list[views.HostView]:
        """The hosts with what is free and what is on them."""
        return self._keeper.hosts()

    def projects(self) -> list[views.ProjectView]:
        """The projects."""
        return self._keeper.projects(self.subscriptions.is_managed)

    def remove_instance(self, instance_id: str) -> None:
        """The project removes an instance. Raises UnknownInstance."""
        with self._topology, ExitStack() as locks:
            gone = self._keeper.removal(instance_id)
            concerned = self._lock_active(locks, instance_id)
            if not concerned:
                self._keeper.commit(gone)
            for running in concerned:
                self._steps.commit(running, running.session.decide(m.RemoveInstance(instance_id)))

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
            record = self._keeper.new_record(project_id, vcpus, name, flavor, instance_id, floating_ip)
            active = self._lock_active(locks)
            decided = [(running, running.session.decide(m.AddInstance(record))) for running in active]
            if not decided:
                self._keeper.commit(self._keeper.addition(record))
            for running, events in decided:
                self._steps.commit(running, events)
            return self.instance(record.instance_id)

    def move_instance(self, instance_id: str) -> views.InstanceView:
        """The project moves an instance away from its host. Raises UnknownInstance, NoCapacity."""
        with self._topology, ExitStack() as locks:
            self.instance(instance_id)
            concerned = self._lock_active(locks, instance_id)
            emptying = [one for one in concerned if one.session.current_host == one.session.cloud.host_of(instance_id)]
            decided = [(one, one.session.decide(m.MoveInstance(instance_id))) for one in emptying or concerned]
            if not decided:
                self._keeper.commit(self._keeper.move(instance_id))
            for running, events in decided:
                self._steps.commit(running, events)
            return self.instance(instance_id)

    # -- timers and restarts -----------------------------------------------------------------------------------------

    def fire(self, session_id: str, timer: int) -> None:
        """A wait ended; one of a session that is gone means nothing any more."""
        with suppress(UnknownSession), self._locked(session_id) as running:
            try:
                self._steps.commit(running, running.session.decide(m.Tick(timer)))
            except JournalError as error:
                self._steps.try_again(running, timer, error)

    def fold(self, kind: str, session_id: str | None, event: m.Event) -> None:
        """Apply an event of the past, as the journal has it, without its effects."""
        if kind == "cloud":
            self._keeper.apply(event)
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
        if isinstance(event, CLOUD_EVENTS):
            self._keeper.apply(event)
        if running.session.is_over:
            running.session.cloud = self._keeper.cloud

    def go_on(self, untold: Mapping[str, Sequence[Untold]]) -> None:
        """After a fold: tell what (per session) may not have been told and still matters; start the waits anew."""
        for session_id, running in list(self._sessions.items()):
            with running.lock:
                self._steps.tell_again(running.session, untold.get(session_id, ()))
                self._steps.commit(running, running.session.decide(m.Restart()))

    def reset(self) -> None:
        """Forget every session and instance change; the inventory is as it was at the start."""
        with self._topology:
            for session_id in self.list_sessions():
                self.delete_session(session_id)
            self._keeper.commit(m.CloudReset())

    # -- inside ------------------------------------------------------------------------------------------------------

    def _running(self, session_id: str) -> Running:
        running = self._sessions.get(session_id)
        if running is None:
            raise UnknownSession(
                f"there is no session {session_id!r}",
                expected="the session_id of an alarm or of POST /v1/maintenance",
                hint="GET /v1/maintenance lists the sessions",
            )
        return running

    def _require_room(self, more: int) -> None:
        """Raises LimitReached unless so many more sessions may be made."""
        if self._counted() + more > self._session_limit:
            raise LimitReached(
                f"there are {self._counted()} sessions, and {self._session_limit} is the limit",
                hint="DELETE /v1/maintenance/<session_id> takes one away",
            )

    def _counted(self) -> int:
        """How many sessions the limit is compared with."""
        return len(self._sessions)

    def _free_id(self) -> str:
        """The first id of this server's that no session of this history has, had or is to have (with the topology's
        lock held)."""
        while True:
            session_id = str(uuid.uuid5(self.namespace, f"session/{self._next_id}"))
            if session_id not in self._ids and self.shard.owns(session_id):
                return session_id
            self._next_id += 1

    def _scope(self, hosts: Sequence[str], session_id: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The hosts of a session and the projects on them. Raises UnknownHost, TraitTooLong."""
        inventory = self._keeper.cloud.hosts
        chosen = tuple(dict.fromkeys(hosts)) or tuple(inventory)
        unknown = [host for host in chosen if host not in inventory]
        if unknown:
            known = ", ".join(list(inventory)[:5])
            raise UnknownHost(
                f"there is no host {', '.join(unknown[:5])}",
                expected=f"hosts of the inventory ({known} …)",
                hint="leave hosts empty to maintain all of them",
            )
        projects = self._keeper.projects_on(chosen)
        for project in projects:
            self._notifier.check(session_id, project)
        return chosen, projects

    def _begin(self, created: m.SessionCreated) -> Running:
        session = Session(created, self._keeper.cloud.copy(), self.rules, self.subscriptions.is_managed)
        running = self._sessions[created.session_id] = Running(session)
        self._ids.add(created.session_id)
        return running

    def _handle(self, session_id: str, command: m.Command) -> None:
        with self._locked(session_id) as running:
            self._steps.commit(running, running.session.decide(command))

    @contextmanager
    def _locked(self, session_id: str) -> Iterator[Running]:
        """The session with its lock held, as it is now: it may end, or begin anew, while we wait for the lock."""
        while True:
            running = self._running(session_id)
            with running.lock:
                if self._sessions.get(session_id) is running:
                    yield running
                    return

    def _lock_active(self, locks: ExitStack, instance_id: str | None = None) -> list[Running]:
        active = []
        for _, running in sorted(self._sessions.items()):
            locks.enter_context(running.lock)
            session = running.session
            if not session.is_over and (instance_id is None or instance_id in session.cloud):
                active.append(running)
        return active
