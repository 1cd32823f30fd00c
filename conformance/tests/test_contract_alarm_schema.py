"""What the contract's Alarm and Trait schemas refuse."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from fenix_contract.contract import document, validator

EXAMPLE: dict[str, Any] = document()["components"]["examples"]["alarm-planned"]["value"]


@pytest.mark.parametrize("name", ["alarm_name", "alarm_id", "severity", "previous", "current", "reason", "reason_data"])
def test_schema_requires_every_member_of_aodhs_body(name: str) -> None:
    body = deepcopy(EXAMPLE)
    del body[name]
    assert not validator("Alarm").is_valid(body)


@pytest.mark.parametrize("name", sorted(EXAMPLE["reason_data"]["event"]))
def test_schema_requires_every_member_of_the_event(name: str) -> None:
    body = deepcopy(EXAMPLE)
    del body["reason_data"]["event"][name]
    assert not validator("Alarm").is_valid(body)


@pytest.mark.parametrize(
    "trait",
    [
        ["metadata", 1, "x" * 256],
        ["n", 2, "1"],
        ["n", 3, "1.5"],
        ["at", 4, "2026-11-22 16:00:54"],
        ["at", 4, "2026-13-22T16:00:54"],
        ["at", 4, "2026-11-22T16:00:54Z"],
        ["n", 5, "x"],
        ["n", 1],
        ["n", 1, "x", "y"],
        [1, 1, "x"],
    ],
)
def test_schema_refuses_a_trait_that_aodh_would_not_send(trait: list[Any]) -> None:
    assert not validator("Trait").is_valid(trait)


@pytest.mark.parametrize("change", [{"current": "ok"}, {"previous": "unknown"}])
def test_schema_knows_the_states_of_an_alarm(change: dict[str, str]) -> None:
    assert validator("Alarm").is_valid({**EXAMPLE, "previous": "ok"})
    assert not validator("Alarm").is_valid({**EXAMPLE, **change})


def test_schema_requires_allowed_actions_where_actions_are_chosen() -> None:
    body = deepcopy(EXAMPLE)
    event = body["reason_data"]["event"]
    event["traits"] = [trait for trait in event["traits"] if trait[0] != "allowed_actions"]
    assert not validator("Alarm").is_valid(body)
    event["traits"] = [["state", 1, "SCALE_IN"] if trait[0] == "state" else trait for trait in event["traits"]]
    assert validator("Alarm").is_valid(body)
