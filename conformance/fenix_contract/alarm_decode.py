"""From the bytes of an alarm to what they say. Import from ``fenix_contract.alarm``.

An alarm comes from outside, so nothing in it is trusted: whatever arrives, ``decode`` gives an ``AlarmMessage`` or
raises ``AlarmError``. It looks only at what a receiver needs; the contract's Alarm schema says what Aodh sends.
"""

from __future__ import annotations

import ast
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from fenix_contract.vocabulary import EventType, Trait

TraitValue = str | int | float

#: Without these a project manager can do nothing; all others it can do without.
PROJECT_TRAITS = (Trait.STATE, Trait.SESSION_ID, Trait.INSTANCE_IDS, Trait.REPLY_URL)
HOST_TRAITS = (Trait.STATE, Trait.SESSION_ID, Trait.HOST)

#: Longer texts are not read as Python literals. Aodh's are at most 255; deep nesting in long ones costs stack.
_LITERAL_LENGTH = 16_384

#: CPython 3.11 counts the depth of syntax trees for all threads together: one that reads beside another may be told
#: "AST constructor recursion depth mismatch". So one reads at a time, and again where others parse Python meanwhile.
_READING = threading.Lock()
_READINGS = 5

_TYPES: dict[int, tuple[type, ...]] = {1: (str,), 2: (int,), 3: (int, float), 4: (str,)}


class AlarmError(ValueError):
    """The body is not an event alarm of Aodh; the message says where it differs."""


@dataclass(frozen=True, slots=True)
class AlarmMessage:
    """An alarm as its receiver sees it.

    ``traits`` has every trait by name, known or not. The properties read the known ones; a text that is not there is
    "". ``previous``, ``alarm_id``, ``message_id`` and ``generated`` are "" when the body has none.
    """

    event_type: str
    traits: Mapping[str, TraitValue]
    previous: str = ""
    alarm_id: str = ""
    message_id: str = ""
    generated: str = ""

    @property
    def state(self) -> str:
        """The workflow state that asks for a reply, or INSTANCE_ACTION_DONE; perhaps a word that is not known."""
        return self._text(Trait.STATE)

    @property
    def session_id(self) -> str:
        return self._text(Trait.SESSION_ID)

    @property
    def project_id(self) -> str:
        return self._text(Trait.PROJECT_ID)

    @property
    def host(self) -> str:
        """The host of an administrator's ``maintenance.host``."""
        return self._text(Trait.HOST)

    @property
    def instance_ids(self) -> str:
        """The raw text: a URL, an id, or the repr of a list of ids. See ``list_url`` and ``instance_id_list``."""
        return self._text(Trait.INSTANCE_IDS)

    @property
    def reply_url(self) -> str:
        return self._text(Trait.REPLY_URL)

    @property
    def list_url(self) -> str | None:
        """``instance_ids`` where it is the URL of the list."""
        return self.instance_ids if self.instance_ids.startswith(("http://", "https://")) else None

    @property
    def instance_id_list(self) -> tuple[str, ...]:
        """The ids in ``instance_ids`` where it has them itself: the repr of a list, or one bare id.

        Empty where it is a URL or absent, and where a list was cropped: its ids are then not known.
        """
        text = self.instance_ids
        if not text or self.list_url is not None:
            return ()
        return _texts(text) if text.startswith("[") else (text,)

    @property
    def allowed_actions(self) -> tuple[str, ...]:
        """The actions to choose from, as they were written; empty where there are none to choose or it was cropped."""
        return _texts(self._text(Trait.ALLOWED_ACTIONS))

    @property
    def metadata(self) -> dict[str, Any] | None:
        """The session's metadata; {} where there is none, None where it was cropped or is no map."""
        if Trait.METADATA not in self.traits:
            return {}
        value = _literal(self._text(Trait.METADATA))
        return {str(name): item for name, item in value.items()} if isinstance(value, dict) else None

    @property
    def reply_at(self) -> datetime | None:
        """Until when a reply is awaited; aware UTC, None where no reply is asked or the text is no instant."""
        return _instant(self._text(Trait.REPLY_AT))

    @property
    def actions_at(self) -> datetime | None:
        """When the maintenance or the action begins; aware UTC, None like ``reply_at``."""
        return _instant(self._text(Trait.ACTIONS_AT))

    @property
    def missing(self) -> tuple[str, ...]:
        """The traits that a receiver cannot do without and that are not there."""
        needed = HOST_TRAITS if self.event_type == EventType.HOST else PROJECT_TRAITS
        return tuple(str(name) for name in needed if name not in self.traits)

    def _text(self, name: str) -> str:
        return str(self.traits.get(name, ""))


def decode(body: bytes | str | Mapping[str, Any], *, partial: bool = False) -> AlarmMessage:
    """Read an alarm's body: the bytes that arrived, or the object that was made of them.

    Any order of traits and traits not known are fine. Raises AlarmError where the body is not of Aodh's shape, and,
    unless ``partial``, where a trait is missing that a receiver needs.
    """
    document = _document(body)
    event = _member(_member(document, "reason_data", dict, "body"), "event", dict, "reason_data")
    message = AlarmMessage(
        event_type=_member(event, "event_type", str, "event"),
        traits=_traits(_member(event, "traits", list, "event")),
        previous=_text_member(document, "previous"),
        alarm_id=_text_member(document, "alarm_id"),
        message_id=_text_member(event, "message_id"),
        generated=_text_member(event, "generated"),
    )
    if message.missing and not partial:
        raise AlarmError(f"the alarm's event has no trait {' and no trait '.join(message.missing)}")
    return message


_Member = TypeVar("_Member")

_JSON_NAMES: dict[type[Any], str] = {dict: "object", list: "array", str: "string"}


def _document(body: bytes | str | Mapping[str, Any]) -> Mapping[str, Any]:
    if isinstance(body, Mapping):
        return body
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise AlarmError(f"the alarm's body is not JSON: {error}") from error
    if not isinstance(document, dict):
        raise AlarmError("the alarm's body is not a JSON object")
    return document


def _member(parent: Mapping[str, Any], name: str, kind: type[_Member], where: str) -> _Member:
    value = parent.get(name)
    if not isinstance(value, kind):
        raise AlarmError(f"the alarm's {where} has no {name} that is of type {_JSON_NAMES[kind]}")
    return value


def _text_member(parent: Mapping[str, Any], name: str) -> str:
    value = parent.get(name)
    return value if isinstance(value, str) else ""


def _traits(items: list[Any]) -> dict[str, TraitValue]:
    read: dict[str, TraitValue] = {}
    for index, item in enumerate(items):
        if not isinstance(item, list | tuple) or len(item) != 3 or not isinstance(item[0], str):
            raise AlarmError(f"trait {index} of the alarm is not [name, dtype, value]")
        name, dtype = item[0], item[1]
        value: TraitValue = item[2]
        if isinstance(dtype, bool) or not isinstance(dtype, int) or dtype not in _TYPES:
            raise AlarmError(f"trait {name!r} of the alarm has no dtype from 1 to 4")
        if isinstance(value, bool) or not isinstance(value, _TYPES[dtype]):
            raise AlarmError(f"the value of trait {name!r} of the alarm is not of dtype {dtype}")
        read[name] = value
    return read


def _literal(text: str) -> Any:
    """The Python literal in ``text`` (``u'...'`` of Python 2 included), None where it is none: cropped, say."""
    if len(text) > _LITERAL_LENGTH:
        return None
    for _ in range(_READINGS):
        with _READING:
            try:
                return ast.literal_eval(text)
            except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
                return None
            except SystemError:
                continue
    return None


def _texts(text: str) -> tuple[str, ...]:
    value = _literal(text)
    return tuple(str(item) for item in value) if isinstance(value, list | tuple) else ()


def _instant(text: str) -> datetime | None:
    try:
        instant = datetime.fromisoformat(text)
        return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
