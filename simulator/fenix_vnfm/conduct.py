"""How one alarm is handled: list → decision → (instances given up) → reply → (instances moved or added again).

``Conduct`` is the honest manager. One with other manners overrides a step: ``answer`` (how an alarm is answered),
``repeated`` (what an alarm that comes again brings about), ``fetch``, ``make_room``, ``compose`` (what is replied),
``send`` (whether and how often), ``put_reply`` and ``reply_url`` (how and where) or ``follow_up``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import Event
from typing import Any, ClassVar

from fenix_contract.alarm import AlarmMessage
from fenix_contract.vocabulary import ACTION_STATES, Action, ReplyPrefix, State
from fenix_vnfm.client import Exchange, FenixClient, listed_instances
from fenix_vnfm.cloud import Cloud, CloudError, CloudInstance
from fenix_vnfm.decide import decide, is_about_one
from fenix_vnfm.events import EventKind, EventLog
from fenix_vnfm.finder import FindCloud
from fenix_vnfm.memory import SessionMemory
from fenix_vnfm.persistence import Pause, Persistence
from fenix_vnfm.policy import Policy
from fenix_vnfm.receiver import ReceivedAlarm
from fenix_vnfm.scaling import Scaling

#: How much of a reply's window a delay leaves for sending the reply.
_RESERVE = 0.25
_LONGEST_RESERVE = timedelta(seconds=2)
#: How long the project tries to move its instances after its reply (upstream waits 4 minutes for an empty host).
_ACTIONS_WINDOW = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Task:
    """One alarm on its way to a reply, which has to be there by ``deadline`` (aware UTC)."""

    message: AlarmMessage
    project_id: str
    memory: SessionMemory
    deadline: datetime
    done: Event = field(default_factory=Event)

    @property
    def about(self) -> dict[str, str]:
        """What its events are about."""
        return {
            "project_id": self.project_id,
            "session_id": self.message.session_id,
            "state": self.message.state,
        }


@dataclass(frozen=True, slots=True)
class Means:
    """What a manager handles alarms with.

    ``cloud`` is where the project's instances are; where it is None, ``find_cloud`` (if there is one) is asked for the
    cloud of the Fenix that an alarm came from. Without a cloud nothing can be given up, and OWN_ACTION not be promised.
    ``leave`` makes the manager stop taking alarms for good.
    """

    policy: Policy
    client: FenixClient
    cloud: Cloud | None
    log: EventLog
    now: Callable[[], datetime]
    pause: Pause
    find_cloud: FindCloud | None = None
    leave: Callable[[], None] = lambda: None


class Conduct:
    """The honest manager. Called by one thread per session at a time; ``answer`` by one thread per connection."""

    #: Whether ``answer`` comes before the alarm's answer and decides on it; else it comes after a 200.
    answers_itself: ClassVar[bool] = False

    def __init__(self, means: Means) -> None:
        self.means = means
        self.policy = means.policy

    # -- the steps ---------------------------------------------------------------------------------------------------

    def answer(self, alarm: ReceivedAlarm, take: Callable[[ReceivedAlarm], None]) -> int | None:
        """Take an alarm of whatever kind; the status of its answer where ``answers_itself`` (None: 200).

        ``take`` has it handled on its session's thread, and waits for that where the policy is ``inline``.
        """
        take(alarm)
        return None

    def handle(self, task: Task) -> None:
        """Handle one alarm that asks for a reply, from its arrival to the last thing that it brings about."""
        memory, message = task.memory, task.message
        if memory.is_settled(message):
            self.repeated(task)
            return
        reply, given_up = memory.decided(message), list[CloudInstance]()
        if reply is None:
            reply, given_up = self._decide(task)
        if reply is None:
            memory.settle(message)
            self.tell(task, EventKind.SILENT, "not answered, as the policy wants it")
            return
        memory.decide(message, reply)
        self._delay(task)
        exchange, tries = self.send(task, reply)
        self._conclude(task, reply, exchange, tries, given_up)

    def repeated(self, task: Task) -> None:
        """An alarm that had its effect came again."""
        self.tell(task, EventKind.DUPLICATE, "the same alarm again: nothing is done twice")

    def fetch(self, task: Task) -> tuple[str, ...] | None:
        """The instances that the alarm is about, from its list as it is now; None where it could not be had."""
        if task.message.instance_id_list:
            return task.message.instance_id_list
        url = self.list_url(task)
        if not self.policy.fetch_list and task.message.state not in ACTION_STATES:
            return None
        exchange, _ = self.persistence(task).send(
            lambda timeout: self.get_list(task, url, timeout), self._halfway(task)
        )
        ids = listed_instances(exchange)
        if ids is None:
            self.tell(task, EventKind.ERROR, f"no list of instances: {exchange}", status=exchange.status)
        else:
            self.tell(task, EventKind.LIST, f"{_instances(len(ids))} listed", instance_ids=list(ids))
        return ids

    def make_room(self, task: Task) -> list[CloudInstance]:
        """Give up instances at SCALE_IN; those that were given up."""
        cloud = self.cloud(task)
        if cloud is None or not task.project_id:
            return []
        scaling = Scaling(cloud, self.persistence(task), self._halfway(task))
        try:
            removed = scaling.give_up(task.project_id)
        except CloudError as error:
            self.tell(task, EventKind.ERROR, f"no instances could be given up: {error}")
            return []
        names = [instance.name for instance in removed]
        text = f"{_instances(len(removed))} given up: {', '.join(names)}" if removed else "nothing can be given up"
        self.tell(task, EventKind.SCALE_IN, text, instance_ids=[one.instance_id for one in removed], names=names)
        return removed

    def compose(self, task: Task, instance_ids: tuple[str, ...] | None, made_room: bool) -> Mapping[str, Any] | None:
        """The reply; None for silence."""
        policy = self.policy
        if not made_room and self.means.find_cloud is not None and self.cloud(task) is None:
            # It was looked for and is not there: nothing can ever be given up, and to acknowledge would be a lie.
            policy = replace(policy, nack_when_unable=True)
        can_move = task.message.state in ACTION_STATES and self.can_move(task)
        return decide(task.message, instance_ids, policy, can_move=can_move, made_room=made_room)

    def send(self, task: Task, reply: Mapping[str, Any]) -> tuple[Exchange, int]:
        """Send the reply until it gets a lasting answer, in bounds; the last exchange and the number of tries."""
        url = self.reply_url(task)
        return self.persistence(task).send(lambda timeout: self.put_reply(task, url, reply, timeout), task.deadline)

    def follow_up(self, task: Task, reply: Mapping[str, Any]) -> None:
        """Do what an accepted reply promised: move the instances with OWN_ACTION, add again what was given up."""
        own = _own_actions(task.message, reply)
        cloud = self.cloud(task) if own else None
        if cloud is not None:
            scaling = Scaling(cloud, self.persistence(task), self.means.now() + _ACTIONS_WINDOW)
            moved, stuck = scaling.move(own)
            self.tell(task, EventKind.OWN_ACTION, f"{_instances(len(moved))} moved", instance_ids=moved)
            if stuck:
                self.tell(task, EventKind.ERROR, f"{_instances(len(stuck))} could not be moved", instance_ids=stuck)
        if reply["state"] == ReplyPrefix.ACK + State.MAINTENANCE_COMPLETE and self.policy.scale_out:
            self._add_again(task, task.memory.removed)

    # -- the requests ------------------------------------------------------------------------------------------------

    def list_url(self, task: Task) -> str:
        """Where the list is fetched."""
        # A list that was cropped to a trait's length is told in full where the reply goes: it is the same URL.
        return task.message.list_url or task.message.reply_url

    def get_list(self, _task: Task, url: str, timeout: timedelta) -> Exchange:
        """Fetch the list once."""
        return self.means.client.list_instances(url, timeout)

    def reply_url(self, task: Task) -> str:
        """Where the reply goes."""
        return task.message.reply_url

    def put_reply(self, _task: Task, url: str, reply: Mapping[str, Any], timeout: timedelta) -> Exchange:
        """Send the reply once."""
        return self.means.client.send_reply(url, reply, timeout)

    # -- helpers that other conducts may use -------------------------------------------------------------------------

    def cloud(self, task: Task) -> Cloud | None:
        """Where the project's instances are; None where they are out of reach."""
        if self.means.cloud is not None or self.means.find_cloud is None:
            return self.means.cloud
        return self.means.find_cloud(task.message.reply_url)

    def can_move(self, task: Task) -> bool:
        """Whether the project is able to move an instance itself."""
        return self.cloud(task) is not None

    def tell(self, task: Task, kind: EventKind, text: str, **detail: Any) -> None:
        """Record an event about the task."""
        self.means.log.add(kind, text, **task.about, **detail)

    def persistence(self, task: Task) -> Persistence:
        """The way of trying again, with its pauses told."""

        def on_retry(exchange: Exchange, tries: int, pause: timedelta) -> None:
            seconds = pause.total_seconds()
            self.tell(task, EventKind.RETRY, f"{exchange}; again in {seconds:g} s", tries=tries, pause=seconds)

        return Persistence(self.policy, self.means.now, self.means.pause, on_retry)

    # -- the rest ----------------------------------------------------------------------------------------------------

    def _decide(self, task: Task) -> tuple[Mapping[str, Any] | None, list[CloudInstance]]:
        state = task.message.state
        if state in self.policy.silent:
            return None, []
        instance_ids = self.fetch(task)
        if state != State.SCALE_IN or state in self.policy.nack:
            return self.compose(task, instance_ids, True), []
        given_up = self.make_room(task)
        task.memory.removed.extend(given_up)
        return self.compose(task, instance_ids, bool(given_up)), given_up

    def _delay(self, task: Task) -> None:
        length = self.policy.delay
        if not length:
            return
        if not self.policy.may_be_late:
            left = task.deadline - self.means.now()
            length = min(length, left - min(left * _RESERVE, _LONGEST_RESERVE))
        if length > timedelta():
            self.means.pause(length)

    def _conclude(
        self, task: Task, reply: Mapping[str, Any], exchange: Exchange, tries: int, given_up: list[CloudInstance]
    ) -> None:
        detail = {"reply": dict(reply), "status": exchange.status, "tries": tries, "url": exchange.url}
        if exchange.accepted:
            task.memory.settle(task.message)
            margin = self._margin(task)
            text = f"{_reply_text(reply)}: {exchange.status}{_margin_text(margin)}"
            self.tell(task, EventKind.REPLY, text, **detail, margin=margin)
            self.follow_up(task, reply)
        elif exchange.may_pass:
            # Not settled: where the alarm comes again, the same reply is sent again.
            self.tell(task, EventKind.GAVE_UP, f"{reply['state']} got no lasting answer: {exchange}", **detail)
        else:
            task.memory.settle(task.message)
            text = f"{reply['state']} was refused: {exchange}{_problem_text(exchange)}"
            self.tell(task, EventKind.REFUSED, text, **detail)
            if tries > 1 and exchange.status == 409:
                # An earlier try whose answer was lost may well have counted: what it promised is done.
                self.follow_up(task, reply)
            elif given_up:
                self._add_again(task, given_up)

    def _add_again(self, task: Task, instances: list[CloudInstance]) -> None:
        cloud = self.cloud(task) if instances else None
        if cloud is None:
            return
        scaling = Scaling(cloud, self.persistence(task), self.means.now() + _ACTIONS_WINDOW)
        added = scaling.add_again(task.project_id, instances)
        names = [instance.name for instance in added]
        missing = [instance.name for instance in instances if instance not in added]
        task.memory.removed = [instance for instance in task.memory.removed if instance not in added]
        if names:
            self.tell(
                task, EventKind.SCALE_OUT, f"{_instances(len(names))} added again: {', '.join(names)}", names=names
            )
        if missing:
            text = f"{_instances(len(missing))} could not be added again: {', '.join(missing)}"
            self.tell(task, EventKind.ERROR, text, names=missing)

    def _halfway(self, task: Task) -> datetime:
        """Until when the work before the reply may go on: half of the time that is left is the reply's."""
        now = self.means.now()
        return now + (task.deadline - now) / 2

    def _margin(self, task: Task) -> float | None:
        """Seconds left of the window where the alarm tells it; negative when late."""
        reply_at = task.message.reply_at
        if reply_at is None or reply_at != task.deadline:
            return None
        return round((reply_at - self.means.now()).total_seconds(), 3)


def _own_actions(message: AlarmMessage, reply: Mapping[str, Any]) -> list[str]:
    """The instances that the reply says the project moves itself."""
    if reply.get("instance_action") == Action.OWN_ACTION and is_about_one(message):
        return list(message.instance_id_list)
    actions = reply.get("instance_actions") or {}
    return [instance_id for instance_id, action in actions.items() if action == Action.OWN_ACTION]


def _instances(number: int) -> str:
    return f"{number} instance{'' if number == 1 else 's'}"


def _reply_text(reply: Mapping[str, Any]) -> str:
    actions = reply.get("instance_actions")
    return f"{reply['state']} for {_instances(len(actions))}" if actions is not None else str(reply["state"])


def _margin_text(margin: float | None) -> str:
    if margin is None:
        return ""
    return f", {abs(margin):.1f} s {'before' if margin >= 0 else 'after'} reply_at"


def _problem_text(exchange: Exchange) -> str:
    problem = exchange.json()
    detail = problem.get("detail") if isinstance(problem, dict) else None
    return f", {detail}" if isinstance(detail, str) and detail else ""
