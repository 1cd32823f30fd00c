"""What only a simulated infrastructure can do: its clock moved by hand, its whole state taken out and put in."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, Protocol

import msgspec

from fenix_simulator.domain import messages as m
from fenix_simulator.domain.errors import MaintenanceError, WrongClock
from fenix_simulator.history import STATE_KINDS, Decode, entries, fold
from fenix_simulator.notifier import Untold
from fenix_simulator.ports import Alarm, AlarmSink, Entry, Recorded, Timers
from fenix_simulator.rehearsal import rehearse
from fenix_simulator.running import session_entry
from fenix_simulator.service import MaintenanceService
from fenix_simulator.subscriptions import Subscription

STATE_VERSION = 1


class StateInvalid(MaintenanceError):
    """A state document that cannot be taken in (409)."""


_BEGINNINGS = (m.SessionCreated.__name__, m.SessionPlanned.__name__)
_EXPORTED = "what GET /simulator/v1/state answered"


class StateEntry(msgspec.Struct):
    """One entry of a state document: an event, a change of the cloud or of a subscription."""

    at: Annotated[datetime, msgspec.Meta(tz=True)]
    kind: Literal["event", "cloud", "subscription"]
    type: str
    data: dict[str, Any]
    session_id: str | None = None
    project_id: str | None = None


class Waiting(Protocol):
    """A wait that runs, as the clock's view shows it; ``due`` None is as soon as nothing is in flight."""

    @property
    def session_id(self) -> str: ...

    @property
    def timer(self) -> int: ...

    @property
    def kind(self) -> str: ...

    @property
    def due(self) -> datetime | None: ...


class Faults(Protocol):
    """What goes wrong on purpose (``adapters.faults``)."""

    def rearm(self) -> None:
        """Begin anew with those of the scenario."""
        ...


class Planned(Protocol):
    """A session to be started (``scenario_model.SessionPlan``): its hosts, all where empty, and after how long."""

    @property
    def hosts(self) -> tuple[str, ...]: ...

    @property
    def at(self) -> timedelta: ...


class Delays(Protocol):
    """Calls back after a while of real time (``adapters.delays``)."""

    def start(self, delay: timedelta, call: Callable[[], None]) -> None: ...


class UnknownDelivery(MaintenanceError):
    """The journal has no entry of that number (404)."""


class NoDelivery(MaintenanceError):
    """The entry of that number is something else (409)."""


@dataclass(frozen=True, slots=True)
class Resent:
    """An alarm that goes out again: what it is, and the journal's number behind which its delivery will be."""

    number: int
    url: str
    state: str
    notification: str
    after: int


class ManualTimers(Timers, Protocol):
    """Timers whose time can be made to pass (``adapters.ticker``)."""

    def due(self, session_id: str | None = None) -> Sequence[Waiting]: ...

    def advance(self, by: timedelta) -> datetime: ...

    def advance_to(self, instant: datetime) -> datetime: ...

    def advance_next(self) -> datetime: ...


class SimulatorService(MaintenanceService):
    """The service with the control API's powers. ``scenario`` describes the inventory that a state belongs to.

    ``plan`` are the sessions that ``start_sessions`` begins, with ``metadata``; ``delays`` tells when a later one is
    due. ``wire`` sends alarms past the faults.
    """

    def __init__(
        self,
        *,
        timers: Callable[[Callable[[str, int], None]], ManualTimers],
        mode: str,
        decode: Decode,
        scenario: Mapping[str, Any],
        delays: Delays,
        wire: AlarmSink,
        plan: Sequence[Planned] = (),
        metadata: Mapping[str, str] | None = None,
        faults: Faults | None = None,
        **parts: Any,
    ) -> None:
        """``mode`` is the clock's, ``parts`` are those of MaintenanceService."""

        def keep(fire: Callable[[str, int], None]) -> ManualTimers:
            self._clockwork = timers(fire)
            return self._clockwork

        super().__init__(timers=keep, **parts)
        self._parts = parts
        self._mode = mode
        self._decode = decode
        self._scenario = dict(scenario)
        self._delays = delays
        self._wire = wire
        self._plan = tuple(plan)
        self._metadata = dict(metadata or {})
        self._planned: dict[str, m.SessionPlanned] = {}
        self.faults = faults

    # -- planned sessions --------------------------------------------------------------------------------------------

    def start_sessions(self) -> list[str]:
        """Begin the sessions of the plan, each when it is due, and return the ids of all of them.

        That a session is to begin later is in the journal: after a restart its delay starts anew, and ``reset`` or its
        deletion ends it. Raises LimitReached, TraitTooLong, and has then begun nothing.
        """
        with self._topology:
            self._require_room(len(self._plan))
            for one in self._plan:
                self._scope(one.hosts, self._free_id())
            made = [(self._keep_id(), m.SessionPlanned(one.hosts, one.at, self._metadata)) for one in self._plan]
            later = [(session_id, planned) for session_id, planned in made if planned.delay]
            if later:
                self.journal.append([session_entry(*one) for one in later], self.clock.now())
            self._planned.update(later)
        for session_id, planned in made:
            if planned.delay:
                self._delay(session_id, planned)
            else:
                self.create_session(planned.hosts, metadata=planned.metadata, session_id=session_id)
        return [session_id for session_id, _ in made]

    def planned_sessions(self) -> list[str]:
        """The ids of the sessions that are to begin later."""
        return list(self._planned)

    def delete_session(self, session_id: str) -> None:
        """Take a session away, also one that has not begun. Raises UnknownSession."""
        with self._topology:
            if self._planned.pop(session_id, None) is None:
                super().delete_session(session_id)
            else:
                self.journal.append([session_entry(session_id, m.SessionDeleted())], self.clock.now())

    def fold(self, kind: str, session_id: str | None, event: m.Event) -> None:
        """Apply an event of the past, as the journal has it, without its effects."""
        if session_id is not None:
            if isinstance(event, m.SessionPlanned):
                self._planned[session_id] = event
                self._ids.add(session_id)
            elif isinstance(event, m.SessionCreated | m.SessionDeleted):
                self._planned.pop(session_id, None)
        super().fold(kind, session_id, event)

    def go_on(self, untold: Mapping[str, Sequence[Untold]]) -> None:
        """After a fold: as for every service, and the delays of what is planned start anew."""
        super().go_on(untold)
        for session_id, planned in self._planned.items():
            self._delay(session_id, planned)

    def _counted(self) -> int:
        return super()._counted() + len(self._planned)

    def _keep_id(self) -> str:
        session_id = self._free_id()
        self._ids.add(session_id)
        return session_id

    def _delay(self, session_id: str, planned: m.SessionPlanned) -> None:
        self._delays.start(planned.delay, lambda: self._begin_planned(session_id, planned))

    def _begin_planned(self, session_id: str, planned: m.SessionPlanned) -> None:
        with self._topology:
            # Another plan may have the id by now: a state was taken in.
            if self._planned.get(session_id) is not planned:
                return
            self.create_session(planned.hosts, metadata=planned.metadata, session_id=session_id)
            del self._planned[session_id]

    # -- one session -------------------------------------------------------------------------------------------------

    def step_session(self, session_id: str) -> None:
        """Lead a held session on to where it waits again, whatever the clock's mode; it stays held.

        Raises UnknownSession, SessionOver, NotPaused, NothingDue, and has then changed nothing.
        """
        with self._locked(session_id) as running:
            session = running.session
            events = session.step(self.clock.now())
            while events:
                self._steps.commit(running, events)
                if isinstance(events[0], m.TimerExpired):
                    self._clockwork.stop(session_id, events[0].timer)
                events = session.go_on(self.clock.now())

    def reset_session(self, session_id: str) -> None:
        """Let a session begin anew, over the same hosts of the inventory as it stands, whatever its state.

        It keeps its id, because that is in the URLs that projects have. In the journal it is created once more, in one
        entry, so that no reader ever finds it missing, and its notifications' and timers' numbers go on: an alarm that
        is still on its way, or a wait that ends now, cannot be taken for one of the new beginning. ``maintenance_at``
        is as far away as for a new session. Raises UnknownSession.
        """
        with self._topology, self._locked(session_id) as running:
            before = running.session
            self._clockwork.forget(session_id)
            at = self.clock.now()
            created = m.SessionCreated(
                session_id,
                before.hosts,
                self._keeper.projects_on(before.hosts),
                at + self.rules.lead,
                before.metadata,
                before.notification_count,
                before.timer_count,
            )
            with self._keeper.lock:
                self.journal.append([session_entry(session_id, created)], at)
                anew = self._begin(created)
            with anew.lock:
                self._steps.lead_on(anew)

    def resend(self, number: int) -> Resent:
        """Send the alarm of a delivery again, byte for byte, to the same URL; no fault touches it.

        A URL of the command line is trusted as it was, any other is looked at as for every alarm. Raises
        UnknownDelivery, NoDelivery.
        """
        found = self.journal.read(number - 1, 1)
        if not found or found[0].number != number:
            kept = f"{self.journal.first} to {self.journal.last}" if self.journal.last else "none"
            raise UnknownDelivery(
                f"the journal has no entry {number}",
                expected=f"the number of a delivery (kept are {kept})",
                hint="GET /simulator/v1/journal?kind=delivery lists them",
            )
        entry = found[0]
        if entry.kind != "delivery":
            raise NoDelivery(
                f"entry {number} is no delivery but a {entry.type} ({entry.kind})",
                expected="the number of a delivery",
                hint="GET /simulator/v1/journal?kind=delivery lists them",
            )
        data = entry.data
        alarm_id, url = data["alarm_id"], data["url"]
        known = next((one for one in self.subscriptions.list() if one.alarm_id == alarm_id), None)
        alarm = Alarm(
            key=f"{entry.project_id} {url}",
            alarm_id=alarm_id,
            url=url,
            notification=data["notification"],
            state=data["state"],
            body=data["body"].encode(),
            request_id=f"req-{uuid.uuid4()}",
            session_id=entry.session_id,
            project_id=entry.project_id,
            trusted=known is not None and known.trusted and url in known.alarm_actions,
        )
        after = self.journal.last
        self._wire.send(alarm)
        return Resent(number, url, alarm.state, alarm.notification, after)

    # -- the clock ---------------------------------------------------------------------------------------------------

    def clock_view(self) -> dict[str, Any]:
        """``{"mode", "now", "waits": [{"session_id", "timer", "kind", "due"}]}``; instants in RFC 3339."""
        waits = [
            {"session_id": one.session_id, "timer": one.timer, "kind": one.kind, "due": _text(one.due)}
            for one in self._clockwork.due()[:1_000]
        ]
        return {"mode": self._mode, "now": _text(self.clock.now()), "waits": waits}

    def advance(self, by: timedelta | None, to: datetime | None, next_event: bool) -> dict[str, Any]:
        """Let time pass, by a duration, to an instant or to the next wait's end. Raises WrongClock."""
        timers = self._clockwork
        if self._mode != "manual":
            raise WrongClock(
                f"the clock's mode is {self._mode}: it cannot be advanced",
                expected="a server that was started with --time manual",
            )
        if by is not None:
            timers.advance(by)
        elif to is not None:
            timers.advance_to(to)
        elif next_event:
            timers.advance_next()
        return self.clock_view()

    # -- the state ---------------------------------------------------------------------------------------------------

    def reset(self) -> None:
        """As at the start: no sessions, the scenario's inventory and its faults, which count from the beginning."""
        for session_id in self.planned_sessions():
            self.delete_session(session_id)
        super().reset()
        if self.faults is not None:
            self.faults.rearm()

    def export_state(self) -> dict[str, Any]:
        """Everything that happened, as ``import_state`` takes it. Raises StateInvalid where its begin is lost."""
        if self.journal.first > 1:
            raise StateInvalid(
                f"the journal in memory no longer has its first {self.journal.first - 1} entries",
                expected="a journal that is whole",
                hint="start the server with --journal FILE to keep all of it",
            )
        kept = [
            {
                "at": _text(one.at),
                "kind": one.kind,
                "type": one.type,
                "session_id": one.session_id,
                "project_id": one.project_id,
                "data": dict(one.data),
            }
            for one in entries(self.journal, STATE_KINDS)
        ]
        return {"version": STATE_VERSION, "scenario": self._scenario, "entries": kept}

    def import_state(self, state: Mapping[str, Any]) -> None:
        """Put the state of a server with the same scenario in the place of this one's, or change nothing.

        The alarm URLs of this server's command line stay; a state brings none that would be trusted like them. Raises
        StateInvalid.
        """
        recorded = self._read_state(state)
        try:
            rehearse(self._parts, recorded, self._decode)
        except Exception as error:  # a made-up history may break any rule there is
            raise StateInvalid(
                f"the state cannot have happened: {type(error).__name__}: {error}", expected=_EXPORTED
            ) from error
        with self._topology:
            self.reset()
            trusted = [alarm for alarm in self.subscriptions.list() if alarm.trusted]
            for alarm in self.subscriptions.list():
                self.subscriptions.delete(alarm.alarm_id)
            taken = [Entry(one.kind, one.type, self._data(one), one.session_id, one.project_id) for one in recorded]
            if taken:
                self.journal.append(taken, self.clock.now())
            past = fold(self, recorded, self._decode)
            self.subscriptions.restore({one.alarm_id: one for one in (*past.subscriptions.values(), *trusted)}.values())
            self.go_on({})

    def _read_state(self, state: Mapping[str, Any]) -> list[Recorded]:
        if state.get("version") != STATE_VERSION:
            raise StateInvalid(f"the state's version is {state.get('version')!r}", expected=str(STATE_VERSION))
        if state.get("scenario") != self._scenario:
            raise StateInvalid(
                "the state belongs to another scenario",
                expected="a state that a server with the same scenario, seed and sizes exported",
            )
        try:
            entries = msgspec.convert(state.get("entries"), list[StateEntry])
            recorded = [
                Recorded(number, one.at, one.kind, one.type, one.session_id, one.project_id, _untrusted(one))
                for number, one in enumerate(entries, 1)
            ]
            for one in recorded:
                self._data(one)
        except (TypeError, ValueError, msgspec.MsgspecError, MaintenanceError) as error:
            raise StateInvalid(f"the state cannot be read: {error}", expected=_EXPORTED) from error
        begun = {one.session_id for one in recorded if one.type in _BEGINNINGS}
        if len(begun) > self._session_limit:
            raise StateInvalid(f"the state begins {len(begun)} sessions", expected=f"at most {self._session_limit}")
        elsewhere = [one for one in begun if one is not None and not self.shard.owns(one)]
        if self.shard.count > 1 and elsewhere:
            raise StateInvalid(
                f"session {min(elsewhere)} is not of shard {self.shard}", expected="the state of a server of that shard"
            )
        return recorded

    def _data(self, one: Recorded) -> Any:
        if one.kind == "subscription":
            return msgspec.convert(dict(one.data), Subscription)
        return self._decode(one.type, one.data)


def _untrusted(one: StateEntry) -> Mapping[str, Any]:
    return {**one.data, "trusted": False} if one.kind == "subscription" else one.data


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(UTC).isoformat().replace("+00:00", "Z")
