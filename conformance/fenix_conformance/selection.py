"""Which requirements are judged, and how strictly."""

from __future__ import annotations

from dataclasses import dataclass

from fenix_conformance.requirements import Requirement, requirements_of
from fenix_conformance.results import Role


@dataclass(frozen=True, slots=True)
class Selection:
    """Which requirements on one end are judged. Empty ``only`` means all; ``strict`` makes every SHOULD a MUST."""

    only: frozenset[str] = frozenset()
    skip: frozenset[str] = frozenset()
    strict: bool = False
    role: Role = Role.SERVER

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """The selected rows; ValueError names ids that do not exist."""
        rows = requirements_of(self.role)
        known = {row.id for row in rows}
        if unknown := sorted((self.only | self.skip) - known):
            raise ValueError(
                f"there is no {self.role} requirement {', '.join(unknown)} (fenix-conformance {self.role} --list)"
            )
        return tuple(row for row in rows if (not self.only or row.id in self.only) and row.id not in self.skip)
