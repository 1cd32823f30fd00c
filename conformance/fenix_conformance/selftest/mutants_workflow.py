"""Faults in what replies, and their absence, lead to."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import ClassVar, NoReturn

from fenix_conformance.selftest.manners import Manners
from fenix_conformance.selftest.mutation import STUCK, mutant
from fenix_conformance.selftest.question import Failed, Gone, Question, Reply
from fenix_conformance.selftest.reference import Session
from fenix_contract.vocabulary import REPLY_STATES, State


class _InStates(Session):
    """A fault that shows in some states only."""

    states: ClassVar[tuple[State, ...]] = REPLY_STATES

    def is_faulty(self, question: Question) -> bool:
        return question.state in self.states


def _hang(session: Session) -> NoReturn:
    """Wait for what never comes."""
    with session.changed:
        session.changed.wait_for(lambda: session.is_gone)
    raise Gone


# ---- reply-needed


class _Impatient(_InStates):
    """Waits ``patience`` of the reply window, then goes on without the missing replies."""

    patience: ClassVar[float] = 0.1

    def wait_for_replies(self, question: Question) -> None:
        if self.is_faulty(question):
            self.wait(lambda: self.is_answered(question), self.cloud.window * self.patience)
        else:
            super().wait_for_replies(question)

    def have_all_replied(self, question: Question) -> bool:
        # Once nobody waits any more the missing replies are forgiven.
        return super().have_all_replied(question) or (self.is_faulty(question) and not question.is_open)


_EARLY = ("reply-all", "reply-other-state", "reply-nack", "reply-silence", "reply-repeat", "reply-200")


@mutant("reply-needed", *_EARLY, *STUCK)
class MaintenanceDoesNotWait(_Impatient):
    """The session starts soon after MAINTENANCE was announced, whoever has replied."""

    states = (State.MAINTENANCE,)


@mutant("reply-needed", *_EARLY, *STUCK)
class PlannedDoesNotWait(_Impatient):
    """The instances of a host are moved soon after their projects were told, whoever has replied."""

    states = (State.PLANNED_MAINTENANCE,)


@mutant("reply-needed", *_EARLY, *STUCK)
class CompleteDoesNotWait(_Impatient):
    """The session is done soon after MAINTENANCE_COMPLETE was told, whoever has replied."""

    states = (State.MAINTENANCE_COMPLETE,)


@mutant("reply-needed", *_EARLY, *STUCK)
class NobodyWaits(_Impatient):
    """The session goes on after half of the reply window, in every state, whoever has replied."""

    patience = 0.5


# ---- reply-all


class _FirstSuffices(_InStates):
    def have_all_replied(self, question: Question) -> bool:
        return super().have_all_replied(question) or (self.is_faulty(question) and bool(question.replies))


_HASTY = ("reply-needed", "reply-silence", "reply-repeat", "reply-200", "reply-concurrent")


@mutant("reply-all", *_HASTY, *STUCK)
class FirstAckSuffices(_FirstSuffices):
    """The first ACK stands for all projects, in every state."""


@mutant("reply-all", *_HASTY, *STUCK)
class FirstAckSufficesInMaintenance(_FirstSuffices):
    """The first ACK_MAINTENANCE stands for all projects."""

    states = (State.MAINTENANCE,)


@mutant("reply-all", *_HASTY, *STUCK)
class FirstAckSufficesInPlanned(_FirstSuffices):
    """The first ACK_PLANNED_MAINTENANCE stands for all projects."""

    states = (State.PLANNED_MAINTENANCE,)


@mutant("reply-all", *_HASTY, *STUCK)
class AllButOneSuffice(Session):
    """The last project's reply is not waited for."""

    def have_all_replied(self, question: Question) -> bool:
        return len(question.replies) >= max(1, len(question.told) - 1) or not question.told


# ---- reply-advances


class _Stuck(_InStates):
    def judge(self, question: Question) -> None:
        super().judge(question)
        if self.is_faulty(question) and question.told:
            question.is_open = True  # it asks for ever
            _hang(self)


@mutant("reply-advances", *STUCK)
class StuckAfterMaintenance(_Stuck):
    """Nothing follows the ACKs to MAINTENANCE."""

    states = (State.MAINTENANCE,)


@mutant("reply-advances", *STUCK)
class StuckInPlanned(_Stuck):
    """Nothing follows the ACKs to PLANNED_MAINTENANCE."""

    states = (State.PLANNED_MAINTENANCE,)


@mutant("reply-advances", *STUCK, manners=Manners(layout="prepare"))
class PrepareAckFails(Session):
    """The ACKs to PREPARE_MAINTENANCE fail the session."""

    def judge(self, question: Question) -> None:
        super().judge(question)
        if question.state == State.PREPARE_MAINTENANCE:
            raise Failed("KeyError")


@mutant("reply-advances", *STUCK)
class AcksForgotten(Session):
    """ACKs are answered 200 and forgotten: the window ends as if nobody had replied."""

    def record(self, project: str, reply: Reply, question: Question) -> None:
        if not reply.word.startswith("ACK_"):
            super().record(project, reply, question)


# ---- reply-nack


class _NackIsAck(_InStates):
    def is_nacked(self, question: Question) -> bool:
        return not self.is_faulty(question) and super().is_nacked(question)


@mutant("reply-nack")
class NackCountsAsAck(_NackIsAck):
    """NACK is taken for ACK in every state."""


@mutant("reply-nack")
class NackCountsAsAckInMaintenance(_NackIsAck):
    """NACK_MAINTENANCE is taken for ACK."""

    states = (State.MAINTENANCE,)


@mutant("reply-nack")
class NackCountsAsAckInPlanned(_NackIsAck):
    """NACK_PLANNED_MAINTENANCE is taken for ACK."""

    states = (State.PLANNED_MAINTENANCE,)


@mutant("reply-nack", manners=Manners(layout="prepare"))
class NackCountsAsAckInPrepare(_NackIsAck):
    """NACK_PREPARE_MAINTENANCE is taken for ACK."""

    states = (State.PREPARE_MAINTENANCE,)


@mutant("reply-nack")
class NackOutvoted(Session):
    """One NACK among ACKs is ignored."""

    def is_nacked(self, question: Question) -> bool:
        return super().is_nacked(question) and all(r.word.startswith("NACK_") for r in question.replies.values())

    def is_answered(self, question: Question) -> bool:
        return self.have_all_replied(question)


@mutant("reply-nack")
class OnlyTheFirstMayRefuse(Session):
    """NACK is taken for ACK from every project but the first."""

    def is_nacked(self, question: Question) -> bool:
        first = question.replies.get(self.projects[0])
        return first is not None and first.word.startswith("NACK_")


@mutant("reply-nack")
class TheLastReplyDecides(Session):
    """NACK is forgotten when another project acknowledges after it."""

    def is_nacked(self, question: Question) -> bool:
        replies = list(question.replies.values())
        return bool(replies) and replies[-1].word.startswith("NACK_")

    def is_answered(self, question: Question) -> bool:
        return bool(question.spoiled) or self.have_all_replied(question)


# ---- reply-silence


@mutant("reply-silence", "reply-200", "reply-malformed", "methods", *STUCK)
class WindowIsShorterThanTold(Session):
    """A session fails when half of the window that its alarms tell is over."""

    def wait_for_replies(self, question: Question) -> None:
        half = (question.deadline - datetime.now(UTC)).total_seconds() / 2
        self.wait(lambda: self.is_answered(question), half)
        if not self.is_answered(question):
            raise Failed(f"silence in {question.state}")


class _WaitsForEver(_InStates):
    def wait_for_replies(self, question: Question) -> None:
        if self.is_faulty(question):
            self.wait(lambda: self.is_answered(question), float(1 << 20))
        else:
            super().wait_for_replies(question)


@mutant("reply-silence", "default-behaviour")
class SilenceHangs(_WaitsForEver):
    """A silent project is waited for without end, in every state."""


@mutant("reply-silence")
class SilenceHangsInMaintenance(_WaitsForEver):
    """A project that is silent in MAINTENANCE is waited for without end."""

    states = (State.MAINTENANCE,)


@mutant("reply-silence")
class SilenceHangsInPlanned(_WaitsForEver):
    """A project that is silent in PLANNED_MAINTENANCE is waited for without end."""

    states = (State.PLANNED_MAINTENANCE,)


@mutant("reply-silence")
class SilenceHangsInComplete(_WaitsForEver):
    """A project that is silent in MAINTENANCE_COMPLETE is waited for without end."""

    states = (State.MAINTENANCE_COMPLETE,)


# ---- default-behaviour


@mutant("default-behaviour")
class UnmanagedHangs(Session):
    """A project without a manager is waited for without end."""

    def wait_for_replies(self, question: Question) -> None:
        if set(question.asked) - question.told:
            _hang(self)
        super().wait_for_replies(question)


@mutant("default-behaviour")
class UnmanagedHangsInPlanned(Session):
    """An instance of a project without a manager is never moved, and its host waited for without end."""

    def act(self, project: str, instance: str, action: str) -> None:
        if project not in self.question.told:
            _hang(self)
        super().act(project, instance, action)


# ---- sessions-independent


@mutant("sessions-independent", "reply-needed", "reply-all", *STUCK)
class ReplyCountsInEverySession(Session):
    """A reply counts in each session that asks the same."""

    def record(self, project: str, reply: Reply, question: Question) -> None:
        super().record(project, reply, question)
        for other in list(self.cloud.sessions.values()):
            if other is not self and other.question.state == question.state and other.question.is_open:
                other.question.replies.setdefault(project, reply)
                _wake(other)


@mutant("sessions-independent", "reply-nack", *STUCK)
class NackFailsEverySession(Session):
    """A NACK fails all sessions."""

    def record(self, project: str, reply: Reply, question: Question) -> None:
        super().record(project, reply, question)
        if reply.word.startswith("NACK_"):
            for other in list(self.cloud.sessions.values()):
                other.question.spoiled = "NACK in another session"
                _wake(other)


@mutant("sessions-independent", "reply-needed", "reply-all", "reply-silence", *STUCK)
class OldReplyCountsInNewSession(Session):
    """A reply counts again when a later session asks the same."""

    def wait_for_replies(self, question: Question) -> None:
        with self.changed:
            for other in list(self.cloud.sessions.values()):
                if other is not self and other.question.state == question.state:
                    question.replies = {**other.question.replies, **question.replies}
        super().wait_for_replies(question)


def _wake(session: Session) -> None:
    """From a thread of its own: two sessions that wait for each other's lock would never come back."""

    def notify() -> None:
        with session.changed:
            session.changed.notify_all()

    threading.Thread(target=notify, daemon=True).start()
