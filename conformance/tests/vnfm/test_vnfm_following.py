"""When there is nothing more to wait for in a scenario, as its journal tells."""

from __future__ import annotations

from typing import Any

from fenix_conformance.vnfm.following import Following

OWN, OTHER, SILENT = "own", "other", "silent"


def event(kind: str, session_id: str = "s", **data: Any) -> dict[str, Any]:
    return {"kind": "event", "type": kind, "session_id": session_id, "project_id": data.get("project_id"), "data": data}


def asked(*projects: str, state: str = "MAINTENANCE", session_id: str = "s") -> list[dict[str, Any]]:
    told = [
        event("ProjectNotified", session_id, project_id=project, state=state, notification=number)
        for number, project in enumerate(projects, 1)
    ]
    return [event("ProjectsAsked", session_id, state=state), *told]


def replied(project: str, session_id: str = "s") -> dict[str, Any]:
    return event("ReplyAccepted", session_id, project_id=project, state="ACK_MAINTENANCE")


def delivered(notification: str = "s/1", project: str = OWN) -> dict[str, Any]:
    data = {"notification": notification, "status": 200}
    return {"kind": "delivery", "type": "AlarmDelivered", "session_id": "s", "project_id": project, "data": data}


def put(status: int | None, project: str = OWN) -> dict[str, Any]:
    data = {"method": "PUT", "status": status, "surface": "project"}
    return {"kind": "request", "type": "RequestAnswered", "session_id": "s", "project_id": project, "data": data}


def following(*rows: dict[str, Any] | list[dict[str, Any]], sessions: tuple[str, ...] = ("s",)) -> Following:
    one = Following(OWN, sessions, {SILENT})
    for row in rows:
        one.take(row if isinstance(row, list) else [row])
    return one


BEGUN = event("SessionCreated", projects=[OWN, OTHER, SILENT])
DONE = event("SessionDone")
FAILED = event("SessionFailed", reason="silence")


def test_it_is_over_when_every_session_has_ended_in_whatever_way():
    both = ("s", "t")
    assert not following(BEGUN, DONE, sessions=both).is_over
    assert following(BEGUN, DONE, event("SessionFailed", "t"), sessions=both).is_over
    assert following(BEGUN, event("SessionDeleted"), sessions=("s",)).is_over


def test_a_session_that_has_yet_to_begin_is_waited_for():
    one = following(BEGUN, DONE, sessions=("s", "later"))
    assert one.open_sessions == ["later"]


def test_the_vnfm_owes_a_reply_until_it_counts():
    assert following(BEGUN, asked(OWN, OTHER)).owes_a_reply
    assert following(BEGUN, asked(OWN, OTHER), replied(OTHER)).owes_a_reply
    assert not following(BEGUN, asked(OWN, OTHER), replied(OWN)).owes_a_reply
    assert not following(BEGUN, asked(OTHER)).owes_a_reply


def test_no_reply_is_owed_to_a_report():
    assert not following(BEGUN, asked(OWN, state="INSTANCE_ACTION_DONE")).owes_a_reply


def test_a_reply_after_the_end_shows_that_the_vnfm_was_late():
    late = following(BEGUN, asked(OWN), FAILED)
    assert late.owes_a_reply
    late.take([put(409)])
    assert not late.owes_a_reply


def test_a_reply_that_got_no_lasting_answer_may_come_again():
    for status in (503, None):
        one = following(BEGUN, asked(OWN), put(status), replied(OWN))
        assert one.owes_a_reply
        one.take([put(200)])
        assert not one.owes_a_reply
    assert not following(BEGUN, asked(OWN), put(None, OTHER), replied(OWN)).owes_a_reply


def test_an_alarm_is_on_the_way_until_its_delivery_is_recorded():
    one = following(BEGUN, asked(OWN, OTHER))
    assert one.has_alarms_on_the_way
    one.take([delivered("s/2", OTHER)])
    assert one.has_alarms_on_the_way
    one.take([delivered("s/1")])
    assert not one.has_alarms_on_the_way


def test_instances_may_come_back_once_the_maintenance_is_complete():
    assert not following(BEGUN, event("StateEntered", state="PLANNED_MAINTENANCE")).may_scale_out
    assert following(BEGUN, event("StateEntered", state="MAINTENANCE_COMPLETE")).may_scale_out


def test_nothing_is_left_for_the_vnfm_while_only_the_silent_are_waited_for():
    waiting = [BEGUN, asked(OWN, OTHER, SILENT), delivered("s/1"), replied(OWN)]
    assert not following(*waiting).waits_for_silence
    assert following(*waiting, replied(OTHER)).waits_for_silence
    assert not following(*waiting, replied(OTHER), sessions=("s", "later")).waits_for_silence
    assert not following(*waiting, replied(OTHER), FAILED).waits_for_silence
    assert not following(
        *waiting, replied(OTHER), event("ProjectsAsked", state="PLANNED_MAINTENANCE")
    ).waits_for_silence


def test_what_belongs_to_no_session_of_the_scenario_is_passed_over():
    start = {"kind": "start", "type": "ServerStarted", "session_id": None, "project_id": None, "data": {}}
    assert following(start, event("SessionDone", "another")).open_sessions == ["s"]
