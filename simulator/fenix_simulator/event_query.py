"""Aodh's query of an event alarm: which notifications fire it, beside their type.

A query is a list of ``{"field", "op", "type", "value"}``, all of which must hold. A field is ``event_type`` or
``traits.<name>``; ``op`` is one of eq, ne, lt, le, gt, ge (eq when left out); what a notification does not have
matches nothing. Values are compared as numbers where both are, else as text, as Aodh's evaluator does.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

_OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
}


def holds(query: Sequence[Mapping[str, Any]], notification: Mapping[str, str]) -> bool:
    """Whether a notification (``event_type`` and ``traits.<name>`` → text) satisfies every part of the query."""
    return all(_part_holds(part, notification) for part in query)


def _part_holds(part: Mapping[str, Any], notification: Mapping[str, str]) -> bool:
    actual = notification.get(str(part.get("field", "")))
    compare = _OPERATORS.get(str(part.get("op") or "eq"))
    if actual is None or compare is None:
        return False
    wanted = str(part.get("value", ""))
    numbers = _number(actual), _number(wanted)
    if numbers[0] is not None and numbers[1] is not None:
        return compare(*numbers)
    return compare(actual, wanted)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
