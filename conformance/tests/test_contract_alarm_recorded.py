"""The codec against alarms that the real Ceilometer and Aodh sent."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from fenix_contract.alarm import TRAITS_DOCTOR, TRAITS_TACKER, AlarmMessage, alarm_body, decode, encode, traits
from fenix_contract.contract import validator
from fenix_contract.vocabulary import AlarmState

DEFINITIONS = {"doctor": TRAITS_DOCTOR, "tacker": TRAITS_TACKER}


def test_encoding_what_fenix_emitted_gives_the_bytes_that_aodh_posted(recorded_alarm: dict[str, Any]) -> None:
    posted = json.loads(recorded_alarm["raw_request_body"])
    event = posted["reason_data"]["event"]
    body = alarm_body(
        alarm_name=posted["alarm_name"],
        alarm_id=posted["alarm_id"],
        severity=posted["severity"],
        previous=posted["previous"],
        reason_query=[],
        message_id=event["message_id"],
        event_type=event["event_type"],
        generated=datetime.fromisoformat(event["generated"]).replace(tzinfo=UTC),
        traits=traits(recorded_alarm["fenix_payload"], DEFINITIONS[recorded_alarm["event_definitions"]]),
        message_signature=event["message_signature"],
    )
    assert encode(body) == recorded_alarm["raw_request_body"].encode()


def test_recorded_alarm_fits_the_schema(recorded_alarm: dict[str, Any]) -> None:
    validator("Alarm").validate(json.loads(recorded_alarm["raw_request_body"]))


def test_recorded_alarm_decodes_to_what_fenix_emitted(recorded_alarm: dict[str, Any]) -> None:
    payload = recorded_alarm["fenix_payload"]
    message = decode(recorded_alarm["raw_request_body"].encode())
    assert message.event_type == "maintenance.scheduled"
    for name in ("state", "session_id", "project_id", "reply_url"):
        assert getattr(message, name) == payload[name]
    assert message.allowed_actions == tuple(payload["allowed_actions"])
    for name in ("reply_at", "actions_at"):
        emitted = payload[name]
        assert getattr(message, name) == (emitted and datetime.fromisoformat(emitted).replace(tzinfo=UTC))
    cropped = len(str(payload["metadata"])) > 255
    assert message.metadata == (None if cropped else payload["metadata"])


def test_recorded_instance_ids_are_a_url_or_ids_or_a_cropped_list(recorded_alarm: dict[str, Any]) -> None:
    emitted = recorded_alarm["fenix_payload"]["instance_ids"]
    message = decode(recorded_alarm["raw_request_body"])
    if isinstance(emitted, list):
        cropped = len(str(emitted)) > 255
        assert message.instance_id_list == (() if cropped else tuple(emitted))
        assert message.list_url is None
    elif emitted.startswith("http"):
        assert message.list_url == emitted
        assert message.instance_id_list == ()
    else:
        assert message.instance_id_list == (emitted,)
        assert message.list_url is None


def test_alarm_that_was_tried_on_real_vnfms_decodes_however_odd(alarm_to_vnfm: dict[str, Any]) -> None:
    message = decode(alarm_to_vnfm["alarm"])
    assert isinstance(message, AlarmMessage)
    assert message.missing == ()


def test_only_an_unknown_state_makes_such_an_alarm_break_the_schema(alarm_to_vnfm: dict[str, Any]) -> None:
    known = decode(alarm_to_vnfm["alarm"]).state in set(AlarmState)
    assert validator("Alarm").is_valid(alarm_to_vnfm["alarm"]) is known


@pytest.mark.parametrize(
    "text", ["['MIGRATE', 'OWN_ACTION']", "[u'MIGRATE', u'OWN_ACTION']", '["MIGRATE", "OWN_ACTION"]']
)
def test_allowed_actions_are_read_from_python_2_python_3_and_json(text: str) -> None:
    message = AlarmMessage("maintenance.scheduled", {"allowed_actions": text})
    assert message.allowed_actions == ("MIGRATE", "OWN_ACTION")
