"""The Protocols that the service needs of the world, and the records that cross them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, Protocol

from fenix_simulator.domain.errors import MaintenanceError
from fenix_simulator.domain.messages import TimerKind


class JournalError(MaintenanceError):
    """A journal that cannot be opened, read or written; the message is one line for people."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the journal, as it is given to ``append`` (``number`` and ``at`` are set there).

    ``kind`` is ``event`` (a domain event), ``delivery`` (one attempt to POST an alarm), ``request`` (a request with
    the answer given), ``subscription`` (an alarm created, changed or deleted), ``cloud`` (an instance added to or
    removed from the cloud outside any session), ``fault`` (faults armed, counted, happened) or ``start`` (the server
    started). ``type`` is the event's class name or the record's. ``data`` is a frozen dataclass; its JSON form is
    what readers of the journal see.
    """

    kind: str
    type: str
    data: Any
    session_id: str | None = None
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry as it is read back; ``data`` is JSON-ready (dict of str, numbers, lists)."""

    number: int
    at: datetime
    kind: str
    type: str
    session_id: str | None
    project_id: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which entries a reader wants; an empty member means all."""

    kinds: frozenset[str] = frozenset()
    types: frozenset[str] = frozenset()
    session_id: str | None = None
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One attempt to POST an alarm. ``status`` is None where no answer came; ``latency`` is in seconds.

    ``fault`` is the number of the fault that touched the alarm (``FaultHappened`` has the same), None where none did.
    """

    alarm_id: str
    url: str
    notification: str
    state: str
    attempt: int
    status: int | None
    error: str | None
    latency: float
    body: str
    final: bool
    fault: int | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A request and the answer given. Bodies are text, cut at the journal's limit; ``latency`` is in seconds.

    ``status`` is None where the connection was closed without an answer, as a fault wanted it. ``fault`` is the number
    of the fault that touched the request (``FaultHappened`` has the same), None where none did.
    """

    method: str
    path: str
    status: int | None
    latency: float
    request_body: str
    response_body: str
    content_type: str = ""
    surface: str = "project"
    fault: int | None = None


@dataclass(frozen=True, slots=True)
class Mishap:
    """What goes wrong on the connection over which an alarm is POSTed, the first time.

    ``content_type`` is said in place of JSON's. ``drip`` is the time over which the body is spread. ``end``: the
    connection is closed in the middle of the body (``cut``), or reset behind the head (``reset``).
    """

    content_type: str | None = None
    drip: timedelta | None = None
    end: Literal["cut", "reset"] | None = None


@dataclass(frozen=True, slots=True)
class Alarm:
    """An alarm ready to be sent: the JSON bytes and where they go.

    ``key`` orders deliveries (one key is delivered in order, different keys in parallel); ``notification`` is
    ``<session_id>/<number>`` and is unique; ``trusted`` targets were given on the command line. ``fault`` is the
    number of the fault that touched it.
    """

    key: str
    alarm_id: str
    url: str
    notification: str
    state: str
    body: bytes
    request_id: str
    session_id: str | None = None
    project_id: str | None = None
    trusted: bool = False
    fault: int | None = None
    mishap: Mishap | None = None


class Clock(Protocol):
    """Tells the time that alarms and events carry."""

    def now(self) -> datetime:
        """The instant, aware UTC."""
        ...


class Timers(Protocol):
    """Runs the sessions' waits and calls ``fire(session_id, timer)`` when one ends, on a thread of its own."""

    def start(self, session_id: str, timer: int, kind: TimerKind, duration: timedelta) -> None: ...

    def stop(self, session_id: str, timer: int) -> None: ...

    def forget(self, session_id: str) -> None:
        """Drop every wait of the session."""
        ...


class Journal(Protocol):
    """The ordered, append-only log of everything that happens."""

    def append(self, entries: Sequence[Entry], at: datetime) -> int:
        """Add entries in order and return the last one's number. When it returns they survive the process's death
        (where the journal has a file)."""
        ...

    def read(self, after: int = 0, limit: int = 1000, only: Filter = Filter()) -> list[Recorded]:
        """Entries with a number greater than ``after``, oldest first."""
        ...

    def wait(self, after: int, timeout: float) -> bool:
        """Wait until an entry with a number greater than ``after`` exists; False when the time ran out."""
        ...

    @property
    def first(self) -> int:
        """The oldest number still kept (1 while nothing was dropped)."""
        ...

    @property
    def last(self) -> int:
        """The newest number, 0 when empty."""
        ...

    def close(self) -> None: ...


class AlarmSink(Protocol):
    """Takes alarms and delivers them in the background; ``send`` never blocks and never raises."""

    def send(self, alarm: Alarm) -> None: ...

    def close(self, timeout: float = 5.0) -> None: ...


#: Called after each attempt, on the sender's thread.
OnDelivery = Callable[[Alarm, Delivery], None]


@dataclass(frozen=True, slots=True)
class DeliveryPolicy:
    """``aodh``: one attempt, and only a failure to connect is ever repeated (never, with Aodh's default of 0 retries).
    ``retry``: a delivery without a 2xx answer is attempted again after each of the ``delays``."""

    name: str = "aodh"
    delays: tuple[timedelta, ...] = field(default=())
