"""What holds for every play: who keeps the rules is never blamed, and each fault is found by the rule it breaks."""

from __future__ import annotations

import json
import random
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from fenix_conformance.results import Outcome, Role
from fenix_conformance.selection import Selection
from fenix_conformance.vnfm.journal import JournalInvalid, Recording, read_entries
from fenix_conformance.vnfm.judge import judge

from .history import BEGAN, bad, results
from .plays import FAULTS, Fault, Plan, plans, play, with_fault

LIKE_THIS = settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    # A play has hundreds of entries: shrinking one takes minutes and is for whoever looks into a failure.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


@LIKE_THIS
@given(plans())
def test_who_keeps_the_rules_is_never_blamed(plan: Plan) -> None:
    """However many sessions, projects, tries, repetitions, and however late in time."""
    found = results(play(plan))
    assert {one.id: one.message for one in found.values() if one.outcome not in ("pass", "not-applicable")} == {}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault.name}-{'-'.join(sorted(fault.breaks))}")
@settings(LIKE_THIS, max_examples=10)
@given(plan=plans(), position=st.integers(0, 30))
def test_each_fault_breaks_its_rule_and_no_other(fault: Fault, plan: Plan, position: int) -> None:
    """In any state, of any project, in any session."""
    wrong = with_fault(plan, fault, position)
    assume(wrong is not None)
    assert wrong is not None
    assert bad(play(wrong)) == fault.breaks


def judged(rows: list[Any]) -> dict[str, Any]:
    """The whole result of a run over one journal, as reports have it."""
    selection = Selection(role=Role.VNFM)
    recording = Recording("made-up", read_entries(rows))
    return judge([recording], selection, subject="http://vnfm", started=BEGAN, seconds=1.0).to_dict()


@settings(LIKE_THIS, max_examples=8)
@given(plan=plans(), order=st.randoms(use_true_random=False))
def test_order_of_the_rows_does_not_matter(plan: Plan, order: random.Random) -> None:
    """Entries have numbers; judging the same ones again gives the same."""
    rows = play(plan).rows
    first = judged(rows)
    order.shuffle(rows)
    assert judged(rows) == first


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@st.composite
def broken_rows(draw: st.DrawFn) -> list[Any]:
    """The rows of a play, some members of which are gone, or are something else."""
    rows = [{**row, "data": dict(row["data"])} for row in play(draw(plans())).rows]
    for _ in range(draw(st.integers(1, 6))):
        row = rows[draw(st.integers(0, len(rows) - 1))]
        place = row["data"] if row["data"] and draw(st.integers(0, 3)) else row
        name = draw(st.sampled_from(sorted(place)))
        if draw(st.booleans()) or (place is row and name == "data"):
            place[name] = draw(ANYTHING) if place is not row or name != "data" else {}
        else:
            del place[name]
            if place is row and name == "data":
                row["data"] = {}
    return rows


@settings(LIKE_THIS, max_examples=50)
@given(broken_rows())
def test_broken_journal_never_raises(rows: list[Any]) -> None:
    """It is no journal, or the suite's own error is told as such; whatever is judged can be reported."""
    try:
        found = judged(rows)
    except JournalInvalid:
        return
    assert {row["outcome"] for row in found["requirements"]} <= set(Outcome)
    json.dumps(found)


@settings(LIKE_THIS, max_examples=60)
@given(st.lists(ANYTHING | st.fixed_dictionaries({"number": ANYTHING, "at": ANYTHING, "kind": ANYTHING,
                "type": ANYTHING, "data": ANYTHING}), max_size=4))  # fmt: skip
def test_no_journal_at_all(rows: list[Any]) -> None:
    """One line says so."""
    with suppress(JournalInvalid):
        judged(rows)
