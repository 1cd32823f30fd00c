"""What a run plays: which scenarios, in which order, under which names, and for how long."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fenix_conformance.vnfm.options import Options

#: Played first: whoever fails here need not be told of the others' finer points.
FIRST: Final = "happy-path"
#: Played last, and for a short while only: what a VNFM does with two hundred hosts shows soon.
LAST: Final = "large-cloud"
LAST_SECONDS: Final = 20.0

_SIMULATOR: Final = (sys.executable, "-m", "fenix_simulator")
_PATIENCE: Final = 60.0


class ScenarioInvalid(ValueError):
    """A scenario that cannot be played; the message has one line for each problem, with file and line."""


@dataclass(frozen=True, slots=True)
class Part:
    """A scenario of the programme: ``source`` is a bundled one's name or a file, ``name`` is what reports call it,
    ``seconds`` how long it may take."""

    source: str
    name: str
    seconds: float


def scenarios_of(options: Options) -> tuple[Part, ...]:
    """What a run plays. Raises ScenarioInvalid."""
    if options.scenarios:
        check(options.scenarios)
    return programme(options.scenarios or bundled(), options.max_wait)


def programme(sources: Sequence[str], max_wait: float) -> tuple[Part, ...]:
    """The scenarios in the order in which they are played; each once, with a name that no other has."""
    names: dict[str, int] = {}
    parts = []
    for source in in_order(dict.fromkeys(sources)):
        stem = Path(source).stem
        names[stem] = names.get(stem, 0) + 1
        name = stem if names[stem] == 1 else f"{stem}-{names[stem]}"
        parts.append(Part(source, name, min(max_wait, LAST_SECONDS) if source == LAST else max_wait))
    return tuple(parts)


def in_order(sources: Iterable[str]) -> list[str]:
    """The simplest first, the largest last, all others as they were given."""
    return sorted(sources, key=lambda source: {FIRST: 0, LAST: 2}.get(source, 1))


def bundled() -> tuple[str, ...]:
    """The names of the scenarios that the simulator has. Raises ScenarioInvalid where it does not tell them."""
    (listed,) = _ask([["scenario", "list", "--format", "json"]])
    return tuple(str(one["name"]) for one in json.loads(listed))


def check(sources: Sequence[str]) -> None:
    """Have the simulator look at the scenarios. Raises ScenarioInvalid with all that is wrong."""
    _ask([["scenario", "validate", "--", source] for source in sources])


def _ask(questions: Sequence[Sequence[str]]) -> list[str]:
    """What the simulator's command prints for each list of arguments, all asked at once."""
    asked = [
        subprocess.Popen(  # noqa: S603 - our own module
            [*_SIMULATOR, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for arguments in questions
    ]
    answers: list[str] = []
    problems: list[str] = []
    try:
        for process in asked:
            out, err = process.communicate(timeout=_PATIENCE)
            answers.append(out)
            if process.returncode:
                problems += err.strip().splitlines() or [f"the simulator ended with status {process.returncode}"]
    finally:
        for process in asked:
            process.kill()
            process.wait()
    if problems:
        raise ScenarioInvalid("\n".join(problems))
    return answers
