"""A project manager against a fake Fenix: the rules that an honest VNFM keeps."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from fenix_contract.contract import validator
from fenix_contract.vocabulary import ACTION_STATES, REPLY_STATES, Action
from fenix_vnfm import AlarmReceiver, Conduct, EventKind, FenixClient, Policy, ProjectManager

PATH = "/v1/maintenance/s1/p1"


@pytest.fixture
def url(fenix):
    """The project's URL of session s1, whose list has two instances."""
    fenix.lists[PATH] = ["a", "b"]
    return fenix.url + PATH


def kinds(manager, kind):
    return [event for event in manager.events if event.kind == kind]


@pytest.mark.parametrize("state", REPLY_STATES)
def test_every_state_is_answered_after_its_list_was_fetched(manage, fenix, url, alarm, post, state):
    """reply-sent, list-fetched, reply-url, reply-valid, reply-state."""
    manager = manage()
    assert post(manager.alarm_url, alarm(state, url)).status == 200
    done = manager.wait_for_outcome(state)
    assert [(one.method, one.path) for one in fenix.requests()] == [("GET", PATH), ("PUT", PATH)]
    reply = fenix.requests("PUT")[0]
    assert reply.headers["content-type"] == "application/json"
    assert validator("Reply").is_valid(reply.json)
    assert reply.json["state"] == f"ACK_{state}"
    if state in ACTION_STATES:
        assert reply.json["instance_actions"] == {"a": "MIGRATE", "b": "MIGRATE"}
    assert (done.kind, done.detail["margin"], done.detail["tries"]) == (EventKind.REPLY, 20.0, 1)


@pytest.mark.parametrize("path", ["/v1/maintenance/s1/p1/", "/else/where;x=1?q=%2f&r&a=/../b"])
def test_the_urls_of_the_alarm_are_used_as_they_are(manage, fenix, alarm, post, path):
    manager = manage()
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", fenix.url + path))
    manager.wait_for_outcome("PLANNED_MAINTENANCE")
    assert [one.path for one in fenix.requests()] == [path, path]


def test_the_list_and_the_reply_may_have_different_urls(manage, fenix, url, alarm, post):
    manager = manage()
    fenix.lists["/list"] = ["c"]
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url, instance_ids=f"{fenix.url}/list"))
    manager.wait_for_outcome("PLANNED_MAINTENANCE")
    assert [(one.method, one.path) for one in fenix.requests()] == [("GET", "/list"), ("PUT", PATH)]
    assert fenix.requests("PUT")[0].json["instance_actions"] == {"c": "MIGRATE"}


def test_the_list_is_fetched_anew_for_each_state(manage, fenix, url, alarm, post):
    """list-fresh: also between two rounds of PLANNED_MAINTENANCE."""
    manager = manage()
    for instances in (["a"], ["b", "c"]):
        fenix.lists[PATH] = instances
        before = manager.event_count
        post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url))
        manager.wait_for_outcome("PLANNED_MAINTENANCE", after=before)
    assert [list(one.json["instance_actions"]) for one in fenix.requests("PUT")] == [["a"], ["b", "c"]]


def test_without_fetch_list_only_the_states_with_actions_fetch_it(manage, fenix, url, alarm, post):
    manager = manage("p1", Policy(fetch_list=False))
    for state in REPLY_STATES:
        post(manager.alarm_url, alarm(state, url))
        manager.wait_for_outcome(state)
    assert len(fenix.requests("GET")) == len(ACTION_STATES)


def test_four_traits_are_enough(manage, fenix, url, alarm, post):
    """A client needs state, session_id, instance_ids and reply_url only, in any order and among unknown ones."""
    manager = manage()
    few = ("service", "project_id", "metadata", "actions_at", "reply_at", "allowed_actions")
    more = (("colour", 1, "blue"), ("weight", 3, 1.5), ("since", 4, "2026-03-01T12:00:00"))
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url, without=few, more=more))
    assert manager.wait_for_outcome("PLANNED_MAINTENANCE").kind == EventKind.REPLY


@pytest.mark.parametrize("state", ["HELLO", "START_MAINTENANCE", ""])
def test_an_unknown_state_gets_no_reply_and_the_next_alarm_does(manage, fenix, url, alarm, post, state):
    """unknown-tolerated."""
    manager = manage()
    assert post(manager.alarm_url, alarm(state, url)).status == 200
    post(manager.alarm_url, alarm("MAINTENANCE", url))
    manager.wait_for_outcome("MAINTENANCE")
    assert [one.json["state"] for one in fenix.requests("PUT")] == ["ACK_MAINTENANCE"]
    assert kinds(manager, EventKind.IGNORED)[0].state == state


@pytest.mark.parametrize("ids", ["['a']", "a"])
def test_a_finished_action_is_noted_and_not_replied_to(manage, fenix, url, alarm, post, ids):
    """done-silent."""
    manager = manage()
    body = alarm("INSTANCE_ACTION_DONE", url, instance_ids=ids, reply_at=None)
    assert post(manager.alarm_url, body).status == 200
    assert manager.wait_for_outcome("INSTANCE_ACTION_DONE").detail["instance_ids"] == ["a"]
    post(manager.alarm_url, alarm("MAINTENANCE", url))
    manager.wait_for_outcome("MAINTENANCE")
    assert len(fenix.requests("PUT")) == 1


GARBAGE = (b"", b"{", b"[]", b"null", b"\xff", b'{"reason_data": 3}', b"[" * 100_000)
NO_LISTS = (b"null", b"[]", b"{}", b'{"instance_ids": null}', b'{"instance_ids": [1]}', b"<html>")


@pytest.mark.parametrize("body", GARBAGE, ids=lambda body: repr(body[:18]))
def test_garbage_is_refused_and_does_no_harm(manage, fenix, url, alarm, post, body):
    manager = manage()
    assert post(manager.alarm_url, body).status == 400
    post(manager.alarm_url, alarm("MAINTENANCE", url))
    assert manager.wait_for_outcome("MAINTENANCE").kind == EventKind.REPLY


def test_an_alarm_without_a_reply_url_is_accepted_and_ignored(manage, fenix, url, alarm, post):
    manager = manage()
    assert post(manager.alarm_url, alarm("MAINTENANCE", url, without=("reply_url",))).status == 200
    assert "reply_url" in manager.wait_for_outcome("MAINTENANCE").text
    assert not fenix.requests()


def test_an_administrators_alarm_is_ignored(manage, fenix, url, alarm, post):
    manager = manage()
    post(manager.alarm_url, alarm("MAINTENANCE_COMPLETE", url, event_type="maintenance.host"))
    assert manager.wait_for_outcome("MAINTENANCE_COMPLETE").kind == EventKind.IGNORED


def test_another_projects_alarm_is_ignored_unless_the_manager_serves_all(manage, fenix, alarm, post):
    other = fenix.url + "/v1/maintenance/s1/p2"
    manager = manage("p1")
    post(manager.alarm_url, alarm("MAINTENANCE", other, project_id="p2"))
    assert manager.wait_for_outcome("MAINTENANCE").kind == EventKind.IGNORED
    everybody = manage(None)
    for project in ("p1", "p2"):
        path = f"/v1/maintenance/s1/{project}"
        post(everybody.alarm_url, alarm("MAINTENANCE", fenix.url + path, project_id=project))
    assert {one.path for one in fenix.wait_for_requests(2, "PUT")} == {
        "/v1/maintenance/s1/p1",
        "/v1/maintenance/s1/p2",
    }


# -- trying again ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [503, 500, 502, 429, None], ids=str)
def test_a_reply_without_a_lasting_answer_is_sent_again_after_a_pause(manage, fenix, url, alarm, post, clock, failure):
    """retry: the same bytes, with pauses that grow."""
    fenix.script("PUT", failure, failure, 200)
    manager = manage()
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url))
    done = manager.wait_for_outcome("PLANNED_MAINTENANCE")
    assert (done.kind, done.detail["tries"]) == (EventKind.REPLY, 3)
    assert len({one.body for one in fenix.requests("PUT")}) == 1
    assert clock.pauses == [timedelta(seconds=0.1), timedelta(seconds=0.2)]
    assert [event.detail["tries"] for event in kinds(manager, EventKind.RETRY)] == [1, 2]


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 413, 415, 422])
def test_a_refused_reply_is_not_sent_again(manage, fenix, url, alarm, post, clock, status):
    problem = (status, {"Content-Type": "application/problem+json"}, b'{"detail": "not so"}')
    fenix.script("PUT", problem)
    manager = manage()
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url))
    done = manager.wait_for_outcome("PLANNED_MAINTENANCE")
    assert (done.kind, done.detail["status"]) == (EventKind.REFUSED, status)
    assert "not so" in done.text
    assert clock.pauses == []
    assert len(fenix.requests("PUT")) == 1


def test_the_number_of_tries_is_bounded(manage, fenix, url, alarm, post):
    fenix.script("PUT", *[503] * 50)
    manager = manage("p1", Policy(tries=4))
    post(manager.alarm_url, alarm("MAINTENANCE", url))
    done = manager.wait_for_outcome("MAINTENANCE")
    assert (done.kind, done.detail["tries"]) == (EventKind.GAVE_UP, 4)
    assert len(fenix.requests("PUT")) == 4


def test_nothing_is_sent_after_reply_at(manage, fenix, url, alarm, post, clock):
    """retry: in the window only."""
    start = clock.now()
    fenix.script("PUT", *[503] * 50)
    manager = manage("p1", Policy(tries=50))
    post(manager.alarm_url, alarm("MAINTENANCE", url, reply_at=start + timedelta(seconds=2)))
    assert manager.wait_for_outcome("MAINTENANCE").kind == EventKind.GAVE_UP
    assert clock.now() < start + timedelta(seconds=2)
    assert len(fenix.requests("PUT")) == 5  # after 0, 0.1, 0.3, 0.7 and 1.5 s


@pytest.mark.parametrize("reply_at", [timedelta(seconds=-20), None], ids=str)
def test_a_reply_at_that_has_passed_or_is_missing_leaves_the_policys_window(
    manage, fenix, url, alarm, post, clock, reply_at
):
    """Upstream's sign bug: its reply_at always lies in the past."""
    start = clock.now()
    fenix.script("PUT", 503, 503, 200)
    manager = manage()
    post(manager.alarm_url, alarm("MAINTENANCE", url, reply_at=None if reply_at is None else start + reply_at))
    done = manager.wait_for_outcome("MAINTENANCE")
    assert (done.kind, done.detail["tries"], done.detail["margin"]) == (EventKind.REPLY, 3, None)


def test_the_list_is_tried_again_too_and_leaves_time_for_the_reply(manage, fenix, url, alarm, post, clock):
    start = clock.now()
    fenix.script("GET", 503, None, 200)
    manager = manage()
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url))
    assert manager.wait_for_outcome("PLANNED_MAINTENANCE").detail["reply"]["instance_actions"].keys() == {"a", "b"}
    fenix.script("GET", *[503] * 50)
    post(manager.alarm_url, alarm("PREPARE_MAINTENANCE", url, reply_at=start + timedelta(seconds=20)))
    assert manager.wait_for_outcome("PREPARE_MAINTENANCE").detail["reply"] == {"state": "NACK_PREPARE_MAINTENANCE"}
    assert clock.now() <= start + timedelta(seconds=11)


@pytest.mark.parametrize("status", [404, 503])
def test_where_no_actions_are_asked_the_reply_does_not_depend_on_the_list(manage, fenix, url, alarm, post, status):
    fenix.script("GET", *[status] * 50)
    manager = manage()
    post(manager.alarm_url, alarm("MAINTENANCE", url))
    assert manager.wait_for_outcome("MAINTENANCE").detail["reply"] == {"state": "ACK_MAINTENANCE"}


@pytest.mark.parametrize("body", NO_LISTS)
def test_a_list_that_is_none_leads_to_an_honest_refusal(manage, fenix, url, alarm, post, body):
    """nack-honest; upstream answers null for a session that it does not know."""
    fenix.script("GET", (200, {}, body))
    manager = manage()
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url))
    assert manager.wait_for_outcome("PLANNED_MAINTENANCE").detail["reply"] == {"state": "NACK_PLANNED_MAINTENANCE"}


def test_what_retry_after_asks_for_is_granted(manage, fenix, url, alarm, post, clock):
    fenix.script("PUT", (503, {"Retry-After": "3"}, b""), (503, {"Retry-After": "Tue, 3 Mar 2026"}, b""))
    manager = manage()
    post(manager.alarm_url, alarm("MAINTENANCE", url))
    manager.wait_for_outcome("MAINTENANCE")
    assert clock.pauses == [timedelta(seconds=3), timedelta(seconds=0.2)]


# -- repetitions -----------------------------------------------------------------------------------------------------


def test_the_same_alarm_twice_has_one_effect(manage, fenix, url, alarm, post):
    """duplicate-alarm, reply-once."""
    manager = manage()
    body = alarm("PLANNED_MAINTENANCE", url)
    for _ in range(3):
        post(manager.alarm_url, body)
    manager.wait_for(lambda event: len(kinds(manager, EventKind.DUPLICATE)) == 2)
    assert [one.method for one in fenix.requests()] == ["GET", "PUT"]


def test_an_alarm_whose_reply_was_given_up_is_answered_when_it_comes_again_with_the_same_reply(
    manage, fenix, url, alarm, post
):
    fenix.script("PUT", 503, 503, 200)
    manager = manage("p1", Policy(tries=2))
    body = alarm("PLANNED_MAINTENANCE", url)
    post(manager.alarm_url, body)
    assert manager.wait_for_outcome("PLANNED_MAINTENANCE").kind == EventKind.GAVE_UP
    fenix.lists[PATH] = ["c"]
    post(manager.alarm_url, body)
    manager.wait_for(lambda event: event.kind == EventKind.REPLY)
    assert len({one.body for one in fenix.requests("PUT")}) == 1


def test_a_late_alarm_is_refused_by_fenix_and_does_no_harm(manage, fenix, url, alarm, post):
    """late-alarm."""
    fenix.script("PUT", 409)
    manager = manage()
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url))
    assert manager.wait_for_outcome("PLANNED_MAINTENANCE").kind == EventKind.REFUSED
    post(manager.alarm_url, alarm("MAINTENANCE_COMPLETE", url))
    assert manager.wait_for_outcome("MAINTENANCE_COMPLETE").kind == EventKind.REPLY


# -- sessions --------------------------------------------------------------------------------------------------------


def test_two_sessions_never_wait_for_each_other(manage, fenix, alarm, post):
    """sessions-apart: while one session's list hangs, the other is answered; each from its own list."""
    paths = {session: f"/v1/maintenance/{session}/p1" for session in ("s1", "s2")}
    fenix.lists.update({paths["s1"]: ["a"], paths["s2"]: ["b"]})
    gate = fenix.gates[f"GET {paths['s1']}"] = threading.Event()
    manager = manage()
    for session, path in paths.items():
        post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", fenix.url + path, session_id=session))
    manager.wait_for_outcome("PLANNED_MAINTENANCE", session_id="s2")
    assert [one.path for one in fenix.requests("PUT")] == [paths["s2"]]
    gate.set()
    manager.wait_for_outcome("PLANNED_MAINTENANCE", session_id="s1")
    sent = {one.path: list(one.json["instance_actions"]) for one in fenix.requests("PUT")}
    assert sent == {paths["s1"]: ["a"], paths["s2"]: ["b"]}


def test_the_alarms_of_a_session_are_handled_in_order(manage, fenix, url, alarm, post):
    gate = fenix.gates[f"GET {PATH}"] = threading.Event()
    manager = manage()
    for state in REPLY_STATES:
        post(manager.alarm_url, alarm(state, url))
    gate.set()
    manager.wait_for_outcome(REPLY_STATES[-1])
    assert [one.json["state"] for one in fenix.requests("PUT")] == [f"ACK_{state}" for state in REPLY_STATES]


def test_one_receiver_serves_many_projects(fenix, alarm, post, receiver, manage):
    managers = {f"p{number}": manage(f"p{number}", receiver=receiver) for number in range(20)}
    for project, manager in managers.items():
        assert manager.alarm_url.startswith(receiver.url)
        post(manager.alarm_url, alarm("MAINTENANCE", f"{fenix.url}/v1/maintenance/s1/{project}", project_id=project))
    for manager in managers.values():
        manager.wait_for_outcome("MAINTENANCE")
    assert {one.path for one in fenix.requests("PUT")} == {f"/v1/maintenance/s1/{project}" for project in managers}


# -- policies --------------------------------------------------------------------------------------------------------


def test_a_delay_leaves_the_reply_in_time(manage, fenix, url, alarm, post, clock):
    """reply-in-time: a delay that would use up the window is cut short."""
    manager = manage("p1", Policy(delay=timedelta(seconds=3)))
    post(manager.alarm_url, alarm("MAINTENANCE", url))
    assert manager.wait_for_outcome("MAINTENANCE").detail["margin"] == 17
    reply_at = clock.now() + timedelta(seconds=2)
    post(manager.alarm_url, alarm("SCALE_IN", url, reply_at=reply_at))
    assert manager.wait_for_outcome("SCALE_IN").detail["margin"] == 0.5
    assert clock.pauses == [timedelta(seconds=3), timedelta(seconds=1.5)]


def test_a_manager_may_be_late_where_its_policy_says_so(manage, fenix, url, alarm, post, clock):
    manager = manage("p1", Policy(delay=timedelta(seconds=30), may_be_late=True))
    post(manager.alarm_url, alarm("MAINTENANCE", url))
    assert manager.wait_for_outcome("MAINTENANCE").detail["margin"] == -10


@pytest.mark.parametrize("state", REPLY_STATES)
def test_a_state_is_refused_where_the_policy_says_so(manage, fenix, url, alarm, post, cloud, state):
    manager = manage("p1", Policy(nack=frozenset({state})), cloud=cloud)
    post(manager.alarm_url, alarm(state, url))
    manager.wait_for_outcome(state)
    assert fenix.requests("PUT")[0].json == {"state": f"NACK_{state}"}
    assert cloud.calls == []


@pytest.mark.parametrize("state", REPLY_STATES)
def test_a_state_is_left_unanswered_where_the_policy_says_so(manage, fenix, url, alarm, post, cloud, state):
    manager = manage("p1", Policy(silent=frozenset({state})), cloud=cloud)
    assert post(manager.alarm_url, alarm(state, url)).status == 200
    assert manager.wait_for_outcome(state).kind == EventKind.SILENT
    assert fenix.requests() == []
    assert cloud.calls == []


def test_inline_answers_the_alarm_after_the_work(manage, fenix, url, alarm, post):
    manager = manage("p1", Policy(inline=True))
    assert post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url)).status == 200
    assert [one.method for one in fenix.requests()] == ["GET", "PUT"]


def test_by_default_the_alarm_is_answered_before_the_work(manage, fenix, url, alarm, post):
    """alarm-prompt: the answer comes while the list still hangs."""
    gate = fenix.gates[f"GET {PATH}"] = threading.Event()
    manager = manage()
    assert post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url)).status == 200
    assert fenix.requests("PUT") == []
    gate.set()
    manager.wait_for_outcome("PLANNED_MAINTENANCE")


def test_the_token_goes_with_every_request_and_into_no_event(manage, fenix, url, alarm, post):
    manager = manage("p1", token="secret-1")
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url))
    manager.wait_for_outcome("PLANNED_MAINTENANCE")
    assert {one.headers["x-auth-token"] for one in fenix.requests()} == {"secret-1"}
    assert "secret-1" not in str(manager.events)


def test_requests_stay_on_the_hosts_that_are_allowed(manage, fenix, url, alarm, post):
    manager = manage("p1", client=FenixClient(token="t", hosts=frozenset({"fenix.example"})))
    post(manager.alarm_url, alarm("MAINTENANCE", url))
    assert manager.wait_for_outcome("MAINTENANCE").kind == EventKind.REFUSED
    assert fenix.requests() == []


def test_the_per_instance_dialect_is_answered_alarm_by_alarm(manage, fenix, url, alarm, post, clock):
    """Two alarms of one state and one reply_at, each about another instance."""
    manager = manage("p1", Policy(action={"b": Action.LIVE_MIGRATE}))
    for one in ("a", "b"):
        post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", f"{url}/{one}", instance_ids=f"['{one}']"))
    replies = fenix.wait_for_requests(2, "PUT")
    assert [(reply.path, reply.json) for reply in replies] == [
        (f"{PATH}/a", {"instance_action": "MIGRATE", "state": "ACK_PLANNED_MAINTENANCE"}),
        (f"{PATH}/b", {"instance_action": "LIVE_MIGRATE", "state": "ACK_PLANNED_MAINTENANCE"}),
    ]


# -- life ------------------------------------------------------------------------------------------------------------


def test_closing_ends_a_pause_and_frees_the_path(fenix, url, alarm, post):
    """With real waits: a manager in a long pause closes at once."""
    fenix.script("PUT", *[503] * 50)
    with AlarmReceiver() as receiver:
        hour = timedelta(hours=1)
        manager = ProjectManager("p1", Policy(first_pause=hour, longest_pause=hour), receiver=receiver)
        post(manager.alarm_url, alarm("MAINTENANCE", url, reply_at=manager.events[0].at + 2 * hour))
        manager.wait_for(lambda event: event.kind == EventKind.RETRY)
        manager.close()
        assert manager.wait_for_outcome("MAINTENANCE").kind == EventKind.GAVE_UP
        assert post(manager.alarm_url, alarm("MAINTENANCE", url)).status == 404
        with ProjectManager("p1", receiver=receiver) as again:
            assert again.alarm_url == manager.alarm_url


def test_events_are_told_in_order_and_a_failing_display_costs_nothing(manage, fenix, url, alarm, post):
    told = []

    def show(event):
        told.append(event.number)
        raise RuntimeError("the display is broken")

    manager = manage(on_event=show)
    post(manager.alarm_url, alarm("MAINTENANCE", url))
    assert manager.wait_for_outcome("MAINTENANCE").kind == EventKind.REPLY
    assert told == list(range(1, len(told) + 1))


def test_waiting_in_vain_says_what_happened(manage, alarm, post, url):
    manager = manage()
    post(manager.alarm_url, alarm("HELLO", url))
    manager.wait_for_outcome("HELLO")
    with pytest.raises(TimeoutError, match=r"listening.*ignored HELLO"):
        manager.wait_for_outcome("MAINTENANCE", timeout=0.01)


def test_fifty_projects_are_served_at_once(manage, fenix, alarm, post, receiver):
    managers = [manage(f"p{number}", receiver=receiver) for number in range(50)]
    threads = [
        threading.Thread(
            target=post,
            args=(
                manager.alarm_url,
                alarm(
                    "PLANNED_MAINTENANCE",
                    f"{fenix.url}/v1/maintenance/s1/{manager.project_id}",
                    project_id=manager.project_id,
                ),
            ),
        )
        for manager in managers
    ]
    for thread in threads:
        thread.start()
    for manager in managers:
        assert manager.wait_for_outcome("PLANNED_MAINTENANCE", timeout=20).kind == EventKind.REPLY
    for thread in threads:
        thread.join(5)


# -- other manners ---------------------------------------------------------------------------------------------------


def test_another_conduct_gives_the_manager_other_manners(manage, fenix, url, alarm, post):
    """The seam for managers that are wrong on purpose: one step is replaced, the rest stays."""

    class Stubborn(Conduct):
        def compose(self, task, instance_ids, made_room):
            return {"state": f"NACK_{task.message.state}"} if instance_ids else None

    manager = manage(conduct=Stubborn)
    post(manager.alarm_url, alarm("MAINTENANCE", url))
    assert manager.wait_for_outcome("MAINTENANCE").detail["reply"] == {"state": "NACK_MAINTENANCE"}
    fenix.lists[PATH] = []
    post(manager.alarm_url, alarm("SCALE_IN", url))
    assert manager.wait_for_outcome("SCALE_IN").kind == EventKind.SILENT


def test_a_policy_that_fails_is_told_and_the_next_alarm_is_answered(manage, fenix, url, alarm, post):
    manager = manage("p1", Policy(action=lambda instance_id, message: 1 / 0))
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url))
    assert "ZeroDivisionError" in manager.wait_for(lambda event: event.kind == EventKind.ERROR).text
    post(manager.alarm_url, alarm("MAINTENANCE", url))
    assert manager.wait_for_outcome("MAINTENANCE").kind == EventKind.REPLY
