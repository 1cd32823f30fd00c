"""What a session asks in a state, what a reply to it is, and how both can go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fenix_contract.vocabulary import REPLY_STATES, ReplyPrefix, State

#: Every text that a reply's ``state`` may have.
WORDS = frozenset(f"{prefix}{state}" for prefix in ReplyPrefix for state in REPLY_STATES)


class Refused(Exception):
    """A request that is not served; ``status`` is HTTP's."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(detail)
        self.status = status


class Failed(Exception):
    """The session cannot go on."""


class Gone(Exception):
    """The session was deleted, or the server stops."""


@dataclass(frozen=True, slots=True)
class Reply:
    """``word``: the ``state`` member as it came; ``actions``: instance id to action."""

    word: str
    actions: Mapping[str, str]


@dataclass(slots=True)
class Question:
    """What a session asks in its current state: which projects are ``told``, about which instances (``asked``)."""

    state: State
    asked: Mapping[str, tuple[str, ...]]
    told: frozenset[str]
    deadline: datetime
    replies: dict[str, Reply] = field(default_factory=dict)
    spoiled: str | None = None  # why the session fails because of a reply
    is_open: bool = True
