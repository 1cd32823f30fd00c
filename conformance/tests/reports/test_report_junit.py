"""The JUnit report, read back: one test case per requirement, in the shape that CI systems' schemas ask for."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path

import pytest

from fenix_conformance.reports import Baseline, write_junit
from fenix_conformance.reports.junit import junit_text
from fenix_conformance.results import Outcome, Result, Role, RunResult

#: What the two schemas in use agree upon: the attributes that each element must and may have, its children in order.
SHAPES = {
    "testsuites": (set(), set(), ["testsuite"]),
    "testsuite": (
        {"name", "package", "id", "timestamp", "hostname", "tests", "failures", "errors", "time"},
        {"skipped"},
        ["properties", "testcase", "system-out", "system-err"],
    ),
    "properties": (set(), set(), ["property"]),
    "property": ({"name", "value"}, set(), []),
    "testcase": ({"name", "classname", "time"}, set(), ["skipped", "error", "failure"]),
    "failure": ({"type", "message"}, set(), []),
    "error": ({"type", "message"}, set(), []),
    "skipped": (set(), {"type", "message"}, []),
    "system-out": (set(), set(), []),
    "system-err": (set(), set(), []),
}
PATTERNS = {
    "timestamp": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d",
    "time": r"\d+\.\d{3}",
    "tests": r"\d+",
    "failures": r"\d+",
    "errors": r"\d+",
    "skipped": r"\d+",
    "id": r"\d+",
    "name": r".+",
    "hostname": r"\S+",
}


def assert_valid(node: ET.Element) -> None:
    needed, allowed, children = SHAPES[node.tag]
    assert needed <= set(node.attrib) <= needed | allowed, node.tag
    for name, value in node.attrib.items():
        assert re.fullmatch(PATTERNS.get(name, r"[^\n]*"), value), (node.tag, name, value)
    positions = [children.index(child.tag) for child in node]
    assert positions == sorted(positions), f"children of {node.tag} out of order"
    if node.tag == "testcase":
        assert len(node) <= 1
    for child in node:
        assert_valid(child)


def read(path: Path) -> ET.Element:
    root = ET.parse(path).getroot()
    assert_valid(root)
    (suite,) = root
    return suite


@pytest.mark.parametrize(
    ("outcome", "tag", "message"),
    [
        (Outcome.PASS, None, None),
        (Outcome.FAIL, "failure", "what was found out about list-shape"),
        (Outcome.ERROR, "error", "what was found out about list-shape"),
        (Outcome.WARN, "skipped", "warn: what was found out about list-shape"),
        (Outcome.UNTESTABLE, "skipped", "untestable: what was found out about list-shape"),
        (Outcome.NOT_APPLICABLE, "skipped", "not-applicable: what was found out about list-shape"),
    ],
)
def test_each_outcome_has_its_element(
    outcome: Outcome,
    tag: str | None,
    message: str | None,
    make_result: Callable[..., Result],
    make_run: Callable[..., RunResult],
    tmp_path: Path,
) -> None:
    path = tmp_path / "junit.xml"
    write_junit(make_run(make_result("list-shape", outcome)), path)
    suite = read(path)
    (case,) = suite.findall("testcase")
    assert case.get("name") == "list-shape"
    assert case.get("classname") == "fenix_conformance.server"
    assert [child.tag for child in case] == ([] if tag is None else [tag])
    assert [child.get("message") for child in case] == ([] if message is None else [message])
    assert [child.get("type") for child in case] == ([] if tag is None else [str(outcome)])


def test_the_suite_counts_its_elements(every_outcome: RunResult, tmp_path: Path) -> None:
    path = tmp_path / "junit.xml"
    write_junit(every_outcome, path)
    suite = read(path)
    counted = {name: suite.get(name) for name in ("tests", "failures", "errors", "skipped")}
    assert counted == {"tests": "6", "failures": "1", "errors": "1", "skipped": "3"}
    assert suite.get("hostname") == "fenix.example"
    assert suite.get("timestamp") == "2026-03-01T12:00:03"
    facts = {one.get("name"): one.get("value") for one in suite.iter("property")}
    assert facts == {"subject": "http://fenix.example:12347", "verdict": "not-conformant", "strict": "false"}


def test_a_failure_says_all_that_is_needed_to_see_it_again(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    text = ET.fromstring(junit_text(make_run(make_result()))).findtext(".//failure")
    assert text is not None
    names = [line.partition(":")[0] for line in text.splitlines()]
    assert names == ["Requirement", "Found", "Expected", "Actual", "curl", "Rerun"]
    assert "very-secret" not in text


def test_a_known_failure_is_skipped_and_a_stale_entry_fails(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult]
) -> None:
    run = make_run(
        make_result("known"), make_result("known-too"), make_result("new"), make_result("stale", Outcome.PASS)
    )
    baseline = Baseline("mine", {"known": "we know", "known-too": "", "stale": "it did"})
    suite = ET.fromstring(junit_text(run, baseline.judge(run)))
    found = {case.get("name"): (case[0].tag, case[0].get("message")) for case in suite.iter("testcase")}
    assert found == {
        "known": ("skipped", "known failure: we know"),
        "known-too": ("skipped", "known failure: what was found out about known-too"),
        "new": ("failure", "what was found out about new"),
        "stale": ("failure", "stale: it passes now, so take it out of the baseline mine"),
    }
    assert "new failed and is not in the baseline mine" in (suite.findtext(".//system-out") or "")


@pytest.mark.parametrize("subject", ["", "journal.sqlite", "http://[half", "http://[::1]:80", "http://h\x1b/"])
def test_any_subject_will_do(subject: str, make_run: Callable[..., RunResult]) -> None:
    assert_valid(ET.fromstring(junit_text(make_run(subject=subject, role=Role.VNFM))))
