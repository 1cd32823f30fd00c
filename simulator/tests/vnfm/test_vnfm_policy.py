"""Policies refuse what cannot be meant; behaviours are found by name; durations are read as people write them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_vnfm import BEHAVIOURS, Conduct, Policy, UnknownBehaviour, behaviour
from fenix_vnfm.durations import parse_duration


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"nack": frozenset({"HELLO"})}, "nack: HELLO.*MAINTENANCE_COMPLETE"),
        ({"silent": frozenset({"INSTANCE_ACTION_DONE"})}, "silent: INSTANCE_ACTION_DONE"),
        ({"nack": frozenset({"SCALE_IN"}), "silent": frozenset({"SCALE_IN"})}, "not both"),
        ({"scale_in_share": 1.1}, "between 0 and 1"),
        ({"scale_in_share": float("nan")}, "between 0 and 1"),
        ({"scale_in_minimum": -1}, "negative"),
        ({"tries": 0}, "not less than 1"),
        ({"delay": timedelta(seconds=-1)}, "negative"),
        ({"window": timedelta(seconds=-1)}, "negative"),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        Policy(**wrong)


def test_the_honest_behaviour_changes_nothing():
    policy = Policy(delay=timedelta(seconds=1))
    honest = behaviour("honest")
    assert honest.adapt(policy) is policy
    assert honest.conduct is Conduct
    assert all(name == one.name and one.statement for name, one in BEHAVIOURS.items())


def test_an_unknown_behaviour_names_those_there_are():
    with pytest.raises(UnknownBehaviour, match=r"'tardy'.*honest"):
        behaviour("tardy")


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("0s", 0), ("90s", 90), ("20m", 1200), ("1h30m", 5400), ("1.5s", 1.5), ("1h2m3s4ms", 3723.004)],
)
def test_durations_are_read(text, seconds):
    assert parse_duration(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["", "5", "s", "-1s", "1 s", "1d", "1s ", "1e3s", ".5s", "9" * 40 + "h", "nan", "1S"])
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match="90s"):
        parse_duration(text)


@given(st.text(max_size=20))
def test_any_text_is_a_duration_or_refused(text):
    try:
        assert parse_duration(text) >= timedelta()
    except ValueError as error:
        assert "90s" in str(error)  # noqa: PT017 - a property: either is fine
