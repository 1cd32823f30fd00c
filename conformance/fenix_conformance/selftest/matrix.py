"""The suite judged by servers whose faults are known: runs it against each mutant and each correct variant.

A mutant is killed when the requirement that it breaks first fails. A variant is right when nothing fails. Each run has
a process of its own, several at a time: a run mostly waits for reply windows.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterable
from typing import Final

from fenix_conformance.selftest.rows import Job, Kind, Row

#: The longest that a run waits for one thing, in seconds, where two windows are not longer.
_MAX_WAIT: Final = 8.0


def names_known() -> frozenset[str]:
    """The names of all servers."""
    from fenix_conformance.selftest.mutants import MUTANTS
    from fenix_conformance.selftest.variants import VARIANTS

    return frozenset({"reference", *MUTANTS, *VARIANTS})


def jobs(
    names: Iterable[str] = (), *, repeat: int = 1, seed: int = 1, window: float = 3.0, whole: bool = False
) -> list[Job]:
    """All servers, or those named; each correct one ``repeat`` times, in random order. Raises ValueError."""
    from fenix_conformance.selftest.mutants import MUTANTS
    from fenix_conformance.selftest.variants import VARIANTS

    chosen = frozenset(names)
    if unknown := sorted(chosen - names_known()):
        raise ValueError(f"there is no mutant or variant {', '.join(unknown)}")
    right = [Job(Kind.REFERENCE, "reference", window), *(Job(Kind.VARIANT, name, window) for name in VARIANTS)]
    wrong = [Job(Kind.MUTANT, name, window, whole=whole) for name in MUTANTS]
    found = [job for job in right for _ in range(repeat)] + wrong
    found = [job for job in found if not chosen or job.name in chosen]
    random.Random(seed).shuffle(found)  # noqa: S311 - an order, no secret
    return found


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
            max_wait=max(_MAX_WAIT, 2 * server.window),
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
        where=str(decisive.layer) if decisive is not None else "",
        message=_said(result.results, decisive),
        seconds=time.monotonic() - began,
    )


def _said(results: Iterable[object], decisive: object) -> str:
    shown = decisive or next(
        (one for one in results if getattr(one, "outcome", "") not in ("pass", "not-applicable")), None
    )
    return str(getattr(shown, "message", ""))
