"""What happened in one session, as the suite saw it: alarms, lists, replies and workflow states, each with its time.

The checks are functions over traces. A trace is filled by several threads while its play runs and does not change
afterwards. All times are monotonic seconds unless they are called ``when``.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice, product
from typing import Any, Final

from fenix_conformance.results import Evidence, note
from fenix_conformance.server.exchange import Exchange
from fenix_conformance.server.sighting import Sighting
from fenix_contract.vocabulary import ACTION_STATES, FINAL_STATES, ReplyPrefix, State

#: How far a session has come. SCALE_IN and PREPARE may come again, so only a higher rank proves that it went on.
RANK: Final[Mapping[str, int]] = {
    State.MAINTENANCE: 0,
    State.SCALE_IN: 1,
    State.PREPARE_MAINTENANCE: 2,
    State.START_MAINTENANCE: 3,
    State.PLANNED_MAINTENANCE: 4,
    State.MAINTENANCE_COMPLETE: 5,
    State.MAINTENANCE_DONE: 6,
}


class Intent(StrEnum):
    """Why the suite sent a reply."""

    ACK = "ack"
    NACK = "nack"
    #: The same acknowledgement once more.
    REPEAT = "repeat"
    #: An acknowledgement with members that are not known.
    EXTRA = "extra"
    #: Anything that is no reply to the state, or names what it must not.
    WRONG = "wrong"


@dataclass(eq=False, slots=True)
class Listing:
    """One GET of the list. ``ids`` is None when the answer has no list of texts; ``is_own_link``: the alarm's URL."""

    project: str
    exchange: Exchange
    ids: tuple[str, ...] | None
    is_own_link: bool
    before_reply: bool


@dataclass(eq=False, slots=True)
class Sent:
    """One PUT of a reply; ``kind`` tells apart what was wrong with it on purpose."""

    intent: Intent
    word: Any
    actions: Mapping[str, Any]
    exchange: Exchange
    kind: str = ""


@dataclass(eq=False, slots=True)
class Ask:
    """One alarm that asks a project for a reply, and what the project's manager did about it.

    ``number`` counts the project's asks in this state from 1. ``deadline`` is when the window ends, ``position`` how
    many alarms had come with this one. ``is_ambiguous``:
    it says the same as an earlier one that was answered already, so it is either a repeated alarm or a new round.
    """

    sighting: Sighting
    number: int
    deadline: float
    position: int = 0
    is_ambiguous: bool = False
    listings: list[Listing] = field(default_factory=list)
    replies: list[Sent] = field(default_factory=list)

    @property
    def project(self) -> str:
        return self.sighting.project

    @property
    def state(self) -> str:
        return self.sighting.state

    @property
    def at(self) -> float:
        return self.sighting.at

    @property
    def listed(self) -> tuple[str, ...] | None:
        """What the list held before the project's own reply; None when it could not be read."""
        return next((one.ids for one in self.listings if one.before_reply and one.ids is not None), None)

    @property
    def accepted(self) -> Sent | None:
        """The first acknowledgement that was answered 2xx."""
        return next((one for one in self.replies if one.intent is not Intent.WRONG and one.word == self.ack_word
                     and one.exchange.is_accepted), None)  # fmt: skip

    @property
    def ack_word(self) -> str:
        return ReplyPrefix.ACK + self.state

    @property
    def first_sent(self) -> float | None:
        """When the manager's first reply of any kind was sent."""
        return self.replies[0].exchange.sent if self.replies else None

    @property
    def acknowledged_at(self) -> float | None:
        """When the acknowledgement that was accepted was sent; None when there is none."""
        return self.accepted.exchange.sent if self.accepted else None

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The alarm, the lists and the replies."""
        return (
            self.sighting.evidence,
            *(one.exchange.evidence for one in self.listings),
            *(one.exchange.evidence for one in self.replies),
        )


@dataclass(frozen=True, slots=True)
class StateSeen:
    """The session's workflow state as the admin API gave it, when it was first seen there."""

    at: float
    state: str
    exchange: Exchange


@dataclass(frozen=True, slots=True)
class Progress:
    """The first proof that a session went on from a state."""

    at: float
    text: str
    evidence: Evidence


class Trace:
    """The record of one session. ``maintenance_due`` is ``maintenance_at`` on the monotonic clock."""

    def __init__(self, name: str, session_id: str, created: Exchange | None, maintenance_due: float) -> None:
        self.name = name
        self.session_id = session_id
        self.created = created
        self.maintenance_due = maintenance_due
        self.opened = time.monotonic()
        self.changed = threading.Condition(threading.RLock())
        self.sightings: list[Sighting] = []
        self.repeats: list[Sighting] = []
        self.asks: list[Ask] = []
        self._index: dict[tuple[str | None, str | None], list[Ask]] = {}
        self._by_sighting: dict[int, Ask] = {}
        self._heard: set[tuple[str, str, tuple[tuple[str, str], ...]]] = set()
        self.reports: list[Sighting] = []
        self.states: list[StateSeen] = []
        self.last_change = self.opened
        #: When the admin API last told the workflow state; 0.0 when it never did.
        self.last_look = 0.0
        #: Remarks of the script, by name: instants, exchanges, whatever its checks read.
        self.marks: dict[str, Any] = {}
        #: How the play ended: done, failed, stopped, stalled, interrupted.
        self.ending = ""
        self.broken: BaseException | None = None

    # -- recording

    def touch(self) -> None:
        """Something happened: whoever waits looks again."""
        with self.changed:
            self.last_change = time.monotonic()
            self.changed.notify_all()

    def mark(self, name: str, value: Any) -> None:
        """Keep a remark."""
        with self.changed:
            self.marks[name] = value
            self.changed.notify_all()

    def take(self, sighting: Sighting, window: float) -> Ask | None:
        """Record an alarm; the new Ask where it is one to reply to, None for reports, repeats and others'."""
        with self.changed:
            ask = self._classify(sighting, window)
            self.touch()
            return ask

    def _classify(self, sighting: Sighting, window: float) -> Ask | None:
        identity = (sighting.project, sighting.message.message_id, sighting.signature)
        if sighting.message.message_id and identity in self._heard:
            self.repeats.append(sighting)
            return None
        self._heard.add(identity)
        self.sightings.append(sighting)
        if sighting.is_of_another:
            return None
        if sighting.reports:
            self.reports.append(sighting)
        if not sighting.asks:
            return None
        earlier = self.asks_of(sighting.project, sighting.state)
        same = [ask for ask in earlier if ask.sighting.signature == sighting.signature]
        if same and (same[-1].accepted is None or sighting.state not in (State.SCALE_IN, State.PLANNED_MAINTENANCE)):
            self.sightings.pop()
            self.repeats.append(sighting)
            return None
        ask = Ask(sighting, len(earlier) + 1, sighting.at + window, len(self.sightings), is_ambiguous=bool(same))
        self.asks.append(ask)
        self._by_sighting[id(sighting)] = ask
        for key in product((ask.project, None), (ask.state, None)):
            self._index.setdefault(key, []).append(ask)
        return ask

    def saw_state(self, state: str, exchange: Exchange) -> None:
        """Record the workflow state when it is another than before."""
        with self.changed:
            self.last_look = exchange.answered
            if not self.states or self.states[-1].state != state:
                # The state was so at the latest when the answer came, and may have been so since the last look.
                self.states.append(StateSeen(exchange.answered, state, exchange))
                self.touch()

    # -- reading

    @property
    def final(self) -> str:
        """The final state that was seen, "" when none was."""
        return self.states[-1].state if self.states and self.states[-1].state in FINAL_STATES else ""

    @property
    def final_at(self) -> float | None:
        return self.states[-1].at if self.final else None

    @property
    def projects(self) -> tuple[str, ...]:
        """The projects that were told anything, in the order of their first alarm."""
        return tuple(dict.fromkeys(sighting.project for sighting in self.sightings))

    @property
    def listings(self) -> Iterator[tuple[Ask, Listing]]:
        return ((ask, listing) for ask in self.asks for listing in ask.listings)

    @property
    def sents(self) -> Iterator[tuple[Ask, Sent]]:
        return ((ask, sent) for ask in self.asks for sent in ask.replies)

    def asks_of(self, project: str | None = None, state: str | None = None) -> list[Ask]:
        """The asks of a project and a state, in order."""
        return list(self._index.get((project, state), ()))

    def reached(self, state: str) -> bool:
        """Whether anybody was asked about that state, or it was seen at the admin API."""
        return bool(self.asks_of(state=state)) or any(seen.state == state for seen in self.states)

    def progress(self, ask: Ask, *, by_report: bool = True) -> Progress | None:
        """The first proof that the session went on from the state of ``ask``, None while there is none.

        A failed session did not go on. Without ``by_report`` a moved instance of the project proves nothing.
        """
        with self.changed:
            rank = RANK.get(ask.state, 0)
            seen = next((one for one in self.states if one.at > ask.at and RANK.get(one.state, -1) > rank), None)
            # What came after the ask stands after it, in the order in which it came.
            for one in islice(self.sightings, ask.position, None):
                if seen is not None and seen.at < one.at:
                    break
                if (by_report or not one.reports) and self._proves(one, ask):
                    return Progress(one.at, f"alarm {one.state} for {one.project}", one.evidence)
            if seen is None:
                return None
            return Progress(seen.at, f"the session is in {seen.state}", seen.exchange.evidence)

    def _proves(self, one: Sighting, ask: Ask) -> bool:
        if one.is_of_another:
            return False
        rank, mine = RANK.get(one.state, -1), RANK.get(ask.state, 0)
        if one.reports:
            # A server may move the instances of who has replied while it waits for others: only a report of this
            # project's own instances shows that it takes the state for acknowledged. In the last state all actions
            # are over: a report that comes then is late.
            is_own = one.project == ask.project and bool(set(one.message.instance_id_list) & set(ask.listed or ()))
            return is_own and ask.state in (State.MAINTENANCE, *ACTION_STATES)
        if one.state != ask.state:
            # SCALE_IN and PREPARE fall back to each other: either shows that the other is over.
            return rank > mine or (rank >= 1 and mine in (1, 2))
        return self._is_next_round(one, ask)

    def _is_next_round(self, one: Sighting, ask: Ask) -> bool:
        """Whether this alarm of the same state asks a project that was asked in the round of ``ask`` already."""
        mine = self._by_sighting.get(id(one))
        if mine is None or mine is ask or mine.is_ambiguous:
            return False
        if mine.project == ask.project:
            return True
        # The project's question before this one tells: was it in that round?
        earlier = self.asks_of(mine.project, ask.state)[: mine.number - 1]
        return bool(earlier) and self._shares_round(earlier[-1], ask)

    def _shares_round(self, other: Ask, ask: Ask) -> bool:
        """Whether two projects were asked about the same host.

        The alarms of a round come in any order; but what came before a project replied to its round before this one
        belongs to that one.
        """
        if other.at >= ask.at:
            return True
        if other.acknowledged_at is not None and other.acknowledged_at < ask.at:
            return False
        before = self.asks_of(ask.project, ask.state)[: ask.number - 1]
        if not before:
            return True
        acknowledged = before[-1].acknowledged_at
        return acknowledged is not None and other.at > acknowledged

    def failed_at(self) -> float | None:
        """When the session was first seen failed."""
        return next((seen.at for seen in self.states if seen.state == State.MAINTENANCE_FAILED), None)

    # -- waiting

    def wait_until(self, is_so: Callable[[], bool], until: float) -> bool:
        """Wait until it is so, at the longest to that instant; whether it is so. It may lie in other traces."""
        with self.changed:
            while not is_so():
                left = until - time.monotonic()
                if left <= 0:
                    return False
                self.changed.wait(min(left, 0.1))
            return True

    def story(self) -> tuple[Evidence, ...]:
        """The session in short: its alarms and workflow states in order of time, as notes."""
        moments = [(one.at, f"alarm {one.state} for {one.project}") for one in self.sightings]
        moments += [(one.at, f"repeated alarm {one.state} for {one.project}") for one in self.repeats]
        moments += [(seen.at, f"the session is in {seen.state}") for seen in self.states]
        moments += [
            (sent.exchange.sent, f"{ask.project} sends {sent.word!r} → {sent.exchange.outcome}")
            for ask, sent in self.sents
        ]
        lines = [f"+{at - self.opened:.2f} s {text}" for at, text in sorted(moments)]
        return (note(f"session {self.session_id} ({self.name}): " + "; ".join(lines or ["nothing happened"])),)
