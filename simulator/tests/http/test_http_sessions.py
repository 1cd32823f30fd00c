"""The control API's sessions: begun as the scenario plans, led step by step, begun anew; and deliveries sent again."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from fenix_simulator.adapters.journal_json import decode_event
from fenix_simulator.history import entries, fold
from fenix_simulator.ports import Filter
from fenix_simulator.subscriptions import Subscription

API = "/simulator/v1"
PROBLEM = "urn:fenix-harness:problem:"


def types(world, session_id: str) -> list[str]:
    """The types of a session's events, oldest first."""
    return [one.type for one in world.journal.read(only=Filter(frozenset({"event"}), session_id=session_id))]


def again(make_world, world):
    """A server that starts again with the world's journal."""
    other = make_world()
    fold(other.service, entries(world.journal, ["event", "cloud"]), decode_event)
    other.service.go_on({})
    return other


# -- as planned ------------------------------------------------------------------------------------------------------


def test_the_scenarios_sessions_begin_as_they_are_planned(client, world):
    """One at once, one after its delay; the ids of both are known at once."""
    answer = client.post(f"{API}/sessions")
    first, second = answer.get_json()["session_ids"]
    assert answer.status_code == 201
    assert world.service.list_sessions() == [first]
    assert [delay for delay, _ in world.delays.waiting] == [timedelta(seconds=5)]
    world.delays.pass_by()
    assert world.service.list_sessions() == [first, second]
    assert [world.service.session_view(one).hosts for one in (first, second)] == [("h0",), ("h1",)]
    assert world.service.session_view(second).metadata == {"openstack_release": "Queens"}
    assert types(world, second)[:2] == ["SessionPlanned", "SessionCreated"]


def test_ids_are_those_that_sessions_begun_one_by_one_have(client, world, make_world):
    """They come from their number, so a plan with a delay takes none away from a session that begins meanwhile."""
    other = make_world()
    expected = [other.service.create_session() for _ in range(3)]
    planned = client.post(f"{API}/sessions").get_json()["session_ids"]
    between = world.service.create_session()
    world.delays.pass_by()
    assert [*planned, between] == expected


def test_plans_begun_at_once_do_not_mix_their_ids(client, world):
    told: list[list[str]] = []
    threads = [threading.Thread(target=lambda: told.append(world.service.start_sessions())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    world.delays.pass_by()
    ids = [session_id for one in told for session_id in one]
    assert len(set(ids)) == 16
    assert set(world.service.list_sessions()) == set(ids)
    assert all(world.service.session_view(first).hosts == ("h0",) for first, _ in told)


def test_a_plan_survives_a_restart_and_its_delay_starts_anew(client, world, make_world):
    first, second = client.post(f"{API}/sessions").get_json()["session_ids"]
    other = again(make_world, world)
    assert other.service.planned_sessions() == [second]
    assert other.service.create_session() not in (first, second)
    other.delays.pass_by()
    assert second in other.service.list_sessions()
    assert other.service.planned_sessions() == []
    third = again(make_world, other)
    assert third.delays.waiting == []


def test_a_planned_session_can_be_taken_away(client, world, make_world):
    first, second = client.post(f"{API}/sessions").get_json()["session_ids"]
    assert client.delete(f"/v1/maintenance/{second}").status_code in (200, 204)
    world.delays.pass_by()
    assert world.service.list_sessions() == [first]
    assert again(make_world, world).service.planned_sessions() == []
    assert client.delete(f"/v1/maintenance/{second}").status_code == 404


def test_a_reset_takes_planned_sessions_away(client, world):
    client.post(f"{API}/sessions")
    client.post(f"{API}/reset")
    world.delays.pass_by()
    assert world.service.list_sessions() == []


def test_a_state_carries_what_is_planned(client, world, make_world):
    _, second = client.post(f"{API}/sessions").get_json()["session_ids"]
    other = make_world()
    other.client().post(f"{API}/sessions")
    put = other.client().put(f"{API}/state", json=client.get(f"{API}/state").get_json())
    assert put.status_code == 204
    other.delays.pass_by()
    assert len(other.service.list_sessions()) == 2, "the server's own plan is gone"
    assert second in other.service.list_sessions()


def test_a_plan_that_does_not_fit_begins_nothing(client, world):
    for _ in range(999):
        world.service.create_session(("h2",))
    full = client.post(f"{API}/sessions")
    assert (full.status_code, full.get_json()["type"]) == (409, f"{PROBLEM}limit-reached")
    assert (len(world.service.list_sessions()), world.delays.waiting) == (999, [])


def test_a_body_is_refused(client, world):
    refused = client.post(f"{API}/sessions", json={"hosts": ["h0"]})
    assert refused.status_code == 422
    assert "POST /v1/maintenance" in refused.get_json()["hint"]
    assert world.service.list_sessions() == []


# -- step by step ----------------------------------------------------------------------------------------------------


def test_a_held_session_is_led_through_a_whole_maintenance(client, world):
    """Replies and steps take turns; the clock stands still, and the session never goes on by itself."""
    world.listen()
    session_id = world.service.create_session()
    url = f"{API}/sessions/{session_id}"
    client.post(f"{url}/pause")
    begun, seen = world.clock.now(), []
    while not (view := client.get(url).get_json())["state"].startswith("MAINTENANCE_DONE"):
        if not seen or seen[-1] != view["state"]:
            seen.append(view["state"])
        for project in view["awaiting"]:
            ids = client.get(f"/v1/maintenance/{session_id}/{project}").get_json()["instance_ids"]
            actions = dict.fromkeys(ids, "MIGRATE") if view["current_host"] else None
            sent = {"state": f"ACK_{view['state']}"} | ({"instance_actions": actions} if actions else {})
            assert client.put(f"/v1/maintenance/{session_id}/{project}", json=sent).status_code == 200
        stepped = client.post(f"{url}/step")
        assert stepped.status_code == 200, stepped.get_json()
        assert stepped.get_json()["state"] == "MAINTENANCE_DONE" or stepped.get_json()["paused"]
    assert seen[:4] == ["MAINTENANCE", "START_MAINTENANCE", "PLANNED_MAINTENANCE", "START_MAINTENANCE"]
    assert seen[-1] == "MAINTENANCE_COMPLETE"
    assert world.clock.now() == begun
    assert "SessionResumed" not in types(world, session_id)
    assert client.post(f"{url}/step").get_json()["type"] == f"{PROBLEM}session-over"


def test_a_step_is_one_wait(client, world):
    """When all have replied the session waits for the maintenance's begin; the next step is that begin."""
    session_id = world.session()
    url = f"{API}/sessions/{session_id}"
    client.post(f"{url}/pause")
    for project in ("A", "B"):
        world.service.reply(session_id, project, "ACK_MAINTENANCE", None)
    assert client.post(f"{url}/step").get_json()["state"] == "MAINTENANCE"
    assert [wait["kind"] for wait in world.service.clock_view()["waits"]] == ["infrastructure"]
    assert client.post(f"{url}/step").get_json()["state"] == "START_MAINTENANCE"
    waits = world.service.clock_view()["waits"]
    assert len(waits) == 1, "the wait that was cut short is no more"


def test_the_projects_time_is_not_cut_short(client, world):
    session_id = world.session()
    url = f"{API}/sessions/{session_id}"
    client.post(f"{url}/pause")
    before = world.journal.last
    waiting = client.post(f"{url}/step")
    assert (waiting.status_code, waiting.get_json()["type"]) == (409, f"{PROBLEM}nothing-due")
    assert "replies of projects A, B" in waiting.get_json()["detail"]
    assert world.journal.last == before


def test_own_actions_are_waited_for(client, world):
    session_id = world.session("PLANNED_MAINTENANCE")
    url = f"{API}/sessions/{session_id}"
    client.post(f"{url}/pause")
    view = client.get(url).get_json()
    for project in view["awaiting"]:
        ids = world.service.instance_ids(session_id, project)
        world.service.reply(session_id, project, "ACK_PLANNED_MAINTENANCE", dict.fromkeys(ids, "OWN_ACTION"))
    assert client.post(f"{url}/step").status_code == 200
    waiting = client.post(f"{url}/step").get_json()
    assert "instances to leave host h0 by OWN_ACTION" in waiting["detail"]


def test_only_a_held_session_is_led(client, world):
    session_id = world.session()
    refused = client.post(f"{API}/sessions/{session_id}/step")
    assert (refused.status_code, refused.get_json()["type"]) == (409, f"{PROBLEM}not-paused")
    assert refused.get_json()["hint"].endswith(f"/{session_id}/pause holds it")
    assert client.post(f"{API}/sessions/nobody/step").status_code == 404


def test_a_session_that_was_led_can_be_let_go(client, world, make_world):
    """Also by a server that starts again: what was led is in the journal as everything else."""
    session_id = world.session()
    world.service.pause_session(session_id)
    for project in ("A", "B"):
        world.service.reply(session_id, project, "ACK_MAINTENANCE", None)
    world.service.step_session(session_id)
    other = again(make_world, world)
    assert other.service.session_view(session_id) == world.service.session_view(session_id)
    other.service.resume_session(session_id)
    other.service.advance(None, None, True)
    assert other.service.session_view(session_id).state == "START_MAINTENANCE"


# -- anew ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["MAINTENANCE", "PLANNED_MAINTENANCE", "MAINTENANCE_COMPLETE", "over", "held"])
def test_a_session_begins_anew_whatever_its_state(client, world, state):
    session_id = world.session(state if state.startswith(("M", "P")) else "MAINTENANCE")
    if state == "over":
        world.service.reply(session_id, "A", "NACK_MAINTENANCE", None)
    if state == "held":
        world.service.pause_session(session_id)
    client.delete(f"{API}/instances/a0")
    anew = client.post(f"{API}/sessions/{session_id}/reset")
    view = anew.get_json()
    assert anew.status_code == 200
    assert (view["session_id"], view["state"], view["paused"]) == (session_id, "MAINTENANCE", False)
    assert (view["awaiting"], view["reason"], view["simulated_seconds"]) == (["A", "B"], None, 0.0)
    assert set(view["host_states"].values()) == {"pending"}
    listed = client.get(f"/v1/maintenance/{session_id}/A").get_json()
    assert listed == {"instance_ids": ["a/1"]}, "the inventory as it stands"


def test_no_number_comes_twice(client, world):
    """Neither a notification's, which message ids are made of, nor a timer's, which a late wait could name."""
    session_id = world.session("PLANNED_MAINTENANCE")
    client.post(f"{API}/sessions/{session_id}/reset")
    events = world.journal.read(only=Filter(frozenset({"event"}), session_id=session_id))
    notified = [one.data["notification"] for one in events if one.type == "ProjectNotified"]
    started = [one.data["timer"] for one in events if one.type == "TimerStarted"]
    assert len(notified) == len(set(notified))
    assert len(started) == len(set(started))
    told = [alarm.notification for alarm in world.sink.alarms if "/" in alarm.notification]
    assert len(told) == len(set(told))


def test_a_wait_of_before_ends_nothing(client, world):
    session_id = world.session()
    old = next(iter(world.ticker.due(session_id))).timer
    client.post(f"{API}/sessions/{session_id}/reset")
    assert [one.timer for one in world.ticker.due(session_id)] == [old + 1]
    world.service.fire(session_id, old)
    assert world.service.session_view(session_id).state == "MAINTENANCE"


def test_a_server_that_starts_again_knows_the_new_beginning(client, world, make_world):
    """The same sessions in the same order, each where it was, and numbers go on."""
    first, second = world.session(), world.session()
    world.service.reply(first, "A", "ACK_MAINTENANCE", None)
    client.post(f"{API}/sessions/{first}/reset")
    world.service.reply(first, "B", "ACK_MAINTENANCE", None)
    other = again(make_world, world)
    assert other.service.list_sessions() == world.service.list_sessions() == [first, second]
    for session_id in (first, second):
        assert other.service.session_view(session_id) == world.service.session_view(session_id)
    state = client.get(f"{API}/state").get_json()
    assert other.client().put(f"{API}/state", json=state).status_code == 204
    assert other.service.session_view(first) == world.service.session_view(first)


def test_a_reply_that_waits_meets_the_new_beginning(client, world):
    """It was sent to what is no more: it is judged by the session as it now is, never by the one before."""
    session_id = world.session("PLANNED_MAINTENANCE")
    running = world.service._running(session_id)
    answered: list[int] = []

    def reply() -> None:
        sent = {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"a0": "MIGRATE", "a/1": "MIGRATE"}}
        answered.append(world.client().put(f"/v1/maintenance/{session_id}/A", json=sent).status_code)

    with running.lock:
        thread = threading.Thread(target=reply)
        thread.start()
        world.service.reset_session(session_id)
    thread.join(30)
    assert answered == [409]
    assert world.service.session_view(session_id).awaiting == ("A", "B")


def test_an_unknown_session_does_not_begin_anew(client):
    assert client.post(f"{API}/sessions/nobody/reset").status_code == 404


# -- sent again ------------------------------------------------------------------------------------------------------


def test_a_delivery_is_sent_again_byte_for_byte(client, world):
    body = '{"severity": "low", "name": "Käse"}'
    number = world.delivery("http://127.0.0.1:1/alarm", body=body)
    answer = client.post(f"{API}/deliveries/{number}/resend")
    assert answer.status_code == 202
    assert answer.get_json() == {
        "number": number,
        "url": "http://127.0.0.1:1/alarm",
        "state": "MAINTENANCE",
        "notification": "s/1",
        "after": number,
    }
    (alarm,) = world.wire.alarms
    assert (alarm.body, alarm.url, alarm.alarm_id) == (body.encode(), "http://127.0.0.1:1/alarm", "everybody")
    assert (alarm.session_id, alarm.project_id, alarm.key) == ("s", "A", "A http://127.0.0.1:1/alarm")


@pytest.mark.parametrize(
    ("alarm_id", "url", "trusted"),
    [("ours", "http://vnfm/", True), ("ours", "http://elsewhere/", False), ("gone", "http://vnfm/", False)],
)
def test_only_a_target_of_the_command_line_is_trusted(client, world, alarm_id, url, trusted):
    world.subscriptions.add(Subscription("ours", "ours", alarm_actions=("http://vnfm/",), trusted=True))
    client.post(f"{API}/deliveries/{world.delivery(url, alarm_id)}/resend")
    assert world.wire.alarms[-1].trusted is trusted


def test_what_is_no_delivery_is_not_sent(client, world):
    world.session()
    unknown = client.post(f"{API}/deliveries/{world.journal.last + 1}/resend")
    assert (unknown.status_code, unknown.get_json()["type"]) == (404, f"{PROBLEM}unknown-delivery")
    event = client.post(f"{API}/deliveries/1/resend")
    assert (event.status_code, event.get_json()["type"]) == (409, f"{PROBLEM}no-delivery")
    assert "SessionCreated (event)" in event.get_json()["detail"]
    for wrong in ("0", str(2**60), "-1", "x"):
        assert client.post(f"{API}/deliveries/{wrong}/resend").status_code == 404
    assert world.wire.alarms == []
