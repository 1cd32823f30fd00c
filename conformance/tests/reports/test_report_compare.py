"""Two results side by side: what became of each requirement, and whether anything got worse."""

from __future__ import annotations

import io
import json
from collections.abc import Callable

import pytest
from rich.console import Console

from fenix_conformance.reports import ReportError, compare, comparison_json, render_comparison
from fenix_conformance.reports.compare import Change
from fenix_conformance.results import ExitCode, Outcome, Result, Role, RunResult

P, F, W, U, N, E = (
    Outcome.PASS,
    Outcome.FAIL,
    Outcome.WARN,
    Outcome.UNTESTABLE,
    Outcome.NOT_APPLICABLE,
    Outcome.ERROR,
)
SAME, FIXED, BROKEN, CHANGED = Change.UNCHANGED, Change.FIXED, Change.BROKEN, Change.CHANGED

#: Every pair of outcomes: the row is before, the column after.
TABLE = {
    #    P      F       W        U        N        E
    P: [SAME, BROKEN, BROKEN, BROKEN, CHANGED, BROKEN],
    F: [FIXED, SAME, CHANGED, CHANGED, CHANGED, CHANGED],
    W: [FIXED, BROKEN, SAME, BROKEN, CHANGED, BROKEN],
    U: [FIXED, BROKEN, CHANGED, SAME, CHANGED, BROKEN],
    N: [FIXED, BROKEN, CHANGED, CHANGED, SAME, BROKEN],
    E: [FIXED, BROKEN, CHANGED, CHANGED, CHANGED, SAME],
}
CELLS = [
    (before, after, change)
    for before, row in TABLE.items()
    for after, change in zip((P, F, W, U, N, E), row, strict=True)
]


@pytest.mark.parametrize(("before", "after", "change"), CELLS)
def test_every_pair_of_outcomes(
    before: Outcome,
    after: Outcome,
    change: Change,
    make_result: Callable[..., Result],
    make_run: Callable[..., RunResult],
) -> None:
    comparison = compare(make_run(make_result("x", before)), make_run(make_result("x", after)))
    (difference,) = comparison.differences
    assert difference.change is change
    assert comparison.exit_code == (ExitCode.FAILED if change is BROKEN else ExitCode.OK)


@pytest.mark.parametrize(
    ("outcome", "is_worse"), [(P, False), (F, True), (W, False), (U, False), (N, False), (E, True)]
)
def test_a_new_requirement_is_worse_when_it_fails_and_a_lost_one_never(
    outcome: Outcome, is_worse: bool, make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    both, more = make_result("both", P), make_result("more", outcome)
    comparison = compare(make_run(both), make_run(both, more))
    assert [one.change for one in comparison.differences] == [SAME, Change.NEW]
    assert comparison.exit_code == (ExitCode.FAILED if is_worse else ExitCode.OK)
    comparison = compare(make_run(both, more), make_run(both))
    assert [one.change for one in comparison.differences] == [SAME, Change.GONE]
    assert comparison.exit_code == ExitCode.OK


def test_results_without_a_common_requirement_are_not_compared(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    comparison = compare(make_run(make_result("a", P)), make_run(make_result("b", P)))
    assert comparison.exit_code == ExitCode.INCONCLUSIVE
    assert comparison.sentence == "Nothing compared: the two results have no requirement in common."
    assert compare(make_run(), make_run()).exit_code == ExitCode.INCONCLUSIVE


def test_a_server_and_a_vnfm_cannot_be_compared(make_run: Callable[..., RunResult]) -> None:
    with pytest.raises(ReportError, match="a server and a vnfm cannot be compared"):
        compare(make_run(), make_run(role=Role.VNFM))


@pytest.fixture
def mixed(make_result: Callable[..., Result], make_run: Callable[..., RunResult]) -> tuple[RunResult, RunResult]:
    before = [make_result("same", P), make_result("mended", F), make_result("spoilt", P), make_result("gone", P)]
    after = [make_result("new", P), make_result("same", P), make_result("mended", P), make_result("spoilt", F)]
    return make_run(*before), make_run(*after)


def test_the_comparison_as_json(mixed: tuple[RunResult, RunResult]) -> None:
    document = json.loads(comparison_json(compare(*mixed)))
    assert document["worse"] is True
    assert document["counts"] == {"broken": 1, "new": 1, "gone": 1, "changed": 0, "fixed": 1, "unchanged": 1}
    rows = {row["id"]: (row["change"], row["before"], row["after"], row["worse"]) for row in document["requirements"]}
    assert rows == {
        "new": ("new", None, "pass", False),
        "same": ("unchanged", "pass", "pass", False),
        "mended": ("fixed", "fail", "pass", False),
        "spoilt": ("broken", "pass", "fail", True),
        "gone": ("gone", "pass", None, False),
    }


def test_the_comparison_as_text(mixed: tuple[RunResult, RunResult]) -> None:
    out = io.StringIO()
    render_comparison(compare(*mixed), Console(file=out))
    lines = [line.split() for line in out.getvalue().splitlines()]
    assert ["spoilt", "pass", "->", "fail", "what", "was", "found", "out", "about", "spoilt"] in lines
    assert ["mended", "fail", "->", "pass"] in lines
    assert ["new", "-", "->", "pass"] in lines
    assert ["gone", "pass", "->", "-"] in lines
    assert ["Unchanged", "(1)"] in lines
    assert not any(line[:1] == ["same"] for line in lines)
    assert out.getvalue().rstrip().endswith("Worse: 1 of 5 requirements.")


def test_better_and_nothing_worse(make_result: Callable[..., Result], make_run: Callable[..., RunResult]) -> None:
    assert compare(make_run(make_result("x", F)), make_run(make_result("x", P))).sentence == "Better."
    assert compare(make_run(make_result("x", F)), make_run(make_result("x", F))).sentence == "Nothing got worse."
