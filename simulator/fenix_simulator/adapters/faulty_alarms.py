"""Alarms on their way to the sink, and the faults that they meet there: late, more than once, never, or changed."""

from __future__ import annotations

import json
import logging
import threading
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from fenix_contract.alarm import Dtype, TraitDefinition, encode, traits
from fenix_contract.vocabulary import Trait
from fenix_simulator.adapters.delays import Delays, MonotonicDelays
from fenix_simulator.adapters.faults import FaultBoard
from fenix_simulator.adapters.webhook import OnTraffic
from fenix_simulator.alarms import sign
from fenix_simulator.ports import Alarm, AlarmSink, Delivery, OnDelivery
from fenix_simulator.scenario_faults import Then

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Held:
    """An alarm in its line: how often it is to be sent, and whether its delay is over."""

    alarm: Alarm
    copies: int
    is_due: bool


class FaultyAlarmSink:
    """Lets the board's faults happen to alarms before ``sink`` takes them.

    A delayed alarm keeps the later ones of its key behind it, and holds its session as one that is being sent. Delays
    are real time. An alarm that is dropped is recorded as a delivery that failed, and as the last attempt. What is
    held at ``close`` is neither sent nor recorded: a server that starts again with the journal still has it to tell.
    """

    def __init__(
        self,
        sink: AlarmSink,
        board: FaultBoard,
        key: bytes,
        on_delivery: OnDelivery,
        on_busy: OnTraffic,
        on_idle: OnTraffic,
        *,
        delays: Delays | None = None,
    ) -> None:
        """``key`` is what alarms are signed with."""
        self._sink = sink
        self._board = board
        self._key = key
        self._on_delivery = on_delivery
        self._on_busy = on_busy
        self._on_idle = on_idle
        self._delays = delays or MonotonicDelays()
        self._lock = threading.Lock()
        self._lines: dict[str, deque[_Held]] = {}

    def send(self, alarm: Alarm) -> None:
        """Take the alarm; returns at once."""
        effect = self._effect(alarm)
        if effect is None:
            if not self._lines:
                self._sink.send(alarm)
                return
            effect = Then()
        if effect.traits:
            alarm = with_traits(alarm, effect.traits, self._key)
        copies = 0 if effect.drop else 1 + (effect.duplicate or 0)
        held = _Held(alarm, copies, is_due=not effect.delay)
        with self._lock:
            line = self._lines.get(alarm.key)
            if line is not None or not held.is_due:
                self._busy(alarm)
                if line is None:
                    line = self._lines[alarm.key] = deque()
                line.append(held)
        if effect.delay:
            self._delays.start(effect.delay, lambda: self._be_due(held))
        elif line is None:
            self._pass_on(held)
            self._record_drops([held])

    def close(self, timeout: float = 5.0) -> None:
        """Send nothing more that is held, and close the sink."""
        self._delays.close()
        self._sink.close(timeout)

    def _effect(self, alarm: Alarm) -> Then | None:
        try:
            return self._board.alarm(alarm)
        except Exception:
            _log.exception("no fault can happen to alarm %s", alarm.notification)
            return None

    def _be_due(self, held: _Held) -> None:
        """A delay is over: send what nothing stands before."""
        gone: list[_Held] = []
        key = held.alarm.key
        with self._lock:
            held.is_due = True
            line = self._lines[key]
            while line and line[0].is_due:
                # Under the lock, or an alarm that comes now would overtake; the sink only puts it into a queue.
                self._pass_on(line[0])
                gone.append(line.popleft())
            if not line:
                del self._lines[key]
        self._record_drops(gone)
        for one in gone:
            if one.alarm.session_id is not None:
                self._on_idle(one.alarm.session_id)

    def _busy(self, alarm: Alarm) -> None:
        if alarm.session_id is not None:
            self._on_busy(alarm.session_id)

    def _pass_on(self, held: _Held) -> None:
        for _ in range(held.copies):
            self._sink.send(held.alarm)

    def _record_drops(self, gone: Iterable[_Held]) -> None:
        for held in gone:
            if held.copies:
                continue
            try:
                self._on_delivery(held.alarm, _dropped(held.alarm))
            except Exception:
                _log.exception("that alarm %s was dropped could not be recorded", held.alarm.notification)


def with_traits(alarm: Alarm, given: Mapping[str, int | float | str], key: bytes) -> Alarm:
    """The alarm with these traits, in place of its own of those names or at the end, signed anew with ``key``.

    A trait has the type of its value; one that was a datetime stays one where the text can be read as such.
    """
    body: dict[str, Any] = json.loads(alarm.body)
    event = body["reason_data"]["event"]
    made = {trait[0]: trait for trait in event["traits"]}
    for name, value in given.items():
        definition = TraitDefinition(name, _dtype(value, made.get(name)))
        (made[name],) = traits({name: value}, [definition])
    event["traits"] = list(made.values())
    generated = datetime.fromisoformat(event["generated"]).replace(tzinfo=UTC)
    event["message_signature"] = sign(key, event["message_id"], event["event_type"], generated, event["traits"])
    return replace(alarm, body=encode(body), state=str(given.get(Trait.STATE, alarm.state)))


def _dtype(value: float | str, known: list[Any] | None) -> Dtype:
    if isinstance(value, str):
        was_datetime = known is not None and known[1] == Dtype.DATETIME
        return Dtype.DATETIME if was_datetime and _is_instant(value) else Dtype.TEXT
    return Dtype.INTEGER if isinstance(value, int) else Dtype.FLOAT


def _is_instant(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _dropped(alarm: Alarm) -> Delivery:
    return Delivery(
        alarm_id=alarm.alarm_id,
        url=alarm.url,
        notification=alarm.notification,
        state=alarm.state,
        attempt=0,
        status=None,
        error="not sent: a fault dropped it",
        latency=0.0,
        body=alarm.body.decode("utf-8", "replace"),
        final=True,
    )
