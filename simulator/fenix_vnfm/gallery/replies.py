"""Managers whose reply has the wrong state, goes to the wrong place, comes too late or not at all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from fenix_contract.vocabulary import ReplyPrefix, State
from fenix_vnfm.client import Exchange
from fenix_vnfm.conduct import Conduct, Task
from fenix_vnfm.gallery.behaviour import Behaviour, policy_with
from fenix_vnfm.gallery.notes import NoteTaking, origin

Reply = Mapping[str, Any]

_TOO_LATE = timedelta(seconds=0.4)


class Silent(Conduct):
    """Looks at the list and makes up its mind, and says nothing."""

    def compose(self, _task: Task, _instance_ids: tuple[str, ...] | None, _made_room: bool) -> None:
        return None


class Late(Conduct):
    """Sends its reply when the window has just ended."""

    def send(self, task: Task, reply: Reply) -> tuple[Exchange, int]:
        self.means.pause(task.deadline - self.means.now() + _TOO_LATE)
        return super().send(task, reply)


class OtherState(Conduct, ABC):
    """Replies with another word for the state; ``word`` gives it."""

    def compose(self, task: Task, instance_ids: tuple[str, ...] | None, made_room: bool) -> Reply | None:
        reply = super().compose(task, instance_ids, made_room)
        return None if reply is None else {**reply, "state": self.word(task, str(reply["state"]))}

    @abstractmethod
    def word(self, task: Task, word: str) -> str:
        """What is said where ``word`` would be right."""


class Suffix(OtherState):
    """Says how it went at the end of the word."""

    def word(self, task: Task, word: str) -> str:
        return f"{task.message.state}_{word.partition('_')[0]}"


class BareState(OtherState):
    """Repeats the state."""

    def word(self, task: Task, _word: str) -> str:
        return task.message.state


class LowerCase(OtherState):
    """Writes small."""

    def word(self, _task: Task, word: str) -> str:
        return word.lower()


class StaleState(OtherState, NoteTaking):
    """Is always one state behind."""

    def word(self, task: Task, word: str) -> str:
        states = self.notes(task).states
        return ReplyPrefix.ACK + states[-1] if states else word


class BuiltUrl(Conduct):
    """Knows how Fenix's URLs look, and makes its own."""

    def reply_url(self, task: Task) -> str:
        message = task.message
        ids = f"{quote(message.session_id, safe='')}/{quote(task.project_id, safe='')}"
        return f"{origin(message)}/v1/maintenance/{ids}"


class SuffixUrl(Conduct):
    """Adds what it thinks is missing."""

    def reply_url(self, task: Task) -> str:
        parts = urlsplit(task.message.reply_url)
        return parts._replace(path=f"{parts.path.rstrip('/')}/reply").geturl()


class OncePerState(NoteTaking):
    """Takes the second round of a state for a repetition of the first."""

    def compose(self, task: Task, instance_ids: tuple[str, ...] | None, made_room: bool) -> Reply | None:
        if task.message.state in self.notes(task).states:
            return None
        return super().compose(task, instance_ids, made_room)


class SecondReply(Conduct):
    """Changes its mind as soon as its reply was accepted."""

    def follow_up(self, task: Task, reply: Reply) -> None:
        if str(reply["state"]).startswith(ReplyPrefix.ACK):
            other = {"state": ReplyPrefix.NACK + task.message.state}
            self.put_reply(task, self.reply_url(task), other, self.policy.request_timeout)
        super().follow_up(task, reply)


BEHAVIOURS = (
    Behaviour(
        "silent",
        "takes alarms and lists, and never replies",
        Silent,
        breaks=("reply-sent",),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "never-complete",
        "does not answer MAINTENANCE_COMPLETE",
        adapt=policy_with(silent=frozenset({State.MAINTENANCE_COMPLETE})),
        breaks=("reply-sent", "scale-out"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "once-per-state",
        "answers PLANNED_MAINTENANCE once per session, and takes its other rounds for repetitions",
        OncePerState,
        breaks=("reply-sent",),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "late",
        "replies 0.4 s after reply_at",
        Late,
        breaks=("reply-in-time", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "suffix",
        "replies MAINTENANCE_ACK",
        Suffix,
        breaks=("reply-state", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "bare-state",
        "replies with the state and neither ACK_ nor NACK_",
        BareState,
        breaks=("reply-state", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "lower-case",
        "replies ack_maintenance",
        LowerCase,
        breaks=("reply-state", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "stale-state",
        "acknowledges the state before the one that is asked",
        StaleState,
        breaks=("reply-state", "reply-sent", "sessions-apart"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "second-reply",
        "sends a NACK after its ACK was accepted",
        SecondReply,
        breaks=("reply-once", "duplicate-alarm", "late-alarm"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "builds-url",
        "replies to a URL that it makes of the origin and the ids",
        BuiltUrl,
        breaks=("reply-url", "reply-sent"),
        shown_by=("other-address",),
    ),
    Behaviour(
        "reply-suffix-url",
        "replies to reply_url with /reply after it",
        SuffixUrl,
        breaks=("reply-url", "reply-sent"),
        shown_by=("happy-path",),
    ),
)
