"""A scenario: a cloud, how time passes in it, what its managers do, what goes wrong, and the end that is expected."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, PlainSerializer, PrivateAttr, model_validator

from fenix_contract.vocabulary import Action, State
from fenix_simulator.delivery import format_delivery, parse_delivery
from fenix_simulator.domain.messages import Host
from fenix_simulator.domain.rules import UPSTREAM_WINDOWS, Behaviour, Default, Dialect, Rules
from fenix_simulator.inventory import Inventory, Project
from fenix_simulator.ports import DeliveryPolicy
from fenix_simulator.scenario_errors import Finding, Place
from fenix_simulator.scenario_faults import Fault
from fenix_simulator.scenario_inventory import AnyInventory
from fenix_simulator.scenario_types import (
    ActionWord,
    BasePath,
    Duration,
    FinalStateWord,
    Part,
    ReplyStateWord,
    Selection,
    StateWord,
    Text,
    Whole,
    Window,
    index_projects,
    one_of,
)

_RULES = Rules()


def _delivery(value: Any) -> Any:
    return value if isinstance(value, DeliveryPolicy) else parse_delivery(str(value))


class Timing(Part):
    """Durations. Windows are the managers' own time, the others simulated time."""

    lead: Duration = _RULES.lead
    host_maintenance: Duration = _RULES.host_maintenance
    migrate: Duration = _RULES.migrate
    live_migrate: Duration = _RULES.live_migrate
    #: One window for every state that ``windows`` does not name; without it they are upstream's.
    reply_window: Window | None = None
    windows: Mapping[ReplyStateWord, Window] = {}
    #: How long Fenix waits for a host to become empty by OWN_ACTIONs.
    own_action_window: Window = _RULES.own_action_window


class SessionSpec(Part):
    """One session: its hosts (numbers from 1, names, availability zones), and how long after the start (real time)."""

    hosts: Selection = "all"
    at: Duration = timedelta()


class Manager(Part):
    """How the sample VNFMs of some projects behave. Projects that no entry names get a prompt one that migrates."""

    projects: Selection = "all"
    action: ActionWord = Action.MIGRATE
    #: The state that is answered NACK.
    nack: ReplyStateWord | None = None
    #: Alarms are taken, and never replied to.
    silent: Annotated[bool, Field(strict=True)] = False
    #: False: there is no manager, the project gets the default behaviour.
    subscribed: Annotated[bool, Field(strict=True)] = True
    #: How long each reply is held back.
    delay: Duration = timedelta()

    @model_validator(mode="after")
    def _agrees(self) -> Self:
        if self.silent and self.nack is not None:
            raise ValueError("a silent manager sends no NACK: give silent or nack")
        if not self.subscribed and (self.silent or self.nack is not None):
            raise ValueError("a project without a subscription hears nothing: leave silent and nack out")
        return self


class Projects(Part):
    """What becomes of projects without a manager, and what the sample managers do (the first entry that fits)."""

    default: Annotated[Default, one_of(Default)] = Default.MIGRATE
    managers: tuple[Manager, ...] = ()


class Expect(Part):
    """How every session of the scenario ends, and the states it goes through in the order they are first entered."""

    end: FinalStateWord = State.MAINTENANCE_DONE
    states: tuple[StateWord, ...] | None = None

    @model_validator(mode="after")
    def _ends_there(self) -> Self:
        if self.states is not None and (not self.states or self.states[-1] is not self.end):
            raise ValueError(f"states must end with {self.end}, which is the end that is expected")
        return self


@dataclass(frozen=True, slots=True)
class SessionPlan:
    """A session to be started: its hosts (empty: all of them) and how long after the scenario's start."""

    hosts: tuple[str, ...]
    at: timedelta


class Scenario(Part):
    """A scenario file, checked. What refers to hosts and projects is resolved by the methods."""

    version: Literal[1]
    seed: Whole = 1
    inventory: AnyInventory
    timing: Timing = Timing()
    metadata: Annotated[Mapping[Text, Text], Field(max_length=64)] = {}
    sessions: Annotated[tuple[SessionSpec, ...], Field(min_length=1, max_length=100)] = (SessionSpec(),)
    projects: Projects = Projects()
    behaviour: Annotated[Behaviour, one_of(Behaviour)] = Behaviour.STRICT
    dialect: Annotated[Dialect, one_of(Dialect)] = Dialect.MAP
    #: What stands before ``/v1/maintenance`` in alarms' URLs: projects that use the URLs they are given notice nothing.
    base_path: BasePath | None = None
    delivery: Annotated[
        DeliveryPolicy,
        BeforeValidator(_delivery),
        PlainSerializer(format_delivery),
    ] = DeliveryPolicy()
    faults: tuple[Fault, ...] = ()
    expect: Expect = Expect()

    _name: str = PrivateAttr("")
    _summary: str = PrivateAttr("")

    def named(self, name: str, summary: str) -> Self:
        """This scenario under a name and with one line that says what it is about."""
        twin = self.model_copy()
        twin._name, twin._summary = name, summary
        return twin

    @property
    def name(self) -> str:
        """The bundled scenario's name, or the file's."""
        return self._name

    @property
    def summary(self) -> str:
        """The first line of the file's comment."""
        return self._summary

    def build_inventory(self) -> Inventory:
        """The cloud: the same for the same seed."""
        return self.inventory.build(self.seed)

    def rules(self) -> Rules:
        """The server's choices as the core takes them."""
        timing = self.timing
        default = dict.fromkeys(UPSTREAM_WINDOWS, timing.reply_window) if timing.reply_window else UPSTREAM_WINDOWS
        windows = {**default, **timing.windows}
        return Rules(
            behaviour=self.behaviour,
            dialect=self.dialect,
            default=self.projects.default,
            windows={state: window for state, window in windows.items() if window is not None},
            own_action_window=timing.own_action_window,
            lead=timing.lead,
            host_maintenance=timing.host_maintenance,
            migrate=timing.migrate,
            live_migrate=timing.live_migrate,
        )

    def managers(self, projects: Sequence[Project]) -> dict[str, Manager]:
        """The manager of each of the inventory's projects, by project id."""
        index = index_projects(projects)
        chosen: dict[str, Manager] = {}
        for manager in self.projects.managers:
            named = index.values() if manager.projects == "all" else [index[ref] for ref in manager.projects]
            for project_id in named:
                chosen.setdefault(project_id, manager)
        return {project.project_id: chosen.get(project.project_id, _PROMPT) for project in projects}

    def plan(self, hosts: Sequence[Host]) -> tuple[SessionPlan, ...]:
        """The sessions over the inventory's hosts, in the order of the file."""
        index = _index_hosts(hosts)
        return tuple(
            SessionPlan((), session.at)
            if session.hosts == "all"
            else SessionPlan(tuple(dict.fromkeys(name for ref in session.hosts for name in index[ref])), session.at)
            for session in self.sessions
        )

    def problems(self) -> Iterator[Finding]:
        """What is wrong beyond types: numbers that do not fit, references to nothing."""
        fits = True
        for below, message, allowed in self.inventory.problems(self.seed):
            fits = False
            yield ("inventory", *below), message, allowed
        if not fits:
            return
        projects = self.inventory.project_list(self.seed)
        place: Place
        known, names = index_projects(projects), [project.name for project in projects]
        for number, manager in enumerate(self.projects.managers):
            for position, reference in enumerate(() if manager.projects == "all" else manager.projects):
                if reference not in known:
                    place = ("projects", "managers", number, "projects", position)
                    yield place, f"there is no project {reference!r}", _choices(names)
        for number, fault in enumerate(self.faults):
            if fault.when.project is not None and fault.when.project not in known:
                place = ("faults", number, "when", "project")
                yield place, f"there is no project {fault.when.project!r}", _choices(names)
        for number, session in enumerate(self.sessions):
            for position, reference in enumerate(() if session.hosts == "all" else session.hosts):
                hosts = self.inventory.host_list(self.seed)
                if reference not in _index_hosts(hosts):
                    place = ("sessions", number, "hosts", position)
                    zones = dict.fromkeys(host.availability_zone for host in hosts)
                    choices = _choices([*zones, *(host.name for host in hosts)], len(hosts))
                    yield place, f"there is no host or availability zone {reference!r}", choices


_PROMPT = Manager()


def _index_hosts(hosts: Sequence[Host]) -> dict[int | str, list[str]]:
    index: dict[int | str, list[str]] = {}
    for number, host in enumerate(hosts, 1):
        index.setdefault(host.availability_zone, []).append(host.name)
        index[number] = index[host.name] = [host.name]
    return index


def _choices(names: Sequence[str], numbers: int | None = None) -> list[str]:
    """What may stand in place of a reference to nothing; long lists are cut."""
    more = ["…"] if len(names) > 6 else []
    return [f"1 to {len(names) if numbers is None else numbers}", *names[:6], *more]
