"""The workflow, as one table: state → what happened → the states that may follow.

Upstream Fenix's default workflow. Every session moves along this table alone: ``Session.apply`` looks each step up
and a step that is not here cannot happen. ``docs/state-diagram.md`` is printed from it.

A host is *emptied* in PREPARE_MAINTENANCE (once, to make the first empty host) and in PLANNED_MAINTENANCE (each of
the others); every empty host is *maintained* in START_MAINTENANCE. A project is asked in all states but START.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from fenix_contract.vocabulary import State


class Cause(StrEnum):
    """Why a session leaves a state."""

    ACKNOWLEDGED = "all projects told have acknowledged"
    EMPTIED = "the host is empty"
    NOT_EMPTIED = "the host could not be emptied"
    NO_ROOM = "still no room for a host's instances"
    MAINTAINED = "every empty host is maintained"
    REFUSED = "a project sent NACK"
    SILENT = "a reply window ended without a reply"
    UNMANAGED = "a project has no manager and the default is to fail"
    STUCK = "an action could not be carried out"


_FAILS = frozenset({State.MAINTENANCE_FAILED})

TRANSITIONS: Mapping[State, Mapping[Cause, frozenset[State]]] = {
    State.MAINTENANCE: {
        Cause.ACKNOWLEDGED: frozenset({State.SCALE_IN, State.PREPARE_MAINTENANCE, State.START_MAINTENANCE}),
        Cause.REFUSED: _FAILS,
        Cause.SILENT: _FAILS,
        Cause.UNMANAGED: _FAILS,
    },
    State.SCALE_IN: {
        Cause.ACKNOWLEDGED: frozenset({State.PREPARE_MAINTENANCE, State.START_MAINTENANCE}),
        Cause.NO_ROOM: frozenset({State.SCALE_IN, State.MAINTENANCE_FAILED}),
        Cause.REFUSED: _FAILS,
        Cause.SILENT: _FAILS,
        Cause.UNMANAGED: _FAILS,
    },
    State.PREPARE_MAINTENANCE: {
        Cause.EMPTIED: frozenset({State.START_MAINTENANCE}),
        Cause.NOT_EMPTIED: frozenset({State.SCALE_IN}),
        Cause.REFUSED: _FAILS,
        Cause.SILENT: _FAILS,
        Cause.UNMANAGED: _FAILS,
        Cause.STUCK: _FAILS,
    },
    State.START_MAINTENANCE: {
        Cause.MAINTAINED: frozenset({State.PLANNED_MAINTENANCE, State.MAINTENANCE_COMPLETE}),
    },
    State.PLANNED_MAINTENANCE: {
        Cause.EMPTIED: frozenset({State.START_MAINTENANCE}),
        Cause.REFUSED: _FAILS,
        Cause.SILENT: _FAILS,
        Cause.UNMANAGED: _FAILS,
        Cause.STUCK: _FAILS,
    },
    State.MAINTENANCE_COMPLETE: {
        Cause.ACKNOWLEDGED: frozenset({State.MAINTENANCE_DONE}),
        Cause.REFUSED: _FAILS,
        Cause.SILENT: _FAILS,
        Cause.UNMANAGED: _FAILS,
    },
    State.MAINTENANCE_DONE: {},
    State.MAINTENANCE_FAILED: {},
}


def following(state: State) -> frozenset[State]:
    """The states that may come directly after ``state``, whatever the cause."""
    return frozenset().union(*TRANSITIONS[state].values())


def is_allowed(state: State, cause: Cause, then: State) -> bool:
    """Whether the table has the step ``state`` → ``then`` for that cause."""
    return then in TRANSITIONS[state].get(cause, frozenset())


def diagram() -> str:
    """The table as a Mermaid state diagram; steps to MAINTENANCE_FAILED are drawn as one arrow a state."""
    lines = ["stateDiagram-v2", f"    [*] --> {State.MAINTENANCE}"]
    for state, causes in TRANSITIONS.items():
        for cause, after in causes.items():
            lines.extend(
                f"    {state} --> {then}: {cause.value}"
                for then in sorted(after)
                if then is not State.MAINTENANCE_FAILED
            )
        failing = [cause.value for cause, after in causes.items() if State.MAINTENANCE_FAILED in after]
        if failing:
            lines.append(f"    {state} --> {State.MAINTENANCE_FAILED}: {' / '.join(failing)}")
    lines.append(f"    {State.MAINTENANCE_DONE} --> [*]")
    lines.append(f"    {State.MAINTENANCE_FAILED} --> [*]")
    return "\n".join(lines) + "\n"
