"""A journal read from a file: NDJSON as it was exported, or the file that a simulator itself keeps (SQLite)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from fenix_conformance.vnfm.journal import Entry, JournalInvalid, read_entries

_SQLITE: Final = b"SQLite format 3\0"
#: What would have worked, for messages.
_AWAITED: Final = (
    "a file of `fenix-simulator journal export` (NDJSON) or one that `fenix-simulator serve --journal` keeps is awaited"
)


def load_journal(path: Path) -> tuple[Entry, ...]:
    """The entries in the file, in order of their numbers.

    Raises JournalInvalid where the file is missing, empty or something else; the message is one line that names it.
    """
    try:
        rows = _exported(path) if _is_database(path) else _read(path)
    except OSError as error:
        raise JournalInvalid(f"{path}: {(error.strerror or str(error)).lower()}; {_AWAITED}") from error
    try:
        entries = read_entries(rows)
    except JournalInvalid as error:
        raise JournalInvalid(f"{path}: {error}; {_AWAITED}") from error
    if not entries:
        raise JournalInvalid(f"{path}: an empty journal; {_AWAITED}")
    return entries


def _is_database(path: Path) -> bool:
    """Whether SQLite wrote it. All of a young database may still be in its log beside it."""
    if not path.is_file():
        return False  # a pipe is read once, and only lines come through one
    with path.open("rb") as file:
        beginning = file.read(len(_SQLITE))
    return beginning == _SQLITE or (not beginning and path.with_name(f"{path.name}-wal").exists())


def _read(path: Path) -> list[Any]:
    with path.open("rb") as file:
        return list(_rows(path, file))


def _exported(path: Path) -> list[Any]:
    """The rows of a simulator's own file. The simulator reads it: nobody else has to know how it is laid out."""
    command = [sys.executable, "-m", "fenix_simulator", "journal", "export", str(path)]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)  # noqa: S603 - our own
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        reason = (said[-1] if said else f"the export ended with exit code {done.returncode}").removeprefix("Error: ")
        raise JournalInvalid(reason if str(path) in reason else f"{path}: {reason}")
    return list(_rows(path, done.stdout.splitlines()))


def _rows(path: Path, lines: Iterable[bytes]) -> Iterator[Any]:
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield json.loads(line)
        except (ValueError, RecursionError) as error:
            what = "not UTF-8 text" if isinstance(error, UnicodeDecodeError) else "no JSON object"
            raise JournalInvalid(f"{path}, line {number}: {what}; {_AWAITED}") from error
