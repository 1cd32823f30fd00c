"""The documents that are made from code are those that the code makes now."""

from __future__ import annotations

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_the_state_diagram_is_up_to_date():
    """`make docs` writes it anew."""
    made = runpy.run_path(str(DOCS / "generate.py"))["state_diagram"]()
    assert (DOCS / "state-diagram.md").read_text() == made


def test_the_requirements_are_up_to_date():
    """`make docs` writes them anew."""
    made = runpy.run_path(str(DOCS / "generate.py"))["document"]()
    assert (DOCS / "REQUIREMENTS.md").read_text() == made
