"""Runs the sessions' waits: in wall time, faster, by jumps, or by hand (see ``clock.Pace``)."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from fenix_simulator.adapters.clock import ManualClock, Pace, TimeMode
from fenix_simulator.adapters.lane import Lane
from fenix_simulator.adapters.timer_heap import TimerHeap, Wait
from fenix_simulator.adapters.workers import KeyedWorkers
from fenix_simulator.domain.errors import MaintenanceError
from fenix_simulator.domain.messages import TimerKind
from fenix_simulator.ports import Clock

_log = logging.getLogger(__name__)

#: Seconds that the thread sleeps at most; a condition's wait refuses centuries.
_LONGEST_SLEEP = 86_400.0
_END_OF_TIME = datetime.max.replace(tzinfo=UTC)


class ClockNotManual(MaintenanceError):
    """The clock can only be advanced in the ``manual`` mode (409)."""


@dataclass(frozen=True, slots=True)
class DueTimer:
    """A running wait. ``due`` is when it will end, aware UTC; None where that is as soon as the session's deliveries
    are done (``auto``)."""

    session_id: str
    timer: int
    kind: TimerKind
    due: datetime | None


class Ticker:
    """Implements ``ports.Timers``; ``fire(session_id, timer)`` is called when a wait ends, and may start others.

    Two fires of one session never run at once, and a slow session delays no other. A fire that raises is logged. One
    that was on its way when its wait was stopped still comes: the core passes over what it no longer awaits.

    In ``auto`` a wait of the infrastructure ends at once, but not while the session is held; each ``hold`` counts
    for ``patience`` at most, so that a subscriber that hangs cannot stop a session.
    """

    def __init__(
        self,
        mode: TimeMode,
        clock: Clock,
        fire: Callable[[str, int], None],
        *,
        patience: timedelta = timedelta(seconds=1),
        workers: int = 32,
    ) -> None:
        """``clock`` must be a ManualClock in the mode ``manual`` (ValueError)."""
        if mode.pace is Pace.MANUAL and not isinstance(clock, ManualClock):
            raise ValueError("the mode manual needs a clock that can be moved")
        self._mode = mode
        self._clock = clock
        self._fire = fire
        self._patience = patience.total_seconds()
        self._changed = threading.Condition(threading.Lock())
        self._lanes: dict[str, Lane] = {}
        self._wall: TimerHeap[float] = TimerHeap()
        self._by_hand: TimerHeap[datetime] = TimerHeap()
        self._advancing = threading.Lock()
        self._workers = KeyedWorkers(self._fire_next, limit=workers, name="ticker-worker")
        self._thread: threading.Thread | None = None
        self._sleeps_until = 0.0
        self._closed = False

    def start(self, session_id: str, timer: int, kind: TimerKind, duration: timedelta) -> None:
        """Begin a wait; one of that number that still runs is replaced. Does nothing when closed."""
        infrastructure = kind is TimerKind.INFRASTRUCTURE
        seconds = duration.total_seconds()
        with self._changed:
            if self._closed:
                return
            lane = self._lane(session_id)
            if timer in lane.waits:
                lane.end(timer)
            if self._mode.pace is Pace.MANUAL:
                wait = Wait(session_id, timer, kind, _later(self._clock.now(), duration))
                self._by_hand.push(wait.due, wait)
            elif infrastructure and self._mode.pace is Pace.AUTO:
                wait = Wait(session_id, timer, kind, lane.elapsed + max(seconds, 0.0), jumps=True)
                self._jump(lane, wait)
            else:
                if infrastructure:
                    seconds /= self._mode.factor
                wait = Wait(session_id, timer, kind, time.monotonic() + seconds)
                self._at(wait.due, wait)
            lane.waits[timer] = wait

    def stop(self, session_id: str, timer: int) -> None:
        """End a wait before its time; one that does not run is passed over."""
        with self._changed:
            lane = self._lanes.get(session_id)
            if lane is not None and timer in lane.waits:
                lane.end(timer)
                self._tidy(session_id, lane)

    def forget(self, session_id: str) -> None:
        """Drop everything about the session."""
        with self._changed:
            lane = self._lanes.pop(session_id, None)
            if lane is not None:
                for timer in list(lane.waits):
                    lane.end(timer)

    def hold(self, session_id: str) -> None:
        """A delivery of the session begins: no jump before its ``release``, or before the patience ends."""
        if self._mode.pace is Pace.AUTO:
            with self._changed:
                self._lane(session_id).hold(time.monotonic())

    def release(self, session_id: str) -> None:
        """A delivery of the session has ended."""
        if self._mode.pace is not Pace.AUTO:
            return
        with self._changed:
            lane = self._lanes.get(session_id)
            if lane is None:
                return
            lane.release()
            if lane.held and lane.held_until(time.monotonic()) is None:
                for wait in lane.held.values():
                    self._wall.discard(wait)
                    lane.jumps.push(wait.due, wait)
                lane.held.clear()
                self._workers.wake(session_id)
            self._tidy(session_id, lane)

    def due(self, session_id: str | None = None) -> list[DueTimer]:
        """The waits that run, of one session or of all, those that end first at the front."""
        with self._changed:
            now, at = self._clock.now(), time.monotonic()
            found = []
            for one in [session_id] if session_id is not None else self._lanes:
                lane = self._lanes.get(one)
                for wait in lane.waits.values() if lane is not None else ():
                    if wait.jumps:
                        instant = None
                    elif isinstance(wait.due, datetime):
                        instant = wait.due
                    else:
                        instant = _later(now, timedelta(seconds=wait.due - at))
                    found.append(DueTimer(one, wait.timer, wait.kind, instant))
        return sorted(found, key=lambda timer: (timer.due or now, timer.session_id, timer.timer))

    def advance(self, by: timedelta) -> datetime:
        """Let ``by`` pass, see ``advance_to``."""
        return self._advance(lambda now: _later(now, by))

    def advance_to(self, instant: datetime) -> datetime:
        """Move the clock to ``instant``, firing on the way, on this thread, all waits that end until then.

        They fire in order of their ends (ties as they started), each with the clock at its end, and so do those that
        they start. Returns the clock's new time. ValueError when the instant is past, ClockNotManual in other modes.
        """
        return self._advance(lambda _: instant)

    def advance_next(self) -> datetime:
        """Advance to the end of the next wait; changes nothing when there is none."""
        return self._advance(self._next_end)

    def close(self, timeout: float = 5.0) -> None:
        """Fire nothing more, and wait up to ``timeout`` seconds for fires that run."""
        with self._changed:
            self._closed = True
            self._lanes.clear()
            self._changed.notify_all()
        self._workers.close(timeout)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    # -- with the lock held ---------------------------------------------------------------------------------------

    def _lane(self, session_id: str) -> Lane:
        lane = self._lanes.get(session_id)
        if lane is None:
            lane = self._lanes[session_id] = Lane(self._patience)
        return lane

    def _tidy(self, session_id: str, lane: Lane) -> None:
        if lane.is_empty():
            self._lanes.pop(session_id, None)

    def _jump(self, lane: Lane, wait: Wait) -> None:
        """Let the wait end now, or once the session's deliveries are done or out of patience."""
        until = lane.held_until(time.monotonic())
        if until is not None:
            lane.held[wait.timer] = wait
            self._at(until, wait)
        else:
            lane.jumps.push(wait.due, wait)
            self._workers.wake(wait.session_id)

    def _at(self, due: float, wait: Wait) -> None:
        """Have the thread see to the wait at that monotonic second."""
        self._wall.push(due, wait)
        if self._thread is None:
            self._thread = threading.Thread(target=self._tick, name="ticker", daemon=True)
            self._thread.start()
        elif due < self._sleeps_until:
            self._changed.notify()

    # -- the threads ----------------------------------------------------------------------------------------------

    def _tick(self) -> None:
        """Hands each wait to the workers when its time has come; sleeps in between."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                due = self._wall.earliest()
                if due is None or due > now:
                    sleep = _LONGEST_SLEEP if due is None else min(due - now, _LONGEST_SLEEP)
                    self._sleeps_until = now + sleep
                    self._changed.wait(sleep)
                    continue
                wait = self._wall.pop()
                lane = self._lanes.get(wait.session_id) if wait is not None else None
                if wait is None or lane is None:
                    continue
                if wait.jumps:
                    del lane.held[wait.timer]
                    wait.patient = False
                    lane.jumps.push(wait.due, wait)
                else:
                    lane.expired.append(wait)
                self._workers.wake(wait.session_id)

    def _fire_next(self, session_id: str) -> bool:
        with self._changed:
            lane = self._lanes.get(session_id)
            if lane is None:
                return False
            wait = lane.take()
            if wait is None:
                self._tidy(session_id, lane)
                return False
            if wait.jumps and wait.patient and lane.held_until(time.monotonic()) is not None:
                # A delivery began after the wait was let go.
                self._jump(lane, wait)
                return True
            lane.end(wait.timer)
        self._call(wait)
        return True

    def _advance(self, target_at: Callable[[datetime], datetime]) -> datetime:
        clock = self._clock
        if self._mode.pace is not Pace.MANUAL or not isinstance(clock, ManualClock):
            raise ClockNotManual(
                f"the clock runs by itself (time mode {self._mode})",
                expected="the time mode manual",
                hint="start the server with --time manual",
            )
        with self._advancing:
            target = target_at(clock.now())
            if target < clock.now():
                raise ValueError(f"{target.isoformat()} is past: the clock shows {clock.now().isoformat()}")
            while (wait := self._take_by_hand(target)) is not None:
                clock.advance_to(max(clock.now(), wait.due))
                self._call(wait)
            clock.advance_to(target)
            return clock.now()

    def _next_end(self, now: datetime) -> datetime:
        with self._changed:
            return max(self._by_hand.earliest() or now, now)

    def _take_by_hand(self, until: datetime) -> Wait | None:
        with self._changed:
            due = self._by_hand.earliest()
            wait = self._by_hand.pop() if due is not None and due <= until and not self._closed else None
            if wait is not None:
                lane = self._lanes[wait.session_id]
                lane.end(wait.timer)
                self._tidy(wait.session_id, lane)
            return wait

    def _call(self, wait: Wait) -> None:
        try:
            self._fire(wait.session_id, wait.timer)
        except Exception:
            _log.exception("timer %d of session %s could not be fired", wait.timer, wait.session_id)


def _later(instant: datetime, by: timedelta) -> datetime:
    """``instant + by``, held at the calendar's ends."""
    try:
        return instant + by
    except OverflowError:
        return _END_OF_TIME if by > timedelta() else datetime.min.replace(tzinfo=UTC)
