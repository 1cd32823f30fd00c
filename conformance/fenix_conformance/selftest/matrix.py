"""The suite judged by servers whose faults are known: runs it against each mutant and each correct variant.

A mutant is killed when the requirement that it breaks first fails. A variant is right when nothing fails. Each run has
a process of its own, several at a time: a run mostly waits for reply windows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from enum import StrEnum
from multiprocessing import get_context


class Kind(StrEnum):
    """What kind of server a row is about."""

    REFERENCE = "reference"
    VARIANT = "variant"
    MUTANT = "mutant"


@dataclass(frozen=True, slots=True)
class Job:
    """One server to be judged; ``whole`` judges a mutant by every requirement and not only by those it may break."""

    kind: Kind
    name: str
    window: float = 3.0
    max_wait: float = 8.0
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Row:
    """What came out of one job. ``breaks`` are the requirements the mutant may fail, the first of which it must."""

    kind: Kind
    name: str
    description: str
    breaks: tuple[str, ...]
    failed: tuple[str, ...]
    open: tuple[str, ...]
    errors: tuple[str, ...]
    layer: str
    message: str
    seconds: float

    @property
    def holds(self) -> bool:
        """Whether the suite judged this server as it must."""
        if self.errors:
            return False
        if self.kind is Kind.MUTANT:
            return self.breaks[0] in self.failed
        return not self.failed and not self.open

    @property
    def is_undecided(self) -> bool:
        """Whether nothing was judged wrong, but what had to be judged could not be tested."""
        if self.errors:
            return False
        if self.kind is Kind.MUTANT:
            return self.breaks[0] in self.open
        return bool(self.open) and not self.failed

    @property
    def besides(self) -> tuple[str, ...]:
        """Requirements that failed although the mutant is not known to break them."""
        return tuple(name for name in self.failed if self.kind is Kind.MUTANT and name not in self.breaks)


def jobs(
    names: Iterable[str] = (), *, repeat: int = 1, seed: int = 1, window: float = 3.0, whole: bool = False
) -> list[Job]:
    """All servers, or those named; each correct one ``repeat`` times, in random order. Raises ValueError."""
    from fenix_conformance.selftest.mutants import MUTANTS
    from fenix_conformance.selftest.variants import VARIANTS

    chosen = frozenset(names)
    known = {"reference", *MUTANTS, *VARIANTS}
    if unknown := sorted(chosen - known):
        raise ValueError(f"there is no mutant or variant {', '.join(unknown)}")
    right = [Job(Kind.REFERENCE, "reference", window), *(Job(Kind.VARIANT, name, window) for name in VARIANTS)]
    wrong = [Job(Kind.MUTANT, name, window, whole=whole) for name in MUTANTS]
    found = [job for job in right for _ in range(repeat)] + wrong
    found = [job for job in found if not chosen or job.name in chosen]
    random.Random(seed).shuffle(found)  # noqa: S311 - an order, no secret
    return found


def run(todo: Iterable[Job], at_once: int) -> Iterator[Row]:
    """The rows, as they come.

    What could not be tested is tried once more at the end, two at a time and with twice the window: on a busy
    machine a reply may not find its place in a short one. A wrong judgement is never tried again.
    """
    again: list[Job] = []
    with ProcessPoolExecutor(at_once, mp_context=get_context("spawn")) as pool:
        for job, row in _judged(pool, todo):
            if row.is_undecided:
                again.append(replace(job, window=2 * job.window))
            else:
                yield row
    if again:
        with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
            yield from (row for _, row in _judged(pool, again))


def _judged(pool: ProcessPoolExecutor, todo: Iterable[Job]) -> Iterator[tuple[Job, Row]]:
    pending = {pool.submit(judge, job): job for job in todo}
    for future in as_completed(pending):
        yield pending[future], future.result()


def judge(job: Job) -> Row:
    """Start the job's server in this process and judge it, every SHOULD a MUST."""
    from fenix_conformance.results import Outcome
    from fenix_conformance.selftest.reference_http import running
    from fenix_conformance.server.options import Options
    from fenix_conformance.server.run import Selection, judge_server

    began = time.monotonic()
    mutant = job.name if job.kind is Kind.MUTANT else None
    variant = job.name if job.kind is Kind.VARIANT else None
    with running(mutant, variant, window=job.window) as server:
        subject = server.subject
        options = Options(
            server.url,
            projects=tuple(server.projects),
            reply_window=server.window,
            max_wait=max(job.max_wait, 2 * server.window),
        )
        only = frozenset(subject.breaks) if mutant and not job.whole else frozenset()
        result = judge_server(options, Selection(only=only, strict=True))
    decisive = next((one for one in result.results if subject.breaks[:1] == (one.id,)), None)
    return Row(
        kind=job.kind,
        name=job.name,
        description=subject.description,
        breaks=subject.breaks,
        failed=tuple(one.id for one in result.results if one.outcome is Outcome.FAIL),
        open=tuple(one.id for one in result.results if one.outcome is Outcome.UNTESTABLE),
        errors=tuple(f"{one.id}: {one.message}" for one in result.results if one.outcome is Outcome.ERROR),
        layer=str(decisive.layer) if decisive is not None else "",
        message=_said(result.results, decisive),
        seconds=time.monotonic() - began,
    )


def _said(results: Iterable[object], decisive: object) -> str:
    shown = decisive or next(
        (one for one in results if getattr(one, "outcome", "") not in ("pass", "not-applicable")), None
    )
    return str(getattr(shown, "message", ""))
