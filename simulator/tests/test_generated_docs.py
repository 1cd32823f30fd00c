"""The documents that are made from code are those that the code makes now."""

from __future__ import annotations

import runpy
from pathlib import Path

from fenix_conformance.requirements import requirements_of
from fenix_conformance.results import Role
from fenix_simulator.scenario import bundled

DOCS = Path(__file__).parents[2] / "docs"


def test_the_state_diagram_is_up_to_date():
    """`make docs` writes it anew."""
    made = runpy.run_path(str(DOCS / "generate.py"))["state_diagram"]()
    assert (DOCS / "state-diagram.md").read_text() == made


def test_the_requirements_are_up_to_date():
    """`make docs` writes them anew."""
    made = runpy.run_path(str(DOCS / "generate.py"))["document"]()
    assert (DOCS / "REQUIREMENTS.md").read_text() == made


def test_the_rules_are_up_to_date():
    """`make docs` writes them anew."""
    made = runpy.run_path(str(DOCS / "generate.py"))["rules_doc"].document()
    assert (DOCS / "rules.md").read_text() == made


def test_the_scenarios_that_show_a_rule_are_bundled():
    """A command of docs/rules.md finds its scenario."""
    assert {name for row in requirements_of(Role.VNFM) for name in row.scenarios} <= set(bundled())
