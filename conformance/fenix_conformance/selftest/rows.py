"""What comes out of judging one subject whose faults are known, and how many of them are judged side by side."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from enum import StrEnum
from multiprocessing import get_context
from typing import Protocol, Self, TypeVar


class Kind(StrEnum):
    """What kind of server or VNFM a row is about."""

    REFERENCE = "reference"
    VARIANT = "variant"
    MUTANT = "mutant"
    FAIR = "fair"
    WRONG = "wrong"

    @property
    def is_to_fail(self) -> bool:
        """Whether it has a fault that the suite has to find."""
        return self in (Kind.MUTANT, Kind.WRONG)


@dataclass(frozen=True, slots=True)
class Job:
    """One subject to be judged, in reply windows of ``window`` seconds.

    ``whole`` judges a wrong server by every requirement and not only by those it may break, and any VNFM in every
    scenario and not only in those that show what it is for.
    """

    kind: Kind
    name: str
    window: float = 3.0
    whole: bool = False

    def with_room(self) -> Self:
        """The same with twice the window."""
        return replace(self, window=2 * self.window)


@dataclass(frozen=True, slots=True)
class Row:
    """What came out of one job.

    ``breaks`` are the requirements that a wrong subject may fail, the first of which it must. ``failed`` are those that
    it failed, ``open`` what could not be decided, ``errors`` where the suite itself broke; ``where`` tells in a word
    or two what found it out.
    """

    kind: Kind
    name: str
    description: str
    breaks: tuple[str, ...]
    failed: tuple[str, ...]
    open: tuple[str, ...]
    errors: tuple[str, ...]
    where: str
    message: str
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether the suite judged this subject as it must."""
        if self.errors:
            return False
        if self.kind.is_to_fail:
            return self.breaks[0] in self.failed
        return not self.failed and not self.open

    @property
    def is_undecided(self) -> bool:
        """Whether nothing was judged wrong, but what had to be judged could not be tested."""
        if self.errors:
            return False
        if self.kind.is_to_fail:
            return self.breaks[0] in self.open
        return bool(self.open) and not self.failed

    @property
    def besides(self) -> tuple[str, ...]:
        """Requirements that failed although the subject is not known to break them."""
        return tuple(name for name in self.failed if self.kind.is_to_fail and name not in self.breaks)


class _Roomy(Protocol):
    """A job that can be given more time."""

    def with_room(self) -> Self: ...


J = TypeVar("J", bound=_Roomy)


def run(todo: Iterable[J], judge: Callable[[J], Row], at_once: int) -> Iterator[Row]:
    """The rows, as they come; each job has a process of its own, ``at_once`` of them at a time.

    What could not be tested is tried once more at the end, two at a time and with twice the window: on a busy
    machine a reply may not find its place in a short one. A wrong judgement is never tried again.
    """
    again: list[J] = []
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        for job, row in _judged(pool, judge, todo):
            if row.is_undecided:
                again.append(job.with_room())
            else:
                yield row
    if again:
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            yield from (row for _, row in _judged(pool, judge, again))


def _judged(pool: ProcessPoolExecutor, judge: Callable[[J], Row], todo: Iterable[J]) -> Iterator[tuple[J, Row]]:
    pending = {pool.submit(judge, job): job for job in todo}
    for future in as_completed(pending):
        yield pending[future], future.result()
