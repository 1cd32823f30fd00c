"""The faults that are to happen, counted while they wait for their turn (``scenario_faults`` says what they mean).

A fault counts for each project of the inventory by itself, from the moment it is armed; requests for other projects
and administrators' alarms meet none. Its count, and that it happened, are in the journal (entries of the kind
``fault``) before the fault happens: a server that starts again with the same journal goes on counting, and what
happened once does not happen again. The scenario's faults are armed at the start and again by ``rearm``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from fenix_simulator.adapters.armed_faults import Armed, Exchange, Sessions, described
from fenix_simulator.adapters.fault_documents import FaultInvalid, checked
from fenix_simulator.domain.errors import LimitReached, MaintenanceError, UnknownProject
from fenix_simulator.ports import Alarm, Clock, Entry, Journal, Recorded
from fenix_simulator.scenario_faults import Fault, Operation, Then

__all__ = ["KIND", "FaultBoard", "FaultInvalid", "Happening", "UnknownFault"]

#: The kind of the journal's entries about faults.
KIND = "fault"

#: How many faults may wait at once; each exchange looks at all of its operation.
_LIMIT = 100


class UnknownFault(MaintenanceError):
    """There is no fault of that number (404)."""


@dataclass(frozen=True, slots=True)
class Happening:
    """What happens to an exchange, and the number of the fault that it is."""

    fault: int
    effect: Then


@dataclass(frozen=True, slots=True)
class FaultListed:
    """A fault as the journal has it: its number, which no other ever has, its description and its place."""

    number: int
    fault: Mapping[str, Any]
    place: int


@dataclass(frozen=True, slots=True)
class FaultsChanged:
    """These are the faults from now on."""

    faults: tuple[FaultListed, ...]


@dataclass(frozen=True, slots=True)
class FaultCounted:
    """An exchange of the entry's project was the ``count``-th that fitted the fault's condition, and went well."""

    fault: int
    count: int


@dataclass(frozen=True, slots=True)
class FaultHappened:
    """An exchange of the entry's project was touched. ``count`` is None where nothing has to be counted."""

    fault: int
    count: int | None
    operation: str
    effect: Mapping[str, Any]


class FaultBoard:
    """Tells what is to happen to an exchange. Safe to use from any thread; without faults it costs a look-up."""

    def __init__(
        self,
        faults: Sequence[Fault],
        projects: Mapping[int | str, str],
        journal: Journal,
        clock: Clock,
        *,
        seed: int = 0,
        sessions: Sessions = tuple,
        limit: int = _LIMIT,
    ) -> None:
        """``faults`` and ``seed`` are the scenario's; ``projects`` maps every way to name a project to its id."""
        self._scenario = tuple(faults)
        self._projects = projects
        self._known = frozenset(projects.values())
        self._journal = journal
        self._clock = clock
        self._seed = seed
        self._sessions = sessions
        self._limit = max(limit, len(self._scenario))
        self._changing = threading.Lock()
        self._counting = threading.Lock()
        self._numbers = 0
        self._armed: tuple[Armed, ...] = ()
        self._by_operation: Mapping[str, tuple[Armed, ...]] = {}
        self._arm(self._of_scenario())

    # -- what is armed -----------------------------------------------------------------------------------------------

    def list(self) -> Sequence[Mapping[str, Any]]:
        """The faults in the order in which they are tried, as a scenario file has them, each with its ``number`` and
        its ``hits`` (how often it happened, by project); those that are over, too."""
        with self._counting:
            return [one.shown() for one in self._armed]

    def add(self, fault: Mapping[str, Any]) -> Mapping[str, Any]:
        """Arm one more, after the others. Raises FaultInvalid, UnknownProject, LimitReached."""
        wanted = checked(fault)
        with self._changing:
            if len(self._armed) >= self._limit:
                raise LimitReached(f"there are {self._limit} faults, which is the limit", hint="DELETE takes them away")
            added = self._make(wanted, place=max((one.place for one in self._armed), default=0) + 1)
            self._change((*self._armed, added))
        return added.shown()

    def remove(self, number: int) -> None:
        """Let one go wrong no more. Raises UnknownFault."""
        with self._changing:
            left = tuple(one for one in self._armed if one.number != number)
            if len(left) == len(self._armed):
                known = ", ".join(str(one.number) for one in self._armed) or "there are none"
                raise UnknownFault(
                    f"there is no fault {number}",
                    expected=f"the number of a fault: {known}",
                    hint="GET /simulator/v1/faults lists them",
                )
            self._change(left)

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._changing:
            self._change(())

    def rearm(self) -> None:
        """Put the scenario's faults, counted from the beginning, in the place of what there is."""
        with self._changing:
            if self._armed or self._scenario:
                self._change(self._of_scenario())

    def restore(self, recorded: Iterable[Recorded]) -> None:
        """Take over what the journal has of faults (entries of the kind ``fault``, oldest first)."""
        with self._changing:
            for entry in recorded:
                if entry.type == FaultsChanged.__name__:
                    self._arm(self._listed(entry.data["faults"]))
                    continue
                for one in self._armed:
                    if one.number == entry.data["fault"]:
                        count = entry.data.get("count") or 0
                        one.counts[entry.project_id] = max(count, one.counts[entry.project_id])
                        if entry.type == FaultHappened.__name__:
                            one.hits[entry.project_id] += 1

    # -- what happens ------------------------------------------------------------------------------------------------

    def touches(self, operation: str) -> bool:
        """Whether there are faults for the operation at all."""
        return operation in self._by_operation

    def request(
        self, operation: str, project_id: str | None, session_id: str | None = None, state: str | None = None
    ) -> Happening | None:
        """What is to happen to a ``list``, ``reply`` or ``control`` request of the project, ``state`` being that of
        its session. Raises JournalError."""
        armed = self._by_operation.get(operation)
        return self._meet(armed, Exchange(operation, project_id, session_id, state)) if armed else None

    def alarm(self, alarm: Alarm) -> Happening | None:
        """What is to happen to the alarm. Raises JournalError."""
        armed = self._by_operation.get(Operation.ALARM)
        if not armed:
            return None
        return self._meet(armed, Exchange(Operation.ALARM, alarm.project_id, alarm.session_id, alarm.state))

    def _meet(self, armed: Iterable[Armed], exchange: Exchange) -> Happening | None:
        project_id, operation = exchange.project_id, str(exchange.operation)
        if project_id not in self._known:
            if operation != Operation.CONTROL:
                return None
            project_id = None
        met: Happening | None = None
        noted: list[FaultCounted | FaultHappened] = []
        with self._counting:
            for one in armed:
                if not one.fits(exchange, self._sessions) or one.is_over(project_id):
                    continue
                count = one.count(project_id)
                if met is None and one.applies(project_id, count):
                    met = Happening(one.number, one.fault.then)
                    one.hits[project_id] += 1
                    noted.append(FaultHappened(one.number, count, operation, described(met.effect)))
                elif count is not None:
                    noted.append(FaultCounted(one.number, count))
        if noted:
            self._journal.append(
                [Entry(KIND, type(note).__name__, note, exchange.session_id, project_id) for note in noted],
                self._clock.now(),
            )
        return met

    # -- inside ------------------------------------------------------------------------------------------------------

    def _change(self, armed: tuple[Armed, ...]) -> None:
        record = FaultsChanged(tuple(FaultListed(one.number, described(one.fault), one.place) for one in armed))
        self._journal.append([Entry(KIND, type(record).__name__, record)], self._clock.now())
        self._arm(armed)

    def _arm(self, armed: tuple[Armed, ...]) -> None:
        by_operation: dict[str, tuple[Armed, ...]] = {}
        for one in armed:
            target = one.fault.when.target
            by_operation[target] = (*by_operation.get(target, ()), one)
        self._armed, self._by_operation = armed, by_operation

    def _of_scenario(self) -> tuple[Armed, ...]:
        return tuple(self._make(fault, place) for place, fault in enumerate(self._scenario, 1))

    def _make(self, fault: Fault, place: int, number: int | None = None) -> Armed:
        reference = fault.when.project
        if reference is not None and reference not in self._projects:
            raise UnknownProject(
                f"there is no project {reference!r}",
                expected="a project of the inventory, by its number from 1, its name or its id",
                hint="GET /simulator/v1/projects lists them",
            )
        if number is None:
            number = self._numbers + 1
        self._numbers = max(self._numbers, number)
        return Armed(number, place, fault, None if reference is None else self._projects[reference], self._seed)

    def _listed(self, listed: Iterable[Mapping[str, Any]]) -> tuple[Armed, ...]:
        """The faults of an entry of the journal; those that are armed already keep their counts."""
        known = {one.number: one for one in self._armed}
        return tuple(
            known.get(one["number"])
            or self._make(Fault.model_validate(one["fault"]), one.get("place", one["number"]), one["number"])
            for one in listed
        )
