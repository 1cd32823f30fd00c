"""Alarms on their way to the sink, and the faults that they meet there: late, more than once, never, or changed."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from fenix_simulator.adapters.delays import Delays, MonotonicDelays
from fenix_simulator.adapters.faults import FaultBoard
from fenix_simulator.adapters.spoiled_alarms import spoiled
from fenix_simulator.adapters.webhook import OnTraffic
from fenix_simulator.ports import Alarm, AlarmSink, Delivery, OnDelivery
from fenix_simulator.scenario_faults import Then

_log = logging.getLogger(__name__)

_UNTOUCHED = Then()


@dataclass(slots=True)
class _Held:
    """An alarm in its line: how often it is to be sent, how often again later, and whether its delay is over."""

    alarm: Alarm
    copies: int
    is_due: bool
    later: int = 0
    #: How many alarms of the line come before the later ones.
    after: int = 0


class FaultyAlarmSink:
    """Lets the board's faults happen to alarms before ``sink`` takes them.

    A delayed alarm keeps the later ones of its key behind it, and holds its session as one that is being sent. Delays
    are real time. One that is held back waits for later ones of its key, holds nothing meanwhile, and is forgotten
    with its session. An alarm that is dropped is recorded as a delivery that failed, and as the last attempt. What is
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
        is_known: Callable[[str], bool] = lambda _session_id: True,
        delays: Delays | None = None,
    ) -> None:
        """``key`` is what alarms are signed with; ``is_known`` tells whether there is such a session still."""
        self._sink = sink
        self._board = board
        self._key = key
        self._on_delivery = on_delivery
        self._on_busy = on_busy
        self._on_idle = on_idle
        self._is_known = is_known
        self._delays = delays or MonotonicDelays()
        self._lock = threading.Lock()
        self._lines: dict[str, deque[_Held]] = {}
        self._held_back: dict[str, list[_Held]] = {}

    def send(self, alarm: Alarm) -> None:
        """Take the alarm; returns at once."""
        effect, alarm = self._meet(alarm)
        if effect is None:
            if not self._lines and not self._held_back:
                self._sink.send(alarm)
                return
            effect = _UNTOUCHED
        held = _held(alarm, effect)
        with self._lock:
            line = self._lines.get(alarm.key)
            if line is None and held.is_due:
                # Under the lock, or an alarm that comes now would overtake; the sink only puts it into a queue.
                self._pass_on(held)
            else:
                self._busy(alarm)
                self._lines.setdefault(alarm.key, deque()).append(held)
        if effect.delay:
            self._delays.start(effect.delay, lambda: self._be_due(held))
        elif line is None:
            self._record_drops([held])

    def close(self, timeout: float = 5.0) -> None:
        """Send nothing more that is held, and close the sink."""
        self._delays.close()
        self._sink.close(timeout)

    def _meet(self, alarm: Alarm) -> tuple[Then | None, Alarm]:
        """What happens to the alarm, and what it says then."""
        try:
            met = self._board.alarm(alarm)
        except Exception:
            _log.exception("no fault can happen to alarm %s", alarm.notification)
            return None, alarm
        if met is None:
            return None, alarm
        return met.effect, replace(spoiled(alarm, met.effect, self._key), fault=met.fault)

    def _be_due(self, held: _Held) -> None:
        """A delay is over: send what nothing stands before."""
        gone: list[_Held] = []
        key = held.alarm.key
        with self._lock:
            held.is_due = True
            line = self._lines[key]
            while line and line[0].is_due:
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
        """Send the alarm, and behind it those that were held back until it came (the lock is held)."""
        for _ in range(held.copies):
            self._sink.send(held.alarm)
        if not (held.copies or held.later):
            return  # whatever was dropped did not come
        key = held.alarm.key
        waiting = self._held_back.pop(key, [])
        for one in waiting:
            one.after -= 1
            if not one.after and self._is_there(one.alarm):
                for _ in range(one.later):
                    self._sink.send(one.alarm)
        waiting = [one for one in waiting if one.after]
        if held.later:
            waiting.append(held)
        if waiting:
            self._held_back[key] = waiting

    def _is_there(self, alarm: Alarm) -> bool:
        return alarm.session_id is None or self._is_known(alarm.session_id)

    def _record_drops(self, gone: Iterable[_Held]) -> None:
        for held in gone:
            if held.copies or held.later:
                continue
            try:
                self._on_delivery(held.alarm, _dropped(held.alarm))
            except Exception:
                _log.exception("that alarm %s was dropped could not be recorded", held.alarm.notification)


def _held(alarm: Alarm, effect: Then) -> _Held:
    copies = 0 if effect.drop else 1 + (effect.duplicate or 0)
    after = 1 if effect.reorder else effect.hold_back or 0
    in_time = copies if not after else 1 if effect.duplicate else 0
    return _Held(alarm, in_time, not effect.delay, copies - in_time, after)


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
        fault=alarm.fault,
    )
