"""The scenarios there are, read from the feature files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_bdd.feature import get_features
from pytest_bdd.parser import Step

#: Where the feature files are, in a checkout and in a wheel.
FLOWS = Path(__file__).resolve().parent / "flows"


@dataclass(frozen=True, slots=True)
class Entry:
    """A scenario: its tags include its feature's, its steps those of the background; an outline's once per example."""

    feature: str
    title: str
    tags: frozenset[str]
    steps: tuple[Step, ...]


def catalogue(folder: Path = FLOWS) -> Iterator[Entry]:
    """Every scenario, in the order of the files."""
    for feature in get_features([str(folder)]):
        for template in feature.scenarios.values():
            contexts = [context for examples in template.examples for context in examples.as_contexts()] or [{}]
            steps = tuple(step for context in contexts for step in template.render(context).steps)
            yield Entry(feature.name or "", template.name, frozenset(template.tags | feature.tags), steps)
