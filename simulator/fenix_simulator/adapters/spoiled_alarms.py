"""Alarms that say something else than Fenix meant: other traits, cropped ones, Python 2's quotes, broken JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from fenix_contract.alarm import Dtype, TraitDefinition, encode, traits
from fenix_contract.vocabulary import Trait
from fenix_simulator.alarms import sign
from fenix_simulator.ports import Alarm, Mishap
from fenix_simulator.scenario_faults import Then

#: A text literal in the repr of a list or a map, and one that its end was cropped of.
_LITERAL = re.compile(r"""'(?:[^'\\]|\\.)*(?:'|$)|"(?:[^"\\]|\\.)*(?:"|$)""")


def spoiled(alarm: Alarm, effect: Then, key: bytes) -> Alarm:
    """The alarm as the fault leaves it, signed with ``key``; the same where the fault is about its sending alone."""
    given = dict(effect.traits or {})
    if effect.unknown_state is not None:
        given[Trait.STATE] = effect.unknown_state
    if given:
        alarm = with_traits(alarm, given, key)
    if effect.python2:
        alarm = with_traits(alarm, {name: python2(text) for name, text in _texts(alarm).items()}, key)
    if effect.crop:
        alarm = with_traits(alarm, _cropped(_texts(alarm), effect.crop), key)
    if effect.malformed:
        alarm = replace(alarm, body=alarm.body[:-1])  # the bracket that ends it
    mishap = Mishap(effect.content_type, effect.drip, "reset" if effect.reset else "cut" if effect.truncate else None)
    return alarm if mishap == Mishap() else replace(alarm, mishap=mishap)


def with_traits(alarm: Alarm, given: Mapping[str, int | float | str], key: bytes) -> Alarm:
    """The alarm with these traits, in place of its own of those names or at the end, signed anew with ``key``.

    A trait has the type of its value; one that was a datetime stays one where the text can be read as such.
    """
    body: dict[str, Any] = json.loads(alarm.body)
    event = body["reason_data"]["event"]
    made = {trait[0]: trait for trait in event["traits"]}
    for name, value in given.items():
        definition = TraitDefinition(name, _dtype(value, made.get(name)))
        (made[name],) = traits({name: value}, [definition])
    event["traits"] = list(made.values())
    generated = datetime.fromisoformat(event["generated"]).replace(tzinfo=UTC)
    event["message_signature"] = sign(key, event["message_id"], event["event_type"], generated, event["traits"])
    return replace(alarm, body=encode(body), state=str(given.get(Trait.STATE, alarm.state)))


def python2(text: str) -> str:
    """A text as Python 2 would have written it, where it is the repr of a list or a map."""
    if not text.startswith(("[", "{")):
        return text
    return _LITERAL.sub(lambda found: "u" + found[0].encode("ascii", "backslashreplace").decode(), text)


def _texts(alarm: Alarm) -> dict[str, str]:
    """The alarm's text traits."""
    event = json.loads(alarm.body)["reason_data"]["event"]
    return {name: value for name, dtype, value in event["traits"] if dtype == Dtype.TEXT}


def _cropped(texts: Mapping[str, str], crop: int | str | Mapping[str, int]) -> dict[str, str]:
    """Those of the texts that are cropped, as ``Then.crop`` says."""
    if isinstance(crop, int):
        crop = dict.fromkeys(texts, crop)
    elif isinstance(crop, str):
        crop = {crop: len(texts.get(crop, "")) // 2}
    return {name: texts[name][:length] for name, length in crop.items() if name in texts}


def _dtype(value: float | str, known: list[Any] | None) -> Dtype:
    if isinstance(value, str):
        was_datetime = known is not None and known[1] == Dtype.DATETIME
        return Dtype.DATETIME if was_datetime and _is_instant(value) else Dtype.TEXT
    return Dtype.INTEGER if isinstance(value, int) else Dtype.FLOAT


def _is_instant(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
