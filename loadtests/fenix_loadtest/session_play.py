"""One session after another, each played to its end: its alarms become work for the users, its replies are checked."""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import gevent
from gevent.queue import Empty, Queue

from fenix_contract.alarm import AlarmMessage
from fenix_contract.vocabulary import FINAL_STATES, REPLY_STATES, AlarmState, State
from fenix_loadtest.admin import SetUpError
from fenix_loadtest.replies import reply_body
from fenix_loadtest.visits import Ask, Fate, Stay
from fenix_vnfm.client import listed_instances
from fenix_vnfm.receiver import ReceivedAlarm

if TYPE_CHECKING:
    from fenix_loadtest.stage import Stage

#: Seconds between two looks at a session's state: the first, and the longest.
_FIRST_LOOK: Final = 0.05
_LONGEST_LOOK: Final = 0.5
#: Seconds that a session is given after a reply was repeated, to see whether it was that one that it missed.
_PROBE: Final = 1.0
_AFTER_TROUBLE: Final = 0.5


class SessionPlay:
    """Plays sessions until the stage stops; each is deleted at its end."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._inbox: Queue[Any] = Queue()
        self._session_id = ""
        self._begins = 0.0
        self._stay: Stay | None = None
        self._seen: set[str] = set()
        self._look_at = 0.0
        self._pause = _FIRST_LOOK

    def begin(self) -> None:
        """Start a session. Raises SetUpError."""
        self._inbox = Queue()
        self._stay, self._seen = None, set()
        self._session_id, lead = self._stage.admin.start_session(self._stage.settings.lead)
        self._begins = time.monotonic() + lead
        self._look_soon()
        self._stage.ledger.sessions += 1
        self._stage.register(self._session_id, self._inbox)

    def run(self) -> None:
        """Play the session that was begun, and then others, until the stage stops."""
        stage = self._stage
        while True:
            try:
                self._follow()
            finally:
                self._drop_stay(None)
                stage.unregister(self._session_id)
                if not stage.admin.delete_session(self._session_id):
                    stage.troubles[f"session {self._session_id} could not be deleted"] += 1
            while True:
                if stage.stopping.is_set():
                    return
                try:
                    self.begin()
                    break
                except SetUpError as error:
                    stage.troubles[str(error)] += 1
                    stage.stopping.wait(_AFTER_TROUBLE)

    # -- one session -------------------------------------------------------------------------------------------------

    def _follow(self) -> None:
        """Until the session is over, or the stage stops and the replies that were accepted have shown."""
        give_up = float("inf")
        while True:
            self._take_next()
            now = time.monotonic()
            if self._stage.drained.is_set():
                give_up = min(give_up, now + self._stage.settings.max_wait)
                if self._stay is None or not any(ask.accepted for ask in self._stay.asks.values()) or now >= give_up:
                    return
                self._answer_rest(self._stay)
            elif self._stay is not None:
                self._release_last(self._stay, now)
            if now >= self._look_at and self._is_worth_a_look(now) and self._look(now):
                return

    def _is_worth_a_look(self, now: float) -> bool:
        """Whether the session may have gone on: not while replies to it are still to be sent."""
        return self._stay is None or self._stay.is_complete or now >= self._stay.window_end

    def _take_next(self) -> None:
        wait = max(0.0, self._look_at - time.monotonic())
        stay = self._stay
        if stay is not None and not stay.is_complete:
            held = stay.held_until - time.monotonic()
            wait = min(0.25, held) if held > 0 else 0.25
        try:
            item = self._inbox.get(timeout=max(wait, 0.001))
        except Empty:
            return
        if item is not None:
            self._take(*item)
        elif self._stay is not None and self._stay.is_complete:
            self._look_soon()

    def _take(self, received: ReceivedAlarm, now: float) -> None:
        alarm = received.message
        if alarm is None or (alarm.message_id and alarm.message_id in self._seen):
            return
        self._seen.add(alarm.message_id)
        self._look_soon()
        if alarm.state == AlarmState.INSTANCE_ACTION_DONE:
            # One that comes before the replies went out is about the round before.
            if self._stay is not None and self._stay.is_sent:
                self._stay.acts = True
            return
        if alarm.state not in REPLY_STATES or not alarm.reply_url:
            return
        stay = self._stay
        if stay is None or not stay.includes(alarm):
            if stay is not None:
                self._drop_stay(Fate.SHOWN if stay.is_sent else Fate.UNKNOWN)
            if self._stage.stopping.is_set():
                return
            stay = self._stay = self._new_stay(alarm, received.at, now)
            self._stage.open(stay)
        ask = stay.add(alarm, alarm.project_id or alarm.reply_url.rstrip("/").rpartition("/")[2], now)
        if ask is not stay.last:
            self._stage.put_wave(stay, ask)

    def _new_stay(self, alarm: AlarmMessage, at: datetime, now: float) -> Stay:
        """The window ends when the alarm says, unless that is over already: upstream computes it backwards."""
        left = (alarm.reply_at - at).total_seconds() if alarm.reply_at is not None else 0.0
        window = left if left > 0 else self._stage.settings.reply_window
        # Sessions that begin together must not go on together for ever.
        hold = min(self._stage.settings.hold * self._stage.rng.uniform(0.6, 1.4), window / 2)
        return Stay(self._session_id, alarm.state, now, now + hold, now + window, self._begins)

    def _release_last(self, stay: Stay, now: float) -> None:
        """Send the reply that was held back once the others are accepted and it has been held for long enough."""
        last = stay.last
        if last is None or now < stay.held_until or not stay.waits_for_last:
            return
        stay.is_closing = True
        self._stage.close(stay)
        if not stay.in_flight:
            self._stage.put_wave(stay, last)

    def _answer_rest(self, stay: Stay) -> None:
        """The load is over: send what is still to be replied, so that what was accepted can show."""
        self._stage.close(stay)
        for ask in stay.asks.values():
            if ask.accepted or ask.tries > 5:
                continue
            ask.is_sent, ask.tries = True, ask.tries + 1
            ids: tuple[str, ...] | None = ask.alarm.instance_id_list
            if ask.alarm.list_url is not None:
                ids = listed_instances(self._stage.admin.client.list_instances(ask.alarm.list_url))
            body = reply_body(ask.alarm, ids)
            if self._stage.admin.client.request("PUT", ask.reply_url, body).status == 200:
                self._stage.accepted(stay, ask, body)

    # -- looking whether it goes on ----------------------------------------------------------------------------------

    def _look_soon(self) -> None:
        self._pause = _FIRST_LOOK
        self._look_at = time.monotonic() + self._pause

    def _look(self, now: float) -> bool:
        """Look at the session's state; whether the session is over."""
        stay = self._stay
        state = self._state(stay.state if stay is not None else "")
        self._pause = min(self._pause * 1.5, _LONGEST_LOOK)
        self._look_at = now + self._pause
        if self._stay is not stay:
            return False
        if stay is not None:
            fate = stay.fate(state, now, self._stage.settings.patience)
            if fate is None and stay.may_be_probed(now, self._stage.settings.patience):
                self._probe(stay)
            elif fate is not None:
                self._drop_stay(fate)
        if state is None or state in FINAL_STATES:
            self._stage.ledger.done += state == State.MAINTENANCE_DONE
            self._stage.ledger.failed += state == State.MAINTENANCE_FAILED
            return True
        return False

    def _state(self, otherwise: str) -> str | None:
        return self._stage.admin.state(self._session_id, otherwise)

    def _probe(self, stay: Stay) -> None:
        """Send each reply again, one by one: the session misses the one after which it goes on.

        Where none of them helps, what remains is to see how the window ends.
        """
        stay.was_probed = True
        for ask in tuple(stay.asks.values()):
            self._stage.admin.client.request("PUT", ask.reply_url, ask.body)
            deadline = time.monotonic() + _PROBE
            while time.monotonic() < deadline:
                state = self._state(stay.state)
                if state != stay.state:
                    self._drop_stay(Fate.LOST, None if state == State.MAINTENANCE_FAILED else ask)
                    return
                gevent.sleep(_FIRST_LOOK)

    def _drop_stay(self, fate: Fate | None, culprit: Ask | None = None) -> None:
        stay, self._stay = self._stay, None
        if stay is None:
            return
        stay.is_over = True
        self._stage.close(stay)
        self._stage.ledger.settle(stay, fate, culprit)
