"""The JSON report (schema 1), written and read back."""

from __future__ import annotations

import json
import os
from functools import cache
from importlib import resources
from typing import Any

import jsonschema_rs

from fenix_conformance.reports.baseline import Assessment
from fenix_conformance.reports.curl import curl_line
from fenix_conformance.reports.escaping import well_formed
from fenix_conformance.reports.files import ReportError, load, save
from fenix_conformance.results import SCHEMA, RunResult


def write_json(result: RunResult, path: str | os.PathLike[str], assessment: Assessment | None = None) -> None:
    """Write the report; ``assessment`` adds the member ``baseline``. Raises OSError."""
    save(path, json_text(result, assessment) + "\n")


def json_text(result: RunResult, assessment: Assessment | None = None) -> str:
    """The report as JSON text."""
    document = result.to_dict()
    for row, members in zip(result.results, document["requirements"], strict=True):
        for piece, shown in zip(row.evidence, members["evidence"], strict=True):
            shown.pop("curl", None)
            line = curl_line(piece)
            if line:
                shown["curl"] = line
    if assessment is not None:
        document["baseline"] = {
            "name": assessment.baseline,
            "known": dict(assessment.known),
            "stale": list(assessment.stale),
            "unlisted": list(assessment.unlisted),
            "exit_code": assessment.exit_code,
        }
    # A lone surrogate as \ud800 would be JSON by its grammar, but strict parsers refuse the whole document.
    return well_formed(json.dumps(document, indent=1, ensure_ascii=False), backslash="\\\\")


def read_json(path: str | os.PathLike[str]) -> RunResult:
    """A report read back. ReportError when the file is missing, is something else, or has another schema."""
    name = os.fspath(path)
    try:
        document = json.loads(load(path, "a result of fenix-conformance"))
    except ReportError:
        raise
    except (ValueError, RecursionError) as failure:
        raise ReportError(f"{name}: not JSON: {failure}") from failure
    if not isinstance(document, dict) or "schema" not in document:
        raise ReportError(f"{name}: JSON, but not a result of fenix-conformance (--json writes one)")
    if document["schema"] != SCHEMA:
        raise ReportError(f"{name}: a result of schema {document['schema']!r}, only schema {SCHEMA} is known")
    error = next(_validator().iter_errors(document), None)
    if error is not None:
        where = "/".join(str(part) for part in error.instance_path)
        raise ReportError(f"{name}: not a result of schema {SCHEMA}: {where or 'the document'}: {error.message}")
    try:
        return RunResult.from_dict(document)
    except ValueError as failure:
        raise ReportError(f"{name}: not a result of schema {SCHEMA}: {failure}") from failure


def report_schema() -> dict[str, Any]:
    """The JSON schema of the report."""
    text = (resources.files("fenix_conformance.reports") / "result.schema.json").read_text(encoding="utf-8")
    document: dict[str, Any] = json.loads(text)
    return document


@cache
def _validator() -> jsonschema_rs.Draft202012Validator:
    return jsonschema_rs.Draft202012Validator(report_schema(), validate_formats=True)
