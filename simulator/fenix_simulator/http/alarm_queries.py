"""Which alarms a list answers with: Aodh's simple queries, paging and complex queries, as its client sends them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import dropwhile
from typing import Any

from werkzeug.datastructures import MultiDict

from fenix_simulator.http import bodies
from fenix_simulator.http.alarm_bodies import ComplexQuery, representation
from fenix_simulator.http.problems import Problem
from fenix_simulator.http.queries import whole_number
from fenix_simulator.subscriptions import Subscription

_Alarm = Mapping[str, Any]

#: The members that an alarm may be asked for by; ``all_projects`` is Aodh's word for what an administrator sees anyway.
FIELDS = frozenset(
    [
        "alarm_id",
        "description",
        "enabled",
        "name",
        "project_id",
        "repeat_actions",
        "severity",
        "state",
        "type",
        "user_id",
    ]
)
_NO_FILTER = "all_projects"

_MAX_DEPTH = 16


def select(subscriptions: Sequence[Subscription], asked: MultiDict[str, str]) -> list[_Alarm]:
    """The alarms for ``?name=…`` or ``q.field=name&q.op=eq&q.value=…``, sorted and paged. Problem 400 otherwise."""
    wanted = [(field, value) for field, value in asked.items(multi=True) if field in FIELDS]
    wanted += _simple_query(asked)
    alarms = [representation(one) for one in subscriptions]
    found = [alarm for alarm in alarms if all(_text(alarm[field]) == value for field, value in wanted)]
    for sort in reversed(asked.getlist("sort")):
        found = _sorted(found, sort)
    marker = asked.get("marker")
    if marker is not None:
        found = list(dropwhile(lambda alarm: alarm["alarm_id"] != marker, found))
        if not found:
            raise Problem(400, f"the marker {marker!r} is no alarm of this list", expected="a page's last alarm_id")
        found = found[1:]
    limit = whole_number(asked, "limit", at_least=1, at_most=100_000)
    return found if limit is None else found[:limit]


def complex_select(subscriptions: Sequence[Subscription], asked: ComplexQuery) -> list[_Alarm]:
    """The alarms for a complex query (``{"=": {"name": "…"}}``, with and, or, not). Problem 400 for what is none."""
    condition = _condition(bodies.decoded(asked.filter.encode())) if asked.filter else lambda _alarm: True
    found = [alarm for alarm in map(representation, subscriptions) if condition(alarm)]
    if asked.orderby:
        for order in reversed(_orders(bodies.decoded(asked.orderby.encode()))):
            found = _sorted(found, order)
    return found if asked.limit is None else found[: asked.limit]


def _simple_query(asked: MultiDict[str, str]) -> list[tuple[str, str]]:
    fields, operators, values = asked.getlist("q.field"), asked.getlist("q.op"), asked.getlist("q.value")
    if len(fields) != len(values) or any(operator != "eq" for operator in operators):
        raise Problem(400, "the query is not understood", expected="q.field=…&q.op=eq&q.value=… for each condition")
    wanted = [(field, value) for field, value in zip(fields, values, strict=True) if field != _NO_FILTER]
    for field, _ in wanted:
        _require_field(field)
    return wanted


def _sorted(alarms: list[_Alarm], sort: str) -> list[_Alarm]:
    field, _, direction = sort.partition(":")
    if direction not in ("", "asc", "desc"):
        raise Problem(400, f"{direction!r} is no order", expected="asc or desc")
    if field in ("timestamp", "state_timestamp"):
        return sorted(alarms, key=lambda alarm: str(alarm[field]), reverse=direction == "desc")
    _require_field(field)
    return sorted(alarms, key=lambda alarm: _text(alarm[field]), reverse=direction == "desc")


def _orders(orderby: Any) -> list[str]:
    if not isinstance(orderby, list) or not all(isinstance(one, dict) and len(one) == 1 for one in orderby):
        raise Problem(400, "orderby is not understood", expected='[{"name": "asc"}]')
    return [f"{field}:{direction}" for one in orderby for field, direction in one.items()]


def _condition(expression: Any, depth: int = 0) -> Callable[[_Alarm], bool]:
    """The predicate that a complex query's expression stands for."""
    if depth > _MAX_DEPTH or not isinstance(expression, dict) or len(expression) != 1:
        raise Problem(400, "the filter is not understood", expected='like {"=": {"name": "…"}}, not nested deeply')
    [(operator, operand)] = expression.items()
    match operator, operand:
        case "and" | "or", [*parts]:
            conditions = [_condition(part, depth + 1) for part in parts]
            combine = all if operator == "and" else any
            return lambda alarm: combine(condition(alarm) for condition in conditions)
        case "not", dict():
            negated = _condition(operand, depth + 1)
            return lambda alarm: not negated(alarm)
        case "=" | "!=", dict() if len(operand) == 1:
            [(field, value)] = operand.items()
            _require_field(field)
            return lambda alarm: (_text(alarm[field]) == _text(value)) is (operator == "=")
        case "in", dict() if len(operand) == 1:
            [(field, values)] = operand.items()
            _require_field(field)
            if isinstance(values, list):
                texts = {_text(value) for value in values}
                return lambda alarm: _text(alarm[field]) in texts
    raise Problem(400, f"{operator!r} is not understood here", expected="one of =, !=, in, and, or, not")


def _require_field(field: str) -> None:
    if field not in FIELDS:
        raise Problem(400, f"alarms are not found by {field!r}", expected=f"one of {', '.join(sorted(FIELDS))}")


def _text(value: Any) -> str:
    """A value as a query writes it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
