"""What the Reply and InstanceList schemas take and refuse, and what real VNFMs send."""

from __future__ import annotations

from typing import Any

import pytest

from fenix_contract.contract import validator
from fenix_contract.vocabulary import ACTION_STATES, REPLY_STATES, Action, State

IDS = ["b48d7092-63c4-5695-a8ce-37a1635f579d", "upf-worker-0"]


def is_reply(body: Any) -> bool:
    return validator("Reply").is_valid(body)


@pytest.mark.parametrize("state", [state for state in REPLY_STATES if state not in ACTION_STATES])
@pytest.mark.parametrize("prefix", ["ACK_", "NACK_"])
def test_state_without_actions_needs_no_more_than_the_state(prefix: str, state: State) -> None:
    assert is_reply({"state": prefix + state})


@pytest.mark.parametrize("state", ACTION_STATES)
def test_acknowledging_an_action_state_needs_actions(state: State) -> None:
    assert not is_reply({"state": f"ACK_{state}"})
    assert is_reply({"state": f"ACK_{state}", "instance_actions": {}})
    assert is_reply({"state": f"ACK_{state}", "instance_actions": dict.fromkeys(IDS, "MIGRATE")})


@pytest.mark.parametrize("state", ACTION_STATES)
def test_refusing_an_action_state_needs_no_actions(state: State) -> None:
    assert is_reply({"state": f"NACK_{state}"})


@pytest.mark.parametrize("action", Action)
def test_each_action_may_be_chosen_for_any_id(action: Action) -> None:
    assert is_reply({"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": dict.fromkeys(IDS, action)})


@pytest.mark.parametrize(
    "body",
    [
        pytest.param({}, id="no-state"),
        pytest.param([], id="array"),
        pytest.param(None, id="null"),
        pytest.param({"state": None}, id="null-state"),
        pytest.param({"state": "MAINTENANCE"}, id="no-prefix"),
        pytest.param({"state": "ack_maintenance"}, id="lower-case"),
        pytest.param({"state": "ACK_START_MAINTENANCE"}, id="state-without-reply"),
        pytest.param({"state": "ACK_INSTANCE_ACTION_DONE"}, id="report-acknowledged"),
        pytest.param({"state": "ACK_MAINTENANCE", "instance_actions": None}, id="null-actions"),
        pytest.param({"state": "ACK_MAINTENANCE", "instance_actions": []}, id="array-of-actions"),
        pytest.param({"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"a": "REBOOT"}}, id="unknown-action"),
        pytest.param({"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"a": None}}, id="null-action"),
        pytest.param({"state": "ACK_PLANNED_MAINTENANCE", "instance_action": "MIGRATE"}, id="per-instance-dialect"),
    ],
)
def test_anything_else_is_no_reply(body: Any) -> None:
    assert not is_reply(body)


def test_unknown_members_are_tolerated() -> None:
    assert is_reply({"state": "ACK_MAINTENANCE", "session_id": "s", "instance_ids": [1], "": {}})


def test_recorded_reply_of_a_real_vnfm_fits_unless_it_speaks_the_other_dialect(recorded_put: dict[str, Any]) -> None:
    body = recorded_put["body"]
    per_instance = "instance_action" in body and body["state"].startswith("ACK_P")
    acknowledges_a_report = body["state"] == "ACK_INSTANCE_ACTION_DONE"
    assert is_reply(body) is not (per_instance or acknowledges_a_report)
    if recorded_put["manager"] == "doctor_sample":
        assert is_reply(body)


@pytest.mark.parametrize("ids", [[], IDS, [""]])
def test_list_is_an_object_with_distinct_texts(ids: list[str]) -> None:
    assert validator("InstanceList").is_valid({"instance_ids": ids})
    assert validator("InstanceList").is_valid({"instance_ids": ids, "more": 1})


@pytest.mark.parametrize(
    "body", [None, [], {}, {"instance_ids": None}, {"instance_ids": [1]}, {"instance_ids": ["a", "a"]}]
)
def test_anything_else_is_no_list(body: Any) -> None:
    assert not validator("InstanceList").is_valid(body)
