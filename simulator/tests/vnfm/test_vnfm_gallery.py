"""The gallery's tables, and its fair managers: what is said of each can be relied on."""

from __future__ import annotations

from datetime import timedelta
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from fenix_contract.contract import validator
from fenix_contract.vocabulary import ACTION_STATES, REPLY_STATES, Action
from fenix_vnfm import BEHAVIOURS, EventKind, Policy, UnknownBehaviour, behaviour
from fenix_vnfm import behaviours as module

PATH = "/v1/maintenance/s1/p1"
REQUIREMENTS = Path(__file__).parents[3] / "conformance" / "fenix_conformance" / "requirements.yaml"
FAIR = sorted(one.name for one in BEHAVIOURS.values() if one.is_fair)
WRONG = sorted(one.name for one in BEHAVIOURS.values() if not one.is_fair)


@pytest.fixture
def url(fenix):
    """The project's URL of session s1, whose list has two instances, with a slash at its end and without."""
    fenix.lists.update({PATH: ["i1", "i2"], f"{PATH}/": ["i1", "i2"]})
    return fenix.url + PATH


@pytest.fixture
def play(manage, fenix, url, alarm, post, cloud):
    """Plays an alarm to a manager with the manners of that name, waits for its end, and gives the replies' bodies."""

    def to(name, *states):
        manners = behaviour(name)
        manager = manage("p1", manners.adapt(Policy()), conduct=manners.conduct, cloud=cloud)
        for state in states:
            before = manager.event_count
            assert 200 <= post(manager.alarm_url, alarm(state, url)).status < 300
            assert manager.wait_for_outcome(state, after=before).kind == EventKind.REPLY
        manager.close()
        return fenix.requests("PUT")

    return to


# -- the tables ------------------------------------------------------------------------------------------------------


def test_the_gallery_is_large_and_its_names_are_unique():
    listed = [one.name for theme in module._THEMES for one in theme.BEHAVIOURS]
    assert len(listed) == len(set(listed)) == len(BEHAVIOURS)
    assert len(WRONG) >= 30
    assert len(FAIR) >= 20


@pytest.mark.parametrize("name", WRONG)
def test_what_a_wrong_one_breaks_are_rules_for_a_vnfm_and_it_says_where_it_shows(name):
    rows = yaml.safe_load(REQUIREMENTS.read_text("utf-8"))
    known = {row["id"] for row in rows if row["role"] == "vnfm"}
    scenarios = {one.name.removesuffix(".yaml") for one in (files("fenix_simulator") / "scenarios").iterdir()}
    one = behaviour(name)
    assert set(one.breaks) <= known
    assert len(set(one.breaks)) == len(one.breaks)
    assert one.shown_by
    assert set(one.shown_by) <= scenarios
    assert one.statement


def test_every_rule_that_can_be_broken_is_broken_by_one_that_must_fail_it():
    rows = yaml.safe_load(REQUIREMENTS.read_text("utf-8"))
    must_fail = {one.breaks[0] for one in BEHAVIOURS.values() if one.breaks}
    assert {row["id"] for row in rows if row["role"] == "vnfm" and row["level"] != "MAY"} == must_fail


@pytest.mark.parametrize(
    ("name", "fair", "said"),
    [("tardy", None, "honest"), ("late", True, "inline"), ("inline", False, "late"), ("tardy", False, "late")],
)
def test_a_name_of_another_kind_is_refused_with_those_that_would_do(name, fair, said):
    with pytest.raises(UnknownBehaviour, match=said):
        behaviour(name, fair=fair)


def test_a_name_of_the_kind_wanted_is_found():
    assert behaviour("late", fair=False).name == behaviour("late").name == "late"
    assert behaviour("inline", fair=True).is_fair


# -- the fair ones ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in FAIR if not name.startswith("nacks-")])
def test_a_fair_one_answers_every_state_with_a_valid_acknowledgement(play, name):
    replies = play(name, *REPLY_STATES)
    said = list(dict.fromkeys(one.json["state"] for one in replies))
    assert said == [f"ACK_{state}" for state in REPLY_STATES]
    for one in replies:
        assert validator("Reply").is_valid(one.json)
        assert one.path.rstrip("/") == PATH
        assert one.headers["content-type"].startswith("application/json")
        if one.json["state"].removeprefix("ACK_") in ACTION_STATES:
            assert set(one.json["instance_actions"]) == {"i1", "i2"}


@pytest.mark.parametrize(("name", "state"), [("nacks-planned", "PLANNED_MAINTENANCE"), ("nacks-scale-in", "SCALE_IN")])
def test_one_that_refuses_says_so(play, cloud, name, state):
    assert [one.json for one in play(name, state)] == [{"state": f"NACK_{state}"}]
    assert cloud.calls == []


def test_inline_is_answered_after_the_work(manage, fenix, url, alarm, post):
    manners = behaviour("inline")
    manager = manage("p1", manners.adapt(Policy()), conduct=manners.conduct)
    post(manager.alarm_url, alarm("MAINTENANCE", url))
    assert len(fenix.requests("PUT")) == 1


def test_slow_in_time_leaves_four_tenths_of_the_window(play, clock):
    play("slow-in-time", "MAINTENANCE")
    assert clock.pauses == [timedelta(seconds=12)]


@pytest.mark.parametrize(("name", "end"), [("trailing-slash", "/"), ("no-trailing-slash", "")])
def test_slashes_come_and_go_at_the_end_of_both_urls(play, fenix, name, end):
    play(name, "PLANNED_MAINTENANCE")
    assert {one.path for one in fenix.requests()} == {PATH + end}


def test_extra_members_say_what_the_reply_is_about(play):
    (reply,) = play("extra-members", "PLANNED_MAINTENANCE")
    assert (reply.json["session_id"], reply.json["instance_ids"]) == ("s1", ["i1", "i2"])


def test_an_empty_map_is_sent_where_no_actions_are_asked_for(play):
    first, second = play("empty-actions-map", "MAINTENANCE", "PLANNED_MAINTENANCE")
    assert first.json == {"instance_actions": {}, "state": "ACK_MAINTENANCE"}
    assert len(second.json["instance_actions"]) == 2


@pytest.mark.parametrize(("name", "action"), [("own-action", "OWN_ACTION"), ("live-migrate", "LIVE_MIGRATE")])
def test_one_that_wants_another_action_has_it(play, cloud, name, action):
    (reply,) = play(name, "PLANNED_MAINTENANCE")
    assert reply.json["instance_actions"] == {"i1": action, "i2": action}
    assert [call for call in cloud.calls if call[0] == "move"] == [
        ("move", one) for one in ("i1", "i2") if action == "OWN_ACTION"
    ]


def test_actions_are_mixed_and_allowed(play, fenix, url):
    fenix.lists[PATH] = [f"i{number}" for number in range(1, 31)]
    (reply,) = play("mixed-actions", "PLANNED_MAINTENANCE")
    assert set(reply.json["instance_actions"].values()) == set(Action)


@pytest.mark.parametrize(("name", "gets"), [("lists-often", 6), ("lists-in-action-states-only", 1), ("honest", 2)])
def test_how_often_the_list_is_fetched(play, fenix, name, gets):
    play(name, "MAINTENANCE", "PLANNED_MAINTENANCE")
    assert len(fenix.requests("GET")) == gets


def test_a_get_may_have_a_body(play, fenix):
    play("get-with-body", "MAINTENANCE")
    assert fenix.requests("GET")[0].json == {"session_id": "s1", "state": "MAINTENANCE"}


@pytest.mark.parametrize("status", [201, 202, 204])
def test_an_alarm_is_answered_with_other_statuses(manage, url, alarm, post, status):
    manager = manage("p1", conduct=behaviour(f"alarm-{status}").conduct)
    answer = post(manager.alarm_url, alarm("MAINTENANCE", url))
    assert (answer.status, answer.data) == (status, b"")
    assert ("Content-Length" in answer.headers) == (status != 204)
    assert post(manager.alarm_url, alarm("SCALE_IN", url)).status == status


@pytest.mark.parametrize(
    ("name", "pauses"),
    [("patient-retry", [1.0, 1.0, 1.0]), ("quick-first-retry", [0.1, 0.2]), ("honest", [0.1, 0.2, 0.4])],
)
def test_pauses_between_tries(play, fenix, clock, name, pauses):
    fenix.script("PUT", 503, 503, 503, 200)
    assert len(play(name, "MAINTENANCE")) == 4
    assert [one.total_seconds() for one in clock.pauses] == pauses


def test_a_repeated_reply_is_the_same(play):
    first, second = play("repeats-reply", "PLANNED_MAINTENANCE")
    assert first == second


def test_connections_are_closed(play, fenix):
    play("closes-connections", "MAINTENANCE", "SCALE_IN")
    assert len(fenix.clients) == 4


def test_a_media_type_may_have_a_parameter(play):
    (reply,) = play("lower-case-headers", "MAINTENANCE")
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert (reply.headers["accept"], reply.headers["user-agent"]) == ("*/*", "curl")
