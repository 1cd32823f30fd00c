"""Limits that decide whether a run passes, and their verdicts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from fenix_loadtest.recorder import Recorder
from fenix_vnfm.durations import parse_duration

SHARES: Final[Mapping[str, float]] = {"p50": 0.50, "p95": 0.95, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Threshold:
    """``metric`` is p95, p99 (``limit`` in seconds), failures (a number) or failures% (a share of 1).

    ``name`` None: each name by itself for latencies, all together for failures.
    """

    metric: str
    limit: float
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A threshold and what came of it, in the words of reports; ``actual`` is "-" where nothing was measured."""

    threshold: str
    limit: str
    actual: str
    held: bool

    def as_plain(self) -> dict[str, Any]:
        """As a row of the JSON report."""
        return {"threshold": self.threshold, "limit": self.limit, "actual": self.actual, "held": self.held}


def latency_threshold(metric: str, text: str) -> Threshold:
    """``50ms`` for each name, ``PUT reply=80ms`` for one. Raises ValueError."""
    name, equals, duration = text.rpartition("=")
    if equals and not name.strip():
        raise ValueError(f"{text!r} names nothing: say 50ms, or 'PUT reply=80ms' for one name")
    return Threshold(metric, parse_duration(duration.strip()).total_seconds(), name.strip() or None)


def failures_threshold(text: str) -> Threshold:
    """``0`` or ``12`` failures, or a share such as ``0.5%``. Raises ValueError."""
    number = text.removesuffix("%")
    whole, dot, fraction = number.partition(".")
    if not whole.isdecimal() or (dot and not fraction.isdecimal()) or len(number) > 12:
        raise ValueError(f"{text!r} is not a number of failures such as 0, or a share such as 0.5%")
    if not text.endswith("%"):
        if dot:
            raise ValueError(f"{text!r} is not a whole number of failures; a share is written as {text}%")
        return Threshold("failures", float(number))
    if float(number) > 100:
        raise ValueError(f"{text!r} is more than all: a share of failures is at most 100%")
    return Threshold("failures%", float(number) / 100)


def milliseconds(seconds: float | None) -> str:
    """A latency for people: three figures."""
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.3g} ms" if seconds < 1 else f"{seconds:.3g} s"


def judge(threshold: Threshold, recorder: Recorder) -> list[Judged]:
    """The verdicts of one threshold. A name that was measured nowhere does not hold: nothing is known of it."""
    if threshold.metric.startswith("failures"):
        return [_judge_failures(threshold, recorder)]
    names = [threshold.name] if threshold.name else list(recorder.series)
    return [_judge_latency(threshold, name, recorder) for name in names]


def _judge_failures(threshold: Threshold, recorder: Recorder) -> Judged:
    failures, requests = recorder.failures, recorder.requests
    if threshold.metric == "failures":
        return Judged("failures", f"{threshold.limit:g}", str(failures), failures <= threshold.limit)
    share = failures / max(1, requests)
    return Judged("failures", f"{threshold.limit * 100:g}%", f"{share * 100:.3g}%", share <= threshold.limit)


def _judge_latency(threshold: Threshold, name: str, recorder: Recorder) -> Judged:
    series = recorder.series.get(name)
    actual = series.latencies.percentile(SHARES[threshold.metric]) if series is not None else None
    held = actual is not None and actual <= threshold.limit
    return Judged(f"{threshold.metric} of {name}", milliseconds(threshold.limit), milliseconds(actual), held)
