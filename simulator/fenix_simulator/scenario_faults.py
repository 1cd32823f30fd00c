"""The ``faults`` member of a scenario file: what goes wrong between Fenix and the managers, and when.

A fault has a condition (``when``) and an effect (``then``, see ``scenario_effects``). What fits a condition is counted
for each project by itself: the ``nth`` that fits (from 1, default 1) is the first one touched, and ``times`` of them
are touched in a row (default: one where ``nth`` is given, else all). With a ``probability`` each one from the ``nth``
on is touched or not as it is drawn, until ``times`` of them were (default: the same). The first fault of the list that
applies is the one that happens. Delays are real time. ``adapters.faults`` counts, ``http.faults`` and
``adapters.faulty_alarms`` let them happen.
"""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, model_validator

from fenix_contract.vocabulary import AlarmState, State
from fenix_simulator.scenario_effects import Operation, Then, conflicts, listed
from fenix_simulator.scenario_errors import shorten
from fenix_simulator.scenario_types import AlarmWord, Part, Positive, Reference, one_of

__all__ = ["Fault", "Operation", "Then", "When"]

#: Every state that a session or an alarm can have.
_STATES = (*State, AlarmState.INSTANCE_ACTION_DONE)


def _probability(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value <= 1:
        raise ValueError(f"must be greater than 0 and at most 1, not {shorten(value)}")
    return float(value)


class When(Part):
    """Which exchanges fit.

    ``alarm`` is the alarm's state, and implies ``operation: alarm``. ``state`` is the session's workflow state at the
    moment of a list or reply, or the alarm's state. ``session`` is a session's id, or its number from 1 among those
    that there are, in the order in which they were created.
    """

    operation: Annotated[Operation, one_of(Operation)] | None = None
    alarm: AlarmWord | None = None
    state: Annotated[State | AlarmState, one_of(_STATES)] | None = None
    project: Reference | None = None
    session: Reference | None = None
    nth: Positive | None = None
    probability: Annotated[float, BeforeValidator(_probability)] | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.operation is None and self.alarm is None:
            raise ValueError("needs operation (list, reply, alarm or control) or alarm (a state)")
        if self.alarm is not None and self.operation not in (None, Operation.ALARM):
            raise ValueError(f"alarm: {self.alarm} does not go with operation: {self.operation}")
        if self.alarm is not None and self.state is not None:
            raise ValueError(f"alarm: {self.alarm} says the state already, leave state out")
        if self.state is not None and self.target is Operation.ALARM and self.state not in list(AlarmState):
            raise ValueError(f"state: no alarm has the state {self.state} (allowed: {listed(AlarmState)})")
        if self.state is AlarmState.INSTANCE_ACTION_DONE and self.target is not Operation.ALARM:
            raise ValueError(f"state: no session has the state {self.state} (allowed: {listed(State)})")
        if self.target is Operation.CONTROL and not self.state is self.session is None:
            raise ValueError("what is done to instances belongs to no session: leave state and session out")
        return self

    @property
    def target(self) -> Operation:
        """What the fault happens to."""
        return self.operation or Operation.ALARM

    @property
    def in_state(self) -> str | None:
        """The state that fits; None where every one does."""
        return self.alarm or self.state


class Fault(Part):
    """One condition and its effect; see the module's text for ``times``."""

    when: When
    times: Positive | None = None
    then: Then

    @model_validator(mode="after")
    def _can_happen(self) -> Self:
        for conflict in conflicts(self.when.target, self.then):
            raise ValueError(conflict)
        return self

    @property
    def first(self) -> int:
        """The number (from 1) of the first exchange that can be touched, counted for each project."""
        return self.when.nth or 1

    @property
    def most(self) -> int | None:
        """How many exchanges of a project are touched at most; None where there is no limit."""
        return self.times or (None if self.when.nth is None else 1)

    @property
    def last(self) -> int | None:
        """The number of the last exchange that can be touched; None where that cannot be said."""
        return None if self.most is None or self.when.probability is not None else self.first + self.most - 1
