"""What became of the requests, by name: how many, how fast, and what went wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from fenix_loadtest.histogram import Histogram

#: Different texts of errors that are kept for a name; the rest is counted together.
_MOST_ERRORS = 50
OTHER_ERRORS = "other errors"


@dataclass(slots=True)
class Series:
    """The requests of one name. Failed ones are in the latencies too: a fast refusal is no fast answer, and counts."""

    latencies: Histogram = field(default_factory=Histogram)
    failures: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    def fail(self, error: str, count: int = 1) -> None:
        """Count failures with their text."""
        self.failures += count
        known = error in self.errors or len(self.errors) < _MOST_ERRORS
        self.errors[error if known else OTHER_ERRORS] += count


class Recorder:
    """All series of a process, or of all processes of a run."""

    def __init__(self) -> None:
        self.series: dict[str, Series] = {}

    def of(self, name: str) -> Series:
        """The series of a name, made when it is first asked for."""
        series = self.series.get(name)
        if series is None:
            series = self.series[name] = Series()
        return series

    def add(self, name: str, seconds: float, error: str | None = None) -> None:
        """Count a request with its latency and, where it failed, why."""
        series = self.of(name)
        series.latencies.add(seconds)
        if error is not None:
            series.fail(error)

    @property
    def failures(self) -> int:
        """All failures."""
        return sum(one.failures for one in self.series.values())

    @property
    def requests(self) -> int:
        """All requests."""
        return sum(one.latencies.count for one in self.series.values())

    def total(self) -> Series:
        """All series together."""
        total = Series()
        for one in self.series.values():
            total.latencies.merge(one.latencies)
            total.failures += one.failures
        return total

    def as_plain(self) -> dict[str, Any]:
        """In a form that any encoding carries; see ``merge_plain``."""
        return {
            name: {
                "pairs": one.latencies.pairs(),
                "largest": one.latencies.largest,
                "errors": [[text, count] for text, count in one.errors.items()],
            }
            for name, one in self.series.items()
        }

    def merge_plain(self, plain: Mapping[str, Any]) -> None:
        """Take over what another process has counted."""
        for name, one in plain.items():
            series = self.of(name)
            series.latencies.merge(Histogram.of_pairs(one["pairs"], one["largest"]))
            for text, count in one["errors"]:
                series.fail(text, count)
