"""The journal's JSON: every event comes back as it was, and everything else is readable."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from enum import Enum
from types import MappingProxyType, NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_contract.vocabulary import Action, AlarmState
from fenix_simulator.adapters.journal_json import EVENTS, decode, decode_event, encode, instant_text
from fenix_simulator.domain import messages as m
from fenix_simulator.ports import Answered, Delivery, Entry, JournalError

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def values(hint: Any) -> st.SearchStrategy[Any]:
    """Any value of an annotated type, with aware instants and durations of whole microseconds."""
    if hint is datetime:
        return st.datetimes(timezones=st.just(UTC))
    if hint is timedelta:
        return st.timedeltas(timedelta(), timedelta(days=3650))
    if hint is NoneType:
        return st.none()
    if get_origin(hint) in (Union, UnionType):
        return st.one_of(*map(values, get_args(hint)))
    if get_origin(hint) is tuple:
        return st.lists(values(get_args(hint)[0]), max_size=4).map(tuple)
    if get_origin(hint) is Mapping:
        return st.dictionaries(*map(values, get_args(hint)), max_size=4)
    if isinstance(hint, type) and issubclass(hint, Enum):
        return st.sampled_from(hint)
    if hint is int:
        return st.integers(-(2**53), 2**53)
    if hint is float:
        return st.floats(0, 1e6)
    if hint in (str, bool):
        return st.from_type(hint)
    return records(hint)


def records(record: type) -> st.SearchStrategy[Any]:
    """Any instance of a dataclass, each field given."""
    hints = get_type_hints(record)
    return st.builds(record, **{field.name: values(hints[field.name]) for field in fields(record)})


def entry_of(data: Any) -> Entry:
    return Entry("event", type(data).__name__, data)


@pytest.mark.parametrize("event", EVENTS.values(), ids=lambda event: event.__name__)
@given(data=st.data())
def test_every_event_comes_back_as_it_was(event: type, data: st.DataObject) -> None:
    """For any values of its fields; and the JSON is an object of just those fields."""
    original = data.draw(records(event))
    written = encode(entry_of(original))
    assert set(json.loads(written)) == {field.name for field in fields(event)}
    assert decode_event(event.__name__, decode(written)) == original


def test_all_events_of_the_domain_are_known() -> None:
    """One that is added to the union is known here without a further word."""
    assert set(EVENTS.values()) == set(get_args(m.Event))


def test_json_form_of_instants_durations_and_words() -> None:
    """RFC 3339 with Z, seconds as a number, words as they are on the wire, tuples as arrays."""
    started = m.TimerStarted(1, m.TimerPurpose.REPLIES, m.TimerKind.WINDOW, timedelta(seconds=20.5))
    assert json.loads(encode(entry_of(started)))["duration"] == 20.5
    notified = m.ProjectNotified(1, "p", AlarmState.PLANNED_MAINTENANCE, ("a", "b"), (Action.MIGRATE,), reply_at=NOON)
    written = json.loads(encode(entry_of(notified)))
    assert written["reply_at"] == "2026-03-01T12:00:00Z"
    assert written["allowed_actions"] == ["MIGRATE"]
    assert written["state"] == "PLANNED_MAINTENANCE"
    assert written["instance_ids"] == ["a", "b"]
    assert written["actions_at"] is None
    assert instant_text(NOON) == "2026-03-01T12:00:00.000000Z"


@pytest.mark.parametrize("record", [Delivery, Answered])
@given(data=st.data())
def test_records_become_objects_of_their_fields(record: type, data: st.DataObject) -> None:
    """Deliveries and requests with any text in them."""
    one = data.draw(records(record))
    assert decode(encode(entry_of(one))) == {field.name: getattr(one, field.name) for field in fields(record)}


@dataclass(frozen=True)
class Nested:
    """A record with a bit of everything that others may put into the journal."""

    words: frozenset[str]
    waits: tuple[timedelta, ...]
    anything: Any


def test_any_depth_is_written() -> None:
    """Durations, records, read-only mappings and sets inside each other."""
    inner = m.TimerStarted(1, m.TimerPurpose.REPLIES, m.TimerKind.WINDOW, timedelta(minutes=1))
    outer = Nested(frozenset("ba"), (timedelta(seconds=1),), MappingProxyType({"x": [inner, {Action.MIGRATE: None}]}))
    assert decode(encode(entry_of(outer))) == {
        "words": ["a", "b"],
        "waits": [1.0],
        "anything": {"x": [{"timer": 1, "purpose": "replies", "kind": "window", "duration": 60.0}, {"MIGRATE": None}]},
    }


def test_read_only_metadata_is_written() -> None:
    """A mapping need not be a dict."""
    created = m.SessionCreated("s", ("h",), ("p",), NOON, MappingProxyType({"a": "b"}))
    assert decode_event("SessionCreated", decode(encode(entry_of(created)))) == created


@given(st.text(st.characters(codec=None), max_size=20))
def test_text_that_utf_8_cannot_carry_is_escaped(raw: str) -> None:
    """A reply may hold a lone surrogate; what is kept is readable, and other text is kept as it is."""
    accepted = m.ReplyAccepted("p", raw, {raw: raw})
    kept = decode(encode(entry_of(accepted)))
    expected = raw.encode("utf-8", "backslashreplace").decode()
    assert kept["state"] == expected
    assert kept["instance_actions"] == {expected: expected}


def test_an_unknown_event_is_named_with_the_known_ones() -> None:
    """The error says what there is."""
    with pytest.raises(JournalError, match="unknown event type 'HostExploded'") as caught:
        decode_event("HostExploded", {})
    assert "HostMaintained" in caught.value.expected
    assert "TimerStarted" in caught.value.expected


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("HostMaintained", {"notification": 1}),
        ("HostMaintained", {"notification": "1", "host": "h"}),
        ("StateEntered", {"state": "PARTY"}),
        ("TimerStarted", {"timer": 1, "purpose": "replies", "kind": "window", "duration": "PT1S"}),
        ("TimerStarted", {"timer": 1, "purpose": "replies", "kind": "window", "duration": 1e300}),
        ("TimerStarted", {"timer": 1, "purpose": "replies", "kind": "window"}),
    ],
)
def test_data_that_is_no_such_event_is_refused(name: str, data: dict[str, Any]) -> None:
    """Missing members, wrong types and unknown words, each with the event's name."""
    with pytest.raises(JournalError, match=f"this is no {name}"):
        decode_event(name, data)


def test_members_of_a_later_version_are_passed_over() -> None:
    """A journal of a version that knows more can still be read."""
    assert decode_event("HostMaintained", {"notification": 1, "host": "h", "colour": "red"}) == m.HostMaintained(1, "h")


@pytest.mark.parametrize("data", [b"", b"[1]", b"{", b'"text"', b'{"a": "\xff"}'])
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    """With one clear error."""
    with pytest.raises(JournalError, match="not a JSON object"):
        decode(data)


@dataclass(frozen=True)
class Strange:
    """A record that nobody can write down."""

    thing: object


def test_what_has_no_json_form_is_refused_by_name() -> None:
    """The error names the entry's type and the value's."""
    with pytest.raises(JournalError, match=r"Strange cannot be written as JSON.*"):
        encode(entry_of(Strange(object())))
