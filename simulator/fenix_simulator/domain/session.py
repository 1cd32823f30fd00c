"""One maintenance session: an event-sourced aggregate.

``decide(command)`` says what a command leads to and changes nothing; ``apply(event)`` folds what happened into
the state and never refuses. After a command's events are applied, ``proceed(now)`` gives the session's next step of
its own, until it has none: then it waits for a reply, a timer or the project. Each session works on its own copy of
the cloud. Steps cost what they touch.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from fenix_contract.vocabulary import (
    ACTION_STATES,
    FINAL_STATES,
    Action,
    AlarmState,
    ReplyPrefix,
    State,
)
from fenix_simulator.domain import messages as m
from fenix_simulator.domain import workflow
from fenix_simulator.domain.ask import Ask
from fenix_simulator.domain.cloud import Cloud, require_room
from fenix_simulator.domain.errors import NothingDue, NotPaused, SessionOver, UnknownProject
from fenix_simulator.domain.replies import ACK_ACTION_DONE, accepted, judge_strict
from fenix_simulator.domain.rules import Behaviour, Dialect, Rules


class Session:
    """A rolling maintenance over some hosts of a cloud.

    ``managed`` tells whether a project has a manager (an alarm for it exists) at the moment it is to be told. It is
    asked only while deciding, so that a replay of the events gives the same session.
    """

    def __init__(self, created: m.SessionCreated, cloud: Cloud, rules: Rules, managed: Callable[[str], bool]) -> None:
        self.session_id = created.session_id
        self.hosts = created.hosts
        self.maintenance_at = created.maintenance_at
        self.metadata = created.metadata
        self.cloud = cloud
        self.rules = rules
        self.managed = managed
        self.state = State.MAINTENANCE
        self.projects: dict[str, None] = dict.fromkeys(created.projects)
        self.pending: dict[str, None] = dict.fromkeys(created.hosts)
        self.empty: dict[str, None] = {host: None for host in created.hosts if cloud.is_empty(host)}
        self.maintained: dict[str, None] = {}
        self.maintaining: str | None = None
        self.current_host: str | None = None
        self.services_disabled = False
        self.ask: Ask | None = None
        self.actions: deque[tuple[str, Action]] | None = None
        self.moving: m.ActionStarted | None = None
        self.timers: dict[m.TimerPurpose, m.TimerStarted] = {}
        self.expired: set[m.TimerPurpose] = set()
        self.timer_count = created.timers
        self.notification_count = created.notifications
        self.idle_scale_ins = 0
        self.scaled_in = False
        self.paused = False
        self.reason: str | None = None
        self.simulated = timedelta()
        #: Each project's newest reply, by instance where it was for one.
        self.last: dict[tuple[str, str | None], m.ReplyAccepted] = {}
        #: What upstream's database holds per project: the state it was told, or its raw reply.
        self.project_states: dict[str, str] = {}

    # -- questions ---------------------------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether the session has ended."""
        return self.state in FINAL_STATES

    def instance_ids(self, project_id: str) -> tuple[str, ...]:
        """The project's instances that belong to the current state.

        In PREPARE_MAINTENANCE and PLANNED_MAINTENANCE these are the ones the project is asked about (none where it
        was not told), else all it has. Upstream lists the current host's only until the project's own reply.
        """
        if project_id not in self.projects:
            raise UnknownProject(
                f"project {project_id!r} has no part in session {self.session_id}",
                expected="a project with instances on the session's hosts",
                hint="use the URL of the alarm as it is",
            )
        if self.rules.behaviour is Behaviour.UPSTREAM:
            asked = self.project_states.get(project_id) in ACTION_STATES
        else:
            asked = self.state in ACTION_STATES
        if not asked:
            return self.cloud.of_project(project_id)
        told = self.ask.told.get(project_id) if self.ask is not None else None
        return tuple(told.listed) if told is not None else ()

    def host_states(self) -> dict[str, str]:
        """``pending``, ``in_maintenance`` or ``maintained`` for each of the session's hosts."""
        return {
            host: "maintained"
            if host in self.maintained
            else "in_maintenance"
            if host == self.maintaining
            else "pending"
            for host in self.hosts
        }

    def awaiting(self) -> tuple[str, ...]:
        """The projects whose reply is awaited now."""
        if self.ask is None or self.is_over:
            return ()
        return self.ask.awaiting()

    # -- deciding ----------------------------------------------------------------------------------------------------

    def decide(self, command: m.Command) -> list[m.Event]:
        """The events a command leads to. Raises a MaintenanceError when it is refused."""
        match command:
            case m.Reply():
                event = self.decide_reply(command)
                return [] if event is None else [event]
            case m.Tick(timer):
                started = next((t for t in self.timers.values() if t.timer == timer), None)
                if started is None or self.paused or self.is_over:
                    return []
                return [m.TimerExpired(timer), *workflow.on_expiry(self, started.purpose)]
            case m.RemoveInstance(instance_id):
                instance = self.cloud.instance(instance_id)
                return [m.InstanceRemoved(instance_id, instance.project_id, self.cloud.host_of(instance_id))]
            case m.AddInstance(instance):
                return [m.InstanceAdded(instance, require_room(self.cloud, instance.vcpus))]
            case m.MoveInstance(instance_id):
                return self._decide_move(instance_id)
            case m.Pause():
                self._require_running()
                return [] if self.paused else [m.SessionPaused()]
            case m.Resume():
                self._require_running()
                return [m.SessionResumed(), *self._renewed()] if self.paused else []
            case m.Restart():
                return [] if self.is_over or self.paused else self._renewed()

    def decide_reply(self, reply: m.Reply) -> m.ReplyAccepted | None:
        """The event that a reply leads to; None where it repeats what was taken. Raises a MaintenanceError when it is
        refused."""
        if reply.state == ACK_ACTION_DONE and self.rules.dialect is Dialect.PER_INSTANCE:
            return None
        if self.rules.behaviour is Behaviour.UPSTREAM:
            if reply.project_id not in self.projects:
                raise UnknownProject(f"project {reply.project_id!r} has no part in session {self.session_id}")
            return accepted(reply)
        if reply.project_id not in self.projects:
            raise UnknownProject(
                f"project {reply.project_id!r} has no part in session {self.session_id}",
                expected="a project with instances on the session's hosts",
                hint="use the reply_url of the alarm as it is",
            )
        return judge_strict(reply, None if self.is_over else self.ask, self.state, self.last)

    def waits_after(self, reply: m.ReplyAccepted, ahead: int) -> bool:
        """Whether all that the session does once it has taken ``reply``, and ``ahead`` acknowledgements before it, is
        to go on waiting for others."""
        ask = self.ask
        return ask is not None and reply.state == ReplyPrefix.ACK + ask.state and ask.missing - ahead > 1

    def proceed(self, now: datetime) -> list[m.Event]:
        """The session's next step of its own; empty while it waits."""
        if self.is_over or self.paused:
            return []
        return workflow.STEPS[self.state](self, now)

    def step(self, now: datetime) -> list[m.Event]:
        """What a held session does when it is led on by one step, held as it is.

        That is what replies have made possible meanwhile, else the end of the wait that the infrastructure is at. The
        projects' time is never cut short. Raises SessionOver, NotPaused, NothingDue.
        """
        self._require_running()
        if not self.paused:
            raise NotPaused(
                f"session {self.session_id} goes on by itself",
                expected="a session that is held",
                hint=f"POST /simulator/v1/sessions/{self.session_id}/pause holds it",
            )
        events = workflow.STEPS[self.state](self, now)
        if events:
            return events
        for timer in self.timers.values():
            if timer.kind is m.TimerKind.INFRASTRUCTURE:
                return [m.TimerExpired(timer.timer), *workflow.on_expiry(self, timer.purpose)]
        raise NothingDue(
            f"session {self.session_id} waits in {self.state} for {workflow.awaited(self)}",
            expected="what it waits for, or a session that something else is due in",
            hint="resume it to let the projects' time run",
        )

    def go_on(self, now: datetime) -> list[m.Event]:
        """The rest of a step that was begun (see ``step``); empty when it waits again."""
        return [] if self.is_over else workflow.STEPS[self.state](self, now)

    def _decide_move(self, instance_id: str) -> list[m.Event]:
        instance = self.cloud.instance(instance_id)
        if self.moving is not None and self.moving.instance_id == instance_id:
            return []
        source = self.cloud.host_of(instance_id)
        target = require_room(self.cloud, instance.vcpus, besides=source)
        return [m.InstanceMoved(instance_id, instance.project_id, Action.OWN_ACTION, source, target)]

    def _renewed(self) -> list[m.Event]:
        events: list[m.Event] = []
        count = self.timer_count
        for timer in self.timers.values():
            count += 1
            events.append(m.TimerStopped(timer.timer))
            events.append(m.TimerStarted(count, timer.purpose, timer.kind, timer.duration))
        return events

    def _require_running(self) -> None:
        if self.is_over:
            raise SessionOver(
                f"session {self.session_id} has ended in {self.state}",
                expected="a session that is under way",
                hint="start a new one with POST /v1/maintenance",
            )

    # -- applying ----------------------------------------------------------------------------------------------------

    def apply(self, event: m.Event) -> None:
        """Fold an event into the state."""
        _APPLY[type(event)](self, event)

    def _apply_nothing(self, _event: m.Event) -> None:
        """SessionCreated is the constructor's; the others leave the state as it is."""

    def _apply_state(self, event: m.StateEntered) -> None:
        before, left = self.state, self.current_host
        self.current_host = event.host
        self.state = event.state
        self.actions = None
        self.expired.clear()
        if left is not None:
            self._reopen(left)
        if event.host is not None:
            self.cloud.close(event.host)
        if not self.is_over:
            self.ask = None
        if event.state is State.SCALE_IN:
            self.idle_scale_ins = self.idle_scale_ins + 1 if before is State.SCALE_IN and not self.scaled_in else 0
            self.scaled_in = False

    def _reopen(self, host: str) -> None:
        if not self.services_disabled and host not in self.maintained:
            self.cloud.open(host)

    def _apply_notified(self, event: m.ProjectNotified) -> None:
        self.notification_count = event.notification
        if event.state is not AlarmState.INSTANCE_ACTION_DONE and self.ask is not None:
            self.ask.tell(event.project_id, event.instance_ids, event.instance_id)
            self.ask.reply_at = event.reply_at
            self.project_states[event.project_id] = event.state

    def _apply_asked(self, event: m.ProjectsAsked) -> None:
        self.ask = Ask(event.state)
        self.project_states = {}

    def _apply_defaulted(self, event: m.ProjectDefaulted) -> None:
        if self.ask is not None:
            self.ask.defaulted[event.project_id] = event.instance_ids

    def _apply_reply(self, event: m.ReplyAccepted) -> None:
        self.last[event.project_id, event.instance_id] = event
        self.project_states[event.project_id] = event.state
        if self.ask is not None and not self.is_over and event.project_id in self.ask.told:
            if self.rules.behaviour is Behaviour.UPSTREAM and event.state == self.ask.state:
                return  # the bare state is what upstream's database says of a project that has not answered
            self.ask.take(event)

    def _apply_begun(self, _event: m.ActionsBegun) -> None:
        self.actions = deque(workflow.chosen_actions(self))

    def _apply_action(self, event: m.ActionStarted) -> None:
        self.moving = event
        self.empty.pop(event.target, None)
        self.cloud.reserve(event.target, self.cloud.instance(event.instance_id).vcpus)
        while self.actions and self.actions.popleft()[0] != event.instance_id:
            """Skip those that left the host before their turn came."""

    def _apply_moved(self, event: m.InstanceMoved) -> None:
        moving = self.moving
        reserved = moving is not None and moving.instance_id == event.instance_id
        if reserved:
            self.moving = None
        self.cloud.move(event.instance_id, event.target, reserved=reserved)
        self._left(event.host)
        self._arrived(event.project_id, event.target)

    def _arrived(self, project_id: str, host: str) -> None:
        """Whoever comes onto one of the session's hosts has a part in the session from then on."""
        self.empty.pop(host, None)
        if host in self.pending or host in self.maintained:
            self.projects.setdefault(project_id)

    def _left(self, host: str) -> None:
        if host in self.pending and self.cloud.is_empty(host):
            self.empty[host] = None

    def _apply_removed(self, event: m.InstanceRemoved) -> None:
        instance = self.cloud.remove(event.instance_id)
        self.scaled_in = True
        if self.moving is not None and self.moving.instance_id == event.instance_id:
            self.cloud.release(self.moving.target, instance.vcpus)
            self._left(self.moving.target)
            self.moving = None
        self._left(event.host)
        if self.ask is not None:
            self.ask.drop(event.project_id, event.instance_id)

    def _apply_added(self, event: m.InstanceAdded) -> None:
        self.cloud.place(event.instance, event.host)
        self._arrived(event.instance.project_id, event.host)

    def _apply_disabled(self, _event: m.ServicesDisabled) -> None:
        self.services_disabled = True
        for host in self.hosts:
            self.cloud.close(host)

    def _apply_host_started(self, event: m.HostMaintenanceStarted) -> None:
        self.notification_count = event.notification
        self.maintaining = event.host
        self.empty.pop(event.host, None)

    def _apply_host_maintained(self, event: m.HostMaintained) -> None:
        self.notification_count = event.notification
        self.maintaining = None
        self.pending.pop(event.host, None)
        self.maintained[event.host] = None
        self.cloud.open(event.host)

    def _apply_timer(self, event: m.TimerStarted) -> None:
        self.timer_count = event.timer
        self.timers[event.purpose] = event

    def _apply_timer_stopped(self, event: m.TimerStopped) -> None:
        self._drop_timer(event.timer)

    def _apply_timer_expired(self, event: m.TimerExpired) -> None:
        timer = self._drop_timer(event.timer)
        if timer is not None:
            self.expired.add(timer.purpose)
            if timer.kind is m.TimerKind.INFRASTRUCTURE:
                self.simulated += timer.duration

    def _drop_timer(self, number: int) -> m.TimerStarted | None:
        for purpose, timer in self.timers.items():
            if timer.timer == number:
                del self.timers[purpose]
                return timer
        return None

    def _apply_paused(self, _event: m.SessionPaused) -> None:
        self.paused = True

    def _apply_resumed(self, _event: m.SessionResumed) -> None:
        self.paused = False

    def _apply_failed(self, event: m.SessionFailed) -> None:
        self.reason = event.reason
        self.timers.clear()


_APPLY: Mapping[type[m.Event], Callable[[Session, Any], None]] = {
    m.SessionPlanned: Session._apply_nothing,
    m.SessionCreated: Session._apply_nothing,
    m.StateEntered: Session._apply_state,
    m.ProjectsAsked: Session._apply_asked,
    m.ProjectNotified: Session._apply_notified,
    m.ProjectDefaulted: Session._apply_defaulted,
    m.ReplyAccepted: Session._apply_reply,
    m.ActionsBegun: Session._apply_begun,
    m.ActionStarted: Session._apply_action,
    m.InstanceMoved: Session._apply_moved,
    m.InstanceRemoved: Session._apply_removed,
    m.InstanceAdded: Session._apply_added,
    m.ServicesDisabled: Session._apply_disabled,
    m.HostMaintenanceStarted: Session._apply_host_started,
    m.HostMaintained: Session._apply_host_maintained,
    m.TimerStarted: Session._apply_timer,
    m.TimerStopped: Session._apply_timer_stopped,
    m.TimerExpired: Session._apply_timer_expired,
    m.SessionPaused: Session._apply_paused,
    m.SessionResumed: Session._apply_resumed,
    m.SessionDone: Session._apply_nothing,
    m.SessionDeleted: Session._apply_nothing,
    m.CloudReset: Session._apply_nothing,
    m.SessionFailed: Session._apply_failed,
}
