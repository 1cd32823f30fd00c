"""What the project does to its own instances: giving some up, adding them again, moving them itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from fenix_vnfm.client import Exchange
from fenix_vnfm.cloud import Cloud, CloudError, CloudInstance
from fenix_vnfm.decide import choose_removals
from fenix_vnfm.persistence import Persistence


@dataclass(frozen=True, slots=True)
class Scaling:
    """Carries out what was decided, in ``cloud``, until ``deadline`` (aware UTC)."""

    cloud: Cloud
    persistence: Persistence
    deadline: datetime

    def give_up(self, project_id: str) -> list[CloudInstance]:
        """Remove what ``choose_removals`` chooses; gives what was removed, which may be less. Raises CloudError where
        not even the instances could be listed."""
        instances = self._list(project_id)
        removed = []
        for instance in choose_removals(instances, self.persistence.policy):
            try:
                self.persistence.call(
                    lambda instance_id=instance.instance_id: self.cloud.remove(instance_id),  # type: ignore[misc]
                    self.deadline,
                    _passes,
                )
            except CloudError:
                continue  # it may be gone in another way; the others still make room
            removed.append(instance)
        return removed

    def add_again(self, project_id: str, removed: Sequence[CloudInstance]) -> list[CloudInstance]:
        """Add instances like those that were removed; gives those that are there now. An instance with the same name
        counts, so that this can be repeated after a request whose answer was lost."""
        try:
            names = {instance.name for instance in self._list(project_id)}
        except CloudError:
            return []
        added = []
        for instance in removed:
            if instance.name not in names and not self._add(project_id, instance):
                continue
            added.append(instance)
        return added

    def move(self, instance_ids: Iterable[str]) -> tuple[list[str], list[str]]:
        """Move the instances; gives the ids of those that were moved and of those that could not be."""
        moved: list[str] = []
        stuck: list[str] = []
        for instance_id in instance_ids:
            try:
                self.persistence.call(
                    lambda one=instance_id: self.cloud.move(one),  # type: ignore[misc]
                    self.deadline,
                    _has_no_room_yet,
                )
            except CloudError:
                stuck.append(instance_id)
            else:
                moved.append(instance_id)
        return moved, stuck

    def _list(self, project_id: str) -> Sequence[CloudInstance]:
        return self.persistence.call(lambda: self.cloud.instances(project_id), self.deadline, _passes)

    def _add(self, project_id: str, instance: CloudInstance) -> bool:
        try:
            self.persistence.call(
                lambda: self.cloud.add(
                    project_id,
                    name=instance.name,
                    vcpus=instance.vcpus,
                    flavor=instance.flavor,
                    floating_ip=instance.floating_ip,
                ),
                self.deadline,
                _has_no_room_yet,
            )
        except CloudError:
            return False
        return True


def _passes(exchange: Exchange) -> bool:
    """For requests that may be repeated whatever became of the first."""
    return exchange.may_pass


def _has_no_room_yet(exchange: Exchange) -> bool:
    """For requests that must not be repeated unless it is known that nothing came of the first: another instance may
    yet make room (409), the server may be busy (503, 429)."""
    return exchange.status in (409, 429, 503)
