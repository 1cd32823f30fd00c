"""One alarm explained: what it asked, the right reply, what was sent, and where they differ."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.explain import Explanation, NoSuchAlarm, explain, explain_all

from .conftest import BEGAN, IDS, PATH, PROJECT, SESSION, URL, Diary

RIGHT: dict[str, Any] = {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": dict.fromkeys(IDS, "MIGRATE")}


def differing(one: Explanation) -> dict[str, tuple[str, str]]:
    return {each.member: (each.expected, each.actual) for each in one.differences if not each.is_met}


def test_an_alarm_that_was_answered_rightly(planned: Diary) -> None:
    planned.put(0.3, RIGHT)
    one = explain(planned.course, 2)
    assert (one.state, one.project_id, one.session_id) == ("PLANNED_MAINTENANCE", PROJECT, SESSION)
    assert one.instance_ids == IDS
    assert one.allowed_actions == ("MIGRATE", "LIVE_MIGRATE")
    assert one.reply_at == BEGAN + timedelta(seconds=5)
    assert one.outcome == "as expected"
    assert one.expected is not None
    assert (one.expected.method, one.expected.url, one.expected.body) == ("PUT", URL, RIGHT)
    assert one.expected.until == BEGAN + timedelta(seconds=5)
    assert [(step.entry, step.what, step.status, round(step.after, 2)) for step in one.steps] == [
        (5, "list", 200, 0.11),
        (6, "reply", 200, 0.21),
    ]
    assert [(each.entry, each.status) for each in one.deliveries] == [(4, 200)]


@pytest.mark.parametrize("number", [2, 4, 5, 6])
def test_every_entry_that_belongs_to_an_alarm_leads_to_it(number: int, planned: Diary) -> None:
    planned.put(0.3, RIGHT)
    assert explain(planned.course, number) == explain(planned.course, 2)


@pytest.mark.parametrize("number", [1, 3, 99])
def test_an_entry_that_belongs_to_none_is_told(number: int, planned: Diary) -> None:
    with pytest.raises(NoSuchAlarm, match=f"entry {number} of mine has to do with no alarm"):
        explain(planned.course, number)


@pytest.mark.parametrize(
    ("body", "more", "member", "expected", "actual", "rule"),
    [
        (
            {**RIGHT, "instance_actions": {"instance-1": "MIGRATE"}}, {},
            "instance_actions, instance-2", "MIGRATE or LIVE_MIGRATE", "missing", "actions-cover",
        ),
        (
            {**RIGHT, "instance_actions": {**RIGHT["instance_actions"], "stranger": "MIGRATE"}}, {},
            "instance_actions, stranger", "no action: it was not listed", "MIGRATE", "actions-own",
        ),
        (
            {**RIGHT, "instance_actions": {"instance-1": "MIGRATE", "instance-2": "EVACUATE"}}, {},
            "instance_actions, instance-2", "MIGRATE or LIVE_MIGRATE", "EVACUATE", "actions-allowed",
        ),
        (
            {**RIGHT, "state": "PLANNED_MAINTENANCE_ACK"}, {"status": 409},
            "state", "ACK_PLANNED_MAINTENANCE or NACK_PLANNED_MAINTENANCE", "PLANNED_MAINTENANCE_ACK", "reply-state",
        ),
        (RIGHT, {"path": "/v1/elsewhere"}, "url", f"PUT {PATH}", "PUT /v1/elsewhere", "reply-url"),
        (
            RIGHT, {"content_type": "text/plain; charset=utf-8"},
            "content type", "application/json", "text/plain", "reply-valid",
        ),
        ("state=ACK", {"status": 400}, "body", "a JSON object", "state=ACK", "reply-valid"),
        ('["ACK"]', {"status": 400}, "body", "a JSON object", '["ACK"]', "reply-valid"),
    ],
)  # fmt: skip
def test_each_way_to_be_wrong_is_one_difference_and_one_rule(
    body: Any, more: dict[str, Any], member: str, expected: str, actual: str, rule: str, planned: Diary
) -> None:
    planned.put(0.3, body, **more)
    one = explain(planned.course, 2)
    assert differing(one) == {member: (expected, actual)}
    assert rule in {each.rule for each in one.broken}
    assert one.outcome.startswith(f"differs in {member}; breaks ")


def test_a_late_reply_tells_by_how_much(planned: Diary) -> None:
    planned.put(7.5, RIGHT, status=409)
    planned.end(8)
    one = explain(planned.course, 2)
    assert differing(one) == {"time": ("within 4.9 s", "7.4 s after the alarm, late by 2.5 s")}
    assert [each.rule for each in one.broken] == ["reply-in-time"]


def test_silence(planned: Diary) -> None:
    planned.end(8)
    one = explain(planned.course, 2)
    assert differing(one) == {"reply": ("ACK_PLANNED_MAINTENANCE or NACK_PLANNED_MAINTENANCE", "none")}
    assert [(each.rule, each.outcome) for each in one.broken] == [("reply-sent", Outcome.FAIL)]


def test_an_alarm_that_was_not_taken(diary: Diary) -> None:
    diary.ask(0, "MAINTENANCE")
    diary.deliver(0.1, "MAINTENANCE", status=500)
    diary.end(8)
    found = differing(explain(diary.course, 2))
    assert found["alarm's answer"] == ("2xx", "500 after 0.010 s")
    assert "reply" in found


def test_a_question_that_was_never_delivered(diary: Diary) -> None:
    diary.ask(0, "MAINTENANCE")
    one = explain(diary.course, 2)
    assert one.deliveries == ()
    assert one.expected is not None
    assert (one.expected.url, one.expected.body) == ("", {"state": "ACK_MAINTENANCE"})
    assert one.broken == ()


def test_a_second_different_reply(planned: Diary) -> None:
    planned.put(0.3, RIGHT)
    planned.put(0.4, {"state": "NACK_PLANNED_MAINTENANCE"})
    assert "other replies" in differing(explain(planned.course, 2))


def test_without_the_list(diary: Diary) -> None:
    diary.ask(0, "PLANNED_MAINTENANCE", IDS)
    diary.deliver(0.1, "PLANNED_MAINTENANCE", allowed_actions="['MIGRATE']")
    diary.put(0.2, RIGHT)
    one = explain(diary.course, 2)
    assert differing(one) == {"list": (f"GET {PATH} before the reply", "not fetched")}
    assert {"list-fetched", "list-fresh"} == {each.rule for each in one.broken}


def test_a_refusal_and_a_slash_more_are_fine(planned: Diary) -> None:
    planned.put(0.3, {"state": "NACK_PLANNED_MAINTENANCE"}, path=PATH + "/")
    assert explain(planned.course, 2).outcome == "as expected"


def test_a_report_awaits_no_reply(planned: Diary) -> None:
    planned.put(0.3, RIGHT)
    asked = planned.ask(1, "INSTANCE_ACTION_DONE", IDS[:1])
    delivered = planned.deliver(1.1, "INSTANCE_ACTION_DONE", instance_ids="instance-1")
    one = explain(planned.course, delivered)
    assert (one.state, one.instance_ids, one.expected) == ("INSTANCE_ACTION_DONE", ("instance-1",), None)
    assert one.outcome == "as expected"
    assert explain(planned.course, asked) == one
    planned.put(1.2, {"state": "ACK_INSTANCE_ACTION_DONE"}, status=409)
    one = explain(planned.course, delivered)
    assert differing(one) == {"reply": ("none", "ACK_INSTANCE_ACTION_DONE")}
    assert [step.what for step in one.steps] == ["other"]


def test_all_of_them_in_their_order(planned: Diary) -> None:
    planned.put(0.3, RIGHT)
    planned.ask(1, "INSTANCE_ACTION_DONE", IDS[:1])
    planned.deliver(1.1, "INSTANCE_ACTION_DONE", instance_ids="instance-1")
    planned.ask(2, "MAINTENANCE_COMPLETE")
    planned.deliver(2.1, "MAINTENANCE_COMPLETE")
    states = ["PLANNED_MAINTENANCE", "INSTANCE_ACTION_DONE", "MAINTENANCE_COMPLETE"]
    assert [one.state for one in explain_all(planned.course)] == states


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner, max_size=3),
    max_leaves=6,
)
bodies = json_values | st.fixed_dictionaries(
    {
        "state": st.sampled_from([*RIGHT.values(), "ACK_PLANNED_MAINTENANCE"]) | json_values,
        "instance_actions": json_values,
    }
)


@given(body=bodies, status=st.sampled_from([200, 409, 503, None]), at=st.floats(0.2, 9))
def test_whatever_is_sent_is_explained(body: Any, status: int | None, at: float) -> None:
    """And what differs in a member that a rule judges breaks a rule, unless the difference is a list not fetched."""
    diary = Diary()
    diary.ask(0, "PLANNED_MAINTENANCE", IDS)
    diary.deliver(0.1, "PLANNED_MAINTENANCE", allowed_actions="['MIGRATE']")
    diary.get(0.15)
    diary.put(at, body, status=status)
    diary.end(10)
    one = explain(diary.course, 2)
    assert one.steps[-1].status == status
    assert bool(differing(one)) <= bool(one.broken)
