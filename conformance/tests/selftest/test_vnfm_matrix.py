"""The suite is tried on VNFMs whose faults are known: the jobs, the rows, and a slice of the gallery for real."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fenix_conformance.requirements import requirements_of
from fenix_conformance.results import Level, Role
from fenix_conformance.selftest.rows import Kind, Row
from fenix_conformance.selftest.vnfm_matrix import VnfmJob, jobs, judge, names_known
from fenix_conformance.vnfm.programme import FIRST, LAST, bundled
from fenix_vnfm.behaviours import BEHAVIOURS

ROWS = {row.id: row for row in requirements_of(Role.VNFM)}
WRONG = [one for one in BEHAVIOURS.values() if not one.is_fair]


def row(kind: Kind, failed: tuple[str, ...] = (), unsettled: tuple[str, ...] = (), errors: tuple[str, ...] = ()) -> Row:
    breaks = ("retry", "reply-sent") if kind is Kind.WRONG else ()
    return Row(kind, "one", "does it", breaks, failed, unsettled, errors, "", "", 1.0)


@pytest.mark.parametrize("requirement", [row.id for row in ROWS.values() if row.level is not Level.MAY])
def test_every_requirement_is_broken_by_somebody(requirement: str) -> None:
    """A rule that nobody breaks was never seen to fail."""
    assert [one.name for one in WRONG if one.breaks[0] == requirement]


@pytest.mark.parametrize("name", [one.name for one in WRONG])
def test_wrong_behaviour_names_what_there_is(name: str) -> None:
    """Requirements of a VNFM, each once, and bundled scenarios."""
    breaks = BEHAVIOURS[name].breaks
    assert set(breaks) <= set(ROWS)
    assert len(set(breaks)) == len(breaks)
    assert BEHAVIOURS[name].shown_by
    assert set(BEHAVIOURS[name].shown_by) <= set(bundled())


@pytest.mark.parametrize(
    ("judged", "holds", "undecided", "besides"),
    [
        (row(Kind.FAIR), True, False, ()),
        (row(Kind.FAIR, ("retry",)), False, False, ()),
        (row(Kind.FAIR, (), ("happy-path",)), False, True, ()),
        (row(Kind.FAIR, ("retry",), ("happy-path",)), False, False, ()),
        (row(Kind.FAIR, errors=("retry: broke",)), False, False, ()),
        (row(Kind.WRONG, ("retry",)), True, False, ()),
        (row(Kind.WRONG, ("retry", "reply-sent", "reply-url")), True, False, ("reply-url",)),
        (row(Kind.WRONG, ("reply-sent",)), False, False, ()),
        (row(Kind.WRONG), False, False, ()),
        (row(Kind.WRONG, (), ("retry",)), False, True, ()),
        (row(Kind.WRONG, ("retry",), errors=("retry: broke",)), False, False, ()),
    ],
)
def test_row(judged: Row, holds: bool, undecided: bool, besides: tuple[str, ...]) -> None:
    """What a row says; only what could not be decided is undecided."""
    assert (judged.holds, judged.is_undecided, judged.besides) == (holds, undecided, besides)


def test_jobs_of_all() -> None:
    """Each fair one in every scenario but the largest, each wrong one where it shows and in the common case."""
    found = {job.name: job for job in jobs()}
    assert set(found) == names_known()
    assert set(found["honest"].sources) == set(bundled()) - {LAST}
    assert set(found["keeps-all"].sources) == {FIRST, "scale-in"}
    assert found["honest"].kind is Kind.FAIR
    assert found["keeps-all"].kind is Kind.WRONG


def test_jobs_of_some() -> None:
    """In an order that the seed decides, the correct ones as often as wanted, in all scenarios where wanted."""
    found = jobs(["honest", "silent"], repeat=3, whole=True, window=7.0, journals=Path("kept"))
    assert [job.name for job in sorted(found, key=lambda job: job.name)] == ["honest"] * 3 + ["silent"]
    assert {job.sources for job in found} == {tuple(bundled())}
    assert {(job.window, job.journals) for job in found} == {(7.0, Path("kept"))}
    assert jobs(seed=3) == jobs(seed=3) != jobs(seed=4)


def test_unknown_name() -> None:
    """It is told."""
    with pytest.raises(ValueError, match="no behaviour of a VNFM nobody, nothing"):
        jobs(["nothing", "honest", "nobody"])


def test_one_more_try_has_more_room() -> None:
    """Twice the window, and else the same."""
    job = VnfmJob(Kind.FAIR, "honest", 3.0, sources=("happy-path",))
    assert job.with_room() == VnfmJob(Kind.FAIR, "honest", 6.0, sources=("happy-path",))


def test_scenario_that_cannot_be_played_is_an_error() -> None:
    """It says nothing of the VNFM, and the other jobs go on."""
    found = judge(VnfmJob(Kind.FAIR, "honest", 3.0, sources=("no-such-scenario",)))
    assert not found.holds
    assert not found.is_undecided
    assert found.errors


@pytest.mark.slow
def test_slice_of_the_gallery(tmp_path: Path) -> None:
    """Real processes, judged by the command: what is wrong is caught by its rule, what is fair passes."""
    names = ["misses-one", "replies-to-done", "keeps-all"]
    ran = subprocess.run(
        [
            *(sys.executable, "-c", "from fenix_conformance.cli import main; main()", "selftest", "--role", "vnfm"),
            *("--format", "json", "--jobs", "3", "--keep-journals", str(tmp_path / "kept"), *names),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    found = {one["name"]: one for one in map(json.loads, ran.stdout.splitlines())}
    assert (ran.returncode, ran.stderr) == (0, "")
    assert {name: BEHAVIOURS[name].breaks[0] in one["failed"] for name, one in found.items()} == dict.fromkeys(
        names, True
    )
    assert {name: one["besides"] for name, one in found.items()} == {name: [] for name in names}
    assert (tmp_path / "kept" / "keeps-all" / "scale-in.ndjson").is_file()


@pytest.mark.slow
def test_fair_one_passes() -> None:
    """In the scenarios that ask most of it."""
    found = judge(VnfmJob(Kind.FAIR, "honest", 4.0, sources=("scale-in", "duplicate-alarms", "unknown-traits")))
    assert (found.failed, found.open, found.errors) == ((), (), ())
    assert found.holds
