"""A fault that waits for its turn: what fits it, how often that was so, and what was drawn for it."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fenix_simulator.scenario_faults import Fault, Then

#: The ids of the sessions that there are, oldest first.
Sessions = Callable[[], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request or an alarm, as far as a fault's condition looks at it. What is not known is None."""

    operation: str
    project_id: str | None
    session_id: str | None = None
    state: str | None = None


@dataclass(slots=True)
class Armed:
    """A fault, and for each project (None: no project) how often it was fitted and how often it happened.

    ``place`` is where it stands among the faults; with ``seed`` it is what the draws are made from, one for each count
    of each project: the same exchanges of a project meet the same fate, whatever the others do meanwhile.
    """

    number: int
    place: int
    fault: Fault
    project_id: str | None
    seed: int
    counts: Counter[str | None] = field(default_factory=Counter)
    hits: Counter[str | None] = field(default_factory=Counter)

    def fits(self, exchange: Exchange, sessions: Sessions) -> bool:
        """Whether the exchange fits the condition, numbers and draws aside."""
        when = self.fault.when
        if self.project_id not in (None, exchange.project_id) or when.in_state not in (None, exchange.state):
            return False
        if isinstance(when.session, int):
            there = sessions()
            return when.session <= len(there) and there[when.session - 1] == exchange.session_id
        return when.session in (None, exchange.session_id)

    def is_over(self, project_id: str | None) -> bool:
        """Whether it has happened to the project as often as it can."""
        fault = self.fault
        if fault.when.probability is not None:
            return fault.most is not None and self.hits[project_id] >= fault.most
        return fault.last is not None and self.counts[project_id] >= fault.last

    def count(self, project_id: str | None) -> int | None:
        """Count one more; None where it makes no difference how many there were."""
        if self.fault.last is None and self.fault.when.probability is None:
            return None
        self.counts[project_id] += 1
        return self.counts[project_id]

    def applies(self, project_id: str | None, count: int | None) -> bool:
        """Whether the one that was counted so is touched, unless a fault before this one touches it."""
        if count is None:
            return True
        chance = self.fault.when.probability
        return count >= self.fault.first and (chance is None or self._draw(project_id, count) < chance)

    def shown(self) -> dict[str, Any]:
        """The fault as a scenario file has it, with its number and how often it happened, by project."""
        hits = {project_id or "": hits for project_id, hits in sorted(self.hits.items(), key=str)}
        return {"number": self.number, "hits": hits, **described(self.fault)}

    def _draw(self, project_id: str | None, count: int) -> float:
        """A number from 0 up to 1, which depends on the names alone."""
        name = f"{self.seed}/{self.place}/{project_id or ''}/{count}"
        return int.from_bytes(hashlib.sha256(name.encode("utf-8", "backslashreplace")).digest()[:6]) / 2**48


def described(part: Fault | Then) -> Mapping[str, Any]:
    """A fault or its effect as a scenario file has it."""
    return part.model_dump(mode="json", exclude_defaults=True)
