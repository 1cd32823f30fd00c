"""Faults of what is made of a reply's body: its actions, its other members, the same one again, two at once."""

# ruff: noqa: ARG002 - what overrides a method keeps its parameters

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from fenix_conformance.selftest.cloud import Cloud
from fenix_conformance.selftest.manners import Manners
from fenix_conformance.selftest.mutation import STUCK, mutant
from fenix_conformance.selftest.question import Question, Refused, Reply
from fenix_conformance.selftest.reference import Session
from fenix_conformance.selftest.reference_api import Answer, Api, Request
from fenix_contract.vocabulary import Action, State

# ---- reply-foreign-instance


class _TakesForeign(Session, ABC):
    """Hands the foreign instances of an accepted ACK to ``take``."""

    def record(self, project: str, reply: Reply, question: Question) -> None:
        super().record(project, reply, question)
        for instance in set(reply.actions) & set(self.owner):
            if self.owner[instance] != project:
                self.take(project, instance)

    @abstractmethod
    def take(self, project: str, instance: str) -> None:
        """Do something to another project's instance."""


@mutant("reply-foreign-instance", "action-done", manners=Manners(foreign="ignore"))
class ForeignInstanceMoves(_TakesForeign):
    """An action for another project's instance is carried out at once."""

    def take(self, project: str, instance: str) -> None:
        self.move(instance)
        self.report(self.owner[instance], instance)


@mutant("reply-foreign-instance", "action-done", "alarm-addressed", "alarm-traits", manners=Manners(foreign="ignore"))
class ForeignInstanceReported(_TakesForeign):
    """An action for another project's instance is reported as done to the one that replied."""

    def take(self, project: str, instance: str) -> None:
        self.report(project, instance)


@mutant(
    "reply-foreign-instance",
    "list-stable",
    "list-current-state",
    "flow-once",
    *STUCK,
    manners=Manners(foreign="ignore"),
)
class ForeignInstanceLeavesList(_TakesForeign):
    """An action for another project's instance takes it off that project's list, and it is not moved for that one."""

    def take(self, project: str, instance: str) -> None:
        question, owner = self.question, self.owner[instance]
        rest = tuple(listed for listed in question.asked.get(owner, ()) if listed != instance)
        question.asked = {**question.asked, owner: rest}


# ---- reply-action-allowed


@mutant("reply-action-allowed")
class UnknownActionMigrates(Session):
    """An action that nobody knows is carried out as MIGRATE."""

    def check_actions(self, actions: Mapping[str, str], instances: Sequence[str]) -> None:
        super().check_actions(dict.fromkeys(actions, Action.MIGRATE), instances)


@mutant("reply-action-allowed")
class LowerCaseActionMigrates(Session):
    """An action in lower case is carried out."""

    def check_actions(self, actions: Mapping[str, str], instances: Sequence[str]) -> None:
        super().check_actions({instance: action.upper() for instance, action in actions.items()}, instances)


@mutant("reply-action-allowed", manners=Manners(actions=(Action.MIGRATE, Action.OWN_ACTION)))
class UnofferedActionMigrates(Session):
    """LIVE_MIGRATE is carried out although it was not offered."""

    def check_actions(self, actions: Mapping[str, str], instances: Sequence[str]) -> None:
        known = {i: Action.MIGRATE if action == Action.LIVE_MIGRATE else action for i, action in actions.items()}
        super().check_actions(known, instances)


# ---- reply-repeat, reply-extra-members, reply-concurrent


@mutant("reply-repeat")
class RepeatIsRefused(Session):
    """The same reply again is 409."""

    def check(self, project: str, reply: Reply, question: Question) -> None:
        super().check(project, reply, question)
        if project in question.replies:
            raise Refused(409, "there is a reply already")


@mutant("reply-repeat")
class RepeatCrashes(Session):
    """The same reply again is 500."""

    def check(self, project: str, reply: Reply, question: Question) -> None:
        super().check(project, reply, question)
        if project in question.replies:
            raise Refused(500, "UNIQUE constraint failed")


@mutant("reply-repeat", "reply-all", "reply-needed")
class RepeatCountsForAnother(Session):
    """Replies are counted, not looked at: the same one twice stands for two projects."""

    def record(self, project: str, reply: Reply, question: Question) -> None:
        others = sorted(question.told - question.replies.keys())
        if project in question.replies and others:
            question.replies[others[0]] = Reply(reply.word, {})
        super().record(project, reply, question)


@mutant("reply-repeat", "action-done")
class RepeatActsTwice(Session):
    """The same reply twice has its instances reported twice."""

    def record(self, project: str, reply: Reply, question: Question) -> None:
        if project in question.replies and question.state == State.PLANNED_MAINTENANCE:
            for instance in question.asked[project]:
                self.report(project, instance)
        super().record(project, reply, question)


@mutant("reply-extra-members")
class ExtraMembersRefused(Session):
    """A reply with a member that is not known is 422."""

    def read(self, body: Mapping[str, Any]) -> Reply:
        if set(body) - {"state", "instance_actions"}:
            raise Refused(422, "there is a member that is not known")
        return super().read(body)


@mutant("reply-extra-members")
class ExtraMembersCrash(Session):
    """A reply with a member that is not known is 500."""

    def read(self, body: Mapping[str, Any]) -> Reply:
        if set(body) - {"state", "instance_actions"}:
            raise Refused(500, "unexpected keyword argument")
        return super().read(body)


@mutant("reply-concurrent", "reply-needed", *STUCK)
class ConcurrentReplyLost(Session):
    """Of two replies within 0.1 s one is lost: each is added to what was there when it came."""

    def record(self, project: str, reply: Reply, question: Question) -> None:
        before = dict(question.replies)
        # Waiting on the condition gives its lock away: the second reply gets in here before the first is written.
        self.changed.wait_for(lambda: self.is_gone, 0.1)
        question.replies = {**before, project: reply}


@mutant("reply-concurrent", *STUCK)
class ConcurrentReplyRefused(Api):
    """While one reply is worked on, for 0.1 s, others are 503."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self._busy = threading.Lock()

    def put_reply(self, request: Request, session_id: str, project: str) -> Answer:
        if not self._busy.acquire(blocking=False):
            raise Refused(503, "busy")
        try:
            self.cloud.courier.stopped.wait(0.1)
            return super().put_reply(request, session_id, project)
        finally:
            self._busy.release()
