"""Where reports are written to."""

from __future__ import annotations

import os
from pathlib import Path

from fenix_conformance.reports.escaping import well_formed


class ReportError(ValueError):
    """A report or a baseline that cannot be read or used; the message names the file and what is wrong with it."""


def save(path: str | os.PathLike[str], text: str) -> None:
    """Write a report as UTF-8 with line feeds; its folder is made. Raises OSError.

    A reader never sees half of it: the text goes to a file beside it, which then takes its place.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists() and not target.is_file():
        # A pipe or /dev/stdout is written to, not replaced.
        target.write_text(well_formed(text), encoding="utf-8", newline="\n")
        return
    unfinished = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        unfinished.write_text(well_formed(text), encoding="utf-8", newline="\n")
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)


def load(path: str | os.PathLike[str], what: str) -> str:
    """The text of a file; ReportError when there is none or it is not UTF-8. ``what`` names it in the message."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as failure:
        raise ReportError(f"{os.fspath(path)}: not {what}: not UTF-8 text") from failure
    except OSError as failure:
        raise ReportError(f"{os.fspath(path)}: {failure.strerror or failure}") from failure
