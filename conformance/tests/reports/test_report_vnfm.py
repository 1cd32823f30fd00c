"""A VNFM's result in all reports: what to change, in which places it was judged, how soon replies came."""

from __future__ import annotations

import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from fenix_conformance.reports import compare, read_json, render_text, write_json
from fenix_conformance.reports.curl import decisive_curl
from fenix_conformance.reports.html import html_text
from fenix_conformance.reports.json_report import json_text
from fenix_conformance.reports.junit import junit_text
from fenix_conformance.reports.places import duration, place_lines, short, timing_rows
from fenix_conformance.results import Case, Outcome, Result, Role, RunResult, Timing


def text(run: RunResult) -> str:
    out = io.StringIO()
    render_text(run, Console(file=out, width=100))
    return out.getvalue()


def test_the_text_says_what_to_change_and_where(vnfm_run: RunResult) -> None:
    shown = text(vnfm_run)
    assert shown.startswith("Conformance of a VNFM: http://vnfm.example:9000/maintenance\n")
    block = shown.partition("fail: actions-cover")[2].partition("\n\n")[0]
    assert "  Change       Put one member for every id" in block
    assert "  Judged in    6 places: 2 fail, 4 pass\n" in block
    assert (
        "               happy-path, session 47479bca, project 9a5ef1b6, PLANNED_MAINTENANCE: ACK_PLANNED_MAINTENANCE "
        "has no action for 1 of 3 listed instances (entries 26, 35)\n"
    ) in block
    long = shown.partition("fail: reply-in-time")[2].partition("\n\n")[0]
    assert "  Judged in    40 places: 9 fail, 31 pass\n" in long
    assert long.count(" (entries ") == 5
    assert "               and 4 more\n" in long


def test_the_text_has_a_table_of_reply_times(vnfm_run: RunResult) -> None:
    table = text(vnfm_run).partition("Reply times\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in table] == [
        "state",
        "MAINTENANCE",
        "PLANNED_MAINTENANCE",
        "MAINTENANCE_COMPLETE",
    ]
    assert table[2].split() == ["PLANNED_MAINTENANCE", "24", "18", "ms", "4.20", "s", "5.30", "s", "-301", "ms"]
    assert len({len(line) for line in table}) == 1


def test_a_run_without_places_and_times_says_nothing_of_them(long_run: RunResult) -> None:
    for report in (text(long_run), junit_text(long_run)):
        assert "Reply times" not in report
        assert "Judged in" not in report
        assert "Change" not in report
    page = html_text(long_run).partition("</style>")[2]
    assert 'class="places"' not in page
    assert 'class="timings"' not in page
    assert 'class="advice"' not in page
    assert 'class="origin"' not in page


def test_junit_keeps_one_case_per_requirement_with_advice_and_places(vnfm_run: RunResult) -> None:
    (suite,) = ET.fromstring(junit_text(vnfm_run))
    assert suite.get("tests") == "23"
    (failure,) = suite.findall("testcase[@name='actions-cover']/failure")
    assert "\nChange: Put one member for every id" in str(failure.text)
    assert "\nJudged in: 6 places: 2 fail, 4 pass\n  no-spare-host, session 47479bca" in str(failure.text)
    assert "PLANNED_MAINTENANCE, 24, 18 ms, 4.20 s, 5.30 s, -301 ms" in str(suite.findtext("system-out"))


def test_json_keeps_everything(vnfm_run: RunResult, tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    write_json(vnfm_run, path)
    again = read_json(path)
    assert again.timings == vnfm_run.timings
    for read, written in zip(again.results, vnfm_run.results, strict=True):
        assert (read.advice, read.cases) == (written.advice, written.cases)
        assert [(one.entry, one.scenario) for one in read.evidence] == [
            (one.entry, one.scenario) for one in written.evidence
        ]


@pytest.mark.parametrize(
    ("member", "wrong"),
    [
        ("cases", [{"outcome": "green", "message": ""}]),
        ("cases", [{"message": "no outcome"}]),
        ("cases", [{"outcome": "pass", "message": "", "entries": ["one"]}]),
        ("advice", 7),
    ],
)
def test_a_wrong_member_is_told(member: str, wrong: object, vnfm_run: RunResult, tmp_path: Path) -> None:
    document = json.loads(json_text(vnfm_run))
    document["requirements"][0][member] = wrong
    path = tmp_path / "result.json"
    path.write_text(json.dumps(document))
    with pytest.raises(ValueError, match=f"requirements/0/{member}"):
        read_json(path)


def test_a_result_of_an_earlier_version_reads_and_compares(vnfm_run: RunResult, tmp_path: Path) -> None:
    document = json.loads(json_text(vnfm_run))
    del document["timings"]
    for row in document["requirements"]:
        del row["advice"], row["cases"]
        for piece in row["evidence"]:
            del piece["entry"], piece["scenario"]
    path = tmp_path / "old.json"
    path.write_text(json.dumps(document))
    comparison = compare(read_json(path), vnfm_run)
    assert comparison.exit_code == 0
    assert {one.change for one in comparison.differences} == {"unchanged"}


def test_the_alarm_is_what_is_sent_again_to_a_vnfm(make_result: Callable[..., Result]) -> None:
    assert " -X POST " in decisive_curl(make_result(role=Role.VNFM))
    assert " -X PUT " in decisive_curl(make_result(role=Role.SERVER))


@pytest.mark.parametrize(
    ("identifier", "shown"),
    [
        ("47479bca-7f0e-11ea-99c9-2c600c9893ee", "47479bca"),
        ("9a5ef1b6c9b14e0f8a3c7a1d0c2b4e6f", "9a5ef1b6"),
        ("project-1", "project-1"),
        ("9a5ef1b6c9b14e0f8a3c7a1d0c2b4e6fff", "9a5ef1b6c9b14e0f8a3c7a1d0c2b4e6fff"),
        ("", ""),
    ],
)
def test_only_uuids_are_shortened(identifier: str, shown: str) -> None:
    assert short(identifier) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.0, "0.0 ms"), (0.0042, "4.2 ms"), (0.25, "250 ms"), (1.0, "1.00 s"), (-12.345, "-12.35 s")],
)
def test_a_duration_has_the_digits_that_tell(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


def test_a_place_without_ids_is_told_by_what_is_there(make_result: Callable[..., Result]) -> None:
    cases = (Case(Outcome.PASS, "fine"), Case(Outcome.FAIL, "two\nlines\x1b[2J"), Case(Outcome.WARN, "w", entries=(7,)))
    assert place_lines(make_result(cases=cases)) == [
        "3 places: 1 fail, 1 warn, 1 pass",
        "two lines\\x1b[2J",
        "w (entry 7)",
    ]
    assert place_lines(make_result(cases=())) == []


def test_the_page_has_the_worst_places_where_there_are_very_many(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    cases = (*(Case(Outcome.PASS, "fine") for _ in range(500)), Case(Outcome.FAIL, "the one that counts"))
    page = html_text(make_run(make_result(role=Role.VNFM, cases=cases), role=Role.VNFM))
    assert page.index("the one that counts") < page.index(">fine<")
    assert page.count(">fine<") == 199
    assert "and 301 more; the JSON report has all of them" in page


def test_no_window_is_told_as_such() -> None:
    assert timing_rows([Timing("MAINTENANCE", 1, 0.1, 0.1, 0.1)])[1][-1] == "no window"
    assert timing_rows([]) == []
