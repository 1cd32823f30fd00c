"""The suite judged by VNFMs whose faults are known: runs it against each wrong behaviour and each fair one.

A wrong VNFM is caught when the requirement that it breaks first fails, or is warned of where it is a SHOULD. A fair one
is right when nothing fails. Each is a real ``fenix-vnfm`` process, played through scenarios by the real runner.
"""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fenix_conformance.selftest.rows import Job, Kind, Row
from fenix_vnfm.behaviours import BEHAVIOURS

if TYPE_CHECKING:
    from fenix_conformance.results import RunResult
    from fenix_conformance.vnfm.run import Run

#: Seconds in which a VNFM takes alarms on any machine, and between two looks whether it does.
_START: Final = 60.0
_LOOK: Final = 0.02
#: Seconds in which it ends when it is told to.
_END: Final = 5.0
#: The longest that one scenario may take, in seconds, where twenty windows are not longer.
_MAX_WAIT: Final = 60.0
#: Replies so late that its scenarios are played several at once: waiting takes them all the time they take.
_AT_ONCE: Final = {"slow-in-time": 4}
#: The shortest windows, in seconds, in which these show what they are for: the other projects' managers have to get
#: over a list that comes late and is then refused, and refuse the state themselves where there is no time for that.
_LEAST_WINDOW: Final = {"gives-up-on-list": 6.0}


class VnfmLost(Exception):
    """A VNFM of the gallery did not start; the message is one line."""


@dataclass(frozen=True, slots=True)
class VnfmJob(Job):
    """``sources`` are the scenarios that it is played through, ``at_once`` of them at a time; ``journals`` is the
    folder in which they are kept, in one of the behaviour's name."""

    sources: tuple[str, ...] = ()
    at_once: int = 1
    journals: Path | None = None


def names_known() -> frozenset[str]:
    """The names of all behaviours."""
    return frozenset(BEHAVIOURS)


def jobs(
    names: Iterable[str] = (),
    *,
    repeat: int = 1,
    seed: int = 1,
    window: float = 4.0,
    whole: bool = False,
    journals: Path | None = None,
) -> list[VnfmJob]:
    """All behaviours, or those named; each fair one ``repeat`` times, in random order. Raises ValueError.

    A wrong one is played through the scenarios that show it, and through the common case: some rules blame a cause for
    a silence only if the VNFM answers where that cause is absent. A fair one is played through every bundled scenario,
    the largest only where ``whole`` says so.
    """
    from fenix_conformance.vnfm.programme import FIRST, LAST, bundled

    chosen = frozenset(names)
    if unknown := sorted(chosen - names_known()):
        raise ValueError(f"there is no behaviour of a VNFM {', '.join(unknown)} (fenix-vnfm --list)")
    every = bundled()
    most = every if whole else tuple(name for name in every if name != LAST)
    found = []
    for one in BEHAVIOURS.values():
        if chosen and one.name not in chosen:
            continue
        shown = most if one.is_fair else every if whole else tuple(dict.fromkeys((FIRST, *one.shown_by)))
        job = VnfmJob(
            Kind.FAIR if one.is_fair else Kind.WRONG,
            one.name,
            max(window, _LEAST_WINDOW.get(one.name, 0.0)),
            whole,
            shown,
            _AT_ONCE.get(one.name, 1),
            journals,
        )
        found += (repeat if one.is_fair else 1) * [job]
    random.Random(seed).shuffle(found)  # noqa: S311 - an order, no secret
    # The long ones first: so none of them is left alone at the end.
    return sorted(found, key=lambda job: (-job.at_once, -len(job.sources)))


def judge(job: VnfmJob) -> Row:
    """Start the job's VNFM and judge it."""
    behaviour = BEHAVIOURS[job.name]
    began = time.monotonic()
    try:
        with _running(job) as url:
            run = _played(job, url)
    except Exception as failure:  # the row tells of it, and the other jobs go on
        said = " ".join(f"{type(failure).__name__}: {failure}".split())
        return _row(job, errors=(said,), seconds=time.monotonic() - began)
    result = run.result
    return _row(
        job,
        failed=_failed(result, behaviour.breaks[:1]),
        open_ends=_open(run, behaviour.breaks[:1]),
        errors=_errors(result),
        where=_where(result, behaviour.breaks[:1]),
        message=_said(result, behaviour.breaks[:1]),
        seconds=time.monotonic() - began,
    )


def _row(
    job: VnfmJob,
    *,
    failed: tuple[str, ...] = (),
    open_ends: tuple[str, ...] = (),
    errors: tuple[str, ...] = (),
    where: str = "",
    message: str = "",
    seconds: float,
) -> Row:
    behaviour = BEHAVIOURS[job.name]
    return Row(
        kind=job.kind,
        name=job.name,
        description=behaviour.statement,
        breaks=behaviour.breaks,
        failed=failed,
        open=open_ends,
        errors=errors,
        where=where,
        message=message,
        seconds=seconds,
    )


# -- the VNFM and its run ----------------------------------------------------------------------------------------------


@contextmanager
def _running(job: VnfmJob) -> Iterator[str]:
    """The alarm URL of a ``fenix-vnfm`` that behaves so. Raises VnfmLost."""
    kind = "--manner" if job.kind is Kind.FAIR else "--misbehave"
    with tempfile.TemporaryDirectory(prefix="fenix-selftest-") as folder:
        ready = Path(folder, "ready.json")
        process = subprocess.Popen(  # noqa: S603 - our own module
            [sys.executable, "-m", "fenix_vnfm", "--port", "0", "--ready-file", str(ready), kind, job.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            deadline = time.monotonic() + _START
            while not ready.exists():
                if process.poll() is not None or time.monotonic() > deadline:
                    raise VnfmLost(f"fenix-vnfm {kind} {job.name} does not take alarms (status {process.returncode})")
                time.sleep(_LOOK)
            yield str(json.loads(ready.read_text(encoding="utf-8"))["alarm_url"])
        finally:
            process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_END)
            process.kill()
            process.wait()


def _played(job: VnfmJob, url: str) -> Run:
    from fenix_conformance.results import Role
    from fenix_conformance.selection import Selection
    from fenix_conformance.vnfm.options import Options
    from fenix_conformance.vnfm.programme import programme
    from fenix_conformance.vnfm.run import judge_vnfm

    options = Options(
        url,
        scenarios=job.sources,
        reply_window=job.window,
        max_wait=max(_MAX_WAIT, 20 * job.window),
        jobs=job.at_once,
        keep_journals=None if job.journals is None else job.journals / job.name,
    )
    return judge_vnfm(options, programme(job.sources, options.max_wait), Selection(role=Role.VNFM))


# -- what is told of it ------------------------------------------------------------------------------------------------


def _failed(result: RunResult, must: tuple[str, ...]) -> tuple[str, ...]:
    """What failed; of the requirement that has to, a warning is as much where it is none that binds."""
    from fenix_conformance.results import Level, Outcome

    return tuple(
        one.id
        for one in result.results
        if one.outcome is Outcome.FAIL
        or (one.outcome is Outcome.WARN and one.id in must and one.level is not Level.MUST)
    )


def _open(run: Run, must: tuple[str, ...]) -> tuple[str, ...]:
    """What has to be judged and was not; of a fair VNFM, scenarios that had not ended when their time was over."""
    from fenix_conformance.results import Outcome, Verdict
    from fenix_conformance.vnfm.programme import LAST

    results = run.result.results
    if must:
        return tuple(one.id for one in results if one.id in must and one.outcome is Outcome.NOT_APPLICABLE)
    unfinished = [one.part.name for one in run.played if not one.in_time and one.part.source != LAST]
    return tuple(unfinished or (["verdict"] if run.result.verdict is Verdict.INCONCLUSIVE else []))


def _errors(result: RunResult) -> tuple[str, ...]:
    from fenix_conformance.results import Outcome

    return tuple(f"{one.id}: {one.message}" for one in result.results if one.outcome is Outcome.ERROR)


def _where(result: RunResult, must: tuple[str, ...]) -> str:
    """The scenarios in which it failed what it must."""
    from fenix_conformance.results import Outcome

    bad = [case for name in must for case in result.result(name).cases if case.outcome is not Outcome.PASS]
    return ", ".join(dict.fromkeys(case.scenario for case in bad))


def _said(result: RunResult, must: tuple[str, ...]) -> str:
    from fenix_conformance.results import Outcome

    if must:
        return result.result(must[0]).message
    return next((f"{one.id}: {one.message}" for one in result.results if one.outcome is Outcome.FAIL), "")
