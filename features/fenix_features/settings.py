"""What a run of the flows is told: which server, and how patiently it is waited for."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

#: The simulator answers at once; a busy machine is what this is for.
PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Durations are in seconds.

    ``fenix_url`` None: the simulator, started for the run. Otherwise the server under test, with Aodh's API at
    ``aodh_url``. ``projects`` are the ids of all projects with instances there, for a server may fail a session in
    which one has no manager; the first is called EPC in the flows, the second IMS. ``reply_window`` is the longest
    that the server waits for a reply, and ``max_wait`` the longest that nothing happens beside that. ``listen`` is the
    address on which alarms are taken.
    """

    fenix_url: str | None = None
    aodh_url: str | None = None
    projects: tuple[str, ...] = ()
    token: str | None = None
    reply_window: float = 60.0
    max_wait: float = PATIENCE
    listen: str = "127.0.0.1"

    @property
    def is_simulated(self) -> bool:
        """Whether the flows have a simulator of their own."""
        return self.fenix_url is None


#: Where a run keeps its settings; without any it is the simulator.
SETTINGS = pytest.StashKey[Settings]()


def settings_of(config: pytest.Config) -> Settings:
    """The settings of a pytest run."""
    return config.stash.get(SETTINGS, Settings())
