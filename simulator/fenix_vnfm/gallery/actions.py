"""Managers that choose wrong actions, or do not do what they say."""

from __future__ import annotations

import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from fenix_contract.vocabulary import ACTION_STATES, Action
from fenix_vnfm.cloud import CloudInstance
from fenix_vnfm.conduct import Conduct, Task
from fenix_vnfm.gallery.behaviour import Behaviour, policy_with

Reply = Mapping[str, Any]


class OtherActions(Conduct, ABC):
    """Acknowledges with other actions than it should; ``change`` makes the reply of the right one."""

    def compose(self, task: Task, instance_ids: tuple[str, ...] | None, made_room: bool) -> Reply | None:
        reply = super().compose(task, instance_ids, made_room)
        if reply is None or "instance_actions" not in reply:
            return reply
        return self.change(task, reply, dict(reply["instance_actions"]))

    @abstractmethod
    def change(self, task: Task, reply: Reply, actions: dict[str, str]) -> Reply:
        """The wrong reply; ``actions`` may be changed."""


class MissesOne(OtherActions):
    """Overlooks the last of the list."""

    def change(self, _task: Task, reply: Reply, actions: dict[str, str]) -> Reply:
        if actions:
            actions.popitem()
        return {**reply, "instance_actions": actions}


class NoActions(OtherActions):
    """Leaves it to Fenix."""

    def change(self, _task: Task, reply: Reply, _actions: dict[str, str]) -> Reply:
        return {"state": reply["state"]}


class SingularAction(OtherActions):
    """Names one action for all, as if it were asked about one instance."""

    def change(self, _task: Task, reply: Reply, actions: dict[str, str]) -> Reply:
        return {"instance_action": next(iter(actions.values()), str(Action.MIGRATE)), "state": reply["state"]}


class ForeignInstance(OtherActions):
    """Speaks for an instance that nobody asked about."""

    def change(self, task: Task, reply: Reply, actions: dict[str, str]) -> Reply:
        stranger = str(uuid.uuid5(uuid.NAMESPACE_URL, task.message.reply_url))
        return {**reply, "instance_actions": {**actions, stranger: str(Action.MIGRATE)}}


class DisallowedAction(OtherActions):
    """Wants what is not on offer."""

    def change(self, _task: Task, reply: Reply, actions: dict[str, str]) -> Reply:
        return {**reply, "instance_actions": dict.fromkeys(actions, "EVACUATE")}


class OwnActionIdle(Conduct):
    """Promises to move its instances, and waits for somebody to do it."""

    def can_move(self, _task: Task) -> bool:
        return True

    def follow_up(self, task: Task, reply: Reply) -> None:
        if task.message.state not in ACTION_STATES:
            super().follow_up(task, reply)


class KeepsAll(Conduct):
    """Agrees to scale in, and gives up nothing."""

    def make_room(self, _task: Task) -> list[CloudInstance]:
        return []

    def compose(self, task: Task, instance_ids: tuple[str, ...] | None, _made_room: bool) -> Reply | None:
        return super().compose(task, instance_ids, True)


BEHAVIOURS = (
    Behaviour(
        "misses-one",
        "leaves one of the listed instances out",
        MissesOne,
        breaks=("actions-cover", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "no-actions",
        "acknowledges without instance_actions",
        NoActions,
        breaks=("actions-cover", "reply-valid", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "singular-action",
        "names one instance_action where each instance needs one",
        SingularAction,
        breaks=("actions-cover", "reply-valid", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "foreign-instance",
        "adds an action for an instance that is not listed",
        ForeignInstance,
        breaks=("actions-own", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "disallowed-action",
        "chooses EVACUATE, which is never allowed",
        DisallowedAction,
        breaks=("actions-allowed", "reply-valid", "reply-sent"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "own-action-idle",
        "promises OWN_ACTION and moves nothing",
        OwnActionIdle,
        adapt=policy_with(action=Action.OWN_ACTION),
        breaks=("own-action-done",),
        shown_by=("own-action",),
    ),
    Behaviour(
        "keeps-all",
        "acknowledges SCALE_IN and gives nothing up",
        KeepsAll,
        breaks=("scale-in-done",),
        shown_by=("scale-in",),
    ),
    Behaviour(
        "no-scale-out",
        "does not take back after the maintenance what it gave up",
        adapt=policy_with(scale_out=False),
        breaks=("scale-out",),
        shown_by=("scale-in",),
    ),
)
