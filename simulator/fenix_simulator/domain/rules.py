"""How a session behaves where the published API leaves a choice: manners, default behaviour, windows and durations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum

from fenix_contract.vocabulary import State


class Behaviour(StrEnum):
    """Whose manners the server has."""

    STRICT = "strict"
    #: The public Fenix server of 2019-03.
    UPSTREAM = "upstream"


class Dialect(StrEnum):
    """How PREPARE and PLANNED ask for actions: one map per project, or one alarm per instance (newer upstream)."""

    MAP = "map"
    PER_INSTANCE = "per-instance"


class Default(StrEnum):
    """What happens to a project without a manager."""

    MIGRATE = "migrate"
    FAIL = "fail"


#: Upstream's windows: 60 s where the project has work to do, else 20 s.
UPSTREAM_WINDOWS: Mapping[State, timedelta] = {
    State.MAINTENANCE: timedelta(seconds=20),
    State.SCALE_IN: timedelta(seconds=60),
    State.PREPARE_MAINTENANCE: timedelta(seconds=20),
    State.PLANNED_MAINTENANCE: timedelta(seconds=20),
    State.MAINTENANCE_COMPLETE: timedelta(seconds=60),
}


@dataclass(frozen=True, slots=True)
class Rules:
    """The choices of one server. Durations are simulated time, windows are the projects' own time."""

    behaviour: Behaviour = Behaviour.STRICT
    dialect: Dialect = Dialect.MAP
    default: Default = Default.MIGRATE
    windows: Mapping[State, timedelta] = field(default_factory=lambda: dict(UPSTREAM_WINDOWS))
    #: How long Fenix waits for a host to become empty by its projects' own actions (upstream: 4 minutes).
    own_action_window: timedelta = timedelta(minutes=4)
    lead: timedelta = timedelta(hours=1)
    host_maintenance: timedelta = timedelta(minutes=20)
    migrate: timedelta = timedelta(seconds=90)
    live_migrate: timedelta = timedelta(seconds=30)
    #: SCALE_IN rounds in which nothing was removed before the session gives up.
    idle_scale_ins: int = 2
