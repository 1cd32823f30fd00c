"""What a session does next of its own, state by state (upstream Fenix's default workflow).

``STEPS[state](session, now)`` returns the events of one step, or none while the session waits. A step never changes
the session: ``Session.apply`` does, and the next step is asked for afterwards. Every change of state goes through
``_enter`` or ``_fail``, which look it up in the table of ``transitions``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fenix_contract.vocabulary import Action, AlarmState, State
from fenix_simulator.domain import messages as m
from fenix_simulator.domain.ask import ALL_ACTIONS
from fenix_simulator.domain.rules import Behaviour, Default, Dialect
from fenix_simulator.domain.transitions import Cause, is_allowed

if TYPE_CHECKING:
    from fenix_simulator.domain.session import Session

Step = Callable[["Session", datetime], list[m.Event]]


# -- the states ------------------------------------------------------------------------------------------------------


def maintenance(session: Session, now: datetime) -> list[m.Event]:
    """Announce to every project; when all have acknowledged wait for ``maintenance_at``, then look for room."""
    if session.ask is None:
        return _ask_all(session, now)
    if (refusal := _refusal(session)) is not None:
        return refusal
    if session.ask.missing:
        return []
    waiting = m.TimerPurpose.MAINTENANCE_AT
    if waiting in session.timers:
        return []
    events = _stop(session, m.TimerPurpose.REPLIES)
    lead = session.maintenance_at - now
    if waiting not in session.expired and lead > timedelta():
        return [*events, _timer(session, waiting, m.TimerKind.INFRASTRUCTURE, lead)]
    return [*events, *_make_room(session, Cause.ACKNOWLEDGED)]


def scale_in(session: Session, now: datetime) -> list[m.Event]:
    """Ask the projects to scale in; go on as soon as all have acknowledged and there is room.

    Where there is none yet, but something was removed, ask again; where nothing was, wait out the window for it.
    """
    if session.ask is None:
        return _ask_all(session, now)
    if (refusal := _refusal(session)) is not None:
        return refusal
    if session.ask.missing:
        return []
    if session.empty or _host_to_prepare(session) is not None:
        return [*_stop(session, m.TimerPurpose.REPLIES), *_make_room(session, Cause.ACKNOWLEDGED)]
    if not session.scaled_in and m.TimerPurpose.REPLIES in session.timers:
        return []
    idle = not session.scaled_in and session.idle_scale_ins + 1 >= session.rules.idle_scale_ins
    if not session.ask.told or idle:
        return _fail(session, Cause.NO_ROOM, _no_room(session))
    stop = _stop(session, m.TimerPurpose.REPLIES)
    return [*stop, *_enter(session, Cause.NO_ROOM, State.SCALE_IN)]


def empty_host(session: Session, now: datetime) -> list[m.Event]:
    """PREPARE and PLANNED: ask the projects on the host, move what Fenix shall move, wait for what they move."""
    host = session.current_host
    assert host is not None  # noqa: S101 - both states are entered with a host
    if session.ask is None:
        return _ask_host(session, now, host)
    if session.actions is not None:
        return [] if session.moving is not None else _next_move(session, host)
    if (refusal := _refusal(session)) is not None:
        return refusal
    if session.ask.missing:
        return []
    return _actions_problem(session) or [*_stop(session, m.TimerPurpose.REPLIES), m.ActionsBegun()]


def start_maintenance(session: Session, _now: datetime) -> list[m.Event]:
    """Maintain every empty host, one after the other; then the next host is to be emptied, or all is done."""
    if session.maintaining is not None:
        return []
    if not session.services_disabled:
        return [m.ServicesDisabled()]
    host = next(iter(session.empty), None)
    if host is not None:
        return [
            m.HostMaintenanceStarted(session.notification_count + 1, host),
            _timer(
                session, m.TimerPurpose.HOST_MAINTENANCE, m.TimerKind.INFRASTRUCTURE, session.rules.host_maintenance
            ),
        ]
    if session.pending:
        return _enter(session, Cause.MAINTAINED, State.PLANNED_MAINTENANCE, _host_to_empty(session))
    return _enter(session, Cause.MAINTAINED, State.MAINTENANCE_COMPLETE)


def maintenance_complete(session: Session, now: datetime) -> list[m.Event]:
    """Tell every project that all is done (it may scale out again); end when all have acknowledged."""
    if session.ask is None:
        return _ask_all(session, now)
    if (refusal := _refusal(session)) is not None:
        return refusal
    if session.ask.missing:
        return []
    stop = _stop(session, m.TimerPurpose.REPLIES)
    return [*stop, m.SessionDone(), *_enter(session, Cause.ACKNOWLEDGED, State.MAINTENANCE_DONE)]


def over(_session: Session, _now: datetime) -> list[m.Event]:
    """An ended session does nothing more."""
    return []


STEPS: Mapping[State, Step] = {
    State.MAINTENANCE: maintenance,
    State.SCALE_IN: scale_in,
    State.PREPARE_MAINTENANCE: empty_host,
    State.START_MAINTENANCE: start_maintenance,
    State.PLANNED_MAINTENANCE: empty_host,
    State.MAINTENANCE_COMPLETE: maintenance_complete,
    State.MAINTENANCE_DONE: over,
    State.MAINTENANCE_FAILED: over,
}


def on_expiry(session: Session, purpose: m.TimerPurpose) -> list[m.Event]:
    """What the end of a wait means, beside that it is over."""
    match purpose:
        case m.TimerPurpose.REPLIES if session.ask is not None and session.ask.missing:
            silent = session.ask.awaiting()
            return _fail(
                session,
                Cause.SILENT,
                f"no reply to {session.state} from {_names(silent)} before the window ended",
                silent[0],
            )
        case m.TimerPurpose.INSTANCE_ACTION:
            return _moved(session)
        case m.TimerPurpose.OWN_ACTIONS:
            return _fail(session, Cause.STUCK, _still_there(session))
        case m.TimerPurpose.HOST_MAINTENANCE:
            assert session.maintaining is not None  # noqa: S101 - the timer runs only while one is maintained
            return [m.HostMaintained(session.notification_count + 1, session.maintaining)]
        case _:
            return []


def awaited(session: Session) -> str:
    """What a session waits for that only the projects can do."""
    missing = session.awaiting()
    if missing:
        return f"replies of {_names(missing)}"
    if m.TimerPurpose.OWN_ACTIONS in session.timers:
        return f"instances to leave host {session.current_host} by {Action.OWN_ACTION}"
    return "the projects to make room"


# -- asking ----------------------------------------------------------------------------------------------------------


def _ask_all(session: Session, now: datetime) -> list[m.Event]:
    return _ask(session, now, dict.fromkeys(session.projects, ()))


def _ask_host(session: Session, now: datetime, host: str) -> list[m.Event]:
    there: dict[str, list[str]] = {}
    for instance_id in session.cloud.on_host(host):
        there.setdefault(session.cloud.instance(instance_id).project_id, []).append(instance_id)
    ordered = {project: tuple(there.pop(project)) for project in session.projects if project in there}
    return _ask(session, now, ordered | {project: tuple(ids) for project, ids in there.items()}, ALL_ACTIONS)


def _ask(
    session: Session, now: datetime, projects: Mapping[str, tuple[str, ...]], allowed: tuple[Action, ...] = ()
) -> list[m.Event]:
    state = session.state
    managed = {project: session.managed(project) for project in projects}
    unmanaged = [project for project, has_manager in managed.items() if not has_manager]
    if unmanaged and (session.rules.default is Default.FAIL or session.rules.behaviour is Behaviour.UPSTREAM):
        reason = f"{_names(unmanaged)} {'has' if len(unmanaged) == 1 else 'have'} no manager to ask"
        return _fail(session, Cause.UNMANAGED, reason, unmanaged[0])
    window = session.rules.windows[state]
    ends = _whole_second(now + window)
    reply_at = ends if session.rules.behaviour is Behaviour.STRICT else now - window
    actions_at = session.maintenance_at if state is State.MAINTENANCE else reply_at
    events: list[m.Event] = [m.ProjectsAsked(state)]
    count = session.notification_count
    for project, instance_ids in projects.items():
        if not managed[project]:
            events.append(m.ProjectDefaulted(project, state, instance_ids))
            continue
        for ids, instance_id in _questions(session, instance_ids):
            count += 1
            events.append(
                m.ProjectNotified(count, project, AlarmState(state), ids, allowed, actions_at, reply_at, instance_id)
            )
    if count > session.notification_count:
        events.append(_timer(session, m.TimerPurpose.REPLIES, m.TimerKind.WINDOW, ends - now))
    return events


def _questions(session: Session, instance_ids: tuple[str, ...]) -> Iterable[tuple[tuple[str, ...], str | None]]:
    if instance_ids and session.rules.dialect is Dialect.PER_INSTANCE:
        return [((instance_id,), instance_id) for instance_id in instance_ids]
    return [(instance_ids, None)]


def _whole_second(instant: datetime) -> datetime:
    """Rounded up: the wire's times have whole seconds, and a reply before ``reply_at`` must be in time."""
    return instant if not instant.microsecond else instant.replace(microsecond=0) + timedelta(seconds=1)


def _refusal(session: Session) -> list[m.Event] | None:
    assert session.ask is not None  # noqa: S101 - only called once something was asked
    project = session.ask.refused_by()
    if project is None:
        return None
    sent = next(reply.state for reply in session.ask.told[project].all_replies())
    reason = f"project {project} replied {sent} to {session.state}"
    return _fail(session, Cause.REFUSED, reason, project)


# -- emptying a host -------------------------------------------------------------------------------------------------


def chosen_actions(session: Session) -> Iterable[tuple[str, Action]]:
    """What is to be done with each instance, in the order of the projects; OWN_ACTION is not for Fenix to do."""
    ask = session.ask
    assert ask is not None  # noqa: S101 - only called once something was asked
    for instance_ids in ask.defaulted.values():
        for instance_id in instance_ids:
            yield instance_id, Action.MIGRATE
    for told in ask.told.values():
        actions = told.actions()
        if actions is None:
            continue
        for instance_id in told.listed:
            action = Action(actions[instance_id])
            if action is not Action.OWN_ACTION:
                yield instance_id, action


def _actions_problem(session: Session) -> list[m.Event]:
    """Upstream takes any acknowledgement and fails here where it cannot be carried out (strict refused it before)."""
    ask = session.ask
    if session.rules.behaviour is not Behaviour.UPSTREAM or ask is None:
        return []
    for project, told in ask.told.items():
        actions = told.actions()
        for instance_id in told.listed if actions is not None else ():
            action = (actions or {}).get(instance_id)
            if action not in (Action.MIGRATE, Action.OWN_ACTION):
                reason = f"project {project} chose {action or 'no action'} for instance {instance_id}"
                return _fail(session, Cause.STUCK, reason, project)
    return []


def _next_move(session: Session, host: str) -> list[m.Event]:
    cloud = session.cloud
    for instance_id, action in session.actions or ():
        if instance_id not in cloud or cloud.host_of(instance_id) != host:
            continue
        target = cloud.choose(cloud.instance(instance_id).vcpus)
        if target is None:
            return _cannot_empty(session, host, instance_id)
        rules = session.rules
        duration = rules.live_migrate if action is Action.LIVE_MIGRATE else rules.migrate
        return [
            *_stop(session, m.TimerPurpose.INSTANCE_ACTION),
            m.ActionStarted(instance_id, action, host, target),
            _timer(session, m.TimerPurpose.INSTANCE_ACTION, m.TimerKind.INFRASTRUCTURE, duration),
        ]
    if not cloud.is_empty(host):
        if m.TimerPurpose.OWN_ACTIONS in session.timers:
            return []
        window = session.rules.own_action_window
        return [_timer(session, m.TimerPurpose.OWN_ACTIONS, m.TimerKind.WINDOW, window)]
    return [
        *_stop(session, m.TimerPurpose.INSTANCE_ACTION),
        *_stop(session, m.TimerPurpose.OWN_ACTIONS),
        *_enter(session, Cause.EMPTIED, State.START_MAINTENANCE),
    ]


def _cannot_empty(session: Session, host: str, instance_id: str) -> list[m.Event]:
    if session.state is State.PREPARE_MAINTENANCE:
        return _enter(session, Cause.NOT_EMPTIED, State.SCALE_IN)
    vcpus = session.cloud.instance(instance_id).vcpus
    reason = f"no maintained host has {vcpus} free vCPUs for instance {instance_id} of host {host}"
    return _fail(session, Cause.STUCK, reason)


def _moved(session: Session) -> list[m.Event]:
    moving = session.moving
    if moving is None:
        return []
    instance_id = moving.instance_id
    project = session.cloud.instance(instance_id).project_id
    events: list[m.Event] = [m.InstanceMoved(instance_id, project, moving.action, moving.host, moving.target)]
    if session.managed(project):
        number = session.notification_count + 1
        done = AlarmState.INSTANCE_ACTION_DONE
        events.append(m.ProjectNotified(number, project, done, (instance_id,), instance_id=instance_id))
    return events


def _still_there(session: Session) -> str:
    host = session.current_host
    assert host is not None  # noqa: S101 - the timer runs only while a host is emptied
    left = session.cloud.on_host(host)
    return f"host {host} was not emptied in time: {_names(left, 'instance')} left to their projects' own action"


# -- making room -----------------------------------------------------------------------------------------------------


def _make_room(session: Session, cause: Cause) -> list[m.Event]:
    """An empty host can be maintained; else one that the others have room for is emptied; else there is no room."""
    if session.empty:
        return _enter(session, cause, State.START_MAINTENANCE)
    host = _host_to_prepare(session)
    if host is not None:
        return _enter(session, cause, State.PREPARE_MAINTENANCE, host)
    return _enter(session, cause, State.SCALE_IN)


def _host_to_prepare(session: Session) -> str | None:
    """The host that is easiest to empty: no floating IP if possible, most free vCPUs, fewest instances.

    Room is counted as upstream does: all free vCPUs together must be at least one host's.
    """
    cloud = session.cloud
    free = sum(cloud.free(host) for host in cloud.hosts)
    able = [host for host in session.pending if free >= cloud.hosts[host].vcpus]
    if not able:
        return None
    return min(able, key=lambda host: (_has_floating_ip(session, host), -cloud.free(host), cloud.count_on(host)))


def _host_to_empty(session: Session) -> str:
    """The next host whose instances the maintained hosts have room for; the next one where there is none."""
    cloud = session.cloud
    free = sum(cloud.free(host) for host in session.maintained)
    fitting = (host for host in session.pending if cloud.used(host) <= free)
    return next(fitting, next(iter(session.pending)))


def _has_floating_ip(session: Session, host: str) -> bool:
    return any(session.cloud.instance(instance_id).floating_ip for instance_id in session.cloud.on_host(host))


def _no_room(session: Session) -> str:
    cloud = session.cloud
    free = sum(cloud.free(host) for host in cloud.hosts)
    needed = min(cloud.hosts[host].vcpus for host in session.pending)
    return f"there is no room for a host's instances: {free} vCPUs are free, {needed} are needed"


# -- changes of state ------------------------------------------------------------------------------------------------


def _enter(session: Session, cause: Cause, state: State, host: str | None = None) -> list[m.Event]:
    _look_up(session, cause, state)
    return [m.StateEntered(state, host)]


def _fail(session: Session, cause: Cause, reason: str, project_id: str | None = None) -> list[m.Event]:
    _look_up(session, cause, State.MAINTENANCE_FAILED)
    return [m.SessionFailed(reason, project_id), m.StateEntered(State.MAINTENANCE_FAILED)]


def _look_up(session: Session, cause: Cause, state: State) -> None:
    if not is_allowed(session.state, cause, state):
        raise AssertionError(f"the table has no step from {session.state} to {state} when {cause.value}")


def _timer(session: Session, purpose: m.TimerPurpose, kind: m.TimerKind, duration: timedelta) -> m.TimerStarted:
    return m.TimerStarted(session.timer_count + 1, purpose, kind, duration)


def _stop(session: Session, purpose: m.TimerPurpose) -> list[m.Event]:
    timer = session.timers.get(purpose)
    return [] if timer is None else [m.TimerStopped(timer.timer)]


def _names(names: Iterable[str], what: str = "project", most: int = 3) -> str:
    listed = list(names)
    plural = "" if len(listed) == 1 else "s"
    more = f" and {len(listed) - most} more" if len(listed) > most else ""
    return f"{what}{plural} {', '.join(listed[:most])}{more}"
