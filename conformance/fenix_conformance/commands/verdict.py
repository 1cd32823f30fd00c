"""What every judging command does before and after: which requirements, which known failures, which reports."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fenix_conformance.commands.options import Problem

if TYPE_CHECKING:
    from fenix_conformance.reports import Assessment, Baseline
    from fenix_conformance.requirements import Requirement
    from fenix_conformance.results import Role, RunResult
    from fenix_conformance.selection import Selection


@dataclass(frozen=True, slots=True)
class Judging:
    """Which requirements are judged, and what becomes of the result."""

    selection: Selection
    rows: tuple[Requirement, ...]
    baseline: Baseline | None
    reports: Mapping[str, Any]

    def conclude(self, result: RunResult) -> None:
        """Write the reports and leave with the exit code. Raises Problem, SystemExit."""
        assessment = self.baseline.judge(result) if self.baseline is not None else None
        _write_reports(result, assessment, **self.reports)
        raise SystemExit(result.exit_code if assessment is None else assessment.exit_code)

    def require_rows(self) -> None:
        """Raise Problem when there is nothing to judge."""
        if not self.rows:
            raise Problem("nothing is selected: --only and --skip leave no requirement", 3)


def select(role: Role, only: tuple[str, ...], skip: tuple[str, ...], strict: bool) -> Selection:
    """The selection that the options mean. Raises Problem."""
    from fenix_conformance.selection import Selection

    chosen = Selection(only=frozenset(only), skip=frozenset(skip), strict=strict, role=role)
    try:
        _ = chosen.requirements
    except ValueError as error:
        raise Problem(str(error)) from error
    return chosen


def judging(
    selection: Selection,
    *,
    baseline: str | None,
    junit: Path | None,
    json_file: Path | None,
    html: Path | None,
    form: str,
) -> Judging:
    """What the report options mean for that selection. Raises Problem."""
    reports = {"junit": junit, "json_file": json_file, "html": html, "form": form}
    return Judging(selection, selection.requirements, _known_failures(baseline, selection.role), reports)


def print_list(rows: tuple[Requirement, ...], form: str) -> None:
    """Print the requirements: a line each, or one JSON object a line."""
    if form == "json":
        import json

        for row in rows:
            told = {"id": row.id, "level": row.level, "source": row.source, "statement": row.statement}
            click.echo(json.dumps(told))
        return
    for row in rows:
        click.echo(f"{row.id:<24} {row.level:<7} {row.statement}  [{row.source}]")


def _known_failures(name: str | None, role: Role) -> Baseline | None:
    if name is None:
        return None
    from fenix_conformance.reports import BaselineError, load_baseline
    from fenix_conformance.requirements import requirements_of

    try:
        return load_baseline(name, {row.id for row in requirements_of(role)})
    except (BaselineError, OSError) as error:
        raise Problem(str(error)) from error


def _write_reports(
    result: RunResult,
    assessment: Assessment | None,
    *,
    junit: Path | None,
    json_file: Path | None,
    html: Path | None,
    form: str,
) -> None:
    """Every report that was asked for; the one on stdout last. Raises Problem where a file cannot be written."""
    from fenix_conformance.reports import render_text, write_html, write_json, write_junit

    for write, path in ((write_junit, junit), (write_json, json_file), (write_html, html)):
        if path is not None:
            try:
                write(result, path, assessment)
            except OSError as error:
                raise Problem(f"{path} cannot be written: {error.strerror or error}") from error
    if form == "json":
        import json

        click.echo(json.dumps(result.to_dict(), ensure_ascii=True))
    else:
        render_text(result, None, assessment)
