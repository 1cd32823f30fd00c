"""From a notification to the bytes of an alarm. Import from ``fenix_contract.alarm``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import IntEnum
from typing import Any

from fenix_contract.vocabulary import Trait

#: Characters after which a text trait is cut off; nothing tells the receiver.
TEXT_LENGTH = 255


class Dtype(IntEnum):
    """The second member of a trait: how its value is to be read."""

    TEXT = 1
    INTEGER = 2
    FLOAT = 3
    DATETIME = 4


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification as Fenix emits it: its event type, and a payload that is not yet cut to traits."""

    event_type: str
    payload: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class TraitDefinition:
    """One trait that Ceilometer was told to make.

    ``of_publisher``: the value is the service that sent the notification, not a member of the payload.
    """

    name: str
    dtype: Dtype = Dtype.TEXT
    of_publisher: bool = False


#: Ceilometer's event definitions as OPNFV Doctor installs them, in the order in which the traits arrive.
TRAITS_DOCTOR = (
    TraitDefinition(Trait.SERVICE, of_publisher=True),
    TraitDefinition(Trait.PROJECT_ID),
    TraitDefinition(Trait.ALLOWED_ACTIONS),
    TraitDefinition(Trait.INSTANCE_IDS),
    TraitDefinition(Trait.REPLY_URL),
    TraitDefinition(Trait.ACTIONS_AT, Dtype.DATETIME),
    TraitDefinition(Trait.REPLY_AT, Dtype.DATETIME),
    TraitDefinition(Trait.STATE),
    TraitDefinition(Trait.SESSION_ID),
    TraitDefinition(Trait.METADATA),
)

#: The definitions in Tacker's documents: ``service`` is there only when the payload has it, and the order differs.
TRAITS_TACKER = (
    TraitDefinition(Trait.SERVICE),
    TraitDefinition(Trait.PROJECT_ID),
    TraitDefinition(Trait.ALLOWED_ACTIONS),
    TraitDefinition(Trait.INSTANCE_IDS),
    TraitDefinition(Trait.REPLY_URL),
    TraitDefinition(Trait.STATE),
    TraitDefinition(Trait.SESSION_ID),
    TraitDefinition(Trait.ACTIONS_AT, Dtype.DATETIME),
    TraitDefinition(Trait.REPLY_AT, Dtype.DATETIME),
    TraitDefinition(Trait.METADATA),
)

#: The definitions for an administrator's ``maintenance.host``.
TRAITS_HOST = (
    TraitDefinition(Trait.SERVICE, of_publisher=True),
    TraitDefinition(Trait.PROJECT_ID),
    TraitDefinition(Trait.HOST),
    TraitDefinition(Trait.STATE),
    TraitDefinition(Trait.SESSION_ID),
)


def traits(
    payload: Mapping[str, Any],
    definitions: Sequence[TraitDefinition] = TRAITS_DOCTOR,
    service: str | None = "fenix",
) -> list[list[Any]]:
    """The traits ``[name, dtype, value]`` that Ceilometer makes of a payload, in the order of the definitions.

    Text is ``str(value)`` cut to 255 characters, so lists and dicts become Python repr; a datetime (an aware or naive
    UTC ``datetime``, or ISO text with a blank or a ``T``) becomes naive UTC text with a ``T``. A value of None, or a
    member that is not there, makes no trait; members without a definition are dropped.

    Raises ValueError for a datetime, integer or float that cannot be read as one.
    """
    made: list[list[Any]] = []
    for definition in definitions:
        value = service if definition.of_publisher else payload.get(definition.name)
        if value is not None:
            made.append([str(definition.name), int(definition.dtype), _convert(value, definition.dtype)])
    return made


def _convert(value: Any, dtype: Dtype) -> str | int | float:
    match dtype:
        case Dtype.INTEGER:
            return int(value)
        case Dtype.FLOAT:
            return float(value)
        case Dtype.DATETIME:
            return _naive_iso(value if isinstance(value, datetime) else datetime.fromisoformat(str(value)))
        case _:
            return str(value)[:TEXT_LENGTH]


def _naive_iso(instant: datetime) -> str:
    if instant.tzinfo is not None:
        instant = instant.astimezone(UTC).replace(tzinfo=None)
    return instant.isoformat()


def alarm_body(
    *,
    alarm_name: str,
    alarm_id: str,
    severity: str,
    previous: str,
    reason_query: Sequence[Any] | str,
    message_id: str,
    event_type: str,
    generated: datetime,
    traits: Sequence[Sequence[Any]],
    message_signature: str,
) -> dict[str, Any]:
    """The body that Aodh posts when an event hits an event alarm, its keys in Aodh's order.

    ``previous`` is ``insufficient data`` the first time and ``alarm`` from then on; ``reason_query`` is the query of
    the alarm's rule, or its JSON text; ``generated`` is an aware (or naive UTC) instant.
    """
    query = reason_query if isinstance(reason_query, str) else json.dumps(reason_query, sort_keys=True)
    return {
        "alarm_name": alarm_name,
        "alarm_id": alarm_id,
        "severity": severity,
        "previous": previous,
        "current": "alarm",
        "reason": f"Event <id={message_id},event_type={event_type}> hits the query <query={query}>.",
        "reason_data": {
            "type": "event",
            "event": {
                "message_id": message_id,
                "event_type": event_type,
                "generated": _naive_iso(generated),
                "traits": [list(trait) for trait in traits],
                "raw": {},
                "message_signature": message_signature,
            },
        },
    }


def encode(body: Mapping[str, Any]) -> bytes:
    """The body as it goes over the wire: JSON as Python's ``json`` writes it, with escapes for what is not ASCII."""
    return json.dumps(body).encode("ascii")
