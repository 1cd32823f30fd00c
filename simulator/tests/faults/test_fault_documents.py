"""A fault is the same in a scenario file, over the control API, and in the API's document."""

from __future__ import annotations

import itertools
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_simulator.adapters.fault_documents import FaultInvalid, checked
from fenix_simulator.http.control import document
from fenix_simulator.scenario import template
from fenix_simulator.scenario_effects import EFFECTS, Operation, Then
from fenix_simulator.scenario_faults import Fault, When

#: What each effect may be, right and wrong.
VALUES: dict[str, list[Any]] = {
    "status": [503, 204, 304, 100],
    "delay": ["1s", "1h30m", 3],
    "drop": [True],
    "close": [True],
    "reset": [True],
    "truncate": [True],
    "malformed": [True],
    "content_type": ["text/html", "text/html; charset=utf-8", "html", "a/b\r\nc"],
    "drip": ["1s", 1],
    "stale": [True],
    "duplicate": [2, 0],
    "reorder": [True],
    "hold_back": [2, 101],
    "traits": [{"a": 1}, {"state": "X"}, {}],
    "unknown_state": ["FOO", "SCALE_IN", "a b"],
    "crop": [4, "state", {"host": 3}, 0, "", {}, {"host": 0}, True, 256, "a", {"reply_at": 3}, 2.0, {"state": 2.0}],
    "python2": [True],
}
_STATES = ["MAINTENANCE", "SCALE_IN", "START_MAINTENANCE", "MAINTENANCE_FAILED", "INSTANCE_ACTION_DONE", "NONE"]
_whens = st.fixed_dictionaries(
    {},
    optional={
        "operation": st.sampled_from(list(Operation)).map(str),
        "alarm": st.sampled_from(_STATES),
        "state": st.sampled_from(_STATES),
        "session": st.sampled_from([1, "s", 0]),
        "project": st.sampled_from([1, "p", 0]),
        "nth": st.integers(0, 3),
        "probability": st.sampled_from([0, 0.5, 1, 1.5]),
    },
)
_right = st.sampled_from(list(Operation)).map(lambda operation: {"operation": str(operation)})
_thens = st.lists(st.sampled_from(sorted(VALUES)), max_size=3, unique=True).flatmap(
    lambda names: st.fixed_dictionaries({name: st.sampled_from(VALUES[name]) for name in names})
)


def _validator():
    whole = {"$ref": "#/components/schemas/Fault", "components": document()["components"]}
    return jsonschema_rs.validator_for({"$schema": "https://json-schema.org/draft/2020-12/schema", **whole})


VALIDATOR = _validator()


def _is_taken(fault: dict[str, Any]) -> bool:
    try:
        checked(fault)
    except FaultInvalid:
        return False
    return True


@given(st.fixed_dictionaries({"when": _right | _whens, "then": _thens}))
def test_the_document_describes_just_what_is_taken(fault):
    assert VALIDATOR.is_valid(fault) == _is_taken(fault), fault


def test_any_two_effects_go_together_in_the_document_where_they_do():
    for operation, (one, other) in itertools.product(Operation, itertools.combinations(VALUES, 2)):
        fault = {"when": {"operation": str(operation)}, "then": {one: VALUES[one][0], other: VALUES[other][0]}}
        assert VALIDATOR.is_valid(fault) == _is_taken(fault), fault


@given(st.fixed_dictionaries({"when": _right, "then": _thens}))
def test_a_fault_that_was_taken_is_described_by_what_it_was_made_of(fault):
    if _is_taken(fault):
        made = checked(fault)
        assert Fault.model_validate(made.model_dump(mode="json", exclude_defaults=True)) == made


@pytest.mark.parametrize("operation", Operation)
def test_each_effect_is_for_some_operation_and_alone_possible(operation):
    assert set(VALUES) == set(Then.model_fields) == set().union(*EFFECTS.values())
    for effect, values in VALUES.items():
        taken = _is_taken({"when": {"operation": str(operation)}, "then": {effect: values[0]}})
        assert taken == (effect in EFFECTS[operation])


def test_the_template_shows_every_effect_and_every_match_by_a_line_that_is_one():
    import yaml

    lines = [line[1:] for line in template().splitlines() if line.startswith("#  - {when:")]
    faults = [Fault.model_validate(yaml.safe_load(line)[0]) for line in lines]
    assert set().union(*(fault.then.effects for fault in faults)) == set(Then.model_fields)
    assert {name for fault in faults for name in fault.when.model_fields_set} == set(When.model_fields)
    assert {fault.when.target for fault in faults} == set(Operation)
