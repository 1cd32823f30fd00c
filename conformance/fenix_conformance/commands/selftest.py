"""``fenix-conformance selftest``: the suite against servers and VNFMs whose faults are known."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from fenix_conformance.commands.options import SECONDS, Problem, option

if TYPE_CHECKING:
    from fenix_conformance.selftest.rows import Row

#: The reply windows: what is enough for a server is short for the managers that a VNFM is in company with.
_SERVERS_WINDOW: Final = 3.0
_VNFMS_WINDOW: Final = 4.0
#: The kinds of rows that are about servers, in which a layer of the suite found the fault.
_SERVERS: Final = frozenset({"reference", "variant", "mutant"})

EPILOG = """\b
Examples:
  fenix-conformance selftest                          every mutant and every correct variant, once
  fenix-conformance selftest --repeat 5 --seed 7      each correct server five times, in another order
  fenix-conformance selftest nack-counts-as-ack slow  these only
  fenix-conformance selftest --role vnfm              every wrong VNFM and every fair one
  fenix-conformance selftest --role vnfm misses-one threaded
"""


@click.command("selftest", epilog=EPILOG)
@click.argument("names", nargs=-1, metavar="[NAME]...")
@option("--role", type=click.Choice(["server", "vnfm", "both"]), default="server", show_default=True)
@option("--jobs", "at_once", type=click.IntRange(1, 64), default=8, show_default=True, help="Judged at once.")
@option("--repeat", type=click.IntRange(1, 100), default=1, show_default=True, help="Runs of each correct one.")
@option("--seed", type=int, default=1, show_default=True, help="For the order.")
@option(
    "--window",
    type=SECONDS,
    help=f"The reply window.  [default: {_SERVERS_WINDOW:g}s for servers, {_VNFMS_WINDOW:g}s for VNFMs]",
)
@click.option(
    "--whole",
    is_flag=True,
    help="Judge mutants by every requirement, not only by those they may break, and VNFMs in every scenario.",
)
@option("--keep-journals", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="What VNFMs did.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
def command(
    names: tuple[str, ...],
    role: str,
    at_once: int,
    repeat: int,
    seed: int,
    window: float | None,
    whole: bool,
    keep_journals: Path | None,
    form: str,
) -> None:
    """Run the suite against servers and VNFMs of which is known whether they are right.

    Servers: a reference, correct variants of it, and mutants with one fault each. VNFMs: fair ones of all manners, and
    wrong ones that break one rule each. Exit 0 only when every wrong one failed by the requirement that it breaks and
    every right one passed.
    """
    from fenix_conformance.selftest.rows import run

    sides = _sides(role, keep_journals)
    if strangers := sorted(set(names).difference(*(side.known for side in sides))):
        known = ", ".join(name for side in sides for name in sorted(side.known))
        raise Problem(
            f"there is no {' or '.join(side.noun for side in sides)} {', '.join(strangers)}; there are: {known}"
        )
    rows: list[Row] = []
    for side in sides:
        mine = side.known.intersection(names)
        if names and not mine:
            continue
        todo = side.jobs(mine, repeat=repeat, seed=seed, window=window or side.window, whole=whole)
        found = []
        for row in run(todo, side.judge, at_once):
            found.append(row)
            click.echo(json.dumps(_data(row)) if form == "json" else _line(row))
        if form == "text":
            _sum_up(side, found)
        rows += found
    raise SystemExit(0 if rows and all(row.holds for row in rows) else 1)


@dataclass(frozen=True, slots=True)
class _Side:
    """One end of the API, and those that the suite is tried on: ``wrong`` and ``right`` is what they are called."""

    noun: str
    known: frozenset[str]
    jobs: Callable[..., list[Any]]
    judge: Callable[[Any], Row]
    window: float
    wrong: str
    right: str


def _sides(role: str, journals: Path | None) -> list[_Side]:
    from fenix_conformance.selftest import matrix, vnfm_matrix

    servers = _Side(
        "mutant or variant",
        matrix.names_known(),
        matrix.jobs,
        matrix.judge,
        _SERVERS_WINDOW,
        "mutants killed",
        "correct servers",
    )
    vnfms = _Side(
        "behaviour of a VNFM",
        vnfm_matrix.names_known(),
        partial(vnfm_matrix.jobs, journals=journals),
        vnfm_matrix.judge,
        _VNFMS_WINDOW,
        "wrong VNFMs caught",
        "fair VNFMs",
    )
    return {"server": [servers], "vnfm": [vnfms], "both": [servers, vnfms]}[role]


def _sum_up(side: _Side, rows: Sequence[Row]) -> None:
    wrong = [row for row in rows if row.kind.is_to_fail]
    right = [row for row in rows if not row.kind.is_to_fail]
    caught = [row for row in wrong if row.holds]
    where = Counter(row.where for row in caught)
    click.echo(
        f"\n{len(caught)} of {len(wrong)} {side.wrong} "
        f"({', '.join(f'{place}: {count}' for place, count in where.most_common()) or 'none'}); "
        f"{sum(row.holds for row in right)} of {len(right)} runs of {side.right} passed"
    )
    for row in rows:
        if not row.holds:
            click.echo(f"wrong: {row.kind} {row.name}: {'; '.join(row.errors) or row.message or 'nothing failed'}")


def _line(row: Row) -> str:
    verdict = "ok   " if row.holds else "WRONG"
    if row.breaks:
        told = (
            f"{row.breaks[0]} ({row.where})" if row.holds else f"must fail {row.breaks[0]}, failed {_names(row.failed)}"
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
        "besides": row.besides,
        "untestable": row.open,
        "errors": row.errors,
        "layer" if row.kind in _SERVERS else "scenarios": row.where,
        "holds": row.holds,
        "seconds": round(row.seconds, 2),
    }
