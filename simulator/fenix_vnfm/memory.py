"""What a manager remembers of a session: which alarms had their effect, and which instances it gave up."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from fenix_contract.alarm import AlarmMessage
from fenix_contract.vocabulary import State
from fenix_vnfm.cloud import CloudInstance

#: States that a session goes through once: a second alarm for one is a repetition, whatever its message id.
_ONCE = frozenset({State.MAINTENANCE, State.MAINTENANCE_COMPLETE})


@dataclass(frozen=True, slots=True)
class _Ask:
    """What an alarm asks, apart from who carried it."""

    state: str
    reply_at: datetime | None
    reply_url: str
    instance_ids: str


class SessionMemory:
    """One session of one project.

    ``removed`` are the instances given up and not yet added again. Whoever handles an alarm of the session holds
    ``lock`` meanwhile.
    """

    def __init__(self, keep: int = 4096) -> None:
        self.lock = threading.Lock()
        self.removed: list[CloudInstance] = []
        self._keep = keep
        self._settled: OrderedDict[str | _Ask, set[str]] = OrderedDict()
        self._replies: OrderedDict[str | _Ask, Mapping[str, Any]] = OrderedDict()

    def is_settled(self, alarm: AlarmMessage) -> bool:
        """Whether the alarm is the repetition of one that had its effect.

        That is so for the same message id. It is also so for another id with the same state, ``reply_at`` and URLs
        where these tell an ask apart: not where ``reply_at`` is a whole second, in which a server that needs no time
        may well ask twice (two hosts, or SCALE_IN again for want of room) under the same type of event.
        """
        ask = _ask(alarm)
        if _identity(alarm) in self._settled:
            return True
        event_types = self._settled.get(ask)
        if event_types is None or ask.reply_at is None:
            return False
        return alarm.state in _ONCE or ask.reply_at.microsecond != 0 or alarm.event_type not in event_types

    def settle(self, alarm: AlarmMessage) -> None:
        """The alarm had its effect."""
        self._remember(self._settled, _identity(alarm), {alarm.event_type})
        event_types = self._settled.get(_ask(alarm), set())
        self._remember(self._settled, _ask(alarm), event_types | {alarm.event_type})

    def decided(self, alarm: AlarmMessage) -> Mapping[str, Any] | None:
        """The reply that was decided on for this alarm but never got an answer: it is sent again, not another one."""
        return self._replies.get(_identity(alarm))

    def decide(self, alarm: AlarmMessage, reply: Mapping[str, Any]) -> None:
        """This is the reply to the alarm, however often it has to be sent."""
        self._remember(self._replies, _identity(alarm), reply)

    def _remember(self, memory: OrderedDict[Any, Any], key: object, value: object) -> None:
        memory[key] = value
        memory.move_to_end(key)
        while len(memory) > self._keep:
            memory.popitem(last=False)


def _ask(alarm: AlarmMessage) -> _Ask:
    return _Ask(alarm.state, alarm.reply_at, alarm.reply_url, alarm.instance_ids)


def _identity(alarm: AlarmMessage) -> str | _Ask:
    """The message id makes an event one, together with its state: a server that writes one id into all its events is
    still answered. Without an id it is what the alarm asks."""
    return f"{alarm.state} {alarm.message_id}" if alarm.message_id else _ask(alarm)
