"""Who plays whom in a scenario: one project is the VNFM's, the others are the suite's, with the scenario's manners."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Manners:
    """What a scenario's ``projects.managers`` says of a project's manager; ``delay`` is a duration as text."""

    action: str = "MIGRATE"
    nack: str | None = None
    silent: bool = False
    subscribed: bool = True
    delay: str = "0s"

    @property
    def is_plain(self) -> bool:
        """Whether it takes part like any other: it listens, and acknowledges."""
        return self.subscribed and not self.silent and self.nack is None


@dataclass(frozen=True, slots=True)
class Cast:
    """``own`` is the project of the VNFM under test, ``position`` its place in the inventory (from 0); ``others`` are
    those that the suite plays."""

    own: str
    position: int
    others: Mapping[str, Manners]

    @property
    def silent(self) -> frozenset[str]:
        """The projects that never reply."""
        return frozenset(project for project, manners in self.others.items() if manners.silent)


def cast(scenario: Mapping[str, Any], projects: Sequence[tuple[str, str]]) -> Cast:
    """The parts of ``projects``, (id, name) in the inventory's order, in ``scenario`` as the journal's first entry has
    it.

    The VNFM gets the first whose manager is a plain one; where there is none, the first. ValueError without projects.
    """
    if not projects:
        raise ValueError("the scenario has no project that a VNFM could manage")
    manners = _manners(scenario, projects)
    position = next((at for at, (project, _) in enumerate(projects) if manners[project].is_plain), 0)
    own = projects[position][0]
    return Cast(own, position, {project: how for project, how in manners.items() if project != own})


def _manners(scenario: Mapping[str, Any], projects: Sequence[tuple[str, str]]) -> dict[str, Manners]:
    """Each project's, by id; the first entry that names it counts."""
    references: dict[object, str] = {name: project for project, name in projects}
    references.update((project, project) for project, _ in projects)
    references.update((number, project) for number, (project, _) in enumerate(projects, 1))
    chosen: dict[str, Manners] = {}
    for entry in scenario.get("projects", {}).get("managers", ()):
        members = {name: entry[name] for name in ("action", "nack", "silent", "subscribed", "delay") if name in entry}
        named = entry.get("projects", "all")
        for reference in references if named == "all" else named:
            if reference in references:
                chosen.setdefault(references[reference], Manners(**members))
    return {project: chosen.get(project, Manners()) for project, _ in projects}
