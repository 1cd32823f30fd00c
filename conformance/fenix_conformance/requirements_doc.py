"""Makes docs/REQUIREMENTS.md of the requirements, in the manner of a telecom test specification.

python -m fenix_conformance.requirements_doc > docs/REQUIREMENTS.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from fenix_conformance.requirements import SOURCES, Requirement, requirements_of
from fenix_conformance.results import Role

_TITLES = {Role.SERVER: "A Fenix server", Role.VNFM: "A VNFM"}
_SUBJECTS = {Role.SERVER: "URL", Role.VNFM: "ALARM_URL"}


def document() -> str:
    """The whole document."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Requirements"
    yield ""
    yield "Made from `conformance/fenix_conformance/requirements.yaml` by `make docs`; do not edit."
    yield ""
    yield "Where a requirement comes from:"
    yield ""
    yield from (f"- **{kind}**: {what}" for kind, what in SOURCES.items())
    for role, title in _TITLES.items():
        rows = requirements_of(role)
        yield ""
        yield f"## {title}"
        yield ""
        yield "| id | level | statement | source |"
        yield "| --- | --- | --- | --- |"
        yield from (
            f"| [{row.id}](#{row.id}) | {row.level} | {row.statement} | {row.source} |"
            if row.check
            else f"| {row.id} | {row.level} | {row.statement} | {row.source} |"
            for row in rows
        )
        if reasons := {row.reason for row in rows if row.reason}:
            yield ""
            yield f"Not checked: {'; '.join(sorted(reasons))}."
        for row in rows:
            if row.check:
                yield from _specification(row)


def _specification(row: Requirement) -> Iterator[str]:
    yield ""
    yield f"### {row.id}"
    yield ""
    yield "| | |"
    yield "| --- | --- |"
    yield f"| Identifier | {row.id} ({row.level}) |"
    yield f"| Requirement | {row.statement} |"
    yield f"| Objective | {row.objective} |"
    yield f"| Source | {row.source} |"
    yield f"| Pre-conditions | {row.preconditions} |"
    yield f"| Steps | {' '.join(f'{number}. {step}' for number, step in enumerate(row.steps, 1))} |"
    yield f"| Expected | {row.expected} |"
    if row.advice:
        yield f"| Advice | {row.advice} |"
        yield f"| Scenarios | {', '.join(row.scenarios)} |"
    yield f"| Run it | `fenix-conformance {row.role} {_SUBJECTS[row.role]} --only {row.id}` |"


if __name__ == "__main__":
    sys.stdout.write(document())
