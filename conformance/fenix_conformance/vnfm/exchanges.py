"""The exchanges of a journal, read: alarms as they were delivered, requests as they were answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any, Final

from fenix_conformance.vnfm.journal import Entry
from fenix_contract.alarm import AlarmError, AlarmMessage, decode
from fenix_contract.vocabulary import ReplyPrefix, Trait

#: What a fault can do to an alarm that leaves it without its meaning: nobody can be blamed for not following it.
_ALARM_SPOILED: Final = frozenset({"drop", "reset", "truncate", "malformed", "content_type", "crop"})
#: Traits without which an alarm cannot be followed; a fault that gives them another value makes it another alarm.
_GUIDING: Final = frozenset({Trait.SESSION_ID, Trait.INSTANCE_IDS, Trait.REPLY_URL, Trait.STATE})
#: What a fault can do to an answer that leaves the client without one.
_ANSWER_SPOILED: Final = frozenset({"drop", "close", "reset", "truncate", "malformed", "content_type"})
#: How the journal ends a body that it cut.
_CUT: Final = "… (cut"


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver an alarm. ``began`` is when it was sent; ``effect`` what a fault did to it."""

    entry: Entry
    effect: Mapping[str, Any]

    @cached_property
    def began(self) -> datetime:
        """When it was sent."""
        return self.entry.at - timedelta(seconds=self.latency)

    @property
    def ended(self) -> datetime:
        """When it was answered or given up."""
        return self.entry.at

    @property
    def latency(self) -> float:
        """Seconds until it was answered or given up."""
        return float(self.entry.data.get("latency") or 0.0)

    @property
    def status(self) -> int | None:
        """What the VNFM answered; None where no answer came."""
        status = self.entry.data.get("status")
        return status if isinstance(status, int) else None

    @property
    def error(self) -> str:
        """Why there is no answer."""
        return str(self.entry.data.get("error") or "")

    @property
    def notification(self) -> str:
        """``<session_id>/<number>`` of the notification that it carries."""
        return str(self.entry.data.get("notification"))

    @property
    def target(self) -> tuple[str, str]:
        """The subscription and the URL: the same one twice is a repetition, two of them are two listeners."""
        return str(self.entry.data.get("alarm_id")), str(self.entry.data.get("url"))

    @property
    def accepted(self) -> bool:
        """Whether it was answered 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def arrived(self) -> bool:
        """Whether the VNFM answered at all."""
        return self.status is not None

    @property
    def is_renewed(self) -> bool:
        """Whether it got no answer and was sent again at once, as when the VNFM has closed a kept connection: either
        end may (RFC 9112, 9.5)."""
        return not self.arrived and self.entry.data.get("final") is False

    @cached_property
    def message(self) -> AlarmMessage | None:
        """The alarm as the VNFM got it."""
        try:
            return decode(str(self.entry.data.get("body") or ""), partial=True)
        except AlarmError:
            return None

    @property
    def intact(self) -> bool:
        """Whether the VNFM got what it needs to follow the alarm."""
        changed = self.effect.get("traits")
        spoiled = _ALARM_SPOILED & set(self.effect)
        return not spoiled and "unknown_state" not in self.effect and not (_GUIDING & set(changed or ()))

    @property
    def state(self) -> str:
        """The state that it told."""
        return self.message.state if self.message is not None else str(self.entry.data.get("state"))

    @property
    def unknown_traits(self) -> tuple[str, ...]:
        """Names of traits that the API does not have."""
        return tuple(name for name in self.message.traits if name not in set(Trait)) if self.message else ()


@dataclass(frozen=True)
class Request:
    """One request and its answer. ``began`` is when it came; ``effect`` what a fault did to it."""

    entry: Entry
    effect: Mapping[str, Any]

    @cached_property
    def began(self) -> datetime:
        """When it came."""
        return self.entry.at - timedelta(seconds=float(self.entry.data.get("latency") or 0.0))

    @property
    def ended(self) -> datetime:
        """When it was answered."""
        return self.entry.at

    @property
    def method(self) -> str:
        """The method."""
        return str(self.entry.data.get("method"))

    @property
    def path(self) -> str:
        """The path as it was asked for, with its query."""
        return str(self.entry.data.get("path"))

    @property
    def place(self) -> str:
        """The path without query and without slashes at its end."""
        return self.path.partition("?")[0].rstrip("/")

    @property
    def status(self) -> int | None:
        """What was answered; None where the connection was closed instead."""
        status = self.entry.data.get("status")
        return status if isinstance(status, int) else None

    @property
    def body(self) -> str:
        """The body as it came, perhaps cut."""
        return str(self.entry.data.get("request_body") or "")

    @property
    def is_cut(self) -> bool:
        """Whether the journal kept only the body's beginning."""
        return _CUT in self.body[-64:]

    @property
    def content_type(self) -> str:
        """The media type without its parameters, in lower case."""
        return str(self.entry.data.get("content_type") or "").partition(";")[0].strip().lower()

    @property
    def answered(self) -> bool:
        """Whether the client got an answer that it could read."""
        return self.status is not None and not _ANSWER_SPOILED & set(self.effect)

    @property
    def accepted(self) -> bool:
        """Whether the client got a 2xx."""
        return self.answered and 200 <= (self.status or 0) < 300

    @property
    def failed_for_now(self) -> bool:
        """Whether the client was left without an answer or with one that says to come again: 5xx, 408, 425, 429."""
        return not self.answered or (self.status or 0) >= 500 or self.status in (408, 425, 429)

    @cached_property
    def document(self) -> Any:
        """The body decoded; None where it is no JSON, which has no NaN and no Infinity."""
        try:
            return json.loads(self.body, parse_constant=_no_constant)
        except (ValueError, RecursionError):
            return None

    @property
    def state(self) -> str | None:
        """The reply's ``state``; None where there is none that is text."""
        state = self.document.get("state") if isinstance(self.document, dict) else None
        return state if isinstance(state, str) else None

    @property
    def named_state(self) -> str | None:
        """The workflow state that an ACK_ or NACK_ names."""
        for prefix in ReplyPrefix:
            if self.state is not None and self.state.startswith(prefix):
                return self.state.removeprefix(prefix)
        return None

    @property
    def is_ack(self) -> bool:
        """Whether it acknowledges."""
        return (self.state or "").startswith(ReplyPrefix.ACK)

    @property
    def is_nack(self) -> bool:
        """Whether it refuses."""
        return (self.state or "").startswith(ReplyPrefix.NACK)

    @cached_property
    def actions(self) -> Mapping[str, Any] | None:
        """``instance_actions`` where it is an object."""
        actions = self.document.get("instance_actions") if isinstance(self.document, dict) else None
        return actions if isinstance(actions, dict) else None

    @property
    def content(self) -> str:
        """What it says, in a form that compares: the state and the actions, whatever else stands beside them."""
        if not isinstance(self.document, dict):
            return self.body
        said = {name: self.document.get(name) for name in ("state", "instance_actions", "instance_action")}
        return json.dumps({name: value for name, value in said.items() if value not in (None, {})}, sort_keys=True)

    @cached_property
    def listed(self) -> tuple[str, ...] | None:
        """The ids that a list's answer had; None where it was no list or was not kept whole."""
        if not self.accepted or self.method != "GET":
            return None
        try:
            ids = json.loads(str(self.entry.data.get("response_body") or "")).get("instance_ids")
        except (ValueError, AttributeError, RecursionError):
            return None
        return tuple(ids) if isinstance(ids, list) and all(isinstance(one, str) for one in ids) else None
