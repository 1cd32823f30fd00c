"""The words of the contract and those of the code are the same, in both directions."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

import pytest

from fenix_contract import contract
from fenix_contract.vocabulary import (
    ACTION_STATES,
    REPLY_STATES,
    Action,
    AlarmState,
    EventType,
    HostState,
    ReplyPrefix,
    State,
    Trait,
)

SCHEMAS = contract.document()["components"]["schemas"]

#: Words of Aodh and of JSON problem documents that the code has no enumeration for.
AODH_STATES = {"insufficient data", "ok", "alarm"}

REPLIES = {prefix + state for prefix in ReplyPrefix for state in REPLY_STATES}
EVERY_WORD = {
    *(word for words in (State, AlarmState, HostState, Action, EventType, Trait) for word in words),
    *REPLIES,
    *AODH_STATES,
}


def words(node: Any) -> Iterator[str]:
    """Every text in an ``enum`` or a ``const`` below the node."""
    if isinstance(node, dict):
        yield from (word for word in node.get("enum", []) if isinstance(word, str))
        if isinstance(node.get("const"), str):
            yield node["const"]
        for value in node.values():
            yield from words(value)
    elif isinstance(node, list):
        for value in node:
            yield from words(value)


@pytest.mark.parametrize("enumeration", [State, AlarmState, HostState, Action])
def test_enumeration_and_schema_of_one_name_have_the_same_words_in_order(enumeration: type[StrEnum]) -> None:
    assert SCHEMAS[enumeration.__name__]["enum"] == list(enumeration)


def test_reply_states_are_each_prefix_with_each_state_that_awaits_a_reply() -> None:
    assert set(SCHEMAS["ReplyState"]["enum"]) == REPLIES


def test_actions_are_required_of_an_acknowledgement_of_the_action_states() -> None:
    assert set(words(SCHEMAS["Reply"]["if"])) == {ReplyPrefix.ACK + state for state in ACTION_STATES}


def test_event_types_of_both_alarms_together_are_all() -> None:
    project, host = (SCHEMAS[name]["allOf"][1]["properties"]["event_type"] for name in ("AlarmEvent", "HostEvent"))
    assert set(project["enum"]) == {EventType.SCHEDULED, EventType.PLANNED}
    assert {*project["enum"], host["const"]} == set(EventType)


def test_known_trait_names_are_all_and_only_those_of_the_code() -> None:
    assert sorted(SCHEMAS["TraitName"]["examples"]) == sorted(Trait)


def test_no_enum_or_const_of_the_contract_has_a_word_that_the_code_does_not_know() -> None:
    assert set(words(SCHEMAS)) - EVERY_WORD == {"event"}


def test_every_word_of_the_code_is_in_the_contract() -> None:
    written = {*words(SCHEMAS), *SCHEMAS["TraitName"]["examples"]}
    assert EVERY_WORD - written == set()


def test_previous_is_one_of_aodhs_three_states_and_current_is_alarm() -> None:
    properties = SCHEMAS["AodhAlarm"]["properties"]
    assert set(properties["previous"]["enum"]) == AODH_STATES
    assert properties["current"]["const"] == "alarm"
