"""Managers that answer alarms wrongly, or take what they do not know badly."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus

from fenix_contract.vocabulary import AlarmState, ReplyPrefix, Trait
from fenix_vnfm.conduct import Conduct, Means, Task
from fenix_vnfm.gallery.behaviour import Behaviour
from fenix_vnfm.receiver import ReceivedAlarm

Take = Callable[[ReceivedAlarm], None]

_KNOWN_TRAITS = frozenset(Trait)
_LATER = timedelta(seconds=0.5)
_SLOW = timedelta(seconds=2.5)


class AlarmRefused(Conduct):
    """Takes the alarm and answers 500."""

    answers_itself = True

    def answer(self, alarm: ReceivedAlarm, take: Take) -> int | None:
        take(alarm)
        return HTTPStatus.INTERNAL_SERVER_ERROR


class SlowAnswer(Conduct):
    """Takes the alarm and answers it when its client begins to wonder."""

    answers_itself = True

    def answer(self, alarm: ReceivedAlarm, take: Take) -> int | None:
        take(alarm)
        self.means.pause(_SLOW)
        return None


class SlowHandler(Conduct):
    """Answers the alarm when its reply's window is over; the reply itself is in time."""

    answers_itself = True

    def answer(self, alarm: ReceivedAlarm, take: Take) -> int | None:
        take(alarm)
        if alarm.message is not None and (deadline := alarm.message.reply_at) is not None:
            left = deadline - self.means.now()
            self.means.pause((left if left > timedelta() else self.policy.window) + _LATER)
        return None


class UnknownTraitRefused(Conduct):
    """Knows the traits of its day, and trips over any other."""

    answers_itself = True

    def answer(self, alarm: ReceivedAlarm, take: Take) -> int | None:
        if alarm.message is not None and set(alarm.message.traits) - _KNOWN_TRAITS:
            return HTTPStatus.INTERNAL_SERVER_ERROR
        take(alarm)
        return None


class Mortal(Conduct):
    """Handles nothing any more once it died; alarms are still answered, by the part that lives."""

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self.died = threading.Event()

    def answer(self, alarm: ReceivedAlarm, take: Take) -> int | None:
        if not self.died.is_set():
            take(alarm)
        return None


class DiesOnUnknownState(Mortal):
    """Its worker ends with a KeyError."""

    def answer(self, alarm: ReceivedAlarm, take: Take) -> int | None:
        if alarm.message is not None and alarm.state not in set(AlarmState):
            self.died.set()
        return super().answer(alarm, take)


class DiesOnDuplicate(Mortal):
    """Its worker ends where an alarm's id is in its books already."""

    def repeated(self, task: Task) -> None:
        super().repeated(task)
        self.died.set()


class RepliesToReports(Conduct):
    """Acknowledges INSTANCE_ACTION_DONE too."""

    def answer(self, alarm: ReceivedAlarm, take: Take) -> int | None:
        take(alarm)
        message = alarm.message
        if message is not None and message.state == AlarmState.INSTANCE_ACTION_DONE and message.reply_url:
            self.means.client.send_reply(message.reply_url, {"state": ReplyPrefix.ACK + message.state})
        return None


BEHAVIOURS = (
    Behaviour(
        "alarm-500",
        "does all the work, and answers its alarms 500",
        AlarmRefused,
        breaks=("alarm-accepted", "unknown-tolerated", "duplicate-alarm", "late-alarm"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "slow-handler",
        "answers an alarm when the reply's window is over",
        SlowHandler,
        breaks=("alarm-accepted", "alarm-prompt", "unknown-tolerated", "duplicate-alarm", "late-alarm"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "slow-answer",
        "answers an alarm after two and a half seconds",
        SlowAnswer,
        breaks=("alarm-prompt",),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "unknown-trait-500",
        "answers 500 to an alarm with a trait that it does not know, and does nothing",
        UnknownTraitRefused,
        breaks=("unknown-tolerated", "alarm-accepted", "reply-sent"),
        shown_by=("unknown-traits",),
    ),
    Behaviour(
        "dies-on-unknown-state",
        "handles no further alarm after one with a state that it does not know",
        DiesOnUnknownState,
        breaks=("unknown-tolerated", "reply-sent", "sessions-apart"),
        shown_by=("unknown-traits",),
    ),
    Behaviour(
        "dies-on-duplicate",
        "handles no further alarm after one that came twice",
        DiesOnDuplicate,
        breaks=("duplicate-alarm", "reply-sent", "late-alarm", "sessions-apart"),
        shown_by=("duplicate-alarms",),
    ),
    Behaviour(
        "replies-to-done",
        "acknowledges INSTANCE_ACTION_DONE",
        RepliesToReports,
        breaks=("done-silent",),
        shown_by=("happy-path",),
    ),
)
