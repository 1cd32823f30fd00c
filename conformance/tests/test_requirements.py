"""The requirements on a VNFM: each has its rule, and says what to change and where it shows."""

from __future__ import annotations

import pytest

from fenix_conformance.requirements import Requirement, requirements_of
from fenix_conformance.results import Level, Role
from fenix_conformance.vnfm.rules import RULES

VNFM = requirements_of(Role.VNFM)


def test_each_row_has_its_rule_and_each_rule_its_row() -> None:
    assert {row.check for row in VNFM} == set(RULES)


@pytest.mark.parametrize("row", VNFM, ids=[row.id for row in VNFM])
def test_a_vnfms_row_is_complete(row: Requirement) -> None:
    """The rule has the row's id, and whoever breaks it learns what to change in one to three sentences."""
    assert row.check == row.id == RULES[row.id].id
    assert 40 < len(row.advice) < 400
    assert row.advice.endswith(".")
    assert row.scenarios
    assert len(row.steps) >= 1
    assert row.preconditions.endswith(".")
    assert row.expected.endswith(".")


def test_no_two_rows_say_the_same() -> None:
    """What was copied from a neighbour says nothing of the row itself."""
    for texts in ([row.advice for row in VNFM], [row.statement for row in VNFM], [row.objective for row in VNFM]):
        assert len(set(texts)) == len(texts)


def test_only_nack_honest_binds_nobody() -> None:
    assert [row.id for row in VNFM if row.level is Level.MAY] == ["nack-honest"]
