"""The JSON report: written, read back, and refused with a clear line when it is something else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from fenix_conformance.reports import Baseline, ReportError, read_json, write_json
from fenix_conformance.reports.json_report import json_text, report_schema
from fenix_conformance.results import Evidence, EvidenceKind, Result, RunResult, redacted

#: The members of a row that interfaces promise.
PROMISED = {"id", "level", "source", "outcome", "message", "expected", "actual", "evidence", "rerun"}


def without_secrets(run: RunResult) -> RunResult:
    return run.with_results(
        Result(**{**members(row), "evidence": tuple(_without_secrets(piece) for piece in row.evidence)})
        for row in run.results
    )


def members(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in type(row).__dataclass_fields__}


def _without_secrets(piece: Evidence) -> Evidence:
    shown = {"headers": redacted(piece.headers), "answer_headers": redacted(piece.answer_headers)}
    return Evidence(**{**members(piece), **shown})


def test_a_result_comes_back_as_it_was_but_for_secrets(every_outcome: RunResult, tmp_path: Path) -> None:
    path = tmp_path / "made" / "on demand" / "result.json"
    write_json(every_outcome, path)
    assert read_json(path) == without_secrets(every_outcome)
    assert "very-secret" not in path.read_text("utf-8")


def test_the_report_has_the_promised_shape(long_run: RunResult) -> None:
    document = json.loads(json_text(long_run))
    assert {"schema", "subject", "role", "verdict", "started", "seconds", "requirements"} <= set(document)
    assert (document["schema"], document["role"], document["verdict"]) == (1, "server", "not-conformant")
    assert all(set(row) >= PROMISED for row in document["requirements"])
    jsonschema_rs.Draft202012Validator(report_schema(), validate_formats=True).validate(document)


def test_every_request_has_its_curl_line(every_outcome: RunResult) -> None:
    (row, *_) = json.loads(json_text(every_outcome))["requirements"]
    assert [("curl" in piece) == (piece["kind"] != "note") for piece in row["evidence"]] == [True] * 5
    assert row["evidence"][3]["curl"].startswith("curl -i -X PUT ")


def test_a_baseline_is_told(every_outcome: RunResult, tmp_path: Path) -> None:
    assessment = Baseline("mine", {"is-fail": "we know", "is-pass": ""}).judge(every_outcome)
    document = json.loads(json_text(every_outcome, assessment))
    assert document["baseline"] == {
        "name": "mine",
        "known": {"is-fail": "we know"},
        "stale": ["is-pass"],
        "unlisted": [],
        "exit_code": 4,
    }
    jsonschema_rs.Draft202012Validator(report_schema()).validate(document)
    path = tmp_path / "result.json"
    write_json(every_outcome, path, assessment)
    assert read_json(path).verdict == every_outcome.verdict


ROW = dict.fromkeys(PROMISED, "") | {"id": "x", "level": "MUST", "outcome": "pass", "evidence": []}
RUN = {
    "schema": 1,
    "subject": "",
    "role": "server",
    "verdict": "conformant",
    "started": "2026-03-01T12:00:00+00:00",
    "seconds": 1,
    "requirements": [ROW],
}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\xff\xfe{}", "not UTF-8"),
        (b"", "not JSON"),
        (b"<testsuites/>", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b"[]", "not a result of fenix-conformance"),
        (b'{"openapi": "3.1.0"}', "not a result of fenix-conformance"),
        (json.dumps({**RUN, "schema": 2}).encode(), "schema 2, only schema 1 is known"),
        (json.dumps({**RUN, "role": "client"}).encode(), "role"),
        (json.dumps({**RUN, "requirements": [{**ROW, "outcome": "green"}]}).encode(), "requirements/0/outcome"),
        (json.dumps({**RUN, "requirements": [{"id": "x"}]}).encode(), "requirements/0"),
        (json.dumps({**RUN, "started": "yesterday"}).encode(), "started"),
        (json.dumps({**RUN, "requirements": [{**ROW, "layer": "cake"}]}).encode(), "cake"),
    ],
)
def test_a_foreign_file_is_refused_in_one_clear_line(content: bytes, complaint: str, tmp_path: Path) -> None:
    path = tmp_path / "foreign.json"
    path.write_bytes(content)
    with pytest.raises(ReportError) as refused:
        read_json(path)
    message = str(refused.value)
    assert message.startswith(f"{path}: ")
    assert complaint in message
    assert "\n" not in message


def test_a_missing_file_or_a_folder_is_refused(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(ReportError, match=str(path)):
            read_json(path)


def test_a_byte_order_mark_is_no_obstacle(tmp_path: Path) -> None:
    path = tmp_path / "result.json"
    path.write_text(json.dumps(RUN), encoding="utf-8-sig")
    assert len(read_json(path).results) == 1


def test_nothing_is_left_beside_the_report(
    make_result: Callable[..., Result], make_run: Callable[..., RunResult], tmp_path: Path
) -> None:
    path = tmp_path / "result.json"
    for _ in range(2):
        write_json(make_run(make_result()), path)
    assert [one.name for one in tmp_path.iterdir()] == ["result.json"]


def test_a_report_may_go_to_a_device(make_run: Callable[..., RunResult]) -> None:
    write_json(make_run(), "/dev/null")
    assert not Path("/dev/null").is_file()


def test_an_alarm_is_evidence_too(every_outcome: RunResult) -> None:
    (row, *_) = json.loads(json_text(every_outcome))["requirements"]
    assert row["evidence"][0]["kind"] == EvidenceKind.ALARM
