"""The HTML report as a file: all of it inside, nothing from outside, everything escaped."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from fenix_conformance.reports import Baseline, write_html
from fenix_conformance.reports.html import html_text
from fenix_conformance.results import Evidence, Outcome, Result, RunResult, Verdict


def test_the_policy_allows_just_the_style_and_the_script_that_are_inside(long_run: RunResult) -> None:
    page = html_text(long_run)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    allowed = dict(rule.strip().split(" ", 1) for rule in policy[1].replace("&#x27;", "'").split(";"))
    assert allowed["default-src"] == "'none'"
    assert set(allowed) == {"default-src", "style-src", "script-src", "img-src", "base-uri", "form-action"}
    for tag in ("style", "script"):
        (text,) = re.findall(f"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert allowed[f"{tag}-src"] == f"'sha256-{digest}'"
    assert page.index("Content-Security-Policy") < page.index("<style>")


def test_every_requirement_and_every_exchange_is_there(long_run: RunResult, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_html(long_run, path)
    page = path.read_text("utf-8")
    for row in long_run.results:
        assert f'id="req-{row.id}"' in page
    pieces = sum(1 for row in long_run.results for piece in row.evidence if piece.method)
    assert page.count('<details class="piece">') == pieces
    assert page.count(">curl -i ") == pieces
    assert "very-secret" not in page


@pytest.mark.parametrize(
    ("outcomes", "verdict", "reason"),
    [
        ([Outcome.PASS, Outcome.WARN], Verdict.CONFORMANT, "Every MUST that applies passed."),
        ([Outcome.PASS, Outcome.FAIL], Verdict.NOT_CONFORMANT, "1 requirement failed."),
        ([], Verdict.INCONCLUSIVE, "Nothing failed, but nothing was tested."),
    ],
)
def test_the_verdict_is_on_top(
    outcomes: list[Outcome],
    verdict: Verdict,
    reason: str,
    make_result: Callable[..., Result],
    make_run: Callable[..., RunResult],
) -> None:
    page = html_text(make_run(*(make_result(f"r{number}", one) for number, one in enumerate(outcomes))))
    assert f'<header class="top {verdict}">' in page
    assert reason in page


def test_a_baseline_is_shown_with_its_complaints_and_reasons(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    run = make_run(make_result("known"), make_result("stale", Outcome.PASS))
    page = html_text(run, Baseline("mine", {"known": "we <know>", "stale": ""}).judge(run))
    assert "Not as the baseline mine has it: 1 stale entry." in page
    assert "we &lt;know&gt;" in page
    assert 'class="tag stale"' in page
    assert 'class="tag known"' in page


def test_a_huge_body_is_cut_with_a_word_about_it(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult], evidence: tuple[Evidence, ...]
) -> None:
    body = "y" * 200_000
    _, listing, *_ = evidence
    members = {name: getattr(listing, name) for name in Evidence.__dataclass_fields__}
    page = html_text(make_run(make_result(evidence=(Evidence(**{**members, "answer_body": body}),))))
    assert len(page) < 100_000
    assert "and 180000 characters more; the JSON report has all of them" in page
