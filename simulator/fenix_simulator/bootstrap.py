"""The composition root: everything is built and wired here, and nowhere else."""

from __future__ import annotations

import os
import uuid
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from pydantic import ValidationError

from fenix_contract.vocabulary import EventType
from fenix_simulator import __version__
from fenix_simulator.adapters.clock import ManualClock, Pace, SystemClock, TimeMode
from fenix_simulator.adapters.delays import MonotonicDelays
from fenix_simulator.adapters.faults import KIND as FAULT
from fenix_simulator.adapters.faults import FaultBoard
from fenix_simulator.adapters.faulty_alarms import FaultyAlarmSink
from fenix_simulator.adapters.journal_json import decode_event
from fenix_simulator.adapters.journal_sqlite import open_journal
from fenix_simulator.adapters.target_guard import LOOPBACK, TargetGuard
from fenix_simulator.adapters.ticker import Ticker
from fenix_simulator.adapters.webhook import WebhookAlarmSink
from fenix_simulator.adapters.wsgi import Server
from fenix_simulator.alarms import AlarmBuilder
from fenix_simulator.control import SimulatorService
from fenix_simulator.domain.cloud import Cloud
from fenix_simulator.domain.errors import MaintenanceError, UnknownProject
from fenix_simulator.history import entries, resume
from fenix_simulator.http import fast_lane
from fenix_simulator.http.app import create_app
from fenix_simulator.http.config import HttpConfig
from fenix_simulator.inventory import Inventory
from fenix_simulator.notifier import ADMIN
from fenix_simulator.ports import Alarm, Delivery, DeliveryPolicy, Entry
from fenix_simulator.scenario import Scenario
from fenix_simulator.scenario_types import index_projects
from fenix_simulator.shards import Shard
from fenix_simulator.subscriptions import Subscription, Subscriptions


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server is started with.

    ``alarm_urls`` are (project or None for every project, URL) pairs of the command line, trusted. ``project_tokens``
    maps a project to its token; with any token every request needs one.
    """

    scenario: Scenario
    host: str = "127.0.0.1"
    port: int = 0
    alarm_urls: tuple[tuple[str | None, str], ...] = ()
    time: TimeMode = field(default_factory=lambda: TimeMode(Pace.AUTO))
    journal: str | None = None
    admin_token: str | None = field(default=None, repr=False)
    project_tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    allow_targets: tuple[str, ...] = ()
    delivery: DeliveryPolicy | None = None
    alarm_timeout: timedelta = timedelta(seconds=30)
    threads: int = 16
    #: Sessions and alarms of another run have other ids, in the same cloud.
    run: str = ""
    #: The origin in the URLs of alarms, where a front stands before this server; None: where it listens itself.
    public_url: str | None = None
    #: Which of several servers this is: its sessions have ids that tell.
    shard: Shard = field(default_factory=Shard)


class UnlikeJournal(MaintenanceError):
    """The journal's file belongs to another scenario."""


class Simulator:
    """A simulated Fenix with the OpenStack around it, built but not listening until ``start`` or ``serve``."""

    def __init__(self, settings: Settings) -> None:
        """Open the journal, build the inventory and bind the port. Raises MaintenanceError, OSError, ValueError."""
        self.settings = settings
        self.deliveries: Counter[str] = Counter()
        with ExitStack() as undo:
            self.journal = open_journal(settings.journal)
            undo.callback(self.journal.close)
            self.scenario = self._agree_on_scenario()
            self.inventory: Inventory = self.scenario.build_inventory()
            self.namespace = _namespace(self.scenario.seed, settings.run)
            self.clock = self._make_clock()
            self.guard = TargetGuard((*LOOPBACK, *settings.allow_targets))
            self.subscriptions = Subscriptions(self._on_subscription)
            self._projects = index_projects(self.inventory.projects)
            self.faults = FaultBoard(
                self.scenario.faults,
                self._projects,
                self.journal,
                self.clock,
                seed=self.scenario.seed,
                sessions=lambda: self.service.list_sessions(),
            )
            self.faults.restore(entries(self.journal, [FAULT]))
            self.sink = self._make_sink()
            undo.callback(self.sink.close, 0.0)
            self.delays = MonotonicDelays()
            undo.callback(self.delays.close)
            self.service = self._make_service()
            self.app = create_app(self.service, self._http_config())
            self.server = Server(
                self.app,
                settings.host,
                settings.port,
                threads=settings.threads,
                lane=fast_lane.of(self.app),
            )
            trusted = [self._trusted(number, *given) for number, given in enumerate(settings.alarm_urls, 1)]
            resume(self.service, self.journal, decode_event, trusted)
            undo.pop_all()

    @property
    def url(self) -> str:
        """Where the server is reached, without a slash at the end."""
        return self.server.url

    def serve(self) -> None:
        """Answer requests on this thread until ``stop``."""
        self.server.serve()

    def start(self) -> Self:
        """Answer requests on a thread of its own."""
        self.server.start()
        return self

    def stop(self) -> None:
        """Finish the requests in flight, then end: timers, deliveries, journal."""
        self.server.stop()
        self.delays.close()
        self.ticker.close()
        self.sink.close()
        self.journal.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def ready(self) -> dict[str, Any]:
        """What the ready file tells."""
        return {
            "url": self.url,
            "aodh_url": self.url,
            "control_url": self.url,
            "projects": [project.project_id for project in self.inventory.projects],
            "seed": self.scenario.seed,
            "pid": os.getpid(),
        }

    def start_sessions(self) -> list[str]:
        """Begin the scenario's sessions, each when it is due, and return the ids of all of them."""
        return self.service.start_sessions()

    # -- parts -------------------------------------------------------------------------------------------------------

    def _agree_on_scenario(self) -> Scenario:
        """The scenario of a journal that has a history is the one that goes on."""
        start = next(entries(self.journal, ["start"]), None)
        if start is None:
            record = ServerStarted(
                __version__, self.settings.scenario.model_dump(mode="json"), str(self.settings.shard)
            )
            self.journal.append([Entry("start", "ServerStarted", record)], SystemClock().now())
            return self.settings.scenario
        shard = start.data.get("shard", str(Shard()))
        if shard != str(self.settings.shard):
            raise UnlikeJournal(
                f"{self.settings.journal} is the journal of shard {shard}, not of {self.settings.shard}",
                expected="each server of several with a journal file of its own",
                hint=f"give --shard {shard}, or another --journal file",
            )
        given = self.settings.scenario.model_dump(mode="json")
        known = _with_later_members(start.data["scenario"])
        if given != known:
            different = ", ".join(sorted(name for name in given if given[name] != known.get(name)))
            raise UnlikeJournal(
                f"{self.settings.journal} was begun with another scenario (it differs in {different})",
                expected="the scenario, seed and sizes that the journal was begun with",
                hint="give the same options as then, or another --journal file",
            )
        return self.settings.scenario

    def _make_clock(self) -> SystemClock | ManualClock:
        if self.settings.time.pace is not Pace.MANUAL:
            return SystemClock()
        last = self.journal.read(max(self.journal.last - 1, 0), 1)
        return ManualClock(max([SystemClock().now(), *(entry.at for entry in last)]))

    def _make_sink(self) -> FaultyAlarmSink:
        told = self._on_delivery, self._on_busy, self._on_idle
        policy = self.settings.delivery or self.scenario.delivery
        self.webhook = WebhookAlarmSink(policy, self.guard, *told, timeout=self.settings.alarm_timeout)
        return FaultyAlarmSink(
            self.webhook,
            self.faults,
            self.namespace.bytes,
            *told,
            is_known=lambda session_id: self.service.has_session(session_id),
        )

    def _make_service(self) -> SimulatorService:
        def timers(fire: Callable[[str, int], None]) -> Ticker:
            self.ticker = Ticker(self.settings.time, self.clock, fire)
            return self.ticker

        rules = self.scenario.rules()
        alarms = AlarmBuilder(
            lambda: (self.settings.public_url or self.url) + (self.scenario.base_path or ""),
            namespace=self.namespace,
            dialect=rules.dialect,
        )
        if self.settings.public_url is not None:
            # Told now, not when a session begins.
            longest = max((project.project_id for project in self.inventory.projects), key=len)
            alarms.check(str(uuid.UUID(int=0)), longest)
        return SimulatorService(
            mode=str(self.settings.time),
            decode=decode_event,
            scenario=self.scenario.model_dump(mode="json"),
            cloud=lambda: Cloud(self.inventory.hosts, self.inventory.instances),
            project_names={project.project_id: project.name for project in self.inventory.projects},
            rules=rules,
            journal=self.journal,
            clock=self.clock,
            sink=self.sink,
            faults=self.faults,
            delays=self.delays,
            wire=self.webhook,
            plan=self.scenario.plan(self.inventory.hosts),
            metadata=self.scenario.metadata,
            alarms=alarms,
            subscriptions=self.subscriptions,
            timers=timers,
            namespace=self.namespace,
            shard=self.settings.shard,
        )

    def _project_id(self, reference: str) -> str:
        """The id of the project that the command line means, by id or by name."""
        if reference not in self._projects:
            known = ", ".join(project.name for project in self.inventory.projects[:5])
            raise UnknownProject(f"there is no project {reference!r}", expected=f"a project's id or name: {known} …")
        return self._projects[reference]

    def _trusted(self, number: int, project: str | None, url: str) -> Subscription:
        self.guard.check_url(url, trusted=True)
        if project is not None and project != ADMIN:
            project = self._project_id(project)
        return Subscription(
            alarm_id=str(uuid.uuid5(self.namespace, f"alarm-url/{number}/{project}/{url}")),
            name=f"alarm-url-{number}",
            project_id=project,
            event_type=EventType.SCHEDULED if project != ADMIN else EventType.HOST,
            alarm_actions=(url,),
            repeat_actions=True,
            trusted=True,
        )

    def _http_config(self) -> HttpConfig:
        settings = self.settings
        return HttpConfig(
            version=__version__,
            admin_token=settings.admin_token,
            project_tokens={self._project_id(project): token for project, token in settings.project_tokens.items()},
            server_threads=settings.threads,
            check_target=self.guard.check_url,
            delivery_counts=lambda: self.deliveries,
            base_path=self.scenario.base_path,
        )

    # -- what happens ------------------------------------------------------------------------------------------------

    def _on_subscription(self, change: str, subscription: Subscription) -> None:
        if not subscription.trusted:
            entry = Entry("subscription", change, subscription, None, subscription.project_id)
            self.journal.append([entry], self.clock.now())

    def _on_delivery(self, alarm: Alarm, delivery: Delivery) -> None:
        outcome = "failed" if delivery.status is None else f"{delivery.status // 100}xx"
        self.deliveries[outcome] += 1
        entry = Entry("delivery", "AlarmDelivered", delivery, alarm.session_id, alarm.project_id)
        self.journal.append([entry], self.clock.now())

    def _on_busy(self, session_id: str | None) -> None:
        if session_id is not None:
            self.ticker.hold(session_id)

    def _on_idle(self, session_id: str | None) -> None:
        if session_id is not None:
            self.ticker.release(session_id)


def _namespace(seed: int, run: str) -> uuid.UUID:
    """What the ids of sessions and alarms are made from."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"urn:fenix-harness:{seed}{run and f':{run}'}")


def _with_later_members(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """A recorded scenario as the present version writes it: what an older one did not know has its default."""
    try:
        return Scenario.model_validate(dict(recorded)).model_dump(mode="json")
    except ValidationError:
        return dict(recorded)


@dataclass(frozen=True, slots=True)
class ServerStarted:
    """The first entry of a journal: who wrote it and the cloud that it is about."""

    version: str
    scenario: dict[str, Any]
    shard: str = str(Shard())
