"""What holds for every play: who keeps the rules is never blamed, and each fault is found by the rule it breaks."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from .history import bad, results
from .plays import FAULTS, Fault, Plan, plans, play, with_fault

LIKE_THIS = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


@LIKE_THIS
@given(plans())
def test_who_keeps_the_rules_is_never_blamed(plan: Plan) -> None:
    """However many sessions, projects, tries, repetitions, and however late in time."""
    found = results(play(plan))
    assert {one.id: one.message for one in found.values() if one.outcome not in ("pass", "not-applicable")} == {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.name}-{'-'.join(sorted(fault.breaks))}")
@settings(LIKE_THIS, max_examples=25)
@given(plan=plans(), position=st.integers(0, 30))
def test_each_fault_breaks_its_rule_and_no_other(fault: Fault, plan: Plan, position: int) -> None:
    """In any state, of any project, in any session."""
    wrong = with_fault(plan, fault, position)
    assume(wrong is not None)
    assert wrong is not None
    assert bad(play(wrong)) == fault.breaks
