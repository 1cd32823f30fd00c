"""Managers that keep every rule, each in a way of its own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from http import HTTPStatus
from typing import Any, ClassVar
from zlib import crc32

from fenix_contract.alarm import AlarmMessage
from fenix_contract.vocabulary import ACTION_STATES, Action, State
from fenix_vnfm.client import Exchange
from fenix_vnfm.conduct import Conduct, Task
from fenix_vnfm.gallery.behaviour import Behaviour, policy_with
from fenix_vnfm.receiver import ReceivedAlarm

Reply = Mapping[str, Any]

_PATIENT = timedelta(seconds=1)
_SHARE_OF_WINDOW = 0.6


class SlowInTime(Conduct):
    """Lets more than half of what is left of the window pass."""

    def send(self, task: Task, reply: Reply) -> tuple[Exchange, int]:
        self.means.pause((task.deadline - self.means.now()) * _SHARE_OF_WINDOW)
        return super().send(task, reply)


class TrailingSlash(Conduct):
    """Uses the URLs with a slash at their end."""

    def list_url(self, task: Task) -> str:
        return f"{super().list_url(task).rstrip('/')}/"

    def reply_url(self, task: Task) -> str:
        return f"{super().reply_url(task).rstrip('/')}/"


class NoTrailingSlash(Conduct):
    """Uses the URLs without a slash at their end."""

    def list_url(self, task: Task) -> str:
        return super().list_url(task).rstrip("/")

    def reply_url(self, task: Task) -> str:
        return super().reply_url(task).rstrip("/")


class ExtraMembers(Conduct):
    """Says in its reply what it is about, as OPNFV Doctor's sample does."""

    def compose(self, task: Task, instance_ids: tuple[str, ...] | None, made_room: bool) -> Reply | None:
        reply = super().compose(task, instance_ids, made_room)
        if reply is None:
            return None
        return {**reply, "session_id": task.message.session_id, "instance_ids": list(instance_ids or ())}


class EmptyActionsMap(Conduct):
    """Has instance_actions in every reply, empty where no actions are asked for."""

    def compose(self, task: Task, instance_ids: tuple[str, ...] | None, made_room: bool) -> Reply | None:
        reply = super().compose(task, instance_ids, made_room)
        if reply is None or task.message.state in ACTION_STATES:
            return reply
        return {"instance_actions": {}, **reply}


class ListsOften(Conduct):
    """Looks at the list three times."""

    def fetch(self, task: Task) -> tuple[str, ...] | None:
        super().fetch(task)
        super().fetch(task)
        return super().fetch(task)


class GetWithBody(Conduct):
    """Sends a JSON body with its GET, as OPNFV Doctor's sample does."""

    def get_list(self, task: Task, url: str, timeout: timedelta) -> Exchange:
        body = {"session_id": task.message.session_id, "state": task.message.state}
        return self.means.client.request("GET", url, body, timeout)


class OtherHeaders(Conduct):
    """Sends ``headers`` with every request, and ``more`` with a reply."""

    headers: ClassVar[Mapping[str, str]] = {}
    more: ClassVar[Mapping[str, str]] = {}

    def get_list(self, _task: Task, url: str, timeout: timedelta) -> Exchange:
        return self.means.client.request("GET", url, None, timeout, headers=self.headers)

    def put_reply(self, _task: Task, url: str, reply: Reply, timeout: timedelta) -> Exchange:
        return self.means.client.request("PUT", url, dict(reply), timeout, headers={**self.headers, **self.more})


class ClosesConnections(OtherHeaders):
    """Has a connection for each request, as clients of HTTP/1.0 have."""

    headers: ClassVar[Mapping[str, str]] = {"Connection": "close"}


class LowerCaseHeaders(OtherHeaders):
    """Writes the names of its headers small, and the media type with a parameter."""

    headers: ClassVar[Mapping[str, str]] = {"accept": "*/*", "user-agent": "curl"}
    more: ClassVar[Mapping[str, str]] = {"content-type": "application/json; charset=utf-8"}


class AnswersWith(Conduct):
    """Answers its alarms with ``status``."""

    answers_itself = True
    status: ClassVar[int]

    def answer(self, alarm: ReceivedAlarm, take: Callable[[ReceivedAlarm], None]) -> int | None:
        take(alarm)
        return self.status


class Answers201(AnswersWith):
    """Created."""

    status = HTTPStatus.CREATED


class Answers202(AnswersWith):
    """Accepted."""

    status = HTTPStatus.ACCEPTED


class Answers204(AnswersWith):
    """No content."""

    status = HTTPStatus.NO_CONTENT


class QuickFirstRetry(Conduct):
    """Tries again at once for the first time, and with pauses after that."""

    def send(self, task: Task, reply: Reply) -> tuple[Exchange, int]:
        exchange = self.put_reply(task, self.reply_url(task), reply, self.policy.request_timeout)
        if not exchange.may_pass:
            return exchange, 1
        exchange, tries = super().send(task, reply)
        return exchange, tries + 1


class RepeatsReply(Conduct):
    """Sends each reply twice, as Tacker does."""

    def send(self, task: Task, reply: Reply) -> tuple[Exchange, int]:
        exchange, tries = super().send(task, reply)
        if not exchange.accepted:
            return exchange, tries
        self.put_reply(task, self.reply_url(task), reply, self.policy.request_timeout)
        return exchange, tries + 1


def _one_of_the_allowed(instance_id: str, alarm: AlarmMessage) -> Action:
    allowed = [action for action in Action if not alarm.allowed_actions or action in alarm.allowed_actions]
    return allowed[crc32(instance_id.encode()) % len(allowed)] if allowed else Action.MIGRATE


HONEST = Behaviour("honest", "keeps every rule")

BEHAVIOURS = (
    HONEST,
    Behaviour("threaded", "answers an alarm at once, and works in a thread"),
    Behaviour("inline", "answers an alarm after its own GET and PUT", adapt=policy_with(inline=True)),
    Behaviour("slow-in-time", "replies when 60 % of the window have passed", SlowInTime),
    Behaviour("trailing-slash", "adds a slash to the alarm's URLs", TrailingSlash),
    Behaviour("no-trailing-slash", "takes a slash at their end off the alarm's URLs", NoTrailingSlash),
    Behaviour("extra-members", "adds session_id and instance_ids to its reply", ExtraMembers),
    Behaviour("empty-actions-map", "sends empty instance_actions where none are asked for", EmptyActionsMap),
    Behaviour("own-action", "moves its instances itself", adapt=policy_with(action=Action.OWN_ACTION)),
    Behaviour("live-migrate", "wants live migration", adapt=policy_with(action=Action.LIVE_MIGRATE)),
    Behaviour(
        "mixed-actions",
        "chooses another of the allowed actions for each instance",
        adapt=policy_with(action=_one_of_the_allowed),
    ),
    Behaviour("lists-often", "fetches each list three times", ListsOften),
    Behaviour(
        "lists-in-action-states-only",
        "fetches the list where actions are asked for, and nowhere else",
        adapt=policy_with(fetch_list=False),
    ),
    Behaviour("get-with-body", "sends a JSON body with its GET", GetWithBody),
    Behaviour("alarm-201", "answers its alarms 201", Answers201),
    Behaviour("alarm-202", "answers its alarms 202", Answers202),
    Behaviour("alarm-204", "answers its alarms 204", Answers204),
    Behaviour(
        "patient-retry",
        "tries again after pauses of a second",
        adapt=policy_with(first_pause=_PATIENT, longest_pause=_PATIENT),
    ),
    Behaviour("quick-first-retry", "tries again at once for the first time, then after pauses", QuickFirstRetry),
    Behaviour(
        "nacks-planned",
        "refuses PLANNED_MAINTENANCE",
        adapt=policy_with(nack=frozenset({State.PLANNED_MAINTENANCE})),
    ),
    Behaviour("nacks-scale-in", "refuses SCALE_IN", adapt=policy_with(nack=frozenset({State.SCALE_IN}))),
    Behaviour("repeats-reply", "sends each reply twice", RepeatsReply),
    Behaviour("closes-connections", "has a connection of its own for each request", ClosesConnections),
    Behaviour("lower-case-headers", "writes header names small, and the media type with a charset", LowerCaseHeaders),
)
