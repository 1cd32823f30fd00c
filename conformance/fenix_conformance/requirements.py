"""The requirements as data: loads ``requirements.yaml``, the one file of rows that both ends are judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from fenix_conformance.results import Level, Role

#: Where a requirement comes from, and what that means.
SOURCES: Final[Mapping[str, str]] = {
    "api": "the published text of Fenix's project maintenance API",
    "http": "RFC 9110, HTTP semantics",
    "upstream": "what the public Fenix server, its documents and Aodh do",
    "derived": "follows from the other requirements",
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row. ``check`` names what checks it; where it is None, ``reason`` says why nothing does.

    Rows of a VNFM have ``advice``, what its author is to change where it is not met, and ``scenarios``, the bundled
    ones that show it best; both are empty in rows of a server.
    """

    id: str
    role: Role
    level: Level
    statement: str
    source_kind: str
    section: str
    objective: str
    preconditions: str
    steps: tuple[str, ...]
    expected: str
    check: str | None
    reason: str | None
    advice: str = ""
    scenarios: tuple[str, ...] = ()

    @property
    def source(self) -> str:
        """For reports: the kind and the section."""
        return f"{self.source_kind}: {self.section}"


@cache
def requirements() -> tuple[Requirement, ...]:
    """Every row in the order of the file; ValueError when the file breaks its own rules."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = files("fenix_conformance").joinpath("requirements.yaml").read_text("utf-8")
    rows = tuple(_row(members) for members in yaml.load(text, Loader=loader))  # noqa: S506 (both loaders are safe ones)
    seen: set[tuple[Role, str]] = set()
    for row in rows:
        if (row.role, row.id) in seen:
            raise ValueError(f"requirements.yaml: {row.id} stands there twice")
        seen.add((row.role, row.id))
    return rows


def requirements_of(role: Role) -> tuple[Requirement, ...]:
    """The rows of one end."""
    return tuple(row for row in requirements() if row.role is role)


def _row(members: Mapping[str, Any]) -> Requirement:
    name = members.get("id", "a row without an id")
    source = members["source"]
    if source["kind"] not in SOURCES:
        raise ValueError(
            f"requirements.yaml: {name}: the source kind {source['kind']!r} is none of {', '.join(SOURCES)}"
        )
    if bool(members.get("check")) == bool(members.get("reason")):
        raise ValueError(f"requirements.yaml: {name} needs either a check or a reason")
    return Requirement(
        id=members["id"],
        role=Role(members["role"]),
        level=Level(members["level"]),
        statement=_line(members["statement"]),
        source_kind=source["kind"],
        section=_line(source["section"]),
        objective=_line(members["objective"]),
        preconditions=_line(members["preconditions"]),
        steps=tuple(_line(step) for step in members["steps"]),
        expected=_line(members["expected"]),
        check=members.get("check"),
        reason=_line(members["reason"]) if members.get("reason") else None,
        advice=_line(members.get("advice", "")),
        scenarios=tuple(members.get("scenarios", ())),
    )


def _line(text: str) -> str:
    return " ".join(str(text).split())
