"""Delivery of alarms: one HTTP POST after another per key, keys side by side, nothing ever waiting for a subscriber.

Alarms of one key stand in a line. A line whose first alarm may be sent stands in the queue of ready lines, from which
a sender (a thread) takes it, makes one attempt, records it, and puts the line back. An alarm that is to be attempted
again stays first in its line and a timer makes the line ready later: order is kept, and no thread sleeps. No lock is
held while anything is sent or recorded, so a subscriber may call the server back before it answers.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from fenix_simulator.adapters.delays import Delays, MonotonicDelays
from fenix_simulator.adapters.post import ANSWER_SECONDS, CONNECT_SECONDS, Outcome, Poster
from fenix_simulator.adapters.target_guard import TargetGuard
from fenix_simulator.ports import Alarm, Delivery, DeliveryPolicy, Mishap, OnDelivery

_log = logging.getLogger(__name__)

#: Told the session of an alarm that is on its way, or done with.
OnTraffic = Callable[[str], None]

#: Alarms that may wait in one line. A subscriber that is this far behind is not coming back.
DEFAULT_DEPTH = 1_000

#: Seconds after which a sender without work ends.
_IDLE_SECONDS = 10.0

#: How often an alarm is sent anew because a kept-open connection turned out to be closed.
_RENEWALS = 3


@dataclass(slots=True)
class _Queued:
    """An alarm in its line: attempts made, pauses of the policy used up, connections found closed."""

    alarm: Alarm
    attempts: int = 0
    pauses: int = 0
    renewals: int = 0


@dataclass(slots=True)
class _Line:
    """The alarms of a key, the next one first."""

    key: str
    queued: deque[_Queued] = field(default_factory=deque)


class WebhookAlarmSink:
    """POSTs alarms to their URLs as the policy says; each attempt is reported to ``on_delivery``.

    ``aodh`` makes one attempt and takes any answer. ``retry`` makes another after each delay until one is answered
    2xx; the key's later alarms wait for it. In both, an alarm that a kept-open connection lost (closed by the other
    side without a byte of an answer) is sent again at once on a new one, as an attempt of its own.

    For each alarm of a session ``on_busy`` is called before it is taken, and ``on_idle`` after it was recorded for the
    last time.
    """

    def __init__(
        self,
        policy: DeliveryPolicy,
        guard: TargetGuard,
        on_delivery: OnDelivery,
        on_busy: OnTraffic | None = None,
        on_idle: OnTraffic | None = None,
        *,
        timeout: timedelta = timedelta(seconds=ANSWER_SECONDS),
        connect_timeout: timedelta = timedelta(seconds=CONNECT_SECONDS),
        workers: int = 64,
        depth: int = DEFAULT_DEPTH,
        delays: Delays | None = None,
    ) -> None:
        """``timeout`` is for a whole answer, ``workers`` the number of alarms on their way at once, ``depth`` the
        length of a key's line."""
        self._policy = policy
        self._on_delivery = on_delivery
        self._on_busy = on_busy
        self._on_idle = on_idle
        self._workers = workers
        self._depth = depth
        self._delays = delays or MonotonicDelays()
        self._poster = Poster(
            guard,
            answer_seconds=timeout.total_seconds(),
            connect_seconds=connect_timeout.total_seconds(),
            connections=workers,
        )
        self._changed = threading.Condition()
        self._lines: dict[str, _Line] = {}
        self._ready: deque[_Line] = deque()
        self._threads = 0
        self._idle = 0
        self._closed = False
        self._abandoned = False

    def send(self, alarm: Alarm) -> None:
        """Take the alarm for delivery; returns at once. After ``close`` alarms are not taken any more."""
        _call(self._on_busy, alarm.session_id)
        if not self._enqueue(alarm):
            _call(self._on_idle, alarm.session_id)

    def close(self, timeout: float = 5.0) -> None:
        """Take no more alarms, and give those in line ``timeout`` seconds. Alarms that wait for another attempt are
        left as they are recorded, not final; what is still being sent then is not recorded."""
        self._delays.close()
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._threads == 0, timeout)
            self._abandoned = True
            self._ready.clear()
        self._poster.close()

    @property
    def senders(self) -> int:
        """How many threads send at present, or wait for something to send."""
        return self._threads

    # -- lines -------------------------------------------------------------------------------------------------------

    def _enqueue(self, alarm: Alarm) -> bool:
        with self._changed:
            if self._closed:
                return False
            line = self._lines.setdefault(alarm.key, _Line(alarm.key))
            if len(line.queued) < self._depth:
                line.queued.append(_Queued(alarm))
                if len(line.queued) == 1:
                    self._make_ready(line)
                return True
        error = f"not sent: {self._depth} alarms wait for this subscriber already"
        delivery = _delivery(alarm, 0, Outcome(None, error, 0.0), final=True)
        # Recorded on another thread: the caller may hold what recording needs.
        self._delays.start(timedelta(0), lambda: self._record(alarm, delivery))
        return False

    def _make_ready(self, line: _Line, *, coming: int = 0) -> None:
        """Hand the line to the senders, of whom ``coming`` are about to look for one (the lock is held)."""
        self._ready.append(line)
        if self._idle + coming >= len(self._ready):
            self._changed.notify()
        elif self._threads < self._workers:
            sender = threading.Thread(target=self._send_lines, name=f"alarm-sender-{self._threads + 1}", daemon=True)
            self._threads += 1
            try:
                sender.start()
            except RuntimeError:
                # No more threads to be had: those that there are will come to it.
                self._threads -= 1
                _log.warning("no thread could be started to send alarms; %d are sending", self._threads)

    def _wake(self, line: _Line, *, coming: int = 0) -> None:
        """The line's first alarm is to be attempted again."""
        with self._changed:
            if not self._closed:
                self._make_ready(line, coming=coming)

    # -- senders -----------------------------------------------------------------------------------------------------

    def _send_lines(self) -> None:
        while (line := self._next_line()) is not None:
            self._attempt(line)

    def _next_line(self) -> _Line | None:
        """Wait for a line; None when the thread is to end."""
        with self._changed:
            self._idle += 1
            self._changed.wait_for(lambda: self._ready or self._closed, _IDLE_SECONDS)
            self._idle -= 1
            if self._ready:
                return self._ready.popleft()
            self._threads -= 1
            self._changed.notify_all()
            return None

    def _attempt(self, line: _Line) -> None:
        """Make one attempt with the line's first alarm and record it."""
        first = line.queued[0]
        mishap = first.alarm.mishap if first.attempts == first.renewals else None
        with self._beside(mishap):
            outcome = self._poster.post(first.alarm, mishap)
        first.attempts += 1
        pause = self._pause(first, outcome)
        self._record(first.alarm, _delivery(first.alarm, first.attempts, outcome, final=pause is None))
        if pause is None:
            self._finish(line)
        elif pause:
            self._delays.start(pause, lambda: self._wake(line))
        else:
            self._wake(line, coming=1)

    @contextmanager
    def _beside(self, mishap: Mishap | None) -> Iterator[None]:
        """A sender that sends slowly on purpose is one beside the others, and takes no place of theirs."""
        if mishap is None or not mishap.drip:
            yield
            return
        with self._changed:
            self._workers += 1
        try:
            yield
        finally:
            with self._changed:
                self._workers -= 1

    def _pause(self, first: _Queued, outcome: Outcome) -> timedelta | None:
        """How long to wait for another attempt; None for no other."""
        if outcome.stale and first.renewals < _RENEWALS:
            first.renewals += 1
            return timedelta(0)
        if outcome.taken or outcome.refused or first.pauses >= len(self._policy.delays):
            return None
        first.pauses += 1
        return self._policy.delays[first.pauses - 1]

    def _finish(self, line: _Line) -> None:
        """The line's first alarm is done with."""
        done = line.queued[0]
        with self._changed:
            line.queued.popleft()
            if not line.queued:
                del self._lines[line.key]
            elif not self._abandoned:
                self._make_ready(line, coming=1)
        _call(self._on_idle, done.alarm.session_id)

    # -- reports -----------------------------------------------------------------------------------------------------

    def _record(self, alarm: Alarm, delivery: Delivery) -> None:
        if self._abandoned:
            return
        try:
            self._on_delivery(alarm, delivery)
        except Exception:
            _log.exception("the delivery of alarm %s could not be recorded", alarm.notification)


def _delivery(alarm: Alarm, attempt: int, outcome: Outcome, *, final: bool) -> Delivery:
    return Delivery(
        alarm_id=alarm.alarm_id,
        url=alarm.url,
        notification=alarm.notification,
        state=alarm.state,
        attempt=attempt,
        status=outcome.status,
        error=outcome.error,
        latency=outcome.latency,
        body=alarm.body.decode("utf-8", "replace"),
        final=final,
        fault=alarm.fault,
    )


def _call(listener: OnTraffic | None, session_id: str | None) -> None:
    """A sender outlives whatever its listeners do."""
    if listener is not None and session_id is not None:
        try:
            listener(session_id)
        except Exception:
            _log.exception("a listener to the traffic of alarms failed")
