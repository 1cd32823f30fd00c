"""Sample managers for the projects that the VNFM under test does not manage, with the manners of the scenario."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fenix_contract.vocabulary import REPLY_STATES, Action
from fenix_vnfm import AlarmReceiver, Policy, ProjectManager

if TYPE_CHECKING:
    from fenix_simulator.scenario import Manager


class Others:
    """The managers at work; they share one receiver."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._receiver = AlarmReceiver()
        self.managers: dict[str, ProjectManager] = {}

    def play(self, parts: Mapping[str, Manager]) -> None:
        """Let a manager take part for each of these projects that has none yet and is to have one."""
        for project_id, manners in parts.items():
            if manners.subscribed and project_id not in self.managers:
                manager = ProjectManager(project_id, policy(manners), receiver=self._receiver, control_url=self._url)
                self.managers[project_id] = manager
                manager.subscribe(self._url)

    def close(self) -> None:
        """Unsubscribe them and stop."""
        for manager in self.managers.values():
            manager.close()
        self._receiver.close()


def policy(manners: Manager) -> Policy:
    """How a manager with these manners decides."""
    return Policy(
        action=Action(manners.action),
        delay=manners.delay,
        nack=frozenset() if manners.nack is None else frozenset({str(manners.nack)}),
        silent=frozenset(str(state) for state in REPLY_STATES) if manners.silent else frozenset(),
    )
