"""Whatever a server says, every writer writes a valid report, and nothing in it is more than text."""

from __future__ import annotations

import io
import json
import re
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from fenix_conformance.reports import Baseline, baseline_text, compare, comparison_json, render_comparison, render_text
from fenix_conformance.reports.baseline import _read
from fenix_conformance.reports.escaping import well_formed
from fenix_conformance.reports.html import html_text
from fenix_conformance.reports.json_report import json_text
from fenix_conformance.reports.junit import junit_text
from fenix_conformance.results import Case, Evidence, EvidenceKind, Level, Outcome, Result, Role, RunResult, Timing

NASTY = [
    "",
    " ",
    "</script><script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "\" onmouseover='alert(1)'",
    "<!--",
    "]]>",
    "<![CDATA[",
    "&lt;&amp;&#0;&bogus;",
    "\x00\x01\x08\x0b\x0c\x0e\x1f\x7f\x85\x9b",
    "\x1b]0;title\x07\x1b[2J\x1b[31m",
    "\ud800",
    "\udfff\ud800",
    "\ufffe\uffff\ufeff",
    "\u202etxt.exe\u2066",
    "a\r\nb\rc\u2028d",
    "[bold red]markup[/]",
    "{{ 7 * 7 }} {% raw %} ${x} %s %(a)s",
    "`id`; $(id) 'quoted' \"too\" \\",
    "\N{GRINNING FACE}" * 3,
    "x" * 5000,
    '{"a": "</script>", "b": [1, 2, "\\ud800"]}',
]
text = st.sampled_from(NASTY) | st.text(st.characters(), max_size=40)
headers = st.dictionaries(text, text, max_size=3)
moments = st.timedeltas(timedelta(0), timedelta(days=400)).map(lambda delta: datetime(2026, 1, 1, tzinfo=UTC) + delta)
pieces = st.builds(
    Evidence,
    kind=st.sampled_from(EvidenceKind),
    at=moments,
    note=text,
    method=text,
    url=text,
    headers=headers,
    body=st.none() | text,
    status=st.none() | st.integers(-1, 1000),
    answer_headers=headers,
    answer_body=st.none() | text,
    seconds=st.none() | st.floats(0, 1e6),
    entry=st.none() | st.integers(0, 10**9),
    scenario=text,
)
cases = st.builds(
    Case,
    outcome=st.sampled_from(Outcome),
    message=text,
    scenario=text,
    state=text,
    project_id=text,
    session_id=text,
    entries=st.lists(st.integers(0, 10**9), max_size=3).map(tuple),
)
figures = st.floats(0, 1e6)
timings = st.builds(
    Timing,
    state=text,
    count=st.integers(0, 10**6),
    p50=figures,
    p95=figures,
    longest=figures,
    least_margin=st.none() | st.floats(-1e6, 1e6),
)
rows = st.builds(
    Result,
    id=text,
    level=st.sampled_from(Level),
    role=st.sampled_from(Role),
    statement=text,
    source=text,
    outcome=st.sampled_from(Outcome),
    message=text,
    expected=text,
    actual=text,
    evidence=st.lists(pieces, max_size=2).map(tuple),
    rerun=text,
    advice=text,
    cases=st.lists(cases, max_size=2).map(tuple),
)
runs = st.builds(
    RunResult,
    subject=text,
    role=st.sampled_from(Role),
    started=moments,
    seconds=st.floats(0, 1e6),
    results=st.lists(rows, max_size=3).map(tuple),
    strict=st.booleans(),
    timings=st.lists(timings, max_size=2).map(tuple),
)
few = settings(max_examples=40, deadline=None)
#: What no report may contain: it would steer a terminal, or is no character of XML.
UNFIT = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


class Reader(HTMLParser):
    """Notes the elements and the attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.targets: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        self.targets += [value or "" for name, value in attrs if name in ("href", "src", "srcset", "data", "action")]


@few
@given(runs)
def test_junit_is_always_xml_with_one_case_per_requirement(run: RunResult) -> None:
    written = junit_text(run)
    root = ET.fromstring(written.encode())
    assert len(root.findall(".//testcase")) == len(run.results)
    assert not UNFIT.search(written)


@few
@given(runs)
def test_json_comes_back_whatever_was_in_it(run: RunResult) -> None:
    written = json_text(run)
    document = json.loads(written.encode())
    back = RunResult.from_dict(document)
    assert [row.outcome for row in back.results] == [row.outcome for row in run.results]
    assert [row.message for row in back.results] == [well_formed(row.message) for row in run.results]
    assert back.subject == well_formed(run.subject)


@few
@given(runs)
def test_html_has_the_elements_of_the_report_and_no_others(run: RunResult) -> None:
    written = html_text(run)
    reader = Reader()
    reader.feed(written)
    assert reader.tags.count("script") == 1
    assert reader.tags.count("style") == 1
    assert reader.tags.count("article") == len(run.results)
    assert not set(reader.tags) & {"img", "iframe", "object", "embed", "form", "base", "audio", "video", "template"}
    assert not {name for name in reader.attributes if name.startswith("on") or name == "style"}
    assert [one for one in reader.targets if not one.startswith(("#", "data:image/svg+xml,"))] == []
    assert not UNFIT.search(written)


@few
@given(runs, runs)
def test_text_never_steers_the_terminal(before: RunResult, after: RunResult) -> None:
    out = io.StringIO()
    console = Console(file=out, width=100)
    render_text(before, console, Baseline("\x1b[2J", {row.id: row.message for row in before.results[:1]}).judge(before))
    if before.role is after.role:
        render_comparison(compare(before, after), console)
        json.loads(comparison_json(compare(before, after)))
    assert not UNFIT.search(out.getvalue())


@few
@given(runs)
def test_a_baseline_made_of_any_run_is_read_back(run: RunResult) -> None:
    baseline = _read("made", baseline_text(run))
    failed = {row.id for row in run.results if row.outcome is Outcome.FAIL}
    assert set(baseline.failures) == failed
