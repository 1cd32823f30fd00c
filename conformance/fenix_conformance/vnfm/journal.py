"""The journal of a run as the judge reads it: entries, and the recording of a scenario that they make up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


class JournalInvalid(ValueError):
    """What was given is no journal of a run; the message is one line for people."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a journal, as ``GET /simulator/v1/journal`` and ``fenix-simulator journal export`` have it."""

    number: int
    at: datetime
    kind: str
    type: str
    session_id: str | None
    project_id: str | None
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Recording:
    """The journal of one scenario.

    ``projects`` are those whose manager is the VNFM under test; None means every project that was told of anything.
    """

    scenario: str
    entries: tuple[Entry, ...]
    projects: frozenset[str] | None = None


def read_entries(rows: Iterable[Any]) -> tuple[Entry, ...]:
    """The entries in JSON objects, in order of their numbers. Raises JournalInvalid."""
    entries = [_entry(position, row) for position, row in enumerate(rows, 1)]
    return tuple(sorted(entries, key=lambda entry: entry.number))


def _entry(position: int, row: Any) -> Entry:
    try:
        data = row["data"]
        if not isinstance(data, Mapping):
            raise TypeError("data is no object")
        return Entry(
            number=int(row["number"]),
            at=datetime.fromisoformat(row["at"]),
            kind=str(row["kind"]),
            type=str(row["type"]),
            session_id=row.get("session_id"),
            project_id=row.get("project_id"),
            data=data,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise JournalInvalid(f"entry {position} is none of a journal: {type(error).__name__}: {error}") from error
