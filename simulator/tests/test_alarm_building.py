"""From what happened in a session to the bytes of an alarm, against bodies recorded from the real Aodh."""

from __future__ import annotations

import json
import logging
import re
import uuid
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fenix_contract.alarm import decode
from fenix_contract.vocabulary import Action, AlarmState
from fenix_simulator.alarms import AlarmBuilder, TraitTooLong
from fenix_simulator.domain.messages import HostMaintained, HostMaintenanceStarted, ProjectNotified
from fenix_simulator.domain.rules import Dialect
from fenix_simulator.subscriptions import Subscription

BASE = "http://127.0.0.1:12347"
SESSION = "76e55df8-1c51-11e8-9928-0242ac110002"
PROJECT = "ead0dbcaf3564cbbb04842e3e54960e3"
INSTANCE = "109e14d9-6566-42b3-93e4-76605f264d8f"
METADATA = {"openstack_release": "Queens"}
NOW = datetime(2026, 11, 22, 16, 0, 54, 740827, UTC)
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:test")
SUBSCRIPTION = Subscription(
    alarm_id="a1f319e0-24f9-4184-b23b-db9b1210408d",
    name="doctor_stack-app_manager_alarm-a1f319e0",
    project_id=PROJECT,
    event_type="maintenance.scheduled",
    alarm_actions=("http://127.0.0.1:9/maintenance",),
)
RECORDED = {
    case["case"]: case
    for case in json.loads(
        (Path(__file__).parents[2] / "conformance/tests/reference/aodh_alarms.json").read_text("utf-8")
    )
}


def builder(**settings: Any) -> AlarmBuilder:
    return AlarmBuilder(**{"base_url": BASE, "namespace": NAMESPACE, **settings})


def notified(state: AlarmState = AlarmState.MAINTENANCE, **members: Any) -> ProjectNotified:
    """A notification with the times of the recorded ones."""
    done = state is AlarmState.INSTANCE_ACTION_DONE
    asks = state in (AlarmState.PREPARE_MAINTENANCE, AlarmState.PLANNED_MAINTENANCE)
    return ProjectNotified(
        **{
            "notification": 7,
            "project_id": PROJECT,
            "state": state,
            "instance_ids": (INSTANCE,) if done else (),
            "allowed_actions": tuple(Action) if asks else (),
            "actions_at": None if done else datetime(2018, 2, 28, tzinfo=UTC),
            "reply_at": None if done else datetime(2018, 2, 28, 6, 40, 16, tzinfo=UTC),
            "instance_id": INSTANCE if done else None,
            **members,
        }
    )


def built(event: ProjectNotified, metadata: dict[str, str] | None = None, **settings: Any) -> dict[str, Any]:
    given = METADATA if metadata is None else metadata
    alarm = builder(**settings).project_alarm(SESSION, event, given, SUBSCRIPTION, "insufficient data", NOW)
    return dict(json.loads(alarm.body))


def traits_of(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, _, value in body["reason_data"]["event"]["traits"]}


def without_ids(text: str) -> str:
    """What differs between two recordings of the same alarm: message ids, signatures, the time it was made, the state
    before, and the alarm's own id."""
    for pattern in (
        r'(?<="message_id": ")[^"]*',
        r"(?<=Event <id=)[^,]*",
        r'(?<="message_signature": ")[0-9a-f]{64}',
        r'(?<="generated": ")[^"]*',
        r'(?<="previous": ")[^"]*',
        r'(?<="alarm_id": ")[^"]*',
        r'(?<="alarm_name": ")[^"]*',
    ):
        text = re.sub(pattern, "", text)
    return text


@pytest.mark.parametrize(
    ("case", "state"),
    [
        ("MAINTENANCE", AlarmState.MAINTENANCE),
        ("SCALE_IN", AlarmState.SCALE_IN),
        ("PREPARE_MAINTENANCE", AlarmState.PREPARE_MAINTENANCE),
        ("PLANNED_MAINTENANCE", AlarmState.PLANNED_MAINTENANCE),
        ("INSTANCE_ACTION_DONE(list, ac9fe41)", AlarmState.INSTANCE_ACTION_DONE),
        ("MAINTENANCE_COMPLETE", AlarmState.MAINTENANCE_COMPLETE),
    ],
)
def test_the_body_is_aodhs_byte_for_byte(case: str, state: AlarmState) -> None:
    """But for ids and times: keys and their order, traits and their order, repr of lists, separators."""
    alarm = builder().project_alarm(SESSION, notified(state), METADATA, SUBSCRIPTION, "alarm", NOW)
    assert without_ids(alarm.body.decode()) == without_ids(RECORDED[case]["raw_request_body"])


def test_the_per_instance_dialect_is_newer_upstreams() -> None:
    """Byte for byte: one instance per alarm, named in a list of one and in the URL of the reply; other trait order."""
    recorded = RECORDED[next(case for case in RECORDED if "newer Fenix shape" in case)]["raw_request_body"]
    event = notified(AlarmState.PLANNED_MAINTENANCE, instance_ids=(INSTANCE,), instance_id=INSTANCE)
    making = builder(dialect=Dialect.PER_INSTANCE)
    alarm = making.project_alarm(SESSION, event, METADATA, SUBSCRIPTION, "alarm", NOW)
    assert without_ids(alarm.body.decode()) == without_ids(recorded)


@pytest.mark.parametrize("state", [AlarmState.MAINTENANCE, AlarmState.SCALE_IN, AlarmState.MAINTENANCE_COMPLETE])
def test_states_without_actions_link_to_the_list_in_both_dialects(state: AlarmState) -> None:
    """Only PREPARE and PLANNED are asked of one instance at a time."""
    link = f"{BASE}/v1/maintenance/{SESSION}/{PROJECT}"
    for dialect in Dialect:
        traits = traits_of(built(notified(state), dialect=dialect))
        assert (traits["instance_ids"], traits["reply_url"]) == (link, link)


def test_a_finished_action_names_its_instance_and_asks_nothing() -> None:
    """The repr of a list of one, no times, empty metadata; in both dialects the reply URL is the project's."""
    for dialect in Dialect:
        traits = traits_of(built(notified(AlarmState.INSTANCE_ACTION_DONE), dialect=dialect))
        assert traits["instance_ids"] == f"['{INSTANCE}']"
        assert traits["reply_url"] == f"{BASE}/v1/maintenance/{SESSION}/{PROJECT}"
        assert traits["metadata"] == "{}"
        assert not {"actions_at", "reply_at"} & set(traits)


def test_ids_are_percent_encoded_in_urls() -> None:
    """Ids are opaque: a project may be called anything, and the URL leads to it all the same."""
    event = notified(AlarmState.PREPARE_MAINTENANCE, project_id="a/b ü?#%", instance_id="vm/1", instance_ids=("vm/1",))
    traits = traits_of(built(event, dialect=Dialect.PER_INSTANCE))
    assert traits["project_id"] == "a/b ü?#%"
    assert traits["reply_url"] == f"{BASE}/v1/maintenance/{SESSION}/a%2Fb%20%C3%BC%3F%23%25/vm%2F1"
    assert traits["instance_ids"] == "['vm/1']"


def test_the_base_url_may_be_known_late_and_may_end_in_a_slash() -> None:
    """A port of 0 is known once the server listens."""
    assert builder(base_url=lambda: "http://host:1/").project_url("s", "p") == "http://host:1/v1/maintenance/s/p"
    assert builder(base_url="http://host/fenix/").project_url("s", "p") == "http://host/fenix/v1/maintenance/s/p"


def test_times_are_utc_in_whole_seconds() -> None:
    """Whatever zone the instant was given in; ISO with a T in the trait."""
    zone = datetime.fromisoformat("2026-01-01T12:00:00.900000+02:00")
    traits = traits_of(built(notified(reply_at=zone, actions_at=zone + timedelta(seconds=1))))
    assert (traits["reply_at"], traits["actions_at"]) == ("2026-01-01T10:00:00", "2026-01-01T10:00:01")


def test_the_same_event_gives_the_same_alarm() -> None:
    """Ids and signature follow from the namespace and the event, so that a scenario can be repeated."""
    first = builder().project_alarm(SESSION, notified(), METADATA, SUBSCRIPTION, "alarm", NOW)
    assert builder().project_alarm(SESSION, notified(), METADATA, SUBSCRIPTION, "alarm", NOW) == first


def test_ids_tell_apart_what_is_different() -> None:
    """Subscribers of one notification see one message id in requests of their own; another notification has another."""
    other = replace(SUBSCRIPTION, alarm_id="other")
    one, same, next_one, seeded = (
        made.project_alarm(SESSION, event, METADATA, subscription, "alarm", NOW)
        for made, event, subscription in (
            (builder(), notified(), SUBSCRIPTION),
            (builder(), notified(), other),
            (builder(), notified(notification=8), SUBSCRIPTION),
            (builder(namespace=uuid.uuid5(NAMESPACE, "2")), notified(), SUBSCRIPTION),
        )
    )
    events = [json.loads(alarm.body)["reason_data"]["event"] for alarm in (one, same, next_one, seeded)]
    message_ids = [event["message_id"] for event in events]
    assert message_ids[0] == message_ids[1] == str(uuid.uuid5(NAMESPACE, f"{SESSION}/7"))
    assert len(set(message_ids)) == 3
    assert len({alarm.request_id for alarm in (one, same, next_one, seeded)}) == 4
    assert all(re.fullmatch(r"req-[0-9a-f-]{36}", alarm.request_id) for alarm in (one, same))
    assert len({event["message_signature"] for event in events[1:]}) == 3


def test_the_alarm_says_where_it_goes_and_whose_it_is() -> None:
    """And its key keeps one listener's alarms in order without tying two listeners of a project together."""
    subscription = replace(SUBSCRIPTION, trusted=True)
    alarm = builder().project_alarm(SESSION, notified(), METADATA, subscription, "alarm", NOW)
    assert (alarm.url, alarm.trusted) == ("http://127.0.0.1:9/maintenance", True)
    assert (alarm.session_id, alarm.project_id, alarm.notification) == (SESSION, PROJECT, f"{SESSION}/7")
    assert (alarm.state, alarm.alarm_id) == ("MAINTENANCE", SUBSCRIPTION.alarm_id)
    elsewhere = replace(SUBSCRIPTION, alarm_id="other", alarm_actions=("http://127.0.0.1:10/",))
    assert alarm.key == builder().project_alarm("s2", notified(), METADATA, SUBSCRIPTION, "alarm", NOW).key
    assert alarm.key != builder().project_alarm(SESSION, notified(), METADATA, elsewhere, "alarm", NOW).key
    other_project = notified(project_id="p2")
    assert alarm.key != builder().project_alarm(SESSION, other_project, METADATA, SUBSCRIPTION, "alarm", NOW).key


def test_the_alarms_own_members_come_from_the_subscription() -> None:
    """Name, severity, the query it hit, the state before."""
    query = [{"field": "traits.state", "op": "eq", "type": "string", "value": "MAINTENANCE"}]
    subscription = replace(SUBSCRIPTION, severity="critical", query=query)
    alarm = builder().project_alarm(SESSION, notified(), METADATA, subscription, "ok", NOW)
    body = json.loads(alarm.body)
    assert (body["alarm_name"], body["severity"]) == (SUBSCRIPTION.name, "critical")
    assert (body["previous"], body["current"]) == ("ok", "alarm")
    assert body["reason"].endswith(f"hits the query <query={json.dumps(query, sort_keys=True)}>.")
    assert body["reason_data"]["event"]["generated"] == "2026-11-22T16:00:54.740827"


def test_the_event_type_may_be_the_documented_one() -> None:
    """maintenance.planned, as the documents have it, in event and reason."""
    body = built(notified(), event_type="maintenance.planned")
    assert body["reason_data"]["event"]["event_type"] == "maintenance.planned"
    assert "event_type=maintenance.planned>" in body["reason"]


@pytest.mark.parametrize(
    ("event", "state"),
    [
        (HostMaintenanceStarted(3, "compute-2"), "IN_MAINTENANCE"),
        (HostMaintained(4, "compute-2"), "MAINTENANCE_COMPLETE"),
    ],
)
def test_an_administrator_is_told_of_hosts(event: HostMaintenanceStarted | HostMaintained, state: str) -> None:
    """maintenance.host with the host, its state, and admin as the project."""
    alarm = builder().host_alarm(SESSION, event, SUBSCRIPTION, "alarm", NOW)
    message = decode(alarm.body)
    assert message.event_type == "maintenance.host"
    assert {name: value for name, value in message.traits.items() if name != "service"} == {
        "project_id": "admin",
        "host": "compute-2",
        "state": state,
        "session_id": SESSION,
    }
    assert (alarm.project_id, alarm.state) == ("admin", state)
    assert alarm.notification == f"{SESSION}/{event.notification}"


def test_long_metadata_loses_entries_at_its_end_and_says_so_once(caplog: pytest.LogCaptureFixture) -> None:
    """Aodh would cut the text off in the middle, and nobody could read it."""
    metadata = {f"k{number:02}": "v" * 20 for number in range(12)}
    making = builder()
    with caplog.at_level(logging.WARNING):
        alarms = [making.project_alarm(SESSION, notified(), metadata, SUBSCRIPTION, "alarm", NOW) for _ in range(3)]
    kept = decode(alarms[0].body).metadata
    assert kept == dict(list(metadata.items())[:8])
    assert len(str(kept)) <= 255 < len(str(dict(list(metadata.items())[:9])))
    assert len(caplog.records) == 1
    assert "left out: k08, k09, k10, k11" in caplog.text
    assert len(metadata) == 12


def test_metadata_that_fits_is_kept_whole(caplog: pytest.LogCaptureFixture) -> None:
    """Up to exactly 255 characters, counted as the repr that goes over the wire."""
    metadata = {"k": "v" * (255 - len(str({"k": ""})))}
    assert traits_of(built(notified(), metadata))["metadata"] == str(metadata)
    assert traits_of(built(notified(), {"k": metadata["k"] + "v"}))["metadata"] == "{}"
    assert len(caplog.records) == 1


@pytest.mark.parametrize(
    ("session_id", "project_id", "instance_ids", "what"),
    [
        ("s" * 256, "p", (), "session_id"),
        ("s", "p" * 256, (), "project_id"),
        ("s" * 110, "p" * 110, (), "reply_url"),
        ("s", "/" * 80, (), "reply_url"),
        ("s", "p", ("vm", "i" * 252), "instance_ids"),
    ],
)
def test_what_would_not_fit_into_a_trait_is_refused(session_id, project_id, instance_ids, what) -> None:
    """When the session is created, in words; not by alarms that lead nowhere."""
    with pytest.raises(TraitTooLong, match=f"the alarm's {what} would have \\d+ characters") as refused:
        builder().check(session_id, project_id, instance_ids)
    assert "255" in refused.value.expected


def test_what_fits_is_not_refused() -> None:
    """In the map dialect an instance's id is not part of any URL."""
    builder().check(SESSION, PROJECT)
    builder().check(SESSION, PROJECT, ["i" * 251])
    with pytest.raises(TraitTooLong, match="reply_url"):
        builder(dialect=Dialect.PER_INSTANCE).check(SESSION, PROJECT, ["i" * 251])
