"""Journals that are kept: one file for each scenario, one JSON object a line, with a last entry of the suite's own.

The last entry says what no simulator knows: which projects the VNFM under test managed, and under which name the
scenario was played. So a kept journal can be judged again as it was judged first.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from fenix_conformance.vnfm.journal import Entry, Recording

#: Kind and type of the suite's entry.
KIND: Final = "suite"
TYPE: Final = "ScenarioPlayed"


def closing_row(number: int, part: str, projects: Iterable[str], url: str, facts: Sequence[str]) -> dict[str, Any]:
    """The entry with which a kept journal ends; ``facts`` are what is to be known of the VNFM's process."""
    return {
        "number": number,
        "at": datetime.now(UTC).isoformat(),
        "kind": KIND,
        "type": TYPE,
        "session_id": None,
        "project_id": None,
        "data": {"scenario": part, "projects": sorted(projects), "url": url, "facts": list(facts)},
    }


def keep(folder: Path, name: str, rows: Iterable[Mapping[str, Any]]) -> Path:
    """Write a journal into the folder, which is made. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.ndjson"
    unfinished = path.with_name(f".{path.name}.part")
    try:
        with unfinished.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def recording(path: Path, entries: tuple[Entry, ...], projects: frozenset[str] | None = None) -> Recording:
    """What is judged of a kept journal. Without ``projects`` they are those that its last entry names, if it does."""
    scenario = path.stem
    for entry in reversed(entries):
        if entry.kind == KIND and entry.type == TYPE:
            scenario = str(entry.data.get("scenario") or scenario)
            named = entry.data.get("projects")
            if projects is None and isinstance(named, list) and named:
                projects = frozenset(map(str, named))
            break
    return Recording(scenario, entries, projects)
