"""``fenix-conformance server URL``: judges a running Fenix server."""

from __future__ import annotations

import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click

from fenix_conformance.commands.options import SECONDS, Problem, option, report_options, write_reports

if TYPE_CHECKING:
    from fenix_conformance.requirements import Requirement
    from fenix_conformance.results import RunResult
    from fenix_conformance.server.options import Options
    from fenix_conformance.server.run import Selection

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
@option("--only", metavar="ID", multiple=True, help="Judge this requirement; repeatable.")
@option("--skip", metavar="ID", multiple=True, help="Leave this requirement out; repeatable.")
@option("--strict", is_flag=True, help="Every SHOULD is a MUST.")
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
    baseline: str | None,
    junit: Path | None,
    json_file: Path | None,
    html: Path | None,
    form: str,
    list_only: bool,
    dry_run: bool,
) -> None:
    """Judge the Fenix server at URL by every requirement on a server.

    The suite listens for alarms on loopback, subscribes the projects with Aodh's API, starts sessions with the admin
    API, plays every project's manager, and takes all of it away again.
    """
    selection, rows = _selection(only, skip, strict)
    if list_only:
        _print_list(rows, form)
        return
    known_failures = _baseline(baseline)
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
    if not rows:
        raise Problem("nothing is selected: --only and --skip leave no requirement", 3)
    if dry_run:
        _print_plan(options, rows)
        return
    result = _run(options, selection)
    assessment = known_failures.judge(result) if known_failures is not None else None
    write_reports(result, assessment, junit=junit, json_file=json_file, html=html, form=form)
    raise SystemExit(result.exit_code if assessment is None else assessment.exit_code)


def _selection(only: tuple[str, ...], skip: tuple[str, ...], strict: bool) -> tuple[Selection, tuple[Requirement, ...]]:
    from fenix_conformance.server.run import Selection

    chosen = Selection(only=frozenset(only), skip=frozenset(skip), strict=strict)
    try:
        return chosen, chosen.requirements
    except ValueError as error:
        raise Problem(str(error)) from error


def _baseline(name: str | None) -> Any:
    if name is None:
        return None
    from fenix_conformance.reports import BaselineError, load_baseline
    from fenix_conformance.requirements import requirements_of
    from fenix_conformance.results import Role

    try:
        return load_baseline(name, {row.id for row in requirements_of(Role.SERVER)})
    except (BaselineError, OSError) as error:
        raise Problem(str(error)) from error


def _options(*, url: str | None, **given: Any) -> Options:
    from fenix_conformance.server.options import Options

    if url is None:
        raise Problem("URL is missing: fenix-conformance server http://127.0.0.1:8919")
    for what, text in (("URL", url), ("--aodh-url", given["aodh_url"])):
        if text and not _is_http(text):
            raise Problem(f"{what} {text!r} is not an http URL such as http://127.0.0.1:8919")
    if given["session"] is not None and not given["projects"]:
        raise Problem("--session needs --project: whose list and replies are to be looked at")
    return Options(url=url, **given)


def _is_http(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


def _run(options: Options, selection: Selection) -> RunResult:
    from fenix_conformance.reports import Progress
    from fenix_conformance.server.exchange import Unreachable
    from fenix_conformance.server.lab import Interrupted, Lab
    from fenix_conformance.server.run import judge_server

    with Progress() as progress:
        lab = Lab(options, progress.tell)

        def stop(_signal: int, _frame: object) -> None:
            threading.Thread(target=lab.interrupt, daemon=True).start()

        before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            return judge_server(options, selection, progress.tell, lab)
        except Unreachable as error:
            raise Problem(str(error), 4) from error
        except Interrupted as error:
            raise Problem("interrupted; the suite's sessions and subscriptions were taken away", 4) from error
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _print_list(rows: tuple[Requirement, ...], form: str) -> None:
    if form == "json":
        import json

        for row in rows:
            told = {"id": row.id, "level": row.level, "source": row.source, "statement": row.statement}
            click.echo(json.dumps(told))
        return
    for row in rows:
        click.echo(f"{row.id:<24} {row.level:<7} {row.statement}  [{row.source}]")


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
