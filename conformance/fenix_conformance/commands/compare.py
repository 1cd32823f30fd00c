"""``fenix-conformance compare A.json B.json``: two results side by side."""

from __future__ import annotations

from pathlib import Path

import click

from fenix_conformance.commands.options import Problem

FILE = click.Path(dir_okay=False, path_type=Path)


@click.command("compare", epilog="Example: fenix-conformance compare last-week.json today.json")
@click.argument("before", type=FILE, metavar="A.json")
@click.argument("after", type=FILE, metavar="B.json")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(before: Path, after: Path, form: str) -> None:
    """Show what two results (`server --json FILE`) have in common and what not; exit 1 where something got worse."""
    from fenix_conformance.reports import ReportError, compare, comparison_json, read_json, render_comparison

    try:
        comparison = compare(read_json(before), read_json(after))
    except (ReportError, OSError) as error:
        raise Problem(str(error)) from error
    if form == "json":
        click.echo(comparison_json(comparison))
    else:
        render_comparison(comparison)
    raise SystemExit(comparison.exit_code)
