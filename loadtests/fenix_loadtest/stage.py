"""What a load-generating process holds on to: receiver, subscriptions, sessions, and the requests that are due.

Everything here runs in greenlets of one thread, so nothing is locked. Import locust (which makes the standard library
cooperative) before this module.
"""

from __future__ import annotations

import logging
import random
import secrets
import time
from collections import Counter, deque
from dataclasses import dataclass
from typing import Any, Final

import gevent
from gevent.event import Event
from gevent.queue import Empty, PriorityQueue, Queue

from fenix_loadtest.admin import Admin, SetUpError
from fenix_loadtest.recorder import Recorder
from fenix_loadtest.session_play import SessionPlay
from fenix_loadtest.settings import LIST, REPLY, WAVE, Settings, starts
from fenix_loadtest.visits import Ask, Ledger, Stay
from fenix_vnfm.receiver import AlarmReceiver, ReceivedAlarm

_log = logging.getLogger("fenix_loadtest")

#: The shortest sleep of the feeder in seconds, and how many requests it queues before it lets others run.
_FEED_PAUSE: Final = 0.001
_FEED_BATCH: Final = 50
#: Alarms kept until it is known whose sessions they are about.
_STRAYS: Final = 2_000
#: How long the first alarm may take at most, in seconds beyond the lead.
_FIRST_ALARM: Final = 15.0
#: Pauses between the tries of a reply that was not accepted, and how often it is tried.
RETRY_PAUSE: Final = 0.3
TRIES: Final = 3


@dataclass(slots=True, eq=False)
class Job:
    """A request, or a wave's list and reply, that was due at ``due`` (monotonic seconds).

    ``closed`` is how long in all there had been nothing to ask when it was made: such time is not the server's.
    """

    kind: str
    due: float
    closed: float = 0.0
    stay: Stay | None = None
    ask: Ask | None = None


class Stage:
    """One process's part of the run: ``sessions`` of the sessions, ``rate`` of the rate, ``number`` from 0."""

    def __init__(self, host: str, settings: Settings, sessions: int, rate: float, number: int = 0) -> None:
        self.settings = settings
        self.admin = Admin(host, settings.aodh_url, settings.token, settings.timeout)
        self.headers = {"Accept": "application/json", "User-Agent": "fenix-loadtest"}
        if settings.token:
            self.headers["X-Auth-Token"] = settings.token
        self.recorder = Recorder()
        self.reaction = Recorder()
        self.ledger = Ledger()
        self.rng = random.Random(settings.seed * 1000 + number)
        #: Set when no new work is to begin, and when the users' requests that were under way are over.
        self.stopping = Event()
        self.drained = Event()
        self.troubles: Counter[str] = Counter()
        self.started = time.monotonic()
        self.unsent = 0
        self._sessions = sessions
        self._rate = rate
        self._jobs: PriorityQueue[tuple[int, int, Job]] = PriorityQueue()
        self._number = 0
        self._open: list[Stay] = []
        self._opened = Event()
        self._first_alarm = Event()
        self._closed = 0.0
        self._closed_since = time.monotonic()
        self._busy = 0
        #: Requests that alarms asked for, and that the steady ones have not yet made way for.
        self._ahead = 0
        self._inboxes: dict[str, Queue[Any]] = {}
        self._strays: deque[ReceivedAlarm] = deque(maxlen=_STRAYS)
        self._plays: list[gevent.Greenlet[..., None]] = []
        self._feeder: gevent.Greenlet[..., None] | None = None
        self._receiver: AlarmReceiver | None = None
        self._cpu = 0.0
        self._load_begun: float | None = None
        self._is_ready = Event()
        self._measured = {"seconds": 0.0, "cpu": 0.0, "idle": 0.0}
        self._idle_before = 0.0

    # -- set up and take down ----------------------------------------------------------------------------------------

    def set_up(self) -> None:
        """Subscribe, start the sessions, and wait until the first alarm is there. Raises SetUpError."""
        try:
            self.admin.knock()
            self._receiver = AlarmReceiver(self.settings.listen, max_connections=4_096)
            # The path is a secret of this process: what an earlier run left behind is not taken for this one's.
            url = self._receiver.route(f"/load/{secrets.token_hex(8)}", self._take)
            self.admin.subscribe(self.settings.projects or (None,), url)
            for _ in range(self._sessions):
                if self.stopping.is_set():
                    return
                play = SessionPlay(self)
                play.begin()
                self._plays.append(gevent.spawn(play.run))
            patience = self.settings.lead + min(_FIRST_ALARM, self.settings.max_wait)
            if not self._first_alarm.wait(patience) and not self.stopping.is_set():
                raise SetUpError(
                    f"no alarm arrived at {url}: do the projects have instances, and can the server reach it?"
                )
        except OSError as error:
            raise SetUpError(f"alarms cannot be taken on {self.settings.listen}: {error}") from error
        finally:
            self._is_ready.set()
        self.started, self._cpu, self._idle_before = time.monotonic(), time.process_time(), self.idle
        if self._rate and self.settings.mix.is_steady:
            self._feeder = gevent.spawn(self._feed)

    def finish(self) -> None:
        """Stop the load, let the sessions show their replies, and leave nothing behind. May be called while it is set
        up; what was begun is taken away in any case."""
        seconds = time.monotonic() - self.started
        cpu = (time.process_time() - self._cpu) / max(seconds, 1e-3)
        self._measured = {"seconds": seconds, "cpu": cpu, "idle": self.idle - self._idle_before}
        self.stopping.set()
        self._first_alarm.set()
        self._is_ready.wait(self.settings.timeout * 2)
        try:
            self._stop_load()
            self.drained.set()
            gevent.joinall(self._plays, timeout=self.settings.max_wait + self.settings.timeout)
        finally:
            self._take_down()

    def hurry(self) -> None:
        """Give the sessions no more time to show their replies."""
        gevent.killall(self._plays, block=False)

    def _stop_load(self) -> None:
        if self._feeder is not None:
            self._feeder.kill()
        now = time.monotonic()
        while not self._jobs.empty():
            _, _, job = self._jobs.get_nowait()
            # What was due only just now is no sign of a backlog.
            self.unsent += job.ask is None and now - job.due - (self._closed - job.closed) > 1.0
        self._opened.set()
        deadline = now + self.settings.timeout + 1
        while self._busy and time.monotonic() < deadline:
            gevent.sleep(0.01)

    def _take_down(self) -> None:
        gevent.killall(self._plays, timeout=self.settings.timeout)
        left = self.admin.unsubscribe()
        if left:
            self.troubles[f"subscriptions that could not be taken away: {', '.join(left)}"] += 1
        if self._receiver is not None:
            self._receiver.close()
        self.admin.close()

    # -- alarms ------------------------------------------------------------------------------------------------------

    def _take(self, alarm: ReceivedAlarm) -> None:
        self._first_alarm.set()
        inbox = self._inboxes.get(alarm.session_id)
        if inbox is None:
            self._strays.append(alarm)
        else:
            inbox.put((alarm, time.monotonic()))

    def register(self, session_id: str, inbox: Queue[Any]) -> None:
        """Alarms of the session go there from now on; those that were faster than the answer to its start too."""
        self._inboxes[session_id] = inbox
        now = time.monotonic()
        for alarm in [one for one in self._strays if one.session_id == session_id]:
            self._strays.remove(alarm)
            inbox.put((alarm, now))

    @property
    def idle(self) -> float:
        """For how many seconds there was nothing to ask in all."""
        return self._closed + (0.0 if self._open else time.monotonic() - self._closed_since)

    def unregister(self, session_id: str) -> None:
        """Nobody listens for the session any more."""
        self._inboxes.pop(session_id, None)

    # -- what may be asked -------------------------------------------------------------------------------------------

    def open(self, stay: Stay) -> None:
        """Steady requests may go to the stay."""
        if not self._open:
            self._closed += time.monotonic() - self._closed_since
        self._open.append(stay)
        self._opened.set()

    def close(self, stay: Stay) -> None:
        """Steady requests must not go to it any more; those that are on their way may still be."""
        if stay not in self._open:
            return
        self._open.remove(stay)
        if not self._open:
            self._closed_since = time.monotonic()
            self._opened.clear()

    def put_wave(self, stay: Stay, ask: Ask) -> None:
        """A project reacts to its alarm as soon as a user is free."""
        ask.is_due = True
        if self.stopping.is_set():
            return
        self._put(0, Job(WAVE, time.monotonic(), stay=stay, ask=ask))
        self._ahead += 1 if ask.alarm.list_url is None else 2
        self._opened.set()

    def _put(self, priority: int, job: Job) -> None:
        self._number += 1
        self._jobs.put((priority, self._number, job))

    # -- users -------------------------------------------------------------------------------------------------------

    def next_job(self) -> Job | None:
        """What a user does next, waited for; None where it may look again. A job must be given back by ``done``."""
        if self.stopping.is_set():
            gevent.sleep(0.05)
            return None
        if self._load_begun is None:
            self._load_begun = time.monotonic()
        is_closed_loop = self.settings.mix.is_steady and not self._rate
        job = self._next_closed() if is_closed_loop else self._next_open_loop()
        if job is not None:
            # Alarms may come while users are still being spawned: that is not the server's time.
            job.due = max(job.due, self._load_begun)
            self._busy += 1
        return job

    def _next_open_loop(self) -> Job | None:
        try:
            entry = self._jobs.get(timeout=0.5)
        except Empty:
            return None
        job = entry[2]
        if self.stopping.is_set():
            return None
        if job.ask is not None or self._open:
            return self._aimed(job)
        self._jobs.put(entry)
        self._await_open()
        return None

    def _next_closed(self) -> Job | None:
        think = self.settings.think
        try:
            _, _, job = self._jobs.get(timeout=think) if think else self._jobs.get_nowait()
        except Empty:
            if self.stopping.is_set():
                return None
            if not self._open:
                self._await_open()
                return None
            return self._aimed(Job(self.settings.mix.pick(self.rng), time.monotonic(), self._closed))
        return None if self.stopping.is_set() else job

    def _await_open(self) -> None:
        """Wait a little for something to ask, or for an alarm."""
        self._opened.clear()
        self._opened.wait(0.25)

    def _aimed(self, job: Job) -> Job | None:
        """The steady job with a stay and an ask chosen for it; a repeat that is possible nowhere becomes a list."""
        if job.ask is not None:
            return job
        job.due += self._closed - job.closed
        stay = self.rng.choice(self._open)
        if job.kind == REPLY:
            job.ask = stay.repeated
            if job.ask is None:
                others = [one for one in self._open if one.repeated is not None]
                stay = self.rng.choice(others) if others else stay
                job.ask = stay.repeated
        if job.ask is None:
            job.kind = LIST
            asks = [ask for ask in stay.asks.values() if ask.alarm.list_url is not None]
            if not asks:
                return None
            job.ask = self.rng.choice(asks)
        job.stay = stay
        stay.in_flight += 1
        return job

    def done(self, job: Job) -> None:
        """The job's requests are over."""
        self._busy -= 1
        if job.kind != WAVE and job.stay is not None:
            job.stay.in_flight -= 1
            if not job.stay.in_flight and job.stay.is_closing:
                self.wake(job.stay)

    def accepted(self, stay: Stay, ask: Ask, body: bytes) -> None:
        """A reply that counts was answered 200."""
        if not ask.accepted:
            ask.body = body
            self.ledger.accepted += 1
            # The next alarm may have been faster than the answer to the last reply.
            self.ledger.shown += stay.is_over
        stay.note_accepted(ask, time.monotonic())
        self.wake(stay)

    def refused(self, stay: Stay, ask: Ask) -> None:
        """A reply that counts was not answered 200: it is sent again a little later, a few times."""
        ask.tries += 1
        if ask.tries < TRIES and not stay.is_over:
            gevent.spawn_later(RETRY_PAUSE, self.put_wave, stay, ask)

    def wake(self, stay: Stay) -> None:
        """Let the session's play look at its stay."""
        inbox = self._inboxes.get(stay.session_id)
        if inbox is not None:
            inbox.put(None)

    # -- the open loop -----------------------------------------------------------------------------------------------

    def _feed(self) -> None:
        """Put each steady request into the queue when it is due, whatever became of those before it.

        Requests that alarms asked for are part of the rate: as many steady ones are left out. While no session awaits
        anything there is nothing to ask: the schedule stands still for that long.
        """
        begun = time.monotonic()
        for number, offset in enumerate(starts(self._rate, self.settings.arrivals, self.rng), 1):
            while (wait := begun + offset - time.monotonic()) > 0:
                gevent.sleep(max(wait, _FEED_PAUSE))
            closed = self._closed
            while not self._open:
                self._await_open()
            begun += self._closed - closed
            if self._ahead:
                self._ahead -= 1
            else:
                self._put(1, Job(self.settings.mix.pick(self.rng), begun + offset, self._closed))
            if number % _FEED_BATCH == 0:
                gevent.sleep(0)

    # -- the result --------------------------------------------------------------------------------------------------

    def result(self) -> dict[str, Any]:
        """What the process has to say at its end, in a form that any encoding carries."""
        ledger = self.ledger
        return {
            **self._measured,
            "requests": self.recorder.as_plain(),
            "reaction": self.reaction.as_plain(),
            "unsent": self.unsent,
            "troubles": list(self.troubles.items()),
            "losses": [[one.session_id, one.state, list(one.projects), one.certain] for one in ledger.losses],
            "replies": {name: getattr(ledger, name) for name in REPLY_COUNTS},
            "sessions": {"begun": ledger.sessions, "done": ledger.done, "failed": ledger.failed},
        }


#: The counts of a ledger that are in the report.
REPLY_COUNTS: Final = ("accepted", "once", "repeats", "shown", "unknown", "undecided")
