"""The simulator as a test has it: a cleared Fenix with a cloud, whose doings are in the journal."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from fenix_conformance.vnfm.journal import Entry, read_entries
from fenix_contract.vocabulary import EventType
from fenix_pytest.clock import Clock
from fenix_pytest.flight import in_flight, in_hand
from fenix_pytest.history import History, NotSeen
from fenix_pytest.others import Others
from fenix_pytest.servers import LANDING, Lease
from fenix_pytest.session import Session
from fenix_pytest.verdict import Verdict
from fenix_simulator.scenario_types import index_projects
from fenix_vnfm import CloudClient, CloudInstance
from fenix_vnfm.subscribe import subscribe

_WIRE_TIME = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True, slots=True)
class Project:
    """A project of the cloud; its id is 32 hex digits, as Keystone's."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class Host:
    """A compute host; ``instances`` is how many are on it."""

    name: str
    vcpus: int
    free_vcpus: int
    instances: int
    availability_zone: str


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of one synthetic alarm: the answer's ``status``, or None and the ``error``."""

    status: int | None
    error: str | None
    seconds: float

    @property
    def taken(self) -> bool:
        """Whether it was answered 2xx."""
        return self.status is not None and 200 <= self.status < 300


class Simulator:
    """A simulated Fenix for one test. Wherever a project is asked for, its id, name or number (from 1) will do.

    ``url`` is where Fenix, ``aodh_url`` where Aodh's alarm API answers (the same); ``control_url`` is where a VNFM
    removes, adds and moves instances, in the place of Nova.
    """

    def __init__(self, lease: Lease) -> None:
        self.url = self.aodh_url = self.control_url = lease.server.url
        self.scenario = lease.scenario
        self._control = lease.control
        #: What happened in this test: entries of the journal, ``.show()`` prints them.
        self.journal: History = lease.open()
        self.clock = Clock(lease.control)
        self._index = index_projects(lease.inventory.projects)
        self._manners = self.scenario.managers(lease.inventory.projects)
        self.projects: tuple[Project, ...] = tuple(
            Project(one.project_id, one.name) for one in lease.inventory.projects
        )
        self._cloud = CloudClient(self.url, client=lease.control.client)
        self._others = Others(self.url)
        self._under_test: dict[str, str] = {}
        self._sessions: list[Session] = []
        self._started = datetime.now(UTC)

    def __repr__(self) -> str:
        return f"<Simulator {self.scenario.name} at {self.url}>"

    # -- the VNFM under test, and the others -------------------------------------------------------------------------

    @property
    def project(self) -> Project:
        """The project that is meant for the VNFM under test: the first to whose manager the scenario gives no part."""
        plain = (
            one
            for one in self.projects
            if (part := self._manners[one.id]).subscribed and not part.silent and part.nack is None
        )
        return next(plain, self.projects[0])

    def subscribe(self, alarm_url: str, project: str | int | None = None, event_type: str = EventType.SCHEDULED) -> str:
        """Subscribe the VNFM at ``alarm_url`` to a project's alarms (default: ``project``), as Aodh's API does; it is
        then the one that the verdict is about. Returns the alarm's id. Raises SubscriptionError."""
        project_id = self.project.id if project is None else self._project_id(project)
        alarm_id = subscribe(self.aodh_url, project_id, alarm_url, event_type=event_type)
        self._under_test[project_id] = alarm_url
        return alarm_id

    def play_others(self, except_: str | int | None = None) -> None:
        """Let sample managers, with the manners that the scenario gives them, take part for every project but those
        that were subscribed (or but this one). They are closed at the end of the test."""
        spared = set(self._under_test) if except_ is None else {self._project_id(except_)}
        spared = spared or {self.project.id}
        self._others.play({one: part for one, part in self._manners.items() if one not in spared})

    def trigger(
        self,
        state: str,
        alarm_url: str,
        *,
        project: str | int | None = None,
        session: Session | str | None = None,
        instance_ids: Sequence[str] = (),
        event_type: str = EventType.SCHEDULED,
        timeout: float = 5.0,
        **traits: str,
    ) -> Posted:
        """POST one alarm out of nothing to ``alarm_url``, and wait for the answer: any state, any trait.

        Its links lead to this simulator, to ``session`` or to one that there is not. ``traits`` sets traits by name; an
        empty text leaves one out.
        """
        import uuid

        from fenix_simulator.adapters.post import Poster
        from fenix_simulator.adapters.target_guard import TargetGuard
        from fenix_simulator.synthetic import SyntheticAlarm, bare_alarm

        project_id = self.project.id if project is None else self._project_id(project)
        named = session.id if isinstance(session, Session) else session
        alarm = SyntheticAlarm(
            state=state,
            project_id=project_id,
            session_id=named or str(uuid.uuid4()),
            base_url=self.url,
            instance_ids=instance_ids,
            event_type=event_type,
            overrides=traits,
        )
        guard = TargetGuard()
        guard.check_url(alarm_url, trusted=True)
        poster = Poster(guard, answer_seconds=timeout)
        try:
            outcome = poster.post(bare_alarm(alarm_url, alarm.body(self.clock.now), state, project_id))
        finally:
            poster.close()
        return Posted(outcome.status, outcome.error, outcome.latency)

    # -- sessions ----------------------------------------------------------------------------------------------------

    def begin(self) -> Session:
        """Begin the scenario's sessions as it plans them; the first of them (``sessions`` has all)."""
        begun = [self._session(one) for one in self._control.post("/sessions")["session_ids"]]
        return begun[0]

    def start_session(
        self, hosts: Sequence[str] = (), metadata: Mapping[str, str] | None = None, lead: timedelta | None = None
    ) -> Session:
        """Begin a maintenance of these hosts, or of all, as an administrator does; ``maintenance_at`` is ``lead``
        ahead (default: the scenario's) in simulated time."""
        ahead = self.scenario.timing.lead if lead is None else lead
        body = {
            "hosts": list(hosts),
            "state": "MAINTENANCE",
            "maintenance_at": (self.clock.now + ahead).strftime(_WIRE_TIME),
            "metadata": dict(self.scenario.metadata if metadata is None else metadata),
            "workflow": "default",
            "download": [],
            "actions": [],
        }
        return self._session(self._control.ask("POST", "/v1/maintenance", body)["session_id"])

    @property
    def sessions(self) -> Sequence[Session]:
        """The sessions that this test has begun, in order."""
        return tuple(self._sessions)

    def _session(self, session_id: str) -> Session:
        session = Session(session_id, self._control, self.journal, self._project_id)
        self._sessions.append(session)
        return session

    # -- the cloud, and what goes wrong in it ------------------------------------------------------------------------

    def instances(self, project: str | int | None = None) -> Sequence[CloudInstance]:
        """The instances of a project (default: ``project``), each with ``instance_id``, ``name``, ``host``, ``vcpus``
        and more."""
        return self._cloud.instances(self.project.id if project is None else self._project_id(project))

    def hosts(self) -> Sequence[Host]:
        """The hosts and what is free on them."""
        members = Host.__dataclass_fields__
        listed = self._control.get("/hosts")["hosts"]
        return tuple(Host(**{name: one[name] for name in members}) for one in listed)

    def add_fault(self, *, when: Mapping[str, Any], then: Mapping[str, Any], times: int | None = None) -> None:
        """Let something go wrong from now on, after the scenario's own faults: members as in a scenario file.

        ``add_fault(when={"operation": "reply"}, then={"status": 503}, times=2)`` refuses two replies of each project.
        """
        fault: dict[str, Any] = {"when": dict(when), "then": dict(then)}
        if times is not None:
            fault["times"] = times
        self._control.post("/faults", fault)

    # -- the verdict -------------------------------------------------------------------------------------------------

    def verdict(self, project: str | int | None = None) -> Verdict:
        """What the suite says of the VNFM under test: of the manager of ``project``, else of those that were
        subscribed here, else of every one but the sample managers. It is about this test until now; alarms that are on
        their way are waited for."""
        from fenix_conformance.results import Role
        from fenix_conformance.selection import Selection
        from fenix_conformance.vnfm.journal import Recording
        from fenix_conformance.vnfm.judge import judge

        with contextlib.suppress(NotSeen):
            self.journal.wait_for(_is_settled, LANDING, "the end of every exchange")
        entries = self.journal.entries()
        recording = Recording(self.scenario.name, (*self._first(), *entries), self._judged(project))
        subject = ", ".join(sorted(set(self._under_test.values()))) or "the VNFM"
        seconds = (datetime.now(UTC) - self._started).total_seconds()

        def judged(strict: bool) -> Any:
            selection = Selection(strict=strict, role=Role.VNFM)
            return judge([recording], selection, subject=subject, started=self._started, seconds=seconds)

        return Verdict(judged, entries, {one.id: one.name for one in self.projects}, subject)

    def _judged(self, project: str | int | None) -> frozenset[str]:
        if project is not None:
            return frozenset({self._project_id(project)})
        everybody = {one.id for one in self.projects} - set(self._others.managers)
        return frozenset(self._under_test or everybody)

    def _first(self) -> tuple[Entry, ...]:
        """The journal's first entry, which says what the scenario is."""
        return read_entries(self._control.get("/journal", limit=1)["entries"])

    # -- its life ----------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Stop the sample managers; the server is cleared by whoever lent it."""
        self._others.close()

    def _project_id(self, project: str | int) -> str:
        if project not in self._index:
            known = ", ".join(one.name for one in self.projects)
            raise ValueError(f"there is no project {project!r}: a number from 1, an id, or one of {known}")
        return self._index[project]


def _is_settled(entries: Sequence[Entry]) -> bool:
    return not in_flight(entries) and not in_hand(entries)
