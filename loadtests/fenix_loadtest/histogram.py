"""Latencies counted in classes that grow by one percent: small, mergeable, exact to one percent."""

from __future__ import annotations

import math
from collections.abc import Iterable

_GROWTH = math.log(1.01)


class Histogram:
    """Counts of latencies. ``counts`` goes from class to count: class k holds [1.01^k, 1.01^(k+1)) microseconds."""

    __slots__ = ("count", "counts", "largest")

    def __init__(self) -> None:
        self.counts: dict[int, int] = {}
        self.count = 0
        self.largest = 0.0

    def add(self, seconds: float) -> None:
        """Count one latency; less than a microsecond counts as one."""
        key = int(math.log(seconds * 1e6) / _GROWTH) if seconds > 1e-6 else 0
        self.counts[key] = self.counts.get(key, 0) + 1
        self.count += 1
        self.largest = max(self.largest, seconds)

    def merge(self, other: Histogram) -> None:
        """Take over what another has counted."""
        for key, count in other.counts.items():
            self.counts[key] = self.counts.get(key, 0) + count
        self.count += other.count
        self.largest = max(self.largest, other.largest)

    def percentile(self, share: float) -> float | None:
        """The latency (seconds) that ``share`` of all do not exceed; None where nothing was counted.

        By nearest rank, and the end of its class: up to one percent more than it was, never less.
        """
        if not self.count:
            return None
        rank = max(1, math.ceil(share * self.count))
        seen = 0
        for key in sorted(self.counts):
            seen += self.counts[key]
            if seen >= rank:
                return min(self.largest, math.exp((key + 1) * _GROWTH) / 1e6)
        return self.largest

    def pairs(self) -> list[list[int]]:
        """The counts in a form that any encoding carries; see ``of_pairs``."""
        return [[key, count] for key, count in self.counts.items()]

    @classmethod
    def of_pairs(cls, pairs: Iterable[Iterable[int]], largest: float) -> Histogram:
        """The histogram that gave these pairs; ``largest`` is its largest latency in seconds."""
        made = cls()
        for key, count in pairs:
            made.counts[key] = made.counts.get(key, 0) + count
            made.count += count
        made.largest = largest
        return made
