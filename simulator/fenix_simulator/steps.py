"""Takes sessions on: what they decide goes into the journal, is applied, and has its effects, until they wait again.

Whoever calls holds the session's lock. Nothing is sent here: alarms are handed to the sink's queues.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import timedelta

from fenix_simulator.cloud_keeper import CLOUD_EVENTS, CloudKeeper
from fenix_simulator.domain import messages as m
from fenix_simulator.domain.session import Session
from fenix_simulator.notifier import Notified, Notifier, Untold
from fenix_simulator.ports import Clock, Entry, Journal, JournalError, Timers
from fenix_simulator.running import Running, session_entry

_log = logging.getLogger(__name__)

#: How long after a journal that could not be written a session's own step is tried again.
AGAIN = timedelta(seconds=1)
#: The wait for that; sessions number theirs from 1.
_NO_TIMER = 0


class Steps:
    """The way of every event of every session."""

    def __init__(self, journal: Journal, clock: Clock, keeper: CloudKeeper, notifier: Notifier, timers: Timers) -> None:
        self._journal = journal
        self._clock = clock
        self._keeper = keeper
        self._notifier = notifier
        self._timers = timers

    def commit(self, running: Running, events: list[m.Event], along: Sequence[Entry] = ()) -> None:
        """Journal and apply what was decided, and carry on until the session waits again.

        The entries ``along`` are written behind the events, where there are any. Raises JournalError where these could
        not be written, and has then changed nothing.
        """
        if events:
            self._take(running, events, along)
        self.lead_on(running)

    def lead_on(self, running: Running) -> None:
        """Let the session take its own steps until it waits, or until the journal refuses one: then a little later."""
        try:
            while events := running.session.proceed(self._clock.now()):
                self._take(running, events)
        except JournalError as error:
            self.try_again(running, _NO_TIMER, error)

    def try_again(self, running: Running, timer: int, error: JournalError) -> None:
        """Let the wait end once more, after a while: the journal refused what came of its end."""
        session_id = running.session.session_id
        if not running.held_up:
            running.held_up = True
            again = AGAIN.total_seconds()
            _log.error("session %s cannot go on, and tries again every %g s: %s", session_id, again, error.message)
        self._timers.start(session_id, timer, m.TimerKind.WINDOW, AGAIN)

    def _take(self, running: Running, events: list[m.Event], along: Sequence[Entry] = ()) -> None:
        at = self._clock.now()
        entries = [*(session_entry(running.session.session_id, event) for event in events), *along]
        if any(isinstance(event, CLOUD_EVENTS) for event in events):
            with self._keeper.lock:
                self._journal.append(entries, at)
                for event in events:
                    if isinstance(event, CLOUD_EVENTS):
                        self._keeper.apply(event)
        else:
            self._journal.append(entries, at)
        if running.held_up:
            running.held_up = False
            _log.warning("session %s goes on", running.session.session_id)
        for event in events:
            self.apply(running, event)

    def apply(self, running: Running, event: m.Event) -> None:
        """Apply an event that is in the journal, and let its effects begin."""
        running.session.apply(event)
        self._effect(running, event)

    def _effect(self, running: Running, event: m.Event) -> None:
        session = running.session
        match event:
            case m.TimerStarted(timer, _, kind, duration):
                self._timers.start(session.session_id, timer, kind, duration)
            case m.TimerStopped(timer):
                self._timers.stop(session.session_id, timer)
            case m.StateEntered():
                running.lists.clear()
                if session.is_over:
                    self._timers.forget(session.session_id)
                    session.cloud = self._keeper.cloud
            case m.ProjectNotified():
                running.lists.pop(event.project_id, None)
                self._notifier.tell(session.session_id, session.metadata, event)
            case m.HostMaintenanceStarted() | m.HostMaintained():
                self._notifier.tell(session.session_id, session.metadata, event)
            case m.ReplyAccepted() | m.InstanceMoved() | m.InstanceRemoved():
                running.lists.pop(event.project_id, None)
            case m.InstanceAdded(instance):
                running.lists.pop(instance.project_id, None)
            case _:
                pass

    def tell_again(self, session: Session, untold: Sequence[Untold]) -> None:
        """After a restart: tell what may not have been told, where it still matters."""
        for one in untold:
            if _is_still_news(session, one.event):
                self._notifier.tell(session.session_id, session.metadata, one.event, one.heard_by)


def _is_still_news(session: Session, event: Notified) -> bool:
    if not isinstance(event, m.ProjectNotified) or event.reply_at is None:
        return True
    ask = session.ask
    told = ask.told.get(event.project_id) if ask is not None and not session.is_over else None
    if ask is None or told is None or ask.state.value != event.state.value:
        return False
    return event.instance_ids == told.asked[: len(event.instance_ids)] and not told.replied()
