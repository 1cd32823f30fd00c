"""What a fault does (``then``): its members, what each can happen to, and which of them go together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from fenix_contract.alarm import TEXT_LENGTH
from fenix_contract.vocabulary import AlarmState, Trait
from fenix_simulator.scenario_errors import shorten
from fenix_simulator.scenario_types import Duration, Name, Part, Positive, Scalar, Window


class Operation(StrEnum):
    """What a fault can happen to."""

    #: GET of the instance list.
    LIST = "list"
    #: PUT of the reply.
    REPLY = "reply"
    #: POST of an alarm to the manager.
    ALARM = "alarm"
    #: What managers do with their instances by the control API: list, show, add, remove and move them.
    CONTROL = "control"


#: The traits of alarms that are texts.
_TEXTS = frozenset(Trait) - {Trait.ACTIONS_AT, Trait.REPLY_AT}


def _crop(value: Any) -> Any:
    lengths = value if isinstance(value, Mapping) else {value: 1} if isinstance(value, str) else {}
    if strange := [name for name in lengths if name not in _TEXTS]:
        raise ValueError(f"no alarm has a text trait {shorten(strange[0])}, they are {listed(_TEXTS)}")
    if isinstance(value, str):
        return value
    if lengths and all(map(_is_length, lengths.values())):
        return {name: int(length) for name, length in lengths.items()}
    if _is_length(value):
        return int(value)
    raise ValueError(
        f"must be a number of characters from 1 to {TEXT_LENGTH}, a trait, or {{trait: number}}, not {shorten(value)}"
    )


def _is_length(value: Any) -> bool:
    """2.0 is an integer to JSON schema, and true is none."""
    return type(value) in (int, float) and 1 <= value <= TEXT_LENGTH and value == int(value)


def _unknown(value: Any) -> Any:
    if value in list(AlarmState):
        raise ValueError(f"{value} is a state that managers know; traits can set it all the same")
    return value


_Yes = Annotated[bool, Field(strict=True)]
_ContentType = Annotated[
    str, Field(max_length=100, pattern=r"^[A-Za-z0-9.+_-]+/[A-Za-z0-9.+_-]+(; ?[A-Za-z0-9._-]+=[A-Za-z0-9._-]+)*$")
]


class Then(Part):
    """What happens; ``delay`` comes before it, whatever it is.

    To a list, a reply or a request of ``control``:

    - ``status``: it is not looked at, and answered with that status. ``drop``: it is lost on its way to Fenix, not
      looked at, the connection is closed. ``close``: it is carried out, and the connection closed before the answer.
    - ``stale``: a list is answered as it was when the project was asked the time before.

    To their answers, and to the POST of an alarm:

    - ``reset``: the connection is reset in place of an answer, or behind the head of an alarm.
    - ``truncate``: the head promises the whole body, half of it is sent, and the connection is closed.
    - ``malformed``: the body is broken JSON. ``content_type``: it is said to be of that type.
    - ``drip``: the body comes piece by piece, spread over that time.

    To an alarm:

    - ``drop``: it is never sent. ``duplicate``: it is sent so many times more.
    - ``reorder``: it is sent after the next one to the same subscriber; ``hold_back``: after so many. With
      ``duplicate`` it goes in time, and the further copies are held back: an alarm that comes again, late.
    - ``traits``: it carries these, in place of its own of that name. ``unknown_state``: its state is that word.
    - ``crop``: a number: every text is cut to so many characters; a trait: its text is cut to half; or both, as
      ``{trait: number}``.
    - ``python2``: lists and maps in texts are written as Python 2 wrote them: ``[u'MIGRATE', u'OWN_ACTION']``.
    """

    status: Annotated[int, Field(strict=True, ge=200, le=599)] | None = None
    delay: Duration | None = None
    duplicate: Annotated[Positive, Field(le=100)] | None = None
    drop: _Yes = False
    close: _Yes = False
    traits: Annotated[Mapping[Name, Scalar], Field(min_length=1)] | None = None
    reset: _Yes = False
    truncate: _Yes = False
    malformed: _Yes = False
    content_type: _ContentType | None = None
    drip: Window | None = None
    stale: _Yes = False
    reorder: _Yes = False
    hold_back: Annotated[Positive, Field(le=100)] | None = None
    unknown_state: Annotated[Name, BeforeValidator(_unknown)] | None = None
    crop: Annotated[int | str | Mapping[str, int], BeforeValidator(_crop)] | None = None
    python2: _Yes = False

    @property
    def effects(self) -> frozenset[str]:
        """The names of the members that are set."""
        return frozenset(name for name in type(self).model_fields if getattr(self, name))


_OF_BODIES = frozenset({"truncate", "malformed", "drip"})
#: What says how an answer or a POST goes over its connection.
_OF_WIRES = _OF_BODIES | {"content_type", "reset"}
_OF_REQUESTS = _OF_WIRES | {"status", "delay", "drop", "close"}
_OF_TRAITS = frozenset({"traits", "unknown_state", "crop", "python2"})

#: What can happen to what.
EFFECTS: Mapping[Operation, frozenset[str]] = {
    Operation.LIST: _OF_REQUESTS | {"stale"},
    Operation.REPLY: _OF_REQUESTS,
    Operation.CONTROL: _OF_REQUESTS,
    Operation.ALARM: _OF_WIRES | _OF_TRAITS | {"delay", "drop", "duplicate", "reorder", "hold_back"},
}

#: What leaves nothing for the others to happen to. A dropped alarm may have traits: that is what was not sent.
_RIVALS: Mapping[str, frozenset[str]] = {
    "drop": _OF_WIRES
    | {"status", "close", "stale", "duplicate", "reorder", "hold_back", "unknown_state", "crop", "python2"},
    "close": _OF_WIRES | {"status", "stale", "duplicate"},
    "status": frozenset({"reset", "stale", "duplicate"}),
    "reset": _OF_BODIES | _OF_TRAITS | {"content_type", "stale"},
    "malformed": frozenset({"stale"}),
    "reorder": frozenset({"hold_back", "duplicate", "delay"}),
    "hold_back": frozenset({"delay"}),
}

#: Answers of these statuses have no body.
_BODILESS = frozenset({204, 205, 304})


def conflicts(target: Operation, then: Then) -> Iterator[str]:
    """What is meaningless about an effect, a sentence each."""
    effects = then.effects
    allowed = EFFECTS[target]
    if not effects:
        yield f"then does nothing, give one of {listed(allowed)}"
    if strange := sorted(effects - allowed):
        yield f"then: {', '.join(strange)} is not for operation {target}: {listed(allowed)} are"
    for one in sorted(effects):
        if rivals := sorted(effects & rivals_of(one)):
            others = listed(allowed - rivals_of(one) - {one})
            yield f"then: {' and '.join(sorted([one, rivals[0]]))} cannot both happen ({one} goes with {others})"
    if then.status in _BODILESS and (bodily := sorted(effects & _OF_BODIES)):
        yield f"then: {bodily[0]} needs a body, and an answer of the status {then.status} has none"
    if then.unknown_state is not None and Trait.STATE in (then.traits or {}):
        yield "then: traits and unknown_state both say what the state is, leave one out"


def rivals_of(effect: str) -> frozenset[str]:
    """The effects that cannot happen together with this one."""
    return _RIVALS.get(effect, frozenset()) | {other for other, rivals in _RIVALS.items() if effect in rivals}


def listed(words: Iterable[str]) -> str:
    """The words for a sentence, in order of the alphabet."""
    return ", ".join(sorted(words))
