"""The results as Markdown, put between two marks of a document that people have written."""

from __future__ import annotations

import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from generator import Figures
from steps import Row

from fenix_benchmarks.rounds import Round, median, ratio, voids
from fenix_benchmarks.serving_compared import SERVE, Told
from fenix_benchmarks.works import WORKS

BEGIN = "<!-- results: written by `make bench` -->"
END = "<!-- end of the results -->"


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that a run found; a part that did not run is None."""

    serving: Told | None = None
    servers: Sequence[str] = ()
    alarms: dict[int, dict[str, list[Round]]] | None = None
    growth: Sequence[Row] | None = None


def markdown(results: Results, plot: str | None) -> str:
    """The results; ``plot`` is how the document refers to the picture."""
    parts = [*_machine()]
    if results.serving is not None:
        parts += _serving(results.serving, results.servers)
    if results.alarms is not None:
        parts += _alarms(results.alarms)
    if results.growth:
        parts += _growth(results.growth, plot)
    return "\n".join(parts).rstrip() + "\n"


def put_into(document: str, text: str) -> str:
    """The document with ``text`` between its marks. Raises ValueError where it has none."""
    head, begin, rest = document.partition(BEGIN)
    _, end, tail = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"no place for the results: expected the lines {BEGIN!r} and {END!r}")
    return f"{head}{begin}\n\n{text}\n{end}{tail}"


def _machine() -> list[str]:
    arguments = shlex.join(["python", "loadtests/benchmarks/compare.py", *sys.argv[1:]])
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return [
        f"| run | {datetime.now(UTC):%Y-%m-%d %H:%M} UTC |",
        "| --- | --- |",
        f"| command | `{arguments}` |",
        f"| machine | {len(os.sched_getaffinity(0))} cores, {_cpu()}, {platform.system()} {platform.machine()} |",
        f"| Python | {platform.python_implementation()} {platform.python_version()} |",
        f"| load average at the end (1, 5, 15 minutes) | {load} |",
        "",
    ]


def _cpu() -> str:
    """The processor's name, where the system tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, None) or platform.processor() or "of unknown make"


def _serving(told: Told, servers: Sequence[str]) -> list[str]:
    parts = [
        "### Lists and replies",
        "",
        f"`serve` runs on {' and '.join(servers) or 'a server that is not known'}.",
        "",
    ]
    for work in WORKS:
        rounds = told.rounds.get(work.name)
        if rounds is None:
            continue
        parts += [
            f"**{work.title}**",
            "",
            "| server | requests/s | `serve` / it | p99 ms | CPU µs/request | its CPU / `serve`'s | rounds |",
            "| --- | --- | --- | --- | --- | --- | --- |",
        ]
        for name, own in rounds.items():
            same = name == SERVE
            cells = [
                name,
                _number(median(own, lambda one: one.rate)),
                "" if same else str(ratio(rounds[SERVE], own) or "-"),
                _number(median(own, lambda one: one.p99)),
                _number(median(own, _cpu_each)),
                "" if same else str(ratio(own, rounds[SERVE], _cpu_each) or "-"),
                f"{sum(not one.void for one in own)} of {len(own)}",
            ]
            parts.append(f"| {' | '.join(cells)} |")
        parts += ["", *_reasons(rounds)]
    parts += ["| server | memory MB | first answer after s |", "| --- | --- | --- |"]
    parts += [
        f"| {_called(name, told)} | {_number(told.memory.get(name))} | {_number(told.started.get(name))} |"
        for name in dict.fromkeys([*told.started, *told.memory])
    ]
    parts += ["", *(f"- left out: {name}: {why}" for name, why in told.left_out.items())]
    return parts if not told.left_out else [*parts, ""]


def _called(name: str, told: Told) -> str:
    version = told.versions.get(name)
    return name if version is None else version if version.lower().startswith(name.lower()) else f"bare on {version}"


def _alarms(told: dict[int, dict[str, list[Round]]]) -> list[str]:
    parts = [
        "### Alarms",
        "",
        "| at once | sender | alarms/s | / requests.Session | CPU µs/alarm | requests.Session's / its | rounds |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for at_once, senders in told.items():
        other = senders.get("requests", [])
        for name, own in senders.items():
            same = not other or name == "requests"
            cells = [
                str(at_once),
                "requests.Session" if name == "requests" else "the simulator's",
                _number(median(own, lambda one: one.rate)),
                "" if same else str(ratio(own, other) or "-"),
                _number(median(own, _cpu_each)),
                "" if same else str(ratio(other, own, _cpu_each) or "-"),
                f"{sum(not one.void for one in own)} of {len(own)}",
            ]
            parts.append(f"| {' | '.join(cells)} |")
    named = {f"{at_once} at once, {name}": own for at_once, senders in told.items() for name, own in senders.items()}
    return [*parts, "", *_reasons(named)]


def _reasons(rounds: Mapping[str, Sequence[Round]]) -> list[str]:
    """Why rounds do not count, as a list that an empty line follows; nothing where all do."""
    parts = [f"- {name}: {why}" for name, own in rounds.items() for why in voids(own)]
    return [*parts, ""] if parts else []


def _growth(rows: Sequence[Row], plot: str | None) -> list[str]:
    first = rows[0]
    parts = [
        "### The core in larger clouds",
        "",
        "| instances | events/s of CPU | CPU µs/event | / the first size | bytes/instance | in a session's copy |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    parts += [
        f"| {row['instances']:,.0f} | {1e6 / row['event']:,.0f} | {row['event']:.1f} "
        f"| {row['event'] / first['event']:.2f} | {row['bytes']:.0f} | {row['copied']:.0f} |"
        for row in rows
    ]
    if plot is not None:
        parts += ["", f"![CPU for each event and bytes for each instance, over instances]({plot})"]
    return [*parts, ""]


def _cpu_each(one: Figures) -> float | None:
    return one.cpu


def _number(value: float | None) -> str:
    """Three digits that count."""
    if value is None:
        return "-"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
