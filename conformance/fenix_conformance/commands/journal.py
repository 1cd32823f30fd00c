"""``fenix-conformance journal FILE…``: judges what a VNFM did, from journals that were kept."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenix_conformance.commands.options import Problem, option, report_options, selection_options
from fenix_conformance.commands.verdict import judging, select

if TYPE_CHECKING:
    from fenix_conformance.vnfm.journal import Recording

EPILOG = """\b
Examples:
  fenix-conformance journal journals
  fenix-conformance journal journals/happy-path.ndjson
  fenix-conformance journal maintenance.db --project 529735d0a01b4a7195a2c87fa9d2a38a
  fenix-conformance journal maintenance.db --only reply-in-time --html out.html
"""


@click.command("journal", epilog=EPILOG)
@click.argument("files", nargs=-1, metavar="FILE...", type=click.Path(path_type=Path))
@option("--project", "projects", metavar="ID", multiple=True, help="Managed by the VNFM to be judged; repeatable.")
@selection_options
@report_options
def command(
    files: tuple[Path, ...],
    projects: tuple[str, ...],
    only: tuple[str, ...],
    skip: tuple[str, ...],
    strict: bool,
    **reports: Any,
) -> None:
    """Judge saved journals by the requirements on a VNFM, without anything being played.

    A FILE is one that `fenix-conformance vnfm --keep-journals` or `fenix-simulator journal export` wrote, or that a
    simulator keeps (`serve --journal`); a folder stands for the *.ndjson in it. Without --project, the VNFM's project
    is the one that the file names; where it names none, every project in it is judged.
    """
    import shlex
    import time
    from datetime import UTC, datetime

    from fenix_conformance.results import Role
    from fenix_conformance.vnfm.judge import judge

    selection = select(Role.VNFM, only, skip, strict)
    judged = judging(selection, **reports)
    if not files:
        raise Problem("FILE is missing: fenix-conformance journal journals/happy-path.ndjson")
    judged.require_rows()
    started, clock = datetime.now(UTC), time.monotonic()
    recordings = [_recording(path, frozenset(projects) or None) for path in _files(files)]
    given = [word for project in projects for word in ("--project", project)] + (["--strict"] if strict else [])
    names = [str(path) for path in files]
    judged.conclude(
        judge(
            recordings,
            selection,
            subject=", ".join(names),
            started=started,
            seconds=time.monotonic() - clock,
            rerun=lambda one: shlex.join(["fenix-conformance", "journal", *names, "--only", one, *given]),
        )
    )


def _files(given: tuple[Path, ...]) -> Iterator[Path]:
    """The files that are meant. Raises Problem for a folder without journals, and for an address."""
    for path in given:
        if str(path).startswith(("http:", "https:")):
            raise Problem("an address is no FILE: fenix-simulator journal export URL > journal.ndjson writes one")
        if not path.is_dir():
            yield path
        elif kept := sorted(path.glob("*.ndjson")):
            yield from kept
        else:
            raise Problem(f"{path}: a folder without journals (*.ndjson)")


def _recording(path: Path, projects: frozenset[str] | None) -> Recording:
    """The journal in a file. Raises Problem for what is none."""
    from fenix_conformance.vnfm.journal import JournalInvalid
    from fenix_conformance.vnfm.journal_file import load_journal
    from fenix_conformance.vnfm.kept import recording

    try:
        entries = load_journal(path)
    except JournalInvalid as error:
        raise Problem(str(error)) from error
    known = {entry.project_id for entry in entries}
    for project in sorted(projects or ()):
        if project not in known:
            raise Problem(f"{path}: nothing in it is about project {project}")
    return recording(path, entries, projects)
