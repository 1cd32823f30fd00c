"""Figures as the reports have them: rows for programs, tables for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from fenix_loadtest.recorder import Series
from fenix_loadtest.thresholds import Judged, milliseconds

_SHARES = (50, 95, 99)
Named = Iterable[tuple[str, Series]]


def rows_of(named: Named, seconds: float) -> list[dict[str, Any]]:
    """A row for each name: latencies in milliseconds, rates in requests a second."""
    return [
        {
            "name": name,
            "requests": series.latencies.count,
            "failures": series.failures,
            "rate": round(series.latencies.count / seconds, 2) if seconds else 0.0,
            **{f"p{share}": _ms(series.latencies.percentile(share / 100)) for share in _SHARES},
            "max": _ms(series.latencies.largest) if series.latencies.count else None,
        }
        for name, series in named
    ]


def errors_of(named: Named) -> list[dict[str, Any]]:
    """What went wrong, by name and text."""
    return [
        {"name": name, "error": text, "count": count}
        for name, series in named
        for text, count in series.errors.most_common()
    ]


def figures(named: Named, seconds: float) -> list[str]:
    """The same as a table's lines."""
    rows: list[tuple[str, ...]] = [("", "requests", "failed", "a second", "p50", "p95", "p99", "max")]
    for name, series in named:
        latencies = series.latencies
        rate = latencies.count / seconds if seconds else 0.0
        times = [milliseconds(latencies.percentile(share / 100)) for share in _SHARES]
        largest = milliseconds(latencies.largest if latencies.count else None)
        rows.append((name, str(latencies.count), str(series.failures), f"{rate:.1f}", *times, largest))
    return _aligned(rows)


def errors(named: Named) -> list[str]:
    """A line for each of the errors that are most frequent."""
    return [
        f"failed: {count} times {name}: {text}"
        for name, series in named
        for text, count in series.errors.most_common(5)
    ]


def verdicts(judged: Sequence[Judged]) -> list[str]:
    """The limits as a table's lines."""
    rows: list[tuple[str, ...]] = [("threshold", "limit", "actual", "")]
    rows += [(one.threshold, one.limit, one.actual, "held" if one.held else "BROKEN") for one in judged]
    return _aligned(rows)


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 3)


def _aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        "  ".join(
            cell.rjust(width) if column else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
