"""``fenix-simulator scenario``: what is bundled, what is in it, whether a file is good, and how to begin one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenix_simulator.commands import options
from fenix_simulator.commands.options import option

if TYPE_CHECKING:
    from fenix_simulator.scenario import Problem, Scenario

_format = option(
    "--format",
    "as_",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Form of the output.",
)


class BadScenario(options.Problem):
    """Ends the command with exit 2 and one line for each problem on stderr."""

    def show(self, file: Any = None) -> None:
        """Write the lines as they are: each begins with the file and line that it is about."""
        click.echo(self.message, err=True, file=file)


@click.group("scenario")
def command() -> None:
    """Scenario files: list the bundled ones, show one, check a file, begin one.

    A scenario is a YAML file with a cloud, how time passes, what the managers do, what goes wrong, and the end that is
    expected.

    \b
    Examples:
      fenix-simulator scenario list
      fenix-simulator scenario new mine.yaml
      fenix-simulator scenario validate mine.yaml
    """


@command.command("list")
@_format
def list_(as_: str) -> None:
    """List the bundled scenarios.

    \b
    Examples:
      fenix-simulator scenario list
      fenix-simulator scenario list --format json
    """
    from fenix_simulator.scenario import bundled, load

    scenarios = [load(name) for name in bundled()]
    if as_ == "json":
        click.echo(json.dumps([_outline(one) for one in scenarios], indent=2))
        return
    width = max(len(one.name) for one in scenarios)
    for one in scenarios:
        click.echo(f"{one.name:<{width}}  {one.summary}")


@command.command()
@click.argument("name", metavar="NAME|FILE")
@_format
def show(name: str, as_: str) -> None:
    """Print a scenario: as its file stands (text), or checked and with all defaults filled in (json).

    Either form can be saved and used as a scenario file.

    \b
    Examples:
      fenix-simulator scenario show scale-in
      fenix-simulator scenario show scale-in --format json | jq .timing
    """
    from fenix_simulator.scenario import load, source

    with _problems_end_it():
        click.echo(load(name).model_dump_json(indent=2) if as_ == "json" else source(name).rstrip("\n"))


@command.command()
@click.argument("file", metavar="FILE|NAME|-")
@_format
def validate(file: str, as_: str) -> None:
    """Check a scenario file. Exit 0 when it is good; exit 2, with one line for each problem, when it is not.

    \b
    Examples:
      fenix-simulator scenario validate mine.yaml
      fenix-simulator scenario validate mine.yaml --format json
      generate | fenix-simulator scenario validate -
    """
    from fenix_simulator.scenario import ScenarioError, load

    try:
        good = load(file)
    except ScenarioError as error:
        if as_ == "text":
            raise BadScenario(str(error)) from None
        click.echo(json.dumps({"valid": False, "problems": [_record(p) for p in error.problems]}, indent=2))
        raise click.exceptions.Exit(BadScenario.exit_code) from None
    outline = _outline(good)
    if as_ == "json":
        click.echo(json.dumps({"valid": True, "problems": [], **outline}, indent=2))
        return
    parts = ", ".join(_count(outline[what], what) for what in ("hosts", "projects", "instances", "sessions", "faults"))
    click.echo(f"{file}: good: {parts}; {outline['expect']} is expected")


@command.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--from", "origin", metavar="NAME", help="Begin with this bundled scenario in place of the template.")
@click.option("--force", is_flag=True, help="Overwrite FILE.")
def new(file: Path | None, origin: str | None, force: bool) -> None:
    """Begin a scenario: write a commented one to FILE, or to stdout.

    \b
    Examples:
      fenix-simulator scenario new mine.yaml
      fenix-simulator scenario new --from scale-in mine.yaml
      fenix-simulator scenario new > mine.yaml
    """
    from fenix_simulator.scenario import source, template

    with _problems_end_it():
        text = source(origin) if origin else template()
    if file is None:
        click.echo(text.rstrip("\n"))
        return
    try:
        with file.open("w" if force else "x", encoding="utf-8") as target:
            target.write(text)
    except FileExistsError:
        raise BadScenario(f"{file}: exists already: choose another name, or say --force") from None
    except OSError as error:
        raise BadScenario(f"{file}: cannot be written: {error.strerror}") from None
    click.echo(f"{file}: written; check it with: fenix-simulator scenario validate {file}", err=True)


@contextmanager
def _problems_end_it() -> Iterator[None]:
    from fenix_simulator.scenario import ScenarioError

    try:
        yield
    except ScenarioError as error:
        raise BadScenario(str(error)) from None


def _outline(scenario: Scenario) -> dict[str, Any]:
    inventory = scenario.build_inventory()
    return {
        "name": scenario.name,
        "summary": scenario.summary,
        "seed": scenario.seed,
        "hosts": len(inventory.hosts),
        "projects": len(inventory.projects),
        "instances": len(inventory.instances),
        "sessions": len(scenario.sessions),
        "faults": len(scenario.faults),
        "expect": scenario.expect.end.value,
    }


def _record(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line or None,
        "member": problem.member or None,
        "message": problem.message,
        "allowed": list(problem.allowed),
    }


def _count(number: int, what: str) -> str:
    return f"{number} {what.removesuffix('s') if number == 1 else what}"
