"""``fenix-conformance explain FILE``: what one alarm of a journal asked for, and what the VNFM made of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from fenix_conformance.commands.options import Problem, option

if TYPE_CHECKING:
    from fenix_conformance.vnfm.course import Course

EPILOG = """\b
Examples:
  fenix-conformance explain maintenance.db
  fenix-conformance explain maintenance.db --entry 29
  fenix-conformance explain journals --scenario happy-path --entry 29 --format json
"""


@click.command("explain", epilog=EPILOG)
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@option("--entry", "number", type=click.IntRange(1), metavar="N", help="Explain this alarm: the number of an entry.")
@option("--scenario", metavar="NAME", help="The journal of this scenario, where FILE is a folder of kept journals.")
@option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(file: Path, number: int | None, scenario: str | None, form: str) -> None:
    """Tell for one alarm what it asked, the reply it awaited, what the VNFM sent, and the difference.

    FILE is a journal that `fenix-simulator journal export` wrote or a simulator keeps (`serve --journal`), or a folder
    of them, one for each scenario. N is the number of the question, of a delivery, or of a request that answers it.
    Without --entry the alarms are listed with their numbers.
    """
    from fenix_conformance.reports.explained import as_json, render_explanation, render_list
    from fenix_conformance.vnfm.explain import NoSuchAlarm, explain, explain_all

    course = _course(_file(file, scenario), scenario)
    try:
        found = explain_all(course) if number is None else (explain(course, number),)
    except NoSuchAlarm as error:
        raise Problem(str(error)) from error
    if not found:
        raise Problem(f"{file}: no project was told of anything: a journal of a maintenance with a VNFM is awaited", 3)
    if form == "json":
        for one in found:
            click.echo(as_json(one))
    elif number is None:
        render_list(found)
    else:
        render_explanation(found[0])


def _file(path: Path, scenario: str | None) -> Path:
    """The journal that is meant. Raises Problem where a folder has none of that name."""
    if not path.is_dir():
        return path
    names = sorted(one.stem for one in path.glob("*.ndjson"))
    if scenario in names:
        return path / f"{scenario}.ndjson"
    if not names:
        raise Problem(f"{path}: a folder without journals (*.ndjson)")
    asked = f"has no journal of {scenario!r}" if scenario else "is a folder"
    raise Problem(f"{path} {asked}: --scenario takes one of {', '.join(names)}")


def _course(path: Path, scenario: str | None) -> Course:
    from fenix_conformance.vnfm.course import read_course
    from fenix_conformance.vnfm.journal import JournalInvalid
    from fenix_conformance.vnfm.journal_file import load_journal
    from fenix_conformance.vnfm.kept import recording

    try:
        kept = recording(path, load_journal(path))
    except JournalInvalid as error:
        raise Problem(str(error)) from error
    if scenario is not None and scenario != kept.scenario:
        raise Problem(f"{path} is the journal of {kept.scenario}, not of {scenario!r}")
    return read_course(kept)
