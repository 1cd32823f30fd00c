"""Faults of alarms as a manager's socket sees them, and what the journal says of the deliveries."""

from __future__ import annotations

import json

import pytest

#: Effect → the end of the POST: ``whole``, ``short`` (fewer bytes than promised) or ``reset``.
TABLE = {
    "malformed": ({"malformed": True}, "whole"),
    "content_type": ({"content_type": "text/html"}, "whole"),
    "drip": ({"drip": "200ms"}, "whole"),
    "truncate": ({"truncate": True}, "short"),
    "a slow cut": ({"truncate": True, "drip": "100ms"}, "short"),
    "reset": ({"reset": True}, "reset"),
    "unknown_state": ({"unknown_state": "POSTPONED"}, "whole"),
    "crop": ({"crop": {"session_id": 8}}, "whole"),
    "python2": ({"python2": True}, "whole"),
    "delay": ({"delay": "50ms"}, "whole"),
}


@pytest.mark.parametrize(("then", "end"), TABLE.values(), ids=TABLE.keys())
def test_what_a_manager_sees_and_what_is_recorded(make_site, raw_receiver, then, end):
    site = make_site(
        {"when": {"alarm": "MAINTENANCE", "project": 1}, "then": then},
        {"when": {"alarm": "MAINTENANCE", "project": 2}, "then": {"drop": True}},
        alarm_url=raw_receiver.url,
    )
    (seen,) = raw_receiver.wait_for(1)
    assert seen.is_reset == (end == "reset")
    if not seen.is_reset:
        assert (len(seen.body) < seen.promised) == (end == "short")
        assert seen.fields["content-type"] == then.get("content_type", "application/json")
    if end == "whole" and not then.get("malformed"):
        traits = {name: value for name, _, value in json.loads(seen.body)["reason_data"]["event"]["traits"]}
        assert traits["state"] == then.get("unknown_state", "MAINTENANCE")
        assert (traits["session_id"] == site.session) == ("crop" not in then)
        assert traits["metadata"] == "{}"
    if then.get("malformed"):
        with pytest.raises(ValueError, match="Expecting"):
            json.loads(seen.body)
    deliveries = {one.project_id: one.data for one in site.wait_for("delivery", 2)}
    mine, dropped = deliveries[site.a], deliveries[site.b]
    assert (mine["fault"], dropped["fault"]) == (1, 2)
    assert (mine["status"], dropped["status"]) == (200 if end == "whole" else None, None)
    assert ("as a fault wanted" in (mine["error"] or "")) == (end != "whole")
    happened = {one.data["fault"]: one.data["effect"] for one in site.recorded("fault")}
    assert happened == {1: then, 2: {"drop": True}}
    if "drip" in then:
        assert seen.times[-1] - seen.times[0] >= 0.08


def test_an_alarm_that_is_tried_again_arrives_well(make_site, raw_receiver):
    """A fault of the connection touches the first attempt; a Fenix that tries again gets through."""
    site = make_site(
        {"when": {"alarm": "MAINTENANCE", "project": 1}, "then": {"truncate": True}},
        {"when": {"alarm": "MAINTENANCE", "project": 2}, "then": {"drop": True}},
        alarm_url=raw_receiver.url,
        delivery="retry:50ms",
    )
    first, second = raw_receiver.wait_for(2)
    assert len(first.body) < first.promised
    assert len(second.body) == second.promised
    told = [one.data for one in site.wait_for("delivery", 3) if one.project_id == site.a]
    assert [(one["status"], one["final"], one["fault"]) for one in told] == [(None, False, 1), (200, True, 1)]


def test_an_untouched_delivery_names_no_fault(make_site):
    site = make_site({"when": {"alarm": "SCALE_IN"}, "then": {"drop": True}})
    assert [one.data["fault"] for one in site.wait_for("delivery", 2)] == [None, None]


def test_what_was_held_back_comes_behind_later_alarms_and_not_after_a_reset(make_site):
    """Sessions that begin one after another tell the same manager; a session that is forgotten tells nothing."""
    site = make_site(
        {"when": {"alarm": "MAINTENANCE", "project": 1, "nth": 1}, "then": {"hold_back": 2}},
        {"when": {"alarm": "MAINTENANCE", "project": 2}, "then": {"drop": True}},
    )
    create = site.simulator.service.create_session

    def came(count):
        site.receiver.wait_for(lambda alarm: alarm.number == count, timeout=10)
        return [one.message.session_id for one in site.receiver.alarms]

    first, second, third = site.session, create(), create()
    assert came(3) == [second, third, first]
    assert site.control("POST", "/reset").status == 204
    create()  # held back, and then forgotten with its session
    assert site.control("POST", "/reset").status == 204
    held, fifth, sixth = create(), create(), create()
    assert came(6)[3:] == [fifth, sixth, held]


def test_a_late_copy_comes_when_its_state_is_over(make_site):
    site = make_site(
        {"when": {"alarm": "MAINTENANCE", "project": 1}, "times": 1, "then": {"duplicate": 1, "hold_back": 1}},
        {"when": {"alarm": "MAINTENANCE", "project": 2}, "then": {"drop": True}},
    )
    second = site.simulator.service.create_session()
    site.receiver.wait_for(lambda alarm: alarm.number == 3, timeout=10)
    assert [one.message.session_id for one in site.receiver.alarms] == [site.session, second, site.session]
    assert site.receiver.alarms[0].body == site.receiver.alarms[2].body
    told = [one.data["fault"] for one in site.wait_for("delivery", 5) if one.project_id == site.a]
    assert told == [1, None, 1]
