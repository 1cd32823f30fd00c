"""The ``faults`` member of a scenario file: what goes wrong between Fenix and the managers, and when.

A fault has a condition (``when``) and an effect (``then``). What fits a condition is counted for each project by
itself: the ``nth`` that fits (from 1, default 1) is the first one touched, and ``times`` of them are touched in a row
(default: one where ``nth`` is given, else all). The first fault of the list that applies is the one that happens.
Delays are real time. ``adapters.faults`` counts, ``http.faults`` and ``adapters.faulty_alarms`` let them happen.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from fenix_simulator.scenario_types import AlarmWord, Duration, Name, Part, Positive, Reference, Scalar, one_of


class Operation(StrEnum):
    """What a fault can happen to."""

    #: GET of the instance list.
    LIST = "list"
    #: PUT of the reply.
    REPLY = "reply"
    #: POST of an alarm to the manager.
    ALARM = "alarm"


class When(Part):
    """Which exchanges fit. ``alarm`` is the alarm's state, and implies ``operation: alarm``."""

    operation: Annotated[Operation, one_of(Operation)] | None = None
    alarm: AlarmWord | None = None
    project: Reference | None = None
    nth: Positive | None = None

    @model_validator(mode="after")
    def _names_something(self) -> Self:
        if self.operation is None and self.alarm is None:
            raise ValueError("needs operation (list, reply or alarm) or alarm (a state)")
        if self.alarm is not None and self.operation not in (None, Operation.ALARM):
            raise ValueError(f"alarm: {self.alarm} does not go with operation: {self.operation}")
        return self

    @property
    def target(self) -> Operation:
        """What the fault happens to."""
        return self.operation or Operation.ALARM


class Then(Part):
    """What happens.

    ``status``: a list or reply is not looked at, and answered with that status. ``drop``: an alarm is never sent, a
    list or reply is lost on its way to Fenix: not looked at, the connection is closed. ``close``: a list or reply is
    carried out, and the connection closed before the answer. ``delay`` comes before whatever happens. ``duplicate``:
    an alarm is sent so many times more. ``traits``: an alarm carries these, in place of its own of that name.
    """

    status: Annotated[int, Field(strict=True, ge=200, le=599)] | None = None
    delay: Duration | None = None
    duplicate: Annotated[Positive, Field(le=100)] | None = None
    drop: Annotated[bool, Field(strict=True)] = False
    close: Annotated[bool, Field(strict=True)] = False
    traits: Annotated[Mapping[Name, Scalar], Field(min_length=1)] | None = None

    @property
    def effects(self) -> frozenset[str]:
        """The names of the members that are set."""
        return frozenset(name for name in type(self).model_fields if getattr(self, name))


#: What can happen to what.
_EFFECTS = {
    Operation.LIST: frozenset({"status", "delay", "drop", "close"}),
    Operation.REPLY: frozenset({"status", "delay", "drop", "close"}),
    Operation.ALARM: frozenset({"delay", "duplicate", "drop", "traits"}),
}
#: What leaves nothing for one another to happen to.
_EXCLUSIVE = frozenset({"status", "drop", "close", "duplicate"})


class Fault(Part):
    """One condition and its effect; see the module's text for ``times``."""

    when: When
    times: Positive | None = None
    then: Then

    @model_validator(mode="after")
    def _can_happen(self) -> Self:
        target, effects = self.when.target, self.then.effects
        if not effects:
            raise ValueError(f"then does nothing, give one of {_list(_EFFECTS[target])}")
        if strange := sorted(effects - _EFFECTS[target]):
            raise ValueError(f"then: {', '.join(strange)} is not for operation {target}: {_list(_EFFECTS[target])} are")
        if len(rivals := sorted(effects & _EXCLUSIVE)) > 1:
            raise ValueError(f"then: {' and '.join(rivals)} cannot both happen")
        return self

    @property
    def first(self) -> int:
        """The number (from 1) of the first exchange that is touched, counted for each project."""
        return self.when.nth or 1

    @property
    def last(self) -> int | None:
        """The number of the last exchange that is touched; None where there is none."""
        if self.times is None and self.when.nth is None:
            return None
        return self.first + (self.times or 1) - 1


def _list(words: Iterable[str]) -> str:
    return ", ".join(sorted(words))
