"""The text report: what stands there, in which order, on a terminal and in a log."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from rich.console import Console

from fenix_conformance.reports import Baseline, render_text
from fenix_conformance.results import Level, Outcome, Result, RunResult


def log(run: RunResult, baseline: Baseline | None = None) -> str:
    out = io.StringIO()
    render_text(run, Console(file=out), None if baseline is None else baseline.judge(run))
    return out.getvalue()


def terminal(run: RunResult, *, width: int = 80) -> str:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, color_system="standard", width=width)
    render_text(run, console)
    return out.getvalue()


def test_one_line_per_requirement_grouped_by_outcome_the_worst_last(every_outcome: RunResult) -> None:
    lines = log(every_outcome).splitlines()
    groups = [line for line in lines if line.endswith("(1)")]
    assert groups == [
        "Passed (1)",
        "Not applicable (1)",
        "Could not be tested (1)",
        "Not met, but only a SHOULD (1)",
        "Failed (1)",
        "The suite broke (1)",
    ]
    for outcome in Outcome:
        assert len([line for line in lines if line.split()[:1] == [outcome] and f"is-{outcome}" in line.split()]) == 1


def test_a_failure_is_explained_with_a_command_to_see_it_again(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    block = log(make_run(make_result())).partition("fail: reply-nack\n")[2]
    starts = ["Requirement", "Found", "Expected", "Actual", "curl", "Rerun"]
    assert [line.split()[0] for line in block.splitlines()[:6]] == starts
    assert "  Rerun        fenix-conformance server http://fenix.example:12347 --only reply-nack\n" in block
    assert "  curl         curl -i -X PUT " in block
    assert "very-secret" not in block


def test_a_message_that_only_repeats_the_actual_is_not_said_twice(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    block = log(make_run(make_result(message="that"))).partition("fail: reply-nack\n")[2]
    assert "Found" not in block


@pytest.mark.parametrize(
    ("rows", "members", "ending"),
    [
        (
            [("a", Outcome.PASS), ("b", Outcome.WARN)],
            {},
            [
                "2 requirements: 1 warn, 1 pass",
                "Conformant: every MUST that applies passed.",
                "exit 0: every MUST passed",
            ],
        ),
        (
            [("a", Outcome.PASS)],
            {"strict": True},
            [
                "1 requirement: 1 pass",
                "Conformant: every MUST and SHOULD that applies passed.",
                "exit 0: every MUST and SHOULD passed",
            ],
        ),
        (
            [("a", Outcome.FAIL), ("b", Outcome.FAIL)],
            {},
            ["2 requirements: 2 fail", "Not conformant: 2 requirements failed.", "exit 1: a MUST failed"],
        ),
        (
            [("a", Outcome.PASS), ("b", Outcome.UNTESTABLE)],
            {},
            [
                "2 requirements: 1 untestable, 1 pass",
                "Inconclusive: nothing failed, but 1 MUST could not be tested.",
                "exit 3: nothing failed, but a MUST was untestable or nothing was tested: not a pass",
            ],
        ),
        (
            [("a", Outcome.ERROR), ("b", Outcome.PASS)],
            {},
            [
                "2 requirements: 1 error, 1 pass",
                "Inconclusive: nothing failed, but the suite itself broke in 1 requirement.",
                "exit 4: the thing under test could not be reached, or the suite itself broke",
            ],
        ),
        (
            [],
            {},
            [
                "0 requirements",
                "Inconclusive: nothing failed, but nothing was tested.",
                "exit 3: nothing failed, but a MUST was untestable or nothing was tested: not a pass",
            ],
        ),
    ],
)
def test_the_end_says_counts_verdict_and_exit_code_in_words(
    rows: list[tuple[str, Outcome]],
    members: dict[str, bool],
    ending: list[str],
    make_result: Callable[..., Result],
    make_run: Callable[..., RunResult],
) -> None:
    run = make_run(*(make_result(identifier, outcome) for identifier, outcome in rows), **members)
    assert log(run).splitlines()[-3:] == ending


def test_a_baseline_marks_what_is_known_and_complains_about_the_rest(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    run = make_run(make_result("known"), make_result("new"), make_result("stale", Outcome.PASS))
    text = log(run, Baseline("mine", {"known": "we know", "stale": ""}))
    assert "[known: we know] what was found out about known" in text
    assert "fail: new\n" in text
    assert "fail: known\n" not in text
    assert "baseline: stale is stale: it passes now" in text
    assert text.splitlines()[-2:] == [
        "Not as the baseline mine has it: 1 failure not in the baseline, 1 stale entry.",
        "exit 1: a MUST failed, or a baseline entry is stale",
    ]
    text = log(make_run(make_result("known")), Baseline("mine", {"known": ""}))
    assert "[known] " in text
    assert text.splitlines()[-1] == "exit 0: nothing failed but what the baseline mine lists"


def test_a_log_has_no_escape_codes_and_no_folded_lines(long_run: RunResult) -> None:
    text = log(long_run)
    assert "\x1b" not in text
    assert max(len(line) for line in text.splitlines()) > 200


def test_a_terminal_gets_colours_and_lines_that_fit(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    run = make_run(make_result("long", Outcome.PASS, statement="word " * 100))
    assert "\x1b[32m" in terminal(run)
    plain = terminal(run, width=60).replace("\x1b[2m", "").replace("\x1b[0m", "").replace("\x1b[32m", "")
    (line,) = [line for line in plain.splitlines() if " long " in line]
    assert len(line) == 60
    assert line.endswith("…")


def test_no_color_is_respected(every_outcome: RunResult, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    text = terminal(every_outcome)
    assert not any(f"\x1b[{code}m" in text for code in ("31", "32", "33", "35", "1;31", "1;35"))


def test_a_terminal_of_another_encoding_is_no_obstacle(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    render_text(make_run(make_result(actual="é → 試験")), Console(file=out, width=60))
    out.flush()
    assert b"\\xe9 \\u2192 \\u8a66\\u9a13" in raw.getvalue()


def test_a_should_that_fails_under_strict_is_named_in_the_exit_code(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    run = make_run(make_result("x", Outcome.FAIL, level=Level.SHOULD), strict=True)
    assert log(run).splitlines()[-1] == "exit 1: a MUST or SHOULD failed"
