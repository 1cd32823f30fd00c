"""The faults that are to happen, counted while they wait for their turn (``scenario_faults`` says what they mean).

A fault counts for each project of the inventory by itself, from the moment it is armed; requests for other projects
and administrators' alarms meet none. Its count, and that it happened, are in the journal (entries of the kind
``fault``) before the fault happens: a server that starts again with the same journal goes on counting, and what
happened once does not happen again. The scenario's faults are armed at the start and again by ``rearm``.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from fenix_simulator.domain.errors import LimitReached, MaintenanceError, UnknownProject
from fenix_simulator.ports import Alarm, Clock, Entry, Journal, Recorded
from fenix_simulator.scenario_check import translate
from fenix_simulator.scenario_errors import Finding, Place, Problem, path_of
from fenix_simulator.scenario_faults import Fault, Operation, Then

#: The kind of the journal's entries about faults.
KIND = "fault"

#: How many faults may wait at once; each exchange looks at all of them.
_LIMIT = 100

#: How many of a fault's own mistakes are told.
_MOST = 10


class FaultInvalid(MaintenanceError):
    """A fault that cannot happen as it is described (422)."""


@dataclass(frozen=True, slots=True)
class FaultListed:
    """A fault as the journal has it: its number, which no other ever has, and its description."""

    number: int
    fault: Mapping[str, Any]


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


@dataclass(slots=True)
class _Armed:
    """A fault and how often its condition was fitted, by project, up to the last time that it can happen."""

    number: int
    fault: Fault
    project_id: str | None
    counts: dict[str, int] = field(default_factory=dict)

    def fits(self, project_id: str, state: str | None) -> bool:
        return self.project_id in (None, project_id) and self.fault.when.alarm in (None, state)

    def is_over(self, project_id: str) -> bool:
        """Whether it has happened to the project as often as it can."""
        return self.fault.last is not None and self.counts.get(project_id, 0) >= self.fault.last

    def count(self, project_id: str) -> int | None:
        """Count one more; None where it makes no difference how many there were."""
        if self.fault.last is None:
            return None
        self.counts[project_id] = self.counts.get(project_id, 0) + 1
        return self.counts[project_id]


class FaultBoard:
    """Tells what is to happen to an exchange. Safe to use from any thread; without faults it costs a look-up."""

    def __init__(
        self,
        faults: Sequence[Fault],
        projects: Mapping[int | str, str],
        journal: Journal,
        clock: Clock,
        *,
        limit: int = _LIMIT,
    ) -> None:
        """``faults`` are the scenario's; ``projects`` maps every way to name a project to its id."""
        self._scenario = tuple(faults)
        self._projects = projects
        self._known = frozenset(projects.values())
        self._journal = journal
        self._clock = clock
        self._limit = max(limit, len(self._scenario))
        self._changing = threading.Lock()
        self._counting = threading.Lock()
        self._numbers = 0
        self._armed: tuple[_Armed, ...] = ()
        self._by_operation: Mapping[str, tuple[_Armed, ...]] = {}
        self._arm(self._of_scenario())

    # -- what is armed -----------------------------------------------------------------------------------------------

    def list(self) -> Sequence[Mapping[str, Any]]:
        """The faults in the order in which they are tried, as a scenario file has them; those that are over, too."""
        return [_described(one.fault) for one in self._armed]

    def add(self, fault: Mapping[str, Any]) -> Mapping[str, Any]:
        """Arm one more, after the others. Raises FaultInvalid, UnknownProject, LimitReached."""
        checked = _checked(fault)
        with self._changing:
            if len(self._armed) >= self._limit:
                raise LimitReached(f"there are {self._limit} faults, which is the limit", hint="DELETE takes them away")
            self._change((*self._armed, self._make(checked)))
        return _described(checked)

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
                elif (count := entry.data.get("count")) is not None and entry.project_id is not None:
                    for one in self._armed:
                        if one.number == entry.data["fault"]:
                            one.counts[entry.project_id] = max(count, one.counts.get(entry.project_id, 0))

    # -- what happens ------------------------------------------------------------------------------------------------

    def request(self, operation: str, project_id: str, session_id: str | None = None) -> Then | None:
        """What is to happen to a ``list`` or ``reply`` of the project. Raises JournalError."""
        armed = self._by_operation.get(operation)
        return self._meet(armed, operation, project_id, session_id, None) if armed else None

    def alarm(self, alarm: Alarm) -> Then | None:
        """What is to happen to the alarm. Raises JournalError."""
        armed = self._by_operation.get(Operation.ALARM)
        if not armed or alarm.project_id is None:
            return None
        return self._meet(armed, Operation.ALARM, alarm.project_id, alarm.session_id, alarm.state)

    def _meet(
        self, armed: Iterable[_Armed], operation: str, project_id: str, session_id: str | None, state: str | None
    ) -> Then | None:
        if project_id not in self._known:
            return None
        met: Then | None = None
        noted: list[FaultCounted | FaultHappened] = []
        with self._counting:
            for one in armed:
                if not one.fits(project_id, state) or one.is_over(project_id):
                    continue
                count = one.count(project_id)
                if met is None and (count is None or count >= one.fault.first):
                    met = one.fault.then
                    noted.append(FaultHappened(one.number, count, str(operation), _described(met)))
                elif count is not None:
                    noted.append(FaultCounted(one.number, count))
        if noted:
            self._journal.append(
                [Entry(KIND, type(note).__name__, note, session_id, project_id) for note in noted], self._clock.now()
            )
        return met

    # -- inside ------------------------------------------------------------------------------------------------------

    def _change(self, armed: tuple[_Armed, ...]) -> None:
        record = FaultsChanged(tuple(FaultListed(one.number, _described(one.fault)) for one in armed))
        self._journal.append([Entry(KIND, type(record).__name__, record)], self._clock.now())
        self._arm(armed)

    def _arm(self, armed: tuple[_Armed, ...]) -> None:
        by_operation: dict[str, tuple[_Armed, ...]] = {}
        for one in armed:
            target = one.fault.when.target
            by_operation[target] = (*by_operation.get(target, ()), one)
        self._armed, self._by_operation = armed, by_operation

    def _of_scenario(self) -> tuple[_Armed, ...]:
        return tuple(self._make(fault) for fault in self._scenario)

    def _make(self, fault: Fault, number: int | None = None) -> _Armed:
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
        return _Armed(number, fault, None if reference is None else self._projects[reference])

    def _listed(self, listed: Iterable[Mapping[str, Any]]) -> tuple[_Armed, ...]:
        """The faults of an entry of the journal; those that are armed already keep their counts."""
        known = {one.number: one for one in self._armed}
        return tuple(
            known.get(one["number"]) or self._make(Fault.model_validate(one["fault"]), one["number"]) for one in listed
        )


def _checked(fault: Mapping[str, Any]) -> Fault:
    try:
        if empty := list(_empty(fault)):
            raise _invalid((place, "must not be empty: leave it out", ()) for place in empty)
        return Fault.model_validate({name: _with_integers(part) for name, part in fault.items()})
    except ValidationError as error:
        raise _invalid(translate(Fault, error)) from None


def _invalid(findings: Iterable[Finding]) -> FaultInvalid:
    problems = [Problem("the fault", 0, path_of(place), message, tuple(known)) for place, message, known in findings]
    return FaultInvalid(
        "; ".join(str(problem) for problem in problems[:_MOST]),
        expected='{"when": {…}, "times": …, "then": {…}} as in a scenario file',
        hint="fenix-simulator scenario new shows examples",
    )


def _empty(part: Mapping[str, Any], *above: str) -> Iterator[Place]:
    """Where a member is null or false: in a file that reads as if it were not there, in JSON it is rather a mistake."""
    for name, value in part.items():
        if value is None or value is False:
            yield (*above, name)
        elif isinstance(value, Mapping):
            yield from _empty(value, *above, name)


def _with_integers(part: Any) -> Any:
    """A fault's member as Python has it: 2.0 is an integer to JSON schema. Traits are left alone, they can be both."""
    if isinstance(part, Mapping):
        return {name: value if isinstance(value, Mapping) else _with_integers(value) for name, value in part.items()}
    return int(part) if isinstance(part, float) and part.is_integer() else part


def _described(part: Fault | Then) -> dict[str, Any]:
    return part.model_dump(mode="json", exclude_defaults=True)
