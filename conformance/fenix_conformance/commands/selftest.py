"""``fenix-conformance selftest``: the suite against servers whose faults are known."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING

import click

from fenix_conformance.commands.options import SECONDS, Problem, option

if TYPE_CHECKING:
    from fenix_conformance.selftest.matrix import Row

EPILOG = """\b
Examples:
  fenix-conformance selftest                          every mutant and every correct variant, once
  fenix-conformance selftest --repeat 5 --seed 7      each correct server five times, in another order
  fenix-conformance selftest nack-counts-as-ack slow  these only
"""


@click.command("selftest", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@option("--jobs", "at_once", type=click.IntRange(1, 64), default=8, show_default=True, help="Servers judged at once.")
@option("--repeat", type=click.IntRange(1, 100), default=1, show_default=True, help="Runs of each correct server.")
@option("--seed", type=int, default=1, show_default=True, help="For the order.")
@option("--window", type=SECONDS, default="3s", show_default=True, help="The servers' reply window.")
@click.option("--whole", is_flag=True, help="Judge mutants by every requirement, not only by those they may break.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    names: tuple[str, ...], at_once: int, repeat: int, seed: int, window: float, whole: bool, form: str
) -> None:
    """Run the suite against a reference server, correct variants of it, and mutants with one fault each.

    Exit 0 only when every mutant failed by the requirement that it breaks and every correct server passed.
    """
    from fenix_conformance.selftest.matrix import Kind, jobs, run

    try:
        todo = jobs(names, repeat=repeat, seed=seed, window=window, whole=whole)
    except ValueError as error:
        raise Problem(str(error)) from error
    rows = []
    for row in run(todo, at_once):
        rows.append(row)
        click.echo(json.dumps(_data(row)) if form == "json" else _line(row))
    wrong = [row for row in rows if not row.holds]
    mutants = [row for row in rows if row.kind is Kind.MUTANT]
    killed = [row for row in mutants if row.holds]
    right = [row for row in rows if row.kind is not Kind.MUTANT]
    if form == "text":
        layers = Counter(row.layer for row in killed)
        click.echo(
            f"\n{len(killed)} of {len(mutants)} mutants killed "
            f"({', '.join(f'{layer}: {count}' for layer, count in layers.most_common()) or 'none'}); "
            f"{sum(row.holds for row in right)} of {len(right)} runs of correct servers passed"
        )
        for row in wrong:
            click.echo(f"wrong: {row.kind} {row.name}: {'; '.join(row.errors) or row.message or 'nothing failed'}")
    raise SystemExit(1 if wrong or not rows else 0)


def _line(row: Row) -> str:
    verdict = "ok   " if row.holds else "WRONG"
    if row.breaks:
        told = (
            f"{row.breaks[0]} ({row.layer})" if row.holds else f"must fail {row.breaks[0]}, failed {_names(row.failed)}"
        )
        besides = f", besides {_names(row.besides)}" if row.besides else ""
    else:
        told = "passed" if row.holds else f"failed {_names(row.failed)}, open {_names(row.open)}"
        besides = ""
    return f"{verdict} {row.kind:<9} {row.name:<36} {row.seconds:5.1f} s  {told}{besides}"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nothing"


def _data(row: Row) -> dict[str, object]:
    return {
        "kind": row.kind,
        "name": row.name,
        "description": row.description,
        "breaks": row.breaks,
        "failed": row.failed,
        "untestable": row.open,
        "errors": row.errors,
        "layer": row.layer,
        "holds": row.holds,
        "seconds": round(row.seconds, 2),
    }
