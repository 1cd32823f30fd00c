"""The laboratory: everything that a run holds on to, and takes away again at its end.

It owns the alarm receiver, the subscriptions and the sessions that the suite started, and sorts the alarms that arrive
into the traces of their sessions.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from fenix_conformance.server.exchange import Client, Exchange, Unreachable
from fenix_conformance.server.options import Options
from fenix_conformance.server.receiver import Arrival, Receiver
from fenix_conformance.server.sighting import Sighting
from fenix_conformance.server.surfaces import Admin, Aodh
from fenix_conformance.server.trace import Ask, Trace
from fenix_contract.vocabulary import EventType

#: What a project is subscribed for: the first is in upstream's code, the second in its documents.
EVENT_TYPES: Final = (EventType.SCHEDULED, EventType.PLANNED)


class Missing(Exception):
    """The server under test lacks something, so a play could not begin; the message says what."""

    def __init__(self, message: str, exchange: Exchange | None = None) -> None:
        super().__init__(message)
        self.exchange = exchange


class Interrupted(Exception):
    """The run was told to stop."""


class Lab:
    """One run's means. Use as a context manager: leaving it cleans up, whatever happened."""

    def __init__(self, options: Options, tell: Callable[[str], None] = lambda _: None) -> None:
        self.options = options
        self.tell = tell
        self.client = Client(options.token, timeout=max(10.0, min(30.0, options.max_wait)))
        self.admin = Admin(self.client, options.root)
        self.aodh = Aodh(self.client, options.alarm_root)
        self.interrupted = threading.Event()
        self.projects: tuple[str, ...] = options.projects
        #: Every alarm that arrived, repeats included, in order.
        self.sightings: list[Sighting] = []
        #: Seconds that the server took to go on after the last acknowledgement, as measured so far.
        self.pace = 0.0
        #: The longest that an answer on the project API took so far, in seconds.
        self.slowest = 0.0
        #: Seconds from the first project's alarm of a state to the last one's, as seen in a whole session.
        self.spread = 0.0
        #: Whether a session was seen that did not go on although everybody had acknowledged.
        self.is_stuck = False
        #: How far ahead of now maintenance_at is put, in seconds.
        self.lead = options.lead
        self._lock = threading.Condition()
        self._traces: dict[str, Trace] = {}
        self._active: set[str] = set()
        self._strays: list[Sighting] = []
        self._alarms: dict[str | None, list[str]] = {}
        self._hear: dict[str, Callable[[Ask], None]] = {}
        self._receiver: Receiver | None = None
        self._urls: dict[str, str] = {}

    def __enter__(self) -> Lab:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- the server

    def knock(self) -> None:
        """See whether anybody answers at all; raises Unreachable."""
        for root in dict.fromkeys((self.options.root, self.options.alarm_root)):
            exchange = self.client.send("GET", f"{root}/v1/maintenance", note="is anybody there", timeout=10)
            if exchange.status is None:
                raise Unreachable(f"{root} could not be reached: {exchange.error}")
        # How long an answer of the project API takes decides how much fits into a window.
        nowhere = f"{self.options.root}/v1/maintenance/{uuid.uuid4()}/{uuid.uuid4().hex}"
        self.slowest = self.client.send("GET", nowhere, note="how long an answer takes", timeout=10).seconds

    @property
    def patience(self) -> float:
        """How long a session is given to go on; short once it is known that sessions do not."""
        return min(2.0, self.options.max_wait) if self.is_stuck else self.options.max_wait

    @property
    def receiver(self) -> Receiver:
        """Started when it is first needed."""
        if self._receiver is None:
            self._receiver = Receiver(self._deliver, self.options.listen)
        return self._receiver

    # -- subscriptions

    def subscribe(self, project: str | None) -> None:
        """Subscribe a project (None: every project that the server lets us see); raises Missing when it is refused."""
        name = project or ""
        if name not in self._urls:
            self._urls[name] = self.receiver.url_for(name)
        for event_type in EVENT_TYPES:
            alarm_id, exchange = self.aodh.subscribe(project, event_type, self._urls[name])
            if alarm_id is None:
                raise Missing(
                    f"the project could not be subscribed: POST {exchange.url} was answered {exchange.outcome}",
                    exchange,
                )
            self._alarms.setdefault(project, []).append(alarm_id)

    def unsubscribe(self, project: str | None) -> None:
        """Take a project's subscriptions away."""
        for alarm_id in self._alarms.pop(project, []):
            self.aodh.unsubscribe(alarm_id)

    # -- sessions

    def start(
        self, name: str, hear: Callable[[Ask], None] = lambda _: None, metadata: Mapping[str, str] | None = None
    ) -> Trace:
        """Start a session whose new asks go to ``hear``; raises Missing when the server does not start one.

        A server that takes one session at a time refuses while another is under way: then it is tried again when the
        others are over.
        """
        plain = {"started_by": "fenix-conformance", "play": name}
        session_id, exchange, due = self._create({**plain, **(metadata or {})})
        if session_id is None and exchange.is_refused and metadata:
            session_id, exchange, due = self._create(plain)
        if session_id is None and exchange.is_refused and self._active:
            with self._lock:
                self._lock.wait_for(lambda: not self._active or self.interrupted.is_set(), self.options.max_wait)
            session_id, exchange, due = self._create(plain)
        if session_id is None and exchange.is_refused and self.lead < 1:
            # Perhaps it wants more notice than a moment.
            self.lead = min(self.options.window + 5, self.options.max_wait / 2)
            session_id, exchange, due = self._create(plain)
        if session_id is None:
            raise Missing(f"no session could be started: POST {exchange.url} was answered {exchange.outcome}", exchange)
        trace = Trace(name, session_id, exchange, due)
        with self._lock:
            self._traces[session_id] = trace
            self._active.add(session_id)
            self._hear[session_id] = hear
            early = [one for one in self._strays if session_id in (one.session_id, (one.link_ids or ("",))[0])]
            self._strays = [one for one in self._strays if one not in early]
        for sighting in early:
            self._sort(sighting, trace)
        return trace

    def _create(self, metadata: Mapping[str, str]) -> tuple[str | None, Exchange, float]:
        if self.interrupted.is_set():
            raise Interrupted
        # The wire has whole seconds.
        moment = datetime.now(UTC) + timedelta(seconds=self.lead)
        at = moment.replace(microsecond=0) + timedelta(seconds=1 if moment.microsecond else 0)
        due = time.monotonic() + (at - datetime.now(UTC)).total_seconds()
        session_id, exchange = self.admin.create(at, metadata)
        return session_id, exchange, due

    def finish(self, trace: Trace) -> None:
        """Delete a session that was started here."""
        with self._lock:
            if trace.session_id not in self._active:
                return
        self.admin.delete(trace.session_id)
        with self._lock:
            self._active.discard(trace.session_id)
            self._lock.notify_all()

    # -- alarms

    def _deliver(self, arrival: Arrival) -> None:
        sighting = Sighting(arrival, self.receiver.url_of(arrival))
        with self._lock:
            self.sightings.append(sighting)
            trace = self._trace_of(sighting)
            if trace is None:
                self._strays.append(sighting)
                return
        self._sort(sighting, trace)

    def _trace_of(self, sighting: Sighting) -> Trace | None:
        """By the trait, else by the links, else because no other session is under way."""
        linked = sighting.link_ids[0] if sighting.link_ids else ""
        for session_id in (sighting.message.session_id, linked):
            if session_id in self._traces:
                return self._traces[session_id]
        if len(self._active) == 1 and not sighting.session_id:
            return self._traces[next(iter(self._active))]
        return None

    def _sort(self, sighting: Sighting, trace: Trace) -> None:
        ask = trace.take(sighting, sighting.window(self.options.window))
        if ask is not None:
            self._hear[trace.session_id](ask)

    @property
    def strays(self) -> Sequence[Sighting]:
        """Alarms that belong to no session of this run, as far as they tell."""
        with self._lock:
            return tuple(self._strays)

    @property
    def traces(self) -> Sequence[Trace]:
        """Every session that was started, in order."""
        with self._lock:
            return tuple(self._traces.values())

    # -- the end

    def interrupt(self) -> None:
        """Make every wait end soon."""
        self.interrupted.set()
        with self._lock:
            self._lock.notify_all()
        for trace in self.traces:
            trace.touch()

    def close(self) -> None:
        """Delete the sessions that are left, take the subscriptions away and stop listening."""
        for trace in self.traces:
            self.finish(trace)
        for project in list(self._alarms):
            self.unsubscribe(project)
        if self._receiver is not None:
            self._receiver.close()
            self._receiver = None
