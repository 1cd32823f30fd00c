"""The JSON form of what the journal keeps.

A record or event (a frozen dataclass) becomes an object with its fields' names. Instants are RFC 3339 text in UTC
(``2026-01-31T12:00:00Z``), durations numbers of seconds, words their text, tuples arrays. A lone surrogate, which a
JSON body may carry and no file in UTF-8 can, is kept as its backslash escape, so that every reader can read it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from fenix_simulator.domain.messages import Event
from fenix_simulator.ports import Entry, JournalError

#: What is said to those who come after a journal's ``close``.
CLOSED = "the journal is closed"

#: The domain's events by the name under which the journal keeps them.
EVENTS: Mapping[str, type] = {event.__name__: event for event in get_args(Event)}

_SCALARS = (str, int, float, bool, NoneType, datetime)
_COLLECTIONS = (tuple, list, dict, Mapping, Sequence)


def text(value: str) -> str:
    """``value`` as valid Unicode: a lone surrogate becomes its backslash escape."""
    return value if value.isascii() else value.encode("utf-8", "backslashreplace").decode()


def instant_text(at: datetime) -> str:
    """An aware instant as RFC 3339 in UTC with microseconds, so that texts sort as their instants do."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"


def encode(entry: Entry) -> bytes:
    """The entry's data as JSON; JournalError when it holds something that has no JSON form."""
    record: type = type(entry.data)
    try:
        # Nearly all records hold nothing but what msgspec writes as we want it, in a tenth of the time of a walk.
        if _is_plain(record):
            try:
                return _encoder.encode(entry.data)
            except UnicodeEncodeError:
                pass
        return _encoder.encode(_builtins(entry.data))
    except (TypeError, ValueError, OverflowError) as error:
        raise JournalError(f"{entry.type} cannot be written as JSON: {error}") from error


def decode(data: bytes | str) -> dict[str, Any]:
    """The JSON object in ``data``; JournalError when it is none."""
    try:
        return _decoder.decode(data)
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise JournalError(f"not a JSON object: {error}") from error


def decode_event(type_name: str, data: Mapping[str, Any]) -> Event:
    """The domain event that was kept as ``type_name`` with ``data``; JournalError when there is none like it.

    Members that the event's class does not have are passed over, so that a later version's journal can be read.
    """
    event = EVENTS.get(type_name)
    if event is None:
        known = ", ".join(sorted(EVENTS))
        raise JournalError(f"unknown event type {text(type_name)!r}", expected=f"one of {known}")
    durations = _durations(event)
    try:
        if durations:
            data = {**data, **{name: timedelta(seconds=data[name]) for name in durations if name in data}}
        decoded: Event = msgspec.convert(data, event)
    except (msgspec.ValidationError, TypeError, OverflowError) as error:
        raise JournalError(f"this is no {type_name}: {error}") from error
    return decoded


def _mapping(value: Any) -> dict[Any, Any]:
    """msgspec writes ``dict`` only; an event's mapping may be a read-only view."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_mapping)
_decoder = msgspec.json.Decoder(dict[str, Any])


@cache
def _is_plain(annotation: Any) -> bool:
    """Whether msgspec writes every value of that type as the journal wants it (it writes durations otherwise)."""
    if isinstance(annotation, type) and issubclass(annotation, (*_SCALARS, Enum)):
        return True
    if is_dataclass(annotation):
        return all(_is_plain(hint) for hint in get_type_hints(annotation).values())
    if get_origin(annotation) in (Union, UnionType, *_COLLECTIONS):
        return all(_is_plain(member) for member in get_args(annotation) if member is not Ellipsis)
    return False


@cache
def _durations(event: type) -> tuple[str, ...]:
    return tuple(name for name, hint in get_type_hints(event).items() if hint is timedelta)


def _builtins(value: Any) -> Any:
    """``value`` with dataclasses as dicts, durations as seconds and all text valid, for any depth."""
    if isinstance(value, Enum):
        return _builtins(value.value)
    if isinstance(value, str):
        return text(value)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if is_dataclass(value):
        return {field.name: _builtins(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {_builtins(key): _builtins(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_builtins(member) for member in value]
    if isinstance(value, AbstractSet):
        return sorted(_builtins(member) for member in value)
    return value
