"""The project's decisions, pure: what to reply to an alarm, and which instances to give up at SCALE_IN."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from fenix_contract.alarm import AlarmMessage
from fenix_contract.vocabulary import ACTION_STATES, REPLY_STATES, Action, ReplyPrefix, State
from fenix_vnfm.policy import Policy

_NUMBER = re.compile(r"\d+")
AnyRemovable = TypeVar("AnyRemovable", bound="Removable")


class Removable(Protocol):
    """What the choice of instances to remove looks at."""

    @property
    def instance_id(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def vcpus(self) -> int: ...
    @property
    def floating_ip(self) -> bool: ...


def decide(
    alarm: AlarmMessage,
    instance_ids: Sequence[str] | None,
    policy: Policy,
    *,
    can_move: bool = False,
    made_room: bool = True,
) -> dict[str, Any] | None:
    """The reply to an alarm, or None where none is to be sent.

    ``instance_ids`` is the state's list, None where it could not be had. ``can_move``: the project is able to move an
    instance itself (OWN_ACTION). ``made_room``: at SCALE_IN, something was given up. The reply is
    ``{"state": "ACK_<STATE>"}``, with ``instance_actions`` (an action for each listed instance and no other) where the
    state asks for actions, or with ``instance_action`` where the alarm is about one instance. A state that awaits no
    reply, an unknown one included, gets none. What cannot be done honestly is refused (NACK) rather than left open.
    """
    state = alarm.state
    if state not in REPLY_STATES or state in policy.silent:
        return None
    refusal = {"state": ReplyPrefix.NACK + state}
    if state in policy.nack or (state == State.SCALE_IN and policy.nack_when_unable and not made_room):
        return refusal
    acknowledgement: dict[str, Any] = {"state": ReplyPrefix.ACK + state}
    if state not in ACTION_STATES:
        return acknowledgement
    if instance_ids is None:
        return refusal
    actions = choose_actions(alarm, instance_ids, policy, can_move=can_move)
    if actions is None:
        return refusal
    if is_about_one(alarm):
        return {"instance_action": actions[instance_ids[0]], **acknowledgement}
    return {"instance_actions": actions, **acknowledgement}


def choose_actions(
    alarm: AlarmMessage, instance_ids: Sequence[str], policy: Policy, *, can_move: bool
) -> dict[str, str] | None:
    """An allowed action per instance: the one wanted where it is allowed, else the first allowed of MIGRATE,
    LIVE_MIGRATE and OWN_ACTION. None where an instance has none that the project could keep its word on.

    An alarm that names no allowed actions allows all: the trait is one that a manager must not depend on.
    """
    allowed = [action for action in Action if not alarm.allowed_actions or action in alarm.allowed_actions]
    possible = [action for action in allowed if can_move or action is not Action.OWN_ACTION]
    actions: dict[str, str] = {}
    for instance_id in instance_ids:
        wanted = policy.wanted(instance_id, alarm)
        if wanted in possible:
            actions[instance_id] = str(wanted)
        elif possible:
            actions[instance_id] = str(possible[0])
        else:
            return None
    return actions


def is_about_one(alarm: AlarmMessage) -> bool:
    """Whether the alarm asks about a single instance that it names itself (newer upstream's per-instance dialect)."""
    return len(alarm.instance_id_list) == 1


def choose_removals(instances: Sequence[AnyRemovable], policy: Policy) -> list[AnyRemovable]:
    """The instances to give up at SCALE_IN, in the order of their removal.

    As many as have the policy's share of the project's vCPUs, at least one where the share is not 0, and never so many
    that fewer than the minimum are left. The highest-numbered go first; those with a floating IP, which stand for the
    service, go last.
    """
    goal = policy.scale_in_share * sum(instance.vcpus for instance in instances)
    most = max(0, len(instances) - policy.scale_in_minimum)
    chosen: list[AnyRemovable] = []
    given = 0
    for instance in sorted(instances, key=_removal_rank):
        # The sum of a third of many vCPUs is rarely a whole number: a rounding error must not cost an instance.
        if len(chosen) == most or given >= goal - 1e-9:
            break
        chosen.append(instance)
        given += instance.vcpus
    return chosen


def _removal_rank(instance: Removable) -> tuple[bool, int, str, str]:
    numbers = _NUMBER.findall(instance.name)
    return instance.floating_ip, -int(numbers[-1][:18]) if numbers else 1, instance.name, instance.instance_id
