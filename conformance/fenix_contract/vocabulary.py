"""The words of Fenix and Aodh, each written once.

A member's value is the word on the wire, so ``State.SCALE_IN == "SCALE_IN"`` holds and a member may be put into
JSON as it is. ``openapi.yaml`` uses the same words; a test compares the two.
"""

from __future__ import annotations

from enum import StrEnum


class State(StrEnum):
    """The workflow states of a session (upstream Fenix, default workflow)."""

    MAINTENANCE = "MAINTENANCE"
    SCALE_IN = "SCALE_IN"
    PREPARE_MAINTENANCE = "PREPARE_MAINTENANCE"
    START_MAINTENANCE = "START_MAINTENANCE"
    PLANNED_MAINTENANCE = "PLANNED_MAINTENANCE"
    MAINTENANCE_COMPLETE = "MAINTENANCE_COMPLETE"
    MAINTENANCE_DONE = "MAINTENANCE_DONE"
    MAINTENANCE_FAILED = "MAINTENANCE_FAILED"


class AlarmState(StrEnum):
    """The values of an alarm's ``state`` trait: the states a project is told of, and a finished action's report."""

    MAINTENANCE = "MAINTENANCE"
    SCALE_IN = "SCALE_IN"
    PREPARE_MAINTENANCE = "PREPARE_MAINTENANCE"
    PLANNED_MAINTENANCE = "PLANNED_MAINTENANCE"
    MAINTENANCE_COMPLETE = "MAINTENANCE_COMPLETE"
    INSTANCE_ACTION_DONE = "INSTANCE_ACTION_DONE"


class HostState(StrEnum):
    """The values of ``state`` in an administrator's ``maintenance.host`` notification."""

    IN_MAINTENANCE = "IN_MAINTENANCE"
    MAINTENANCE_COMPLETE = "MAINTENANCE_COMPLETE"


class Action(StrEnum):
    """The instance actions a project may choose from."""

    MIGRATE = "MIGRATE"
    LIVE_MIGRATE = "LIVE_MIGRATE"
    OWN_ACTION = "OWN_ACTION"


class ReplyPrefix(StrEnum):
    """What stands before the state in a reply's ``state`` member."""

    ACK = "ACK_"
    NACK = "NACK_"


class EventType(StrEnum):
    """Event types of Fenix's notifications; an Aodh event alarm matches on them (fnmatch)."""

    SCHEDULED = "maintenance.scheduled"
    PLANNED = "maintenance.planned"
    HOST = "maintenance.host"


class Trait(StrEnum):
    """Names of the traits an alarm's event carries."""

    SERVICE = "service"
    PROJECT_ID = "project_id"
    STATE = "state"
    SESSION_ID = "session_id"
    INSTANCE_IDS = "instance_ids"
    REPLY_URL = "reply_url"
    ALLOWED_ACTIONS = "allowed_actions"
    ACTIONS_AT = "actions_at"
    REPLY_AT = "reply_at"
    METADATA = "metadata"
    HOST = "host"


#: States that every project told must reply to before the session goes on.
REPLY_STATES = (
    State.MAINTENANCE,
    State.SCALE_IN,
    State.PREPARE_MAINTENANCE,
    State.PLANNED_MAINTENANCE,
    State.MAINTENANCE_COMPLETE,
)

#: States whose alarm names actions and whose acknowledgement must choose one per listed instance.
ACTION_STATES = (State.PREPARE_MAINTENANCE, State.PLANNED_MAINTENANCE)

#: States in which a session has ended.
FINAL_STATES = (State.MAINTENANCE_DONE, State.MAINTENANCE_FAILED)
