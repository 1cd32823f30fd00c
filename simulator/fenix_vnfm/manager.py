"""A project manager that can be scripted: takes a project's alarms, fetches the list, decides, replies, and acts.

Each alarm goes alarm → list → decision → (instances given up) → reply → (instances moved or added again). Sessions
have threads of their own, so they never wait for each other; the alarms of one session are handled in order.
"""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Self
from urllib.parse import quote

from fenix_contract.alarm import AlarmMessage
from fenix_contract.vocabulary import REPLY_STATES, AlarmState, EventType
from fenix_vnfm.client import FenixClient
from fenix_vnfm.cloud import Cloud, CloudClient
from fenix_vnfm.conduct import Conduct, Means, Task
from fenix_vnfm.events import OUTCOMES, EventKind, EventLog, ManagerEvent
from fenix_vnfm.finder import FindCloud
from fenix_vnfm.memory import SessionMemory
from fenix_vnfm.persistence import Pause
from fenix_vnfm.policy import Policy
from fenix_vnfm.receiver import AlarmReceiver, ReceivedAlarm, utc_now
from fenix_vnfm.subscribe import subscribe, unsubscribe
from fenix_vnfm.threads import KeyedThreads

_logger = logging.getLogger("fenix_vnfm.manager")
_SESSIONS_REMEMBERED = 1_000


class ProjectManager:
    """The manager of a project, listening from its creation until ``close``; usable as a context manager.

    ``project_id`` None takes the alarms of every project that come to its URL. ``receiver`` is shared with others (the
    manager takes ``path`` on it) or, when None, its own. ``cloud`` or ``control_url`` is where instances are removed,
    added and moved; without one nothing can be given up and OWN_ACTION cannot be promised. ``cloud`` may be a function
    that gives the cloud for a reply's URL, or None, such as a ``CloudFinder``; where that finds none, SCALE_IN is
    refused. ``on_event`` is called for each event on the thread where it happens. ``now`` and ``pause`` are the clock
    and the wait used between tries.

    ``conduct`` is how alarms are handled; another one gives the manager other manners. ``on_leave`` is called where it
    makes the manager stop taking alarms.
    """

    def __init__(
        self,
        project_id: str | None = None,
        policy: Policy = Policy(),
        *,
        receiver: AlarmReceiver | None = None,
        path: str | None = None,
        token: str | None = None,
        client: FenixClient | None = None,
        cloud: Cloud | FindCloud | None = None,
        control_url: str | None = None,
        on_event: Callable[[ManagerEvent], None] | None = None,
        now: Callable[[], datetime] = utc_now,
        pause: Pause | None = None,
        conduct: type[Conduct] = Conduct,
        on_leave: Callable[[], None] | None = None,
        keep: int = 10_000,
    ) -> None:
        self.project_id = project_id
        self.policy = policy
        self.client = client or FenixClient(token=token, timeout=policy.request_timeout)
        self._token = token
        self._closing = threading.Event()
        self._log = EventLog(now, on_event, keep)
        self._own_cloud = CloudClient(control_url, token=token) if control_url and cloud is None else None
        means = Means(
            policy=policy,
            client=self.client,
            cloud=self._own_cloud if cloud is None or callable(cloud) else cloud,
            find_cloud=cloud if callable(cloud) else None,
            log=self._log,
            now=now,
            pause=pause or (lambda length: self._closing.wait(length.total_seconds())),
            leave=self._leave,
        )
        self._conduct = conduct(means)
        self._memories: OrderedDict[tuple[str, str], SessionMemory] = OrderedDict()
        self._lock = threading.Lock()
        self._subscriptions: list[tuple[str, str]] = []
        self._threads: KeyedThreads[Task] = KeyedThreads(self._work)
        self._owns_receiver = receiver is None
        self.receiver = receiver or AlarmReceiver(now=now)
        self._path = path or (f"/maintenance/{quote(project_id, safe='')}" if project_id else "/maintenance")
        self._on_leave = on_leave
        self.alarm_url = self.receiver.route(
            self._path,
            lambda alarm: self._conduct.answer(alarm, self._take),
            inline=policy.inline or conduct.answers_itself,
        )
        self._log.add(EventKind.LISTENING, f"takes alarms at {self.alarm_url}", url=self.alarm_url)

    # -- what others may watch ---------------------------------------------------------------------------------------

    @property
    def events(self) -> tuple[ManagerEvent, ...]:
        """What the manager did and saw, oldest first (the newest ``keep``)."""
        return self._log.events

    @property
    def event_count(self) -> int:
        """The number of the newest event."""
        return self._log.count

    def wait_for(
        self, predicate: Callable[[ManagerEvent], bool], timeout: float = 5.0, *, after: int = 0
    ) -> ManagerEvent:
        """The first event with a number greater than ``after`` for which ``predicate`` holds, as soon as it is there.
        ``timeout`` is in seconds. Raises TimeoutError that says what did happen."""
        return self._log.wait_for(predicate, timeout, after=after)

    def wait_for_outcome(
        self, state: str, timeout: float = 5.0, *, session_id: str | None = None, after: int = 0
    ) -> ManagerEvent:
        """The event with which the handling of an alarm for ``state`` ended: a reply, a refusal, silence, …"""
        return self.wait_for(
            lambda event: event.state == state and event.kind in OUTCOMES and session_id in (None, event.session_id),
            timeout,
            after=after,
        )

    # -- subscribing and life ----------------------------------------------------------------------------------------

    def subscribe(
        self, aodh_url: str, event_types: Sequence[str] = (EventType.SCHEDULED, EventType.PLANNED)
    ) -> tuple[str, ...]:
        """Subscribe the manager's URL at Aodh's API, once per type of event; gives the alarm ids. ``close`` takes the
        subscriptions away. Raises SubscriptionError."""
        made = []
        for event_type in event_types:
            alarm_id = subscribe(aodh_url, self.project_id, self.alarm_url, self._token, event_type=event_type)
            self._subscriptions.append((aodh_url, alarm_id))
            made.append(alarm_id)
            self._log.add(
                EventKind.SUBSCRIBED, f"subscribed for {event_type}", alarm_id=alarm_id, event_type=event_type
            )
        return tuple(made)

    def close(self, timeout: float = 5.0) -> None:
        """Unsubscribe and stop: no further alarm is taken, pauses end, running work is waited for (in seconds)."""
        if self._closing.is_set():
            return
        self._closing.set()
        for aodh_url, alarm_id in self._subscriptions:
            gone = unsubscribe(aodh_url, alarm_id, self._token)
            text = "unsubscribed" if gone else "could not unsubscribe"
            self._log.add(EventKind.UNSUBSCRIBED if gone else EventKind.ERROR, text, alarm_id=alarm_id)
        self.receiver.unroute(self._path)
        self._threads.close(timeout)
        if self._owns_receiver:
            self.receiver.close()
        self.client.close()
        if self._own_cloud is not None:
            self._own_cloud.close()

    def _leave(self) -> None:
        """Take no further alarm, as if the manager were gone."""
        if self._owns_receiver:
            self.receiver.close()
        else:
            self.receiver.unroute(self._path)
        if self._on_leave is not None:
            self._on_leave()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # -- taking alarms -----------------------------------------------------------------------------------------------

    def _take(self, alarm: ReceivedAlarm) -> None:
        """Judge an alarm on the receiver's thread, and queue it where it asks for a reply."""
        message = alarm.message
        if message is None:
            return
        project_id = message.project_id or self.project_id or ""
        about = {"project_id": project_id, "session_id": message.session_id, "state": message.state}
        if message.state == AlarmState.INSTANCE_ACTION_DONE:
            ids = message.instance_id_list
            self._log.add(EventKind.ACTION_DONE, f"{', '.join(ids)} moved by Fenix", **about, instance_ids=list(ids))
            return
        if reason := self._reason_to_ignore(message, project_id):
            self._log.add(EventKind.IGNORED, f"nothing to do: {reason}", **about)
            return
        allowed = list(message.allowed_actions)
        text = f"alarm {message.event_type}{', allowed: ' if allowed else ''}{', '.join(allowed)}"
        self._log.add(EventKind.ALARM, text, **about, message_id=message.message_id, allowed_actions=allowed)
        deadline = message.reply_at
        if deadline is None or deadline <= alarm.at:
            # Upstream computes reply_at backwards: one that has passed already says nothing about the window.
            deadline = alarm.at + self.policy.window
        task = Task(message, project_id, self._memory(message.session_id, project_id), deadline)
        if self._threads.submit((message.session_id, project_id), task) and self.policy.inline:
            task.done.wait()

    def _reason_to_ignore(self, message: AlarmMessage, project_id: str) -> str | None:
        if message.event_type == EventType.HOST:
            return "it is for administrators"
        if message.state not in REPLY_STATES:
            return f"{message.state or 'no state'} asks for no reply that is known"
        if self.project_id is not None and project_id != self.project_id:
            return f"it is for project {project_id}"
        if not message.reply_url:
            return "it has no reply_url"
        return None

    def _memory(self, session_id: str, project_id: str) -> SessionMemory:
        with self._lock:
            memory = self._memories.setdefault((session_id, project_id), SessionMemory())
            self._memories.move_to_end((session_id, project_id))
            while len(self._memories) > _SESSIONS_REMEMBERED:
                self._memories.popitem(last=False)
        return memory

    def _work(self, task: Task) -> None:
        try:
            with task.memory.lock:
                self._conduct.handle(task)
        except Exception as error:
            _logger.exception("the alarm could not be handled")
            self._log.add(EventKind.ERROR, f"the alarm could not be handled: {error!r}", **task.about)
        finally:
            task.done.set()
