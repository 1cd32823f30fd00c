"""How soon the replies came, state by state."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from fenix_conformance.results import Timing
from fenix_conformance.vnfm.course import Course
from fenix_contract.vocabulary import REPLY_STATES


def timings_of(courses: Sequence[Course]) -> tuple[Timing, ...]:
    """From the question to the first reply, for the states that were answered, in the order of the workflow."""
    took: dict[str, list[float]] = defaultdict(list)
    margins: dict[str, list[float]] = defaultdict(list)
    for course in courses:
        for ask in course.asks:
            if not ask.replies or not ask.is_fairly_told:
                continue
            first = ask.replies[0].began
            took[ask.state].append(max((first - ask.at).total_seconds(), 0.0))
            if ask.deadline is not None:
                margins[ask.state].append((ask.deadline - first).total_seconds())
    return tuple(
        Timing(
            state=str(state),
            count=len(took[state]),
            p50=round(percentile(took[state], 50), 6),
            p95=round(percentile(took[state], 95), 6),
            longest=round(max(took[state]), 6),
            least_margin=round(min(margins[state]), 6) if margins[state] else None,
        )
        for state in REPLY_STATES
        if took[state]
    )


def percentile(values: Sequence[float], share: float) -> float:
    """The value that ``share`` per cent of the values do not exceed (nearest rank). Raises ValueError for none."""
    if not values:
        raise ValueError("there is no percentile of nothing")
    ordered = sorted(values)
    rank = max(-(-len(ordered) * share // 100), 1)
    return ordered[int(rank) - 1]
