"""Alarms recorded while real managers were tried: the sample VNFM gives a sensible reply to each."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fenix_contract.contract import validator
from fenix_contract.vocabulary import ACTION_STATES, REPLY_STATES
from fenix_vnfm import EventKind

REFERENCE = Path(__file__).parents[3] / "conformance" / "tests" / "reference"
RECORDS = [
    pytest.param(record, id=f"{name}: {record['case']}")
    for name, records in json.loads((REFERENCE / "vnfm_clients.json").read_text("utf-8")).items()
    for record in records
]
ALARMS = [
    pytest.param(json.loads(record["raw_request_body"]), id=f"{record['event_definitions']}: {record['case']}")
    for record in json.loads((REFERENCE / "aodh_alarms.json").read_text("utf-8"))
    if record.get("raw_request_body")
]


def traits_of(alarm):
    return {name: value for name, _, value in alarm["reason_data"]["event"]["traits"]}


def moved(alarm, fenix):
    """The alarm with its URLs on the fake Fenix."""
    for trait in alarm["reason_data"]["event"]["traits"]:
        if isinstance(trait[2], str) and trait[2].startswith("http://127.0.0.1:"):
            trait[2] = fenix.url + trait[2][trait[2].index("/v1/") :]
    return alarm


def check(manager, fenix, post, alarm):
    alarm = moved(json.loads(json.dumps(alarm)), fenix)
    traits = traits_of(alarm)
    state = traits["state"]
    path = traits["reply_url"].removeprefix(fenix.url)
    fenix.lists[path] = ["i-1", "i-2"]
    assert post(manager.alarm_url, json.dumps(alarm).encode()).status == 200
    done = manager.wait_for_outcome(state)
    if state not in REPLY_STATES:
        assert done.kind in (EventKind.IGNORED, EventKind.ACTION_DONE)
        assert fenix.requests() == []
        return
    assert done.kind == EventKind.REPLY
    (reply,) = fenix.requests("PUT")
    assert (reply.path, reply.json["state"]) == (path, f"ACK_{state}")
    if traits["instance_ids"].endswith("]"):  # a list that was not cropped
        assert set(reply.json) == {"instance_action", "state"}
        assert reply.json["instance_action"] in traits["allowed_actions"]
        return
    assert validator("Reply").is_valid(reply.json)
    if state in ACTION_STATES:
        assert list(reply.json["instance_actions"]) == ["i-1", "i-2"]
        assert all(action in traits["allowed_actions"] for action in reply.json["instance_actions"].values())


@pytest.mark.parametrize("record", RECORDS)
def test_the_alarms_that_real_managers_got_are_answered(manage, fenix, post, record):
    """Among them: missing traits, Python 2's u'…', a cropped dict, an unknown state, MIGRATE not allowed."""
    check(manage(None), fenix, post, record["alarm"])


@pytest.mark.parametrize("alarm", ALARMS)
def test_the_alarms_that_aodh_sent_are_answered(manage, fenix, post, alarm):
    if "reply_url" not in traits_of(alarm):
        assert post(manage(None).alarm_url, json.dumps(alarm).encode()).status == 200
        return
    check(manage(None), fenix, post, alarm)
