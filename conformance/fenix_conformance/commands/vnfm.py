"""``fenix-conformance vnfm ALARM_URL``: judges a running VNFM, or one that it starts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import click

from fenix_conformance.commands.options import (
    SECONDS,
    Problem,
    is_http,
    option,
    report_options,
    selection_options,
)
from fenix_conformance.commands.verdict import judging, print_list, select
from fenix_conformance.commands.vnfm_telling import WrongScenario, telling

if TYPE_CHECKING:
    from fenix_conformance.requirements import Requirement
    from fenix_conformance.selection import Selection
    from fenix_conformance.vnfm.options import Options
    from fenix_conformance.vnfm.run import Run

EPILOG = """\b
Examples:
  fenix-conformance vnfm http://127.0.0.1:9000/maintenance
  fenix-conformance vnfm http://127.0.0.1:9000/maintenance --project 4fb6f05a9c2b4d1b8a7d
  fenix-conformance vnfm http://127.0.0.1:9000/maintenance --command "my-vnfm --port 9000"
  fenix-conformance vnfm http://127.0.0.1:9000/maintenance --scenario happy-path --scenario mine.yaml
  fenix-conformance vnfm http://127.0.0.1:9000/maintenance --keep-journals journals --junit out.xml --html out.html
  fenix-conformance vnfm http://127.0.0.1:9000/maintenance --command "my-vnfm --port 9000" --fuzz 200 --seed 7
  fenix-conformance vnfm --list

\b
A VNFM that removes, adds or moves instances does so at the simulator, which is its cloud here: the control API
(/simulator/v1/instances) lies at the host and port of each alarm's reply_url.
"""


#: The ids that a simulator can give to a project.
_PROJECT: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")

#: Seconds for a reply: in scenarios that are played once, and in those of which hundreds are.
_WINDOW: Final = 5.0
_FUZZ_WINDOW: Final = 2.0


@click.command("vnfm", epilog=EPILOG)
@click.argument("url", required=False, metavar="ALARM_URL", envvar="FENIX_CONFORMANCE_ALARM_URL")
@option("--project", metavar="ID", help="The id of the VNFM's project, where it must have that one.")
@option("--command", "start_command", metavar='"…"', help="Starts the VNFM (no shell); it is stopped at the end.")
@option("--scenario", "scenarios", metavar="NAME|FILE", multiple=True, help="Play this one; repeatable. [default: all]")
@option(
    "--reply-window",
    type=SECONDS,
    help="What the VNFM has for each reply, whatever the scenario says. [default: 5s; with --fuzz 2s]",
)
@option("--own-action-window", type=SECONDS, help="For a host to become empty. [default: twice the reply window]")
@selection_options
@option("--seed", type=click.IntRange(0, 2**53), help="Other clouds of the same kinds. [default: each scenario's own]")
@option(
    "--dialect",
    type=click.Choice(["map", "per-instance"]),
    help="How instance actions are asked for, as newer upstream does or not. [default: as each scenario says]",
)
@option("--max-wait", type=SECONDS, default="60s", show_default=True, help="The longest that one scenario may take.")
@option("--start-timeout", type=SECONDS, default="10s", show_default=True, help="For --command to take alarms.")
@option(
    "--jobs",
    type=click.IntRange(1, 16),
    default=1,
    show_default=True,
    help="Scenarios played at once. They share the VNFM, and what one does to it shows in the others.",
)
@option("--fuzz", type=click.IntRange(1, 1_000_000), metavar="N", help="Try N made-up scenarios; --seed tells which.")
@option(
    "--fuzz-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    metavar="DIR",
    help="Where --fuzz writes the smallest scenario that shows a failure. [default: here]",
)
@option("--keep-journals", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Keep what happened.")
@report_options
@click.option("--list", "list_only", is_flag=True, help="Print the requirements and stop.")
@click.option("--dry-run", is_flag=True, help="Print what would be played, start nothing.")
def command(
    url: str | None,
    project: str | None,
    start_command: str | None,
    scenarios: tuple[str, ...],
    reply_window: float | None,
    own_action_window: float | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    strict: bool,
    seed: int | None,
    dialect: str | None,
    max_wait: float,
    start_timeout: float,
    jobs: int,
    fuzz: int | None,
    fuzz_dir: Path,
    keep_journals: Path | None,
    list_only: bool,
    dry_run: bool,
    **reports: Any,
) -> None:
    """Judge the VNFM that takes its alarms at ALARM_URL by every requirement on a VNFM.

    The suite plays scenarios, one after another: for each it runs a simulated Fenix and cloud, in which the VNFM
    manages one project; the suite manages the others. What the VNFM did is judged from the simulators' journals.
    """
    from fenix_conformance.results import Role

    selection = select(Role.VNFM, only, skip, strict)
    if list_only:
        print_list(selection.requirements, reports["form"])
        return
    judged = judging(selection, **reports)
    if fuzz is not None and (scenarios or keep_journals):
        given = "--scenario" if scenarios else "--keep-journals"
        raise Problem(f"--fuzz makes its scenarios up: leave {given} out, and play the file that --fuzz writes with it")
    if fuzz is not None and jobs > 1:
        raise Problem("--fuzz tries one scenario after the other, each made up from what was seen: leave --jobs out")
    options = _options(
        url=url,
        scenarios=scenarios,
        project=project,
        command=start_command,
        reply_window=reply_window or (_FUZZ_WINDOW if fuzz else _WINDOW),
        own_action_window=own_action_window,
        max_wait=max_wait,
        start_timeout=start_timeout,
        seed=None if fuzz else seed,
        dialect=dialect,
        jobs=jobs,
        keep_journals=keep_journals,
    )
    judged.require_rows()
    if dry_run:
        _print_plan(options, judged.rows, f"{fuzz} made-up ones, seed {seed or 0}" if fuzz else None)
        return
    if fuzz is not None:
        from fenix_conformance.commands.vnfm_fuzz import fuzz as search

        search(options, judged, fuzz, seed or 0, fuzz_dir)
    judged.conclude(_run(options, selection).result)


def _options(*, url: str | None, **given: Any) -> Options:
    from fenix_conformance.vnfm.options import Options
    from fenix_conformance.vnfm.subject_process import CommandInvalid, words_of

    if url is None:
        raise Problem("ALARM_URL is missing: fenix-conformance vnfm http://127.0.0.1:9000/maintenance")
    if not is_http(url):
        raise Problem(f"ALARM_URL {url!r} is not an http URL such as http://127.0.0.1:9000/maintenance")
    if urlsplit(url).username is not None:
        # It is not repeated: there may be a password in it.
        raise Problem(
            "ALARM_URL carries a user name: Fenix's alarms have no use for one, leave out what is before the @"
        )
    if given["project"] == "":
        raise Problem("--project is empty: give the id of the VNFM's project, or leave it out")
    if given["project"] is not None and not _PROJECT.fullmatch(given["project"]):
        raise Problem(
            f"--project {given['project']!r} is no id of a project: at most 128 letters, digits and . _ -, of which "
            "the first is a letter or digit, because it stands in URLs"
        )
    if given["command"] is not None:
        try:
            words_of(given["command"])
        except CommandInvalid as error:
            raise Problem(f"--command: {error}") from error
    return Options(url=url, **given)


def _run(options: Options, selection: Selection) -> Run:
    from fenix_conformance.reports import Progress
    from fenix_conformance.vnfm.programme import scenarios_of
    from fenix_conformance.vnfm.run import Listener, judge_vnfm

    with telling(options) as interruption:
        parts = scenarios_of(options)
        with Progress(len(parts)) as progress:
            listener = Listener(
                begins=progress.tell,
                ends=lambda _name, _seconds: progress.step(),
                notes=lambda fact: click.echo(f"note: {fact}", err=True),
            )
            return judge_vnfm(options, parts, selection, listener, interruption)


def _print_plan(options: Options, rows: tuple[Requirement, ...], made_up: str | None) -> None:
    from fenix_conformance.vnfm.programme import ScenarioInvalid, scenarios_of

    try:
        parts = scenarios_of(options)
    except ScenarioInvalid as error:
        raise WrongScenario(str(error)) from error
    click.echo(
        f"{len(rows)} requirements on the VNFM at {options.url}, started by {options.command or 'somebody else'}"
    )
    click.echo(f"scenarios: {made_up or ', '.join(part.name for part in parts)}")
    for row in rows:
        click.echo(f"  {row.id:<24} {row.level}")
