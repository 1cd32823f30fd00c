"""``fenix-simulator version``."""

from __future__ import annotations

import json
import platform

import click

from fenix_simulator import __version__


@click.command("version", epilog="Example: fenix-simulator version --format json")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(form: str) -> None:
    """Print the version."""
    if form == "json":
        click.echo(json.dumps({"version": __version__, "python": platform.python_version()}))
    else:
        click.echo(f"fenix-simulator {__version__} (Python {platform.python_version()})")
