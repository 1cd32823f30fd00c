"""The codec over arbitrary input: what is encoded is read back, and nothing that arrives breaks the reader."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenix_contract.alarm import (
    TEXT_LENGTH,
    TRAITS_DOCTOR,
    TRAITS_HOST,
    TRAITS_TACKER,
    AlarmError,
    AlarmMessage,
    Dtype,
    Notification,
    TraitDefinition,
    alarm_body,
    decode,
    encode,
    traits,
)
from fenix_contract.contract import document, validator
from fenix_contract.vocabulary import Action, AlarmState

quick = settings(max_examples=150, deadline=None)

texts = st.text(min_size=1, max_size=300)
instants = st.datetimes(timezones=st.just(UTC))
payloads = st.fixed_dictionaries(
    {
        "project_id": texts,
        "instance_ids": st.one_of(texts, st.lists(texts, max_size=12)),
        "allowed_actions": st.lists(st.sampled_from(list(map(str, Action))), unique=True),
        "state": st.sampled_from(list(map(str, AlarmState))),
        "session_id": texts,
        "reply_url": texts,
        "metadata": st.dictionaries(texts, texts, max_size=5),
        "actions_at": st.none() | instants,
        "reply_at": st.none() | instants,
        "unknown": st.integers(),
    }
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=15,
)

EXAMPLE: dict[str, Any] = document()["components"]["examples"]["alarm-planned"]["value"]


def alarm_of(made: list[list[Any]], generated: datetime = datetime(2026, 11, 22, 16, tzinfo=UTC)) -> dict[str, Any]:
    return alarm_body(
        alarm_name="maintenance",
        alarm_id="a1f319e0-24f9-4184-b23b-db9b1210408d",
        severity="low",
        previous="alarm",
        reason_query=(),
        message_id="60018310-c944-4719-b9ee-4242d4da4ebb",
        event_type="maintenance.scheduled",
        generated=generated,
        traits=made,
        message_signature="0",
    )


def paths(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The way to every value below the node, and to the node itself."""
    inner = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(deeper for key, value in inner for deeper in paths(value, (*path, key)))]


# -- there and back


@quick
@given(payload=payloads, definitions=st.sampled_from([TRAITS_DOCTOR, TRAITS_TACKER]))
def test_what_is_encoded_is_read_back(payload: dict[str, Any], definitions: tuple[TraitDefinition, ...]) -> None:
    message = decode(encode(alarm_of(traits(payload, definitions))))
    for name in ("state", "session_id", "project_id", "reply_url", "instance_ids"):
        assert getattr(message, name) == str(payload[name])[:TEXT_LENGTH]
    assert message.allowed_actions == tuple(payload["allowed_actions"])
    assert message.reply_at == payload["reply_at"]
    assert message.actions_at == payload["actions_at"]
    cropped = len(str(payload["metadata"])) > TEXT_LENGTH
    assert message.metadata == (None if cropped else payload["metadata"])
    if isinstance(payload["instance_ids"], list):
        cropped = len(str(payload["instance_ids"])) > TEXT_LENGTH
        assert message.instance_id_list == (() if cropped else tuple(payload["instance_ids"]))


@quick
@given(payload=payloads)
def test_no_text_is_longer_than_255_and_no_null_makes_a_trait(payload: dict[str, Any]) -> None:
    made = traits(payload)
    assert all(len(value) <= TEXT_LENGTH for _, dtype, value in made if dtype == Dtype.TEXT)
    assert {name for name, _, _ in made} == {"service", *(n for n, v in payload.items() if v is not None)} - {"unknown"}


@quick
@given(payload=payloads)
def test_traits_fit_the_schema_of_a_trait(payload: dict[str, Any]) -> None:
    for trait in traits(payload):
        validator("Trait").validate(trait)


@quick
@given(payload=payloads, seed=st.randoms(use_true_random=False))
def test_order_of_traits_and_traits_not_known_do_not_matter(payload: dict[str, Any], seed: Any) -> None:
    made = traits(payload)
    others = [*made, ["recovery_time", 2, 120], ["load", 3, 0.5], ["since", 4, "2026-11-22T16:00:54"]]
    seed.shuffle(others)
    message, other = decode(alarm_of(made)), decode(alarm_of(others))
    assert {name: other.traits[name] for name in message.traits} == dict(message.traits)
    assert other.traits["recovery_time"] == 120


# -- nothing breaks the reader


def read_everything(body: Any) -> None:
    """Decode and use every property; only AlarmError may come out."""
    try:
        message = decode(body, partial=True)
    except AlarmError:
        return
    for name in (name for name, value in vars(AlarmMessage).items() if isinstance(value, property)):
        getattr(message, name)


@quick
@given(body=st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_by_an_alarm_error_only(body: bytes) -> None:
    with pytest.raises(AlarmError):
        decode(body)


@quick
@given(body=json_values)
def test_arbitrary_json_is_refused_by_an_alarm_error_only(body: Any) -> None:
    with pytest.raises(AlarmError):
        decode(json.dumps(body).encode())


@quick
@given(place=st.sampled_from(paths(EXAMPLE)[1:]), value=json_values)
def test_alarm_with_any_one_value_replaced_decodes_or_is_refused_and_fits_no_less_than_the_schema(
    place: tuple[Any, ...], value: Any
) -> None:
    body = deepcopy(EXAMPLE)
    parent: Any = body
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = value
    read_everything(encode(body))
    if validator("Alarm").is_valid(body):
        decode(body)


@quick
@given(
    names=st.sampled_from([["allowed_actions"], ["metadata"], ["instance_ids"], ["reply_at", "actions_at"]]), text=texts
)
def test_arbitrary_text_in_a_known_trait_never_raises(names: list[str], text: str) -> None:
    read_everything(alarm_of([[name, 1, text] for name in names]))


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "-" * 16_000 + "1", "(" * 255, "'\\", "\0", "\ud800", "{[]: 1}", "1" * 9_000]
)
def test_hostile_literals_are_no_literals(text: str) -> None:
    message = AlarmMessage("maintenance.scheduled", {"allowed_actions": text, "metadata": text})
    assert message.allowed_actions == ()
    assert message.metadata is None


@pytest.mark.parametrize(
    "body", [b"[" * 200_000, b'{"a": ' * 100_000, b"1" * 10_000, b"", b"\xff\xfe", b"null", b"[]", "{"]
)
def test_hostile_json_is_refused_by_an_alarm_error(body: bytes | str) -> None:
    with pytest.raises(AlarmError, match="the alarm's body is not"):
        decode(body)


# -- what is refused, in words


@pytest.mark.parametrize(
    ("trait", "words"),
    [
        (["state", 1], "trait 0 of the alarm is not"),
        ("state", "trait 0 of the alarm is not"),
        ([1, 1, "x"], "trait 0 of the alarm is not"),
        (["state", 5, "x"], "'state' of the alarm has no dtype"),
        (["state", True, "x"], "'state' of the alarm has no dtype"),
        (["state", 1, 7], "value of trait 'state' of the alarm is not of dtype 1"),
        (["n", 2, 1.5], "value of trait 'n' of the alarm is not of dtype 2"),
        (["n", 2, True], "value of trait 'n' of the alarm is not of dtype 2"),
        (["state", 1, None], "value of trait 'state' of the alarm is not of dtype 1"),
    ],
)
def test_what_is_no_trait_is_named(trait: Any, words: str) -> None:
    body = alarm_of([])
    body["reason_data"]["event"]["traits"] = [trait]
    with pytest.raises(AlarmError, match=words):
        decode(body)


@pytest.mark.parametrize("name", ["state", "session_id", "instance_ids", "reply_url"])
def test_missing_trait_that_a_receiver_needs_is_named(name: str) -> None:
    body = deepcopy(EXAMPLE)
    event = body["reason_data"]["event"]
    event["traits"] = [trait for trait in event["traits"] if trait[0] != name]
    with pytest.raises(AlarmError, match=f"no trait {name}"):
        decode(body)
    assert decode(body, partial=True).missing == (name,)
    assert not validator("Alarm").is_valid(body)


@pytest.mark.parametrize("name", ["service", "metadata", "reply_at", "actions_at"])
def test_alarm_without_a_trait_that_one_can_do_without_is_an_alarm(name: str) -> None:
    body = deepcopy(EXAMPLE)
    event = body["reason_data"]["event"]
    event["traits"] = [trait for trait in event["traits"] if trait[0] != name]
    message = decode(body)
    assert name not in message.traits
    assert validator("Alarm").is_valid(body)
    if name == "metadata":
        assert message.metadata == {}


# -- the rules one by one


def test_datetime_traits_lose_their_offset_and_get_a_t() -> None:
    here = datetime(2026, 11, 22, 18, 30, tzinfo=timezone(timedelta(hours=2)))
    made = traits({"reply_at": here, "actions_at": "2026-11-22 16:30:00"})
    assert made[1:] == [["actions_at", 4, "2026-11-22T16:30:00"], ["reply_at", 4, "2026-11-22T16:30:00"]]


def test_naive_datetime_is_taken_for_utc() -> None:
    assert traits({"reply_at": datetime(2026, 11, 22, 16, 30)})[1] == ["reply_at", 4, "2026-11-22T16:30:00"]  # noqa: DTZ001


def test_datetime_trait_that_is_none_cannot_be_encoded() -> None:
    with pytest.raises(ValueError, match="tomorrow"):
        traits({"reply_at": "tomorrow"})


def test_number_traits_are_numbers() -> None:
    definitions = (TraitDefinition("cores", Dtype.INTEGER), TraitDefinition("load", Dtype.FLOAT))
    assert traits({"cores": "8", "load": 1}, definitions) == [["cores", 2, 8], ["load", 3, 1.0]]


def test_service_is_the_publishers_for_doctor_and_the_payloads_for_tacker() -> None:
    assert traits({"service": "other"}, TRAITS_DOCTOR) == [["service", 1, "fenix"]]
    assert traits({}, TRAITS_DOCTOR, service=None) == []
    assert traits({"service": "other"}, TRAITS_TACKER) == [["service", 1, "other"]]
    assert traits({}, TRAITS_TACKER) == []


def test_query_may_be_given_as_json_text() -> None:
    body = {"alarm_name": "", "alarm_id": "", "severity": "", "previous": "", "message_id": "m", "event_type": "e"}
    rest = {"generated": datetime(2026, 1, 1, tzinfo=UTC), "traits": [], "message_signature": ""}
    query = [{"op": "eq", "field": "traits.state", "value": "SCALE_IN"}]
    reasons = {
        alarm_body(**body, **rest, reason_query=given)["reason"] for given in (query, json.dumps(query, sort_keys=True))
    }
    assert len(reasons) == 1


def test_host_alarm_needs_no_reply_url() -> None:
    notification = Notification(
        "maintenance.host", {"project_id": "admin", "host": "compute-2", "state": "IN_MAINTENANCE", "session_id": "s"}
    )
    body = alarm_of(traits(notification.payload, TRAITS_HOST))
    body["reason_data"]["event"]["event_type"] = notification.event_type
    message = decode(encode(body))
    assert (message.host, message.state, message.reply_url, message.missing) == ("compute-2", "IN_MAINTENANCE", "", ())
    assert validator("HostAlarm").is_valid(body)
    assert not validator("Alarm").is_valid(body)


def test_instant_that_is_none_reads_as_none() -> None:
    message = AlarmMessage("maintenance.scheduled", {"reply_at": "soon", "actions_at": "0001-01-01T00:00:00+14:00"})
    assert message.reply_at is None
    assert message.actions_at is None


def test_instant_with_an_offset_is_turned_to_utc() -> None:
    message = AlarmMessage("maintenance.scheduled", {"reply_at": "2026-11-22 18:00:00+02:00"})
    assert message.reply_at == datetime(2026, 11, 22, 16, tzinfo=UTC)
