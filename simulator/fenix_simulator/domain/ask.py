"""What a session asked its projects in the current state, and what they answered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fenix_contract.vocabulary import Action, ReplyPrefix, State
from fenix_simulator.domain.messages import ReplyAccepted

ALL_ACTIONS = (Action.MIGRATE, Action.LIVE_MIGRATE, Action.OWN_ACTION)


@dataclass(slots=True)
class Told:
    """One project that was told: the instances it is asked about, and its reply or (per instance) its replies."""

    #: Every instance asked about; those that still exist, in order.
    asked: tuple[str, ...]
    listed: dict[str, None]
    by_instance: bool = False
    reply: ReplyAccepted | None = None
    replies: dict[str, ReplyAccepted] = field(default_factory=dict)

    def replied(self) -> bool:
        """Whether nothing more is awaited from the project."""
        if self.reply is not None:
            return True
        return self.by_instance and all(instance_id in self.replies for instance_id in self.listed)

    def all_replies(self) -> Iterable[ReplyAccepted]:
        """What the project sent."""
        if self.reply is not None:
            yield self.reply
        yield from self.replies.values()

    def actions(self) -> Mapping[str, str] | None:
        """The action chosen per instance; None where the reply named none at all (upstream tolerates that)."""
        if self.reply is not None:
            return self.reply.instance_actions
        chosen: dict[str, str] = {}
        for reply in self.replies.values():
            chosen.update(reply.instance_actions or {})
        return chosen


@dataclass(slots=True)
class Ask:
    """The question of one state: who was told, who has a default, and until when replies count."""

    state: State
    reply_at: datetime | None = None
    told: dict[str, Told] = field(default_factory=dict)
    #: Projects without a manager and their instances that are migrated unasked.
    defaulted: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: How many of those told have not replied yet (kept, so that a reply costs the same for 2 and 2,000 projects).
    missing: int = 0
    #: The projects that did not acknowledge (kept for the same reason).
    refusing: set[str] = field(default_factory=set)

    def tell(self, project_id: str, instance_ids: tuple[str, ...], instance_id: str | None) -> None:
        """A project was told, about all its instances here at once or about one of them."""
        told = self.told.get(project_id)
        if told is None:
            self.told[project_id] = Told(
                asked=instance_ids, listed=dict.fromkeys(instance_ids), by_instance=instance_id is not None
            )
            self.missing += 1
        else:
            told.asked += instance_ids
            told.listed.update(dict.fromkeys(instance_ids))

    def take(self, reply: ReplyAccepted) -> None:
        """A reply was accepted."""
        told = self.told[reply.project_id]
        before = told.replied()
        if reply.instance_id is None:
            told.reply = reply
        else:
            told.replies[reply.instance_id] = reply
        self._count(before, told)
        awaited = ReplyPrefix.ACK + self.state
        if reply.state != awaited:
            self.refusing.add(reply.project_id)
        elif reply.project_id in self.refusing and all(one.state == awaited for one in told.all_replies()):
            self.refusing.discard(reply.project_id)

    def drop(self, project_id: str, instance_id: str) -> None:
        """An instance no longer exists: nothing is asked about it any more."""
        told = self.told.get(project_id)
        if told is not None and instance_id in told.listed:
            before = told.replied()
            del told.listed[instance_id]
            self._count(before, told)

    def awaiting(self) -> tuple[str, ...]:
        """The projects whose reply is missing."""
        return tuple(project for project, told in self.told.items() if not told.replied())

    def refused_by(self) -> str | None:
        """The first project that did not acknowledge, where one did not."""
        if not self.refusing:
            return None
        return next(project for project in self.told if project in self.refusing)

    def _count(self, before: bool, told: Told) -> None:
        self.missing += before - told.replied()
