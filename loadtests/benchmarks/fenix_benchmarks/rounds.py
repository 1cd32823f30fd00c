"""Rounds of several servers in turn, which of them count, and the ratios of those that do."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from generator import BUSY, Figures

#: Rounds that differ by less than this are a plateau.
_PLATEAU = 0.1


@dataclass(frozen=True, slots=True)
class Round:
    """One round: its figures, or None where it could not be measured; ``void`` says why it does not count."""

    figures: Figures | None
    void: str | None = None


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the ratios of pairs of rounds, the least and the most, and how many pairs there were."""

    median: float
    least: float
    most: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.median:.3g} ({self.least:.3g} to {self.most:.3g})"


def judged(figures: Figures) -> Round:
    """A round that was measured: void where errors were answered, or the generator was the limit."""
    if figures.failed:
        return Round(figures, f"{figures.failed} requests failed")
    if figures.refused:
        return Round(figures, f"{figures.refused} answers were errors")
    if not figures.rate:
        return Round(figures, "nothing was answered")
    if figures.generator > BUSY:
        return Round(figures, f"the generator used {figures.generator:.0%} of its core")
    return Round(figures)


def attempt(measure: Callable[[], Figures]) -> Round:
    """Measure a round; one that cannot be measured is void and says why."""
    try:
        return judged(measure())
    except (OSError, RuntimeError) as error:
        return Round(None, " ".join(str(error).split())[:200] or type(error).__name__)


def warm(measure: Callable[[], Figures], most: int) -> int:
    """Rounds, ``most`` at the most, until three in a row differ by less than 10 %; how many it took."""
    rates: list[float] = []
    for number in range(1, most + 1):
        told = attempt(measure)
        if told.figures is None:
            return number
        rates.append(told.figures.rate)
        if is_plateau(rates):
            return number
    return most


def is_plateau(rates: Sequence[float]) -> bool:
    """Whether the last three rates are as good as one."""
    last = rates[-3:]
    return len(last) == 3 and max(last) - min(last) <= _PLATEAU * max(last)


def in_turn(rounds: int, measured: Mapping[str, Callable[[], Figures]]) -> dict[str, list[Round]]:
    """Rounds A B C A B C …, so that a neighbour's load falls on all of them."""
    told: dict[str, list[Round]] = {name: [] for name in measured}
    for _ in range(rounds):
        for name, measure in measured.items():
            told[name].append(attempt(measure))
    return told


def ratio(
    one: Sequence[Round], other: Sequence[Round], value: Callable[[Figures], float | None] = lambda f: f.rate
) -> Ratio | None:
    """How many times the other's ``value`` (the rate) the first has. A pair counts where both rounds do; None
    without any."""
    pairs = []
    for first, second in zip(one, other, strict=True):
        if first.void or second.void or first.figures is None or second.figures is None:
            continue
        above, below = value(first.figures), value(second.figures)
        if above is not None and below:
            pairs.append(above / below)
    if not pairs:
        return None
    return Ratio(statistics.median(pairs), min(pairs), max(pairs), len(pairs))


def median(rounds: Sequence[Round], value: Callable[[Figures], float | None]) -> float | None:
    """The median of the rounds that count; None without any."""
    values = [
        found
        for one in rounds
        if one.figures is not None and not one.void and (found := value(one.figures)) is not None
    ]
    return statistics.median(values) if values else None


def voids(rounds: Sequence[Round]) -> list[str]:
    """Why rounds do not count, each reason once."""
    return list(dict.fromkeys(one.void for one in rounds if one.void))
