"""A fault that came over the control API: checked as one of a scenario file is, and told what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import ValidationError

from fenix_simulator.domain.errors import MaintenanceError
from fenix_simulator.scenario_check import translate
from fenix_simulator.scenario_errors import Finding, Place, Problem, path_of
from fenix_simulator.scenario_faults import Fault

#: How many of a fault's own mistakes are told.
_MOST = 10


class FaultInvalid(MaintenanceError):
    """A fault that cannot happen as it is described (422)."""


def checked(fault: Mapping[str, Any]) -> Fault:
    """The fault that a JSON document describes. Raises FaultInvalid."""
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
