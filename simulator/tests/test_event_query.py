"""Which notifications an event alarm's query lets through."""

from __future__ import annotations

import pytest

from fenix_simulator.event_query import holds

FACTS = {"event_type": "maintenance.scheduled", "traits.project_id": "p1", "traits.state": "SCALE_IN", "traits.n": "7"}
CASES = [
    ([], True),
    ([{"field": "traits.project_id", "op": "eq", "value": "p1"}], True),
    ([{"field": "traits.project_id", "value": "p1"}], True),
    ([{"field": "traits.project_id", "op": "eq", "value": "p2"}], False),
    ([{"field": "traits.project_id", "op": "ne", "value": "p2", "type": "string"}], True),
    ([{"field": "traits.n", "op": "ge", "value": "10"}], False),
    ([{"field": "traits.n", "op": "lt", "value": "10"}], True),
    ([{"field": "traits.unknown", "op": "ne", "value": "x"}], False),
    ([{"field": "event_type", "value": "maintenance.scheduled"}, {"field": "traits.state", "value": "X"}], False),
    ([{"field": "traits.state", "op": "like", "value": "SCALE_IN"}], False),
]


@pytest.mark.parametrize(("query", "fires"), CASES, ids=lambda value: str(value)[:60])
def test_every_part_of_the_query_must_hold(query, fires):
    assert holds(query, FACTS) is fires
