"""Whether accepted replies took effect: one session's stay in a state that awaits replies, and what became of it.

The project API has no way to read a reply back. The workflow has: a session goes on once every project that it told
has acknowledged, and fails when its window for replies ends without. So a reply that was answered 200 shows when the
session leaves the state, and is lost when the session stays until the window ends, or fails there.

Pure: instants are seconds of any clock that only goes forward, and are passed in.

| a stay in which every ask was answered 200, and … | verdict |
| --- | --- |
| the next alarm comes, or the session's state is another one that has not failed | shown |
| it awaits actions or room, and the report of an action comes, or its window ends and it does not fail | shown |
| MAINTENANCE or MAINTENANCE_COMPLETE fails: nothing but replies decides there | lost |
| another state fails when its window has ended | lost |
| another state fails before: no room, an action that went wrong | unknown |
| MAINTENANCE or MAINTENANCE_COMPLETE stays after window, begin and patience | lost |
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

from fenix_contract.alarm import AlarmMessage
from fenix_contract.vocabulary import ACTION_STATES, State

#: Instants on the wire are whole seconds.
_WIRE_SECONDS: Final = 1.0
#: States in which only replies decide whether the session goes on.
_ONLY_REPLIES: Final = (State.MAINTENANCE, State.MAINTENANCE_COMPLETE)


class Manner(StrEnum):
    """How a project of a stay replies."""

    #: At once, and never again: its reply is checked by itself.
    ONCE = "once"
    #: At once, and again as often as the load asks for.
    AGAIN = "again"
    #: When the state has been held open for long enough; until then the session stays as it is.
    LAST = "last"


class Fate(StrEnum):
    """What became of a stay's replies."""

    SHOWN = "shown"
    LOST = "lost"
    UNKNOWN = "unknown"


@dataclass(slots=True, eq=False)
class Ask:
    """One alarm that awaits a reply, and how far that is.

    ``body`` is the reply as it was accepted first. ``is_due``: a user is to send it; ``is_sent``: it is on its way.
    """

    alarm: AlarmMessage
    project_id: str
    arrived: float
    manner: Manner
    body: bytes = b""
    accepted: int = 0
    tries: int = 0
    is_due: bool = False
    is_sent: bool = False

    @property
    def reply_url(self) -> str:
        """Where the reply goes."""
        return self.alarm.reply_url


@dataclass(slots=True, eq=False)
class Stay:
    """A session's stay in a state, from its first alarm on.

    ``held_until`` is when the last reply may go, ``window_end`` when the server stops waiting for replies, ``begins``
    when the session may leave MAINTENANCE at the earliest. ``in_flight`` counts the steady requests that are under way:
    the last reply waits for them, so that no request meets a state that is over.
    """

    session_id: str
    state: str
    opened: float
    held_until: float
    window_end: float
    begins: float
    asks: dict[str, Ask] = field(default_factory=dict)
    in_flight: int = 0
    is_closing: bool = False
    is_over: bool = False
    acts: bool = False
    was_probed: bool = False
    complete_since: float | None = None

    def add(self, alarm: AlarmMessage, project_id: str, now: float) -> Ask:
        """Take an alarm of the stay: who is told first answers last, the second answers again and again."""
        manner = (Manner.LAST, Manner.AGAIN)[len(self.asks)] if len(self.asks) < 2 else Manner.ONCE
        ask = Ask(alarm, project_id, now, manner)
        self.asks[alarm.reply_url] = ask
        self.complete_since = None
        return ask

    def includes(self, alarm: AlarmMessage) -> bool:
        """Whether an alarm that was not seen before belongs to this stay, and does not begin another.

        States that concern every project, and those that come once only, take whoever was not told yet, however late.
        """
        if alarm.state != self.state or alarm.reply_url in self.asks:
            return False
        return self.state not in ACTION_STATES or not self.is_sent

    @property
    def is_open(self) -> bool:
        """Whether steady requests may go to it."""
        return not self.is_closing and not self.is_over

    @property
    def is_complete(self) -> bool:
        """Whether every ask was answered 200."""
        return all(ask.accepted for ask in self.asks.values())

    @property
    def is_sent(self) -> bool:
        """Whether a reply to every ask was sent, at least."""
        return all(ask.is_sent for ask in self.asks.values())

    @property
    def last(self) -> Ask | None:
        """The ask that is held back."""
        return next((ask for ask in self.asks.values() if ask.manner is Manner.LAST and not ask.is_due), None)

    @property
    def waits_for_last(self) -> bool:
        """Whether all but the one that is held back were accepted."""
        return all(ask.accepted or (ask.manner is Manner.LAST and not ask.is_due) for ask in self.asks.values())

    @property
    def repeated(self) -> Ask | None:
        """The ask whose reply may be sent again."""
        return next((ask for ask in self.asks.values() if ask.manner is Manner.AGAIN and ask.accepted), None)

    def note_accepted(self, ask: Ask, now: float) -> None:
        """A reply was answered 200."""
        ask.accepted += 1
        if self.complete_since is None and self.is_complete:
            self.complete_since = now

    def fate(self, state: str | None, now: float, patience: float) -> Fate | None:
        """The verdict on a stay whose session is seen in ``state`` (None: gone); None: not known yet.

        Where replies are missing anyway, the session's fate says nothing about those that were accepted.
        """
        if not self.is_complete:
            return Fate.UNKNOWN if state != self.state else None
        if state == State.MAINTENANCE_FAILED:
            is_late = now >= self.window_end - _WIRE_SECONDS
            return Fate.LOST if is_late or self.state in _ONLY_REPLIES else Fate.UNKNOWN
        if state != self.state or self.acts:
            return Fate.SHOWN
        if self.state not in _ONLY_REPLIES:
            return Fate.SHOWN if now >= self.window_end + patience else None
        return Fate.LOST if now >= max(self.window_end, self.begins) + patience else None

    def may_be_probed(self, now: float, patience: float) -> bool:
        """Whether it is time to send the replies again one by one, to see which of them the session misses.

        Never where actions or room are waited for: the session may go on for their sake at any time.
        """
        if self.complete_since is None or self.was_probed or self.state not in _ONLY_REPLIES:
            return False
        return max(self.complete_since, self.begins) + patience <= now < self.window_end


@dataclass(frozen=True, slots=True)
class Loss:
    """Accepted replies that a session does not show. ``certain``: the session went on when this reply was repeated;
    otherwise one or more of the projects' replies are missing, and which cannot be told."""

    session_id: str
    state: str
    projects: tuple[str, ...]
    certain: bool

    def __str__(self) -> str:
        if self.certain:
            return (
                f"lost: the reply of project {self.projects[0]} to {self.state} of session {self.session_id} was "
                f"answered 200, and the session went on only when it was sent again"
            )
        return (
            f"lost: session {self.session_id} did not go on from {self.state} although the replies of all projects "
            f"that were told of it were answered 200: {', '.join(self.projects)}"
        )


@dataclass(slots=True)
class Ledger:
    """The replies of a run, counted. ``once``: accepted replies that were sent only once, so each was checked alone."""

    accepted: int = 0
    once: int = 0
    repeats: int = 0
    shown: int = 0
    unknown: int = 0
    undecided: int = 0
    losses: list[Loss] = field(default_factory=list)
    sessions: int = 0
    done: int = 0
    failed: int = 0

    @property
    def lost(self) -> int:
        """How many replies were lost at least."""
        return len(self.losses)

    def settle(self, stay: Stay, fate: Fate | None, culprit: Ask | None = None) -> None:
        """Count a stay that is over; ``fate`` None: the run ended before it was decided."""
        replies = [ask for ask in stay.asks.values() if ask.accepted]
        if fate is Fate.LOST:
            guilty = (culprit,) if culprit is not None else tuple(replies)
            projects = tuple(ask.project_id for ask in guilty)
            self.losses.append(Loss(stay.session_id, stay.state, projects, culprit is not None))
            self.shown += len(replies) - len(guilty)
        elif fate is Fate.SHOWN:
            self.shown += len(replies)
            self.once += sum(1 for ask in replies if ask.manner is not Manner.AGAIN)
        elif fate is Fate.UNKNOWN:
            self.unknown += len(replies)
        else:
            self.undecided += len(replies)
