"""Commands (what is asked of a session) and events (what happened in one).

Commands are imperative, events past tense; both are frozen. ``Session.decide(command)`` turns a command into
events, ``Session.apply(event)`` folds an event into the state. Instants are aware UTC datetimes, durations timedeltas,
``project_id``, ``instance_id`` and host names are opaque strings.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from fenix_contract.vocabulary import Action, AlarmState, State


class TimerKind(StrEnum):
    """How a wait relates to the clock's mode (see ``adapters.clock``)."""

    #: Work of the infrastructure: may be scaled or jumped over.
    INFRASTRUCTURE = "infrastructure"
    #: Time granted to the projects: always runs at the speed of their own clocks.
    WINDOW = "window"


class TimerPurpose(StrEnum):
    """What a session waits for."""

    REPLIES = "replies"
    MAINTENANCE_AT = "maintenance_at"
    SCALE_IN = "scale_in"
    INSTANCE_ACTION = "instance_action"
    OWN_ACTIONS = "own_actions"
    HOST_MAINTENANCE = "host_maintenance"


@dataclass(frozen=True, slots=True)
class Host:
    """A compute host of the cloud."""

    name: str
    vcpus: int
    availability_zone: str = "nova"


@dataclass(frozen=True, slots=True)
class Instance:
    """A project's instance (a VM or a container) and the host it was first placed on."""

    instance_id: str
    project_id: str
    name: str
    vcpus: int
    host: str
    flavor: str = ""
    floating_ip: bool = False


# -- commands --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Reply:
    """A project's reply as it arrived: ``state`` is raw text, ``instance_id`` is set in the per-instance dialect."""

    project_id: str
    state: str
    instance_actions: Mapping[str, str] | None = None
    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class Tick:
    """The timer of that number has run out; a timer that is no longer awaited changes nothing."""

    timer: int


@dataclass(frozen=True, slots=True)
class RemoveInstance:
    """The project removed one of its instances (scale-in, or the first half of a re-creation)."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class AddInstance:
    """The project created an instance; the session places it (``instance.host`` is where the cloud would put it)."""

    instance: Instance


@dataclass(frozen=True, slots=True)
class MoveInstance:
    """The project moves its own instance away from its host (OWN_ACTION)."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Hold the session where it is; replies are still taken."""


@dataclass(frozen=True, slots=True)
class Resume:
    """Go on; open windows start anew in full."""


@dataclass(frozen=True, slots=True)
class Restart:
    """The server came up again with this session unfinished: its open waits start anew."""


Command = Reply | Tick | RemoveInstance | AddInstance | MoveInstance | Pause | Resume | Restart


# -- events ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SessionPlanned:
    """A session is to begin after ``delay`` (real time) over ``hosts`` (all when empty); its id is known already."""

    hosts: tuple[str, ...]
    delay: timedelta
    metadata: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SessionCreated:
    """A maintenance session over ``hosts`` began; ``projects`` have instances there, in the order they are told.

    A session of that id which was there before is no more: it begins anew. ``notifications`` and ``timers`` are the
    numbers that it had come to, from which this one's go on, so that nothing old is taken for something new.
    """

    session_id: str
    hosts: tuple[str, ...]
    projects: tuple[str, ...]
    maintenance_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    notifications: int = 0
    timers: int = 0


@dataclass(frozen=True, slots=True)
class StateEntered:
    """The session entered a workflow state; ``host`` is the one that is to be emptied, where there is one."""

    state: State
    host: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectsAsked:
    """The question of a state is put: what follows tells the projects with a manager and defaults the others."""

    state: State


@dataclass(frozen=True, slots=True)
class ProjectNotified:
    """A project with a manager is to be told: an adapter turns this into alarms.

    ``notification`` numbers the session's notifications from 1. ``instance_ids`` are those the notification is about
    (in INSTANCE_ACTION_DONE the one that was moved), empty where it is about all that the project has; ``reply_at``
    is None where no reply is asked. ``instance_id`` is set where the notification is about that instance alone
    (per-instance dialect, INSTANCE_ACTION_DONE).
    """

    notification: int
    project_id: str
    state: AlarmState
    instance_ids: tuple[str, ...]
    allowed_actions: tuple[Action, ...] = ()
    actions_at: datetime | None = None
    reply_at: datetime | None = None
    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class ProjectDefaulted:
    """A project without a manager got the default behaviour for this state: its instances are migrated unasked."""

    project_id: str
    state: State
    instance_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReplyAccepted:
    """A reply was taken; ``state`` is its raw text."""

    project_id: str
    state: str
    instance_actions: Mapping[str, str] | None = None
    instance_id: str | None = None


@dataclass(frozen=True, slots=True)
class ActionsBegun:
    """All have acknowledged: Fenix carries out the actions they chose, one after the other."""


@dataclass(frozen=True, slots=True)
class ActionStarted:
    """Fenix began to move an instance."""

    instance_id: str
    action: Action
    host: str
    target: str


@dataclass(frozen=True, slots=True)
class InstanceMoved:
    """An instance is on another host; ``action`` is OWN_ACTION where its project moved it."""

    instance_id: str
    project_id: str
    action: Action
    host: str
    target: str


@dataclass(frozen=True, slots=True)
class InstanceRemoved:
    """The project removed an instance."""

    instance_id: str
    project_id: str
    host: str


@dataclass(frozen=True, slots=True)
class InstanceAdded:
    """The project added an instance and it was placed on ``host``."""

    instance: Instance
    host: str


@dataclass(frozen=True, slots=True)
class ServicesDisabled:
    """The compute services of the session's hosts are disabled: of these only maintained ones take instances now."""


@dataclass(frozen=True, slots=True)
class HostMaintenanceStarted:
    """An empty host is being maintained (admin notification IN_MAINTENANCE)."""

    notification: int
    host: str


@dataclass(frozen=True, slots=True)
class HostMaintained:
    """A host has been maintained and is enabled again (admin notification MAINTENANCE_COMPLETE)."""

    notification: int
    host: str


@dataclass(frozen=True, slots=True)
class TimerStarted:
    """The session waits; ``timer`` numbers its waits from 1 and the newest of a purpose is the one that counts."""

    timer: int
    purpose: TimerPurpose
    kind: TimerKind
    duration: timedelta


@dataclass(frozen=True, slots=True)
class TimerStopped:
    """A wait is over before its time."""

    timer: int


@dataclass(frozen=True, slots=True)
class TimerExpired:
    """A wait ran out."""

    timer: int


@dataclass(frozen=True, slots=True)
class SessionPaused:
    """The session is held."""


@dataclass(frozen=True, slots=True)
class SessionResumed:
    """The session goes on."""


@dataclass(frozen=True, slots=True)
class SessionDone:
    """Every host is maintained and every project acknowledged the end."""


@dataclass(frozen=True, slots=True)
class SessionFailed:
    """The session cannot go on; ``reason`` is a sentence for people."""

    reason: str
    project_id: str | None = None


@dataclass(frozen=True, slots=True)
class SessionDeleted:
    """The administrator took the session away; nothing of it goes on."""


@dataclass(frozen=True, slots=True)
class CloudReset:
    """The inventory is again as it was at the start."""


Event = (
    SessionCreated
    | StateEntered
    | ProjectsAsked
    | ProjectNotified
    | ProjectDefaulted
    | ReplyAccepted
    | ActionsBegun
    | ActionStarted
    | InstanceMoved
    | InstanceRemoved
    | InstanceAdded
    | ServicesDisabled
    | HostMaintenanceStarted
    | HostMaintained
    | TimerStarted
    | TimerStopped
    | TimerExpired
    | SessionPaused
    | SessionResumed
    | SessionDone
    | SessionFailed
    | SessionDeleted
    | CloudReset
    | SessionPlanned
)
