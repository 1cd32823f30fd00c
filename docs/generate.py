"""Writes the documents that are made from code: `make docs`. A test fails when one of them is not up to date."""

from __future__ import annotations

from pathlib import Path

from fenix_conformance import rules_doc
from fenix_conformance.requirements_doc import document
from fenix_simulator.domain.transitions import TRANSITIONS, diagram

HERE = Path(__file__).parent


def state_diagram() -> str:
    """The session's workflow as a diagram and as a table."""
    rows = [
        f"| {state} | {cause.value} | {', '.join(sorted(after))} |"
        for state, causes in TRANSITIONS.items()
        for cause, after in causes.items()
    ]
    return "\n".join(
        [
            "# The workflow of a session",
            "",
            "Made from `simulator/fenix_simulator/domain/transitions.py` by `make docs`; do not edit.",
            "",
            "```mermaid",
            diagram().rstrip(),
            "```",
            "",
            "| state | what happened | next |",
            "| --- | --- | --- |",
            *rows,
            "",
        ]
    )


def main() -> None:
    """Write every generated document."""
    (HERE / "state-diagram.md").write_text(state_diagram())
    (HERE / "REQUIREMENTS.md").write_text(document())
    (HERE / "rules.md").write_text(rules_doc.document())


if __name__ == "__main__":
    main()
