"""The requirements: rows of ``requirements.yaml``, one for each statement that a server or a VNFM is judged by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from fenix_conformance.results import Level, Role

#: What kinds of sources there are, and what each is.
SOURCES: Mapping[str, str] = {
    "api": "the published project API of Fenix",
    "http": "HTTP Semantics, RFC 9110",
    "upstream": "what the public Fenix server and its documents do",
    "derived": "follows from the others",
}


@dataclass(frozen=True, slots=True)
class Requirement:
    """One row. ``check`` names the check that judges it; where there is none ``reason`` says why.

    ``objective``, ``preconditions``, ``steps`` and ``expected`` describe the check as a test specification does.
    """

    id: str
    level: Level
    role: Role
    statement: str
    source_kind: str
    section: str
    objective: str = ""
    preconditions: str = ""
    steps: str = ""
    expected: str = ""
    check: str | None = None
    reason: str = ""

    @property
    def source(self) -> str:
        """The source in one line: ``api: GET …``."""
        return f"{self.source_kind}: {self.section}"


@cache
def requirements(role: Role | None = None) -> tuple[Requirement, ...]:
    """All rows in the file's order, or those of one role. Raises ValueError where a row is not as it must be."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = (files("fenix_conformance") / "requirements.yaml").read_text("utf-8")
    document = yaml.load(text, loader)  # noqa: S506 - a safe loader, the fast one where it was built
    rows = tuple(_row(Role(name), row) for name, rows in document.items() for row in rows)
    seen: set[tuple[Role, str]] = set()
    for row in rows:
        if (row.role, row.id) in seen:
            raise ValueError(f"requirement {row.id} ({row.role}) is there twice")
        seen.add((row.role, row.id))
    return rows if role is None else tuple(row for row in rows if row.role is role)


def requirement(identifier: str, role: Role = Role.SERVER) -> Requirement:
    """The row with that id. Raises KeyError."""
    for row in requirements(role):
        if row.id == identifier:
            return row
    raise KeyError(identifier)


def _row(role: Role, row: Mapping[str, Any]) -> Requirement:
    source = row["source"]
    if source["kind"] not in SOURCES:
        raise ValueError(f"{row['id']}: source kind {source['kind']!r} is none of {', '.join(SOURCES)}")
    if bool(row.get("check")) == bool(row.get("reason")):
        raise ValueError(f"{row['id']}: either a check or a reason why there is none")
    return Requirement(
        id=row["id"],
        level=Level(row["level"]),
        role=role,
        statement=row["statement"].strip(),
        source_kind=source["kind"],
        section=source["section"],
        objective=row.get("objective", "").strip(),
        preconditions=row.get("preconditions", "").strip(),
        steps=row.get("steps", "").strip(),
        expected=row.get("expected", "").strip(),
        check=row.get("check"),
        reason=row.get("reason", "").strip(),
    )
