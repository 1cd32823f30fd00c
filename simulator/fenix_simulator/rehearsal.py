"""A history from outside is played on a service that nobody sees before the real one takes it over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from fenix_simulator.domain.messages import TimerKind
from fenix_simulator.history import Decode, fold
from fenix_simulator.ports import Alarm, Entry, Filter, Recorded
from fenix_simulator.service import MaintenanceService
from fenix_simulator.subscriptions import Subscriptions


class _Nowhere:
    """Stands for journal, timers and alarm sink: what goes there is not kept, and nothing comes from it."""

    first = 1
    last = 0

    def append(self, _entries: Sequence[Entry], _at: datetime) -> int:
        return 0

    def read(self, _after: int = 0, _limit: int = 1000, _only: Filter = Filter()) -> list[Recorded]:
        return []

    def wait(self, _after: int, _timeout: float) -> bool:
        return False

    def start(self, _session_id: str, _timer: int, _kind: TimerKind, _duration: timedelta) -> None:
        """No time passes here."""

    def stop(self, _session_id: str, _timer: int) -> None:
        """No time passes here."""

    def forget(self, _session_id: str) -> None:
        """No time passes here."""

    def send(self, _alarm: Alarm) -> None:
        """Nobody is told."""

    def close(self, _timeout: float = 0.0) -> None:
        """There is nothing to close."""


def rehearse(parts: Mapping[str, Any], recorded: Sequence[Recorded], decode: Decode) -> None:
    """Play ``recorded`` on a service of these parts (see ``MaintenanceService``), to where it would go on.

    Raises whatever a history that cannot have happened trips over; nothing else has changed then.
    """
    nowhere, subscriptions = _Nowhere(), Subscriptions()
    apart = {"journal": nowhere, "sink": nowhere, "timers": lambda _fire: nowhere, "subscriptions": subscriptions}
    trial = MaintenanceService(**{**parts, **apart})
    past = fold(trial, recorded, decode)
    subscriptions.restore(past.subscriptions.values())
    trial.go_on({})
    for session_id in trial.list_sessions():
        view = trial.session_view(session_id)
        for project in view.projects:
            trial.instance_list_json(session_id, project)
