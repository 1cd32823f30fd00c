"""One question of a session to a project, and all that came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

from fenix_conformance.vnfm.exchanges import Delivery, Request
from fenix_conformance.vnfm.journal import Entry
from fenix_contract.vocabulary import ACTION_STATES, Action, ReplyPrefix


@dataclass(frozen=True, slots=True)
class Counted:
    """A reply that counted: the entry that shows it, its state, and the action for each instance that it names."""

    entry: Entry
    state: str
    actions: Mapping[str, Any]


@dataclass(eq=False)
class Ask:
    """A state that a project was asked about.

    ``entry`` is the ProjectNotified; ``number`` counts the project's asks in its session from 1. ``deadline`` is when
    replies no longer count, None where no window was told. ``until`` is when the next ask came or the session was over,
    None where neither was recorded. ``replies`` are the PUTs that answer it, by the time at which they came, wherever
    they went; ``listings`` the GETs of its list, ``odd`` its requests with other methods. ``taken`` has the session's
    events of taking a reply: there is one even where the client never got the answer.
    """

    scenario: str
    session_id: str
    project_id: str
    number: int
    entry: Entry
    deadline: datetime | None = None
    until: datetime | None = None
    deliveries: list[Delivery] = field(default_factory=list)
    listings: list[Request] = field(default_factory=list)
    replies: list[Request] = field(default_factory=list)
    odd: list[Request] = field(default_factory=list)
    taken: list[Entry] = field(default_factory=list)

    @property
    def state(self) -> str:
        """The workflow state."""
        return str(self.entry.data["state"])

    @property
    def at(self) -> datetime:
        """When it was asked."""
        return self.entry.at

    @property
    def instance_id(self) -> str | None:
        """The instance that it is about, in the per-instance dialect."""
        one = self.entry.data.get("instance_id")
        return one if isinstance(one, str) else None

    @property
    def asked(self) -> frozenset[str]:
        """The instances that it is about; empty where it is about all that the project has."""
        return frozenset(self.entry.data.get("instance_ids") or ())

    @property
    def wants_actions(self) -> bool:
        """Whether an acknowledgement has to choose an action for each instance."""
        return self.state in ACTION_STATES

    # -- what the VNFM was told --------------------------------------------------------------------------------------

    @cached_property
    def told(self) -> Delivery | None:
        """The first delivery from which the VNFM could learn what is asked, and that it took: it answered, or did what
        is done about the question."""
        return next(
            (
                one
                for one in self.deliveries
                if one.intact and one.message is not None and (one.arrived or self._is_acted_on(one))
            ),
            None,
        )

    def _is_acted_on(self, delivery: Delivery) -> bool:
        return any(one.began >= delivery.began for one in (*self.listings, *self.replies))

    @property
    def is_fairly_told(self) -> bool:
        """Whether it could know of the question, with a second or more left for the answer."""
        if self.told is None:
            return False
        return self.deadline is None or self.told.began + timedelta(seconds=1) <= self.deadline

    @property
    def is_lost(self) -> bool:
        """Whether nobody was there to take it."""
        taken = self.told is not None or any(one.arrived for one in self.deliveries)
        return any(one.intact for one in self.deliveries) and not taken

    @property
    def reply_path(self) -> str:
        """The path of the ``reply_url`` that it was told, without slashes at its end."""
        message = self.told.message if self.told is not None else None
        return urlsplit(message.reply_url).path.rstrip("/") if message is not None else ""

    @property
    def allowed(self) -> frozenset[str]:
        """The actions that it was told to choose from; all of them where the alarm did not say."""
        message = self.told.message if self.told is not None else None
        return frozenset(message.allowed_actions if message is not None else ()) or frozenset(Action)

    @property
    def repeats(self) -> list[Delivery]:
        """Further deliveries of the same alarm to the same URL, after one that it took."""
        taken: set[Any] = set()
        found = []
        for one in self.deliveries:
            if not one.intact:
                continue
            if one.target in taken:
                found.append(one)
            elif one.arrived:
                taken.add(one.target)
        return found

    @property
    def late(self) -> list[Delivery]:
        """Repeated deliveries that came when the question was over."""
        return [one for one in self.repeats if self.until is not None and one.began > self.until]

    # -- what the VNFM answered --------------------------------------------------------------------------------------

    @property
    def words(self) -> tuple[str, str]:
        """The two states that a reply may have."""
        return ReplyPrefix.ACK + self.state, ReplyPrefix.NACK + self.state

    @property
    def proper(self) -> list[Request]:
        """The replies with one of these."""
        return [reply for reply in self.replies if reply.state in self.words]

    @property
    def final(self) -> Request | None:
        """The reply that stands: the first that was accepted, else the last that was sent."""
        accepted = [reply for reply in self.proper if reply.accepted]
        return accepted[0] if accepted else self.proper[-1] if self.proper else None

    @property
    def counted(self) -> Counted | None:
        """The reply that the session took, also where its answer was lost."""
        if self.taken:
            data = self.taken[-1].data
            return Counted(self.taken[-1], str(data.get("state")), data.get("instance_actions") or {})
        final = self.final
        if final is None or not final.accepted:
            return None
        return Counted(final.entry, str(final.state), final.actions or {})

    @property
    def acknowledged(self) -> bool:
        """Whether the reply that stands is an ACK."""
        return self.final is not None and self.final.is_ack

    def seen_before(self, reply: Request) -> Request | None:
        """The newest list that it got between the question and this reply.

        One that came when the question was over is another state's. It counts where there is no other, or where the
        reply is about just what it holds: who is late cannot know.
        """
        fetched = [one for one in self.listings if one.accepted and one.began <= reply.began]
        timely = [one for one in fetched if self.until is None or one.ended <= self.until]
        if not timely or (fetched[-1] is not timely[-1] and set(reply.actions or ()) == set(fetched[-1].listed or ())):
            return fetched[-1] if fetched else None
        return timely[-1]

    def is_over_by(self, instant: datetime) -> bool:
        """Whether the window had ended by then."""
        return self.deadline is not None and instant >= self.deadline

    @property
    def met_faults(self) -> list[Request]:
        """Its requests that a fault touched."""
        return [one for one in (*self.listings, *self.replies) if one.effect]
