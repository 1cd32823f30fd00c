"""``fenix-conformance server URL``: judges a running Fenix server."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from fenix_conformance.commands.options import (
    SECONDS,
    Problem,
    is_http,
    option,
    report_options,
    selection_options,
    stopping_by,
)
from fenix_conformance.commands.verdict import judging, print_list, select

if TYPE_CHECKING:
    from fenix_conformance.requirements import Requirement
    from fenix_conformance.results import RunResult
    from fenix_conformance.selection import Selection
    from fenix_conformance.server.options import Options

EPILOG = """\b
Examples:
  fenix-conformance server http://127.0.0.1:12347
  fenix-conformance server http://127.0.0.1:12347 --aodh-url http://127.0.0.1:8042 --project P1 --project P2
  fenix-conformance server http://127.0.0.1:12347 --only reply-nack --only reply-silence
  fenix-conformance server http://127.0.0.1:12347 --junit out.xml --json out.json --html out.html
  fenix-conformance server --list
"""


@click.command("server", epilog=EPILOG)
@click.argument("url", required=False, envvar="FENIX_CONFORMANCE_URL")
@option("--aodh-url", metavar="URL", default="", help="Where Aodh's alarm API is. [default: the same URL]")
@option("--project", "projects", metavar="ID", multiple=True, help="A project that the suite plays; repeatable.")
@option("--session", metavar="ID", help="Start nothing: look at this session only.")
@option("--token", metavar="TOKEN", help="Sent as X-Auth-Token.")
@selection_options
@option("--reply-window", type=SECONDS, help="How long replies count where reply_at does not tell. [default: 60s]")
@option("--max-wait", type=SECONDS, default="120s", show_default=True, help="The longest that anything is waited for.")
@option("--seed", type=int, default=1, show_default=True, help="For what is generated.")
@report_options
@click.option("--list", "list_only", is_flag=True, help="Print the requirements and stop.")
@click.option("--dry-run", is_flag=True, help="Print what would be played, ask the server nothing.")
def command(
    url: str | None,
    aodh_url: str,
    projects: tuple[str, ...],
    session: str | None,
    token: str | None,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    strict: bool,
    reply_window: float | None,
    max_wait: float,
    seed: int,
    list_only: bool,
    dry_run: bool,
    **reports: Any,
) -> None:
    """Judge the Fenix server at URL by every requirement on a server.

    The suite listens for alarms on loopback, subscribes the projects with Aodh's API, starts sessions with the admin
    API, plays every project's manager, and takes all of it away again.
    """
    from fenix_conformance.results import Role

    selection = select(Role.SERVER, only, skip, strict)
    if list_only:
        print_list(selection.requirements, reports["form"])
        return
    judged = judging(selection, **reports)
    options = _options(
        url=url,
        aodh_url=aodh_url,
        projects=projects,
        session=session,
        token=token,
        reply_window=reply_window,
        max_wait=max_wait,
        seed=seed,
    )
    judged.require_rows()
    if dry_run:
        _print_plan(options, judged.rows)
        return
    judged.conclude(_run(options, selection))


def _options(*, url: str | None, **given: Any) -> Options:
    from fenix_conformance.server.options import Options

    if url is None:
        raise Problem("URL is missing: fenix-conformance server http://127.0.0.1:8919")
    for what, text in (("URL", url), ("--aodh-url", given["aodh_url"])):
        if text and not is_http(text):
            raise Problem(f"{what} {text!r} is not an http URL such as http://127.0.0.1:8919")
    if given["session"] is not None and not given["projects"]:
        raise Problem("--session needs --project: whose list and replies are to be looked at")
    return Options(url=url, **given)


def _run(options: Options, selection: Selection) -> RunResult:
    from fenix_conformance.reports import Progress
    from fenix_conformance.server.exchange import Unreachable
    from fenix_conformance.server.lab import Interrupted, Lab
    from fenix_conformance.server.run import judge_server

    with Progress() as progress:
        lab = Lab(options, progress.tell)
        try:
            with stopping_by(lab.interrupt):
                return judge_server(options, selection, progress.tell, lab)
        except Unreachable as error:
            raise Problem(str(error), 4) from error
        except Interrupted as error:
            raise Problem("interrupted; the suite's sessions and subscriptions were taken away", 4) from error


def _print_plan(options: Options, rows: tuple[Requirement, ...]) -> None:
    from fenix_conformance.server.run import plays_for

    click.echo(f"{len(rows)} requirements on {options.url}, alarms by {options.alarm_root}/v2/alarms")
    click.echo(f"projects: {', '.join(options.projects) or 'those that a first session tells of'}")
    if options.session is not None:
        click.echo(f"nothing is started: session {options.session} is looked at")
    else:
        click.echo(f"plays: {', '.join(plays_for(rows))}")
    for row in rows:
        click.echo(f"  {row.id:<24} {row.level}")
