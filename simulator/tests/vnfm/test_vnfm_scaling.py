"""Giving up instances, adding them again, and moving them: what a manager does beside replying."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from fenix_contract.vocabulary import Action
from fenix_vnfm import CloudClient, CloudError, CloudInstance, EventKind, Policy

PATH = "/v1/maintenance/s1/p1"
CONTROL = "/simulator/v1/instances"
ALL = {f"vdu-{number}" for number in range(1, 7)}


@pytest.fixture
def url(fenix):
    """The project's URL of session s1."""
    fenix.lists[PATH] = ["i1", "i2"]
    return fenix.url + PATH


def test_a_third_is_given_up_before_the_acknowledgement_and_added_again_after_the_end(
    manage, fenix, url, alarm, post, cloud
):
    """scale-in-done, scale-out."""
    manager = manage(cloud=cloud)
    fenix.script("PUT", 503, 200)
    post(manager.alarm_url, alarm("SCALE_IN", url))
    done = manager.wait_for_outcome("SCALE_IN")
    assert (done.kind, cloud.names()) == (EventKind.REPLY, ALL - {"vdu-5", "vdu-6"})
    order = [event.kind for event in manager.events]
    assert order.index(EventKind.SCALE_IN) < order.index(EventKind.REPLY)
    post(manager.alarm_url, alarm("MAINTENANCE_COMPLETE", url))
    added = manager.wait_for(lambda event: event.kind == EventKind.SCALE_OUT)
    assert added.detail["names"] == ["vdu-6", "vdu-5"]
    assert cloud.names() == ALL
    assert {(one.vcpus, one.flavor) for one in cloud.all} == {(2, "m2")}
    order = [event.kind for event in manager.events]
    assert order.index(EventKind.SCALE_OUT) > len(order) - 1 - order[::-1].index(EventKind.REPLY)


def test_a_second_scale_in_gives_up_more_and_all_of_it_comes_back(manage, fenix, url, alarm, post, cloud):
    manager = manage(cloud=cloud)
    for left in (4, 2):
        before = manager.event_count
        post(manager.alarm_url, alarm("SCALE_IN", url))
        manager.wait_for_outcome("SCALE_IN", after=before)
        assert len(cloud.all) == left
    post(manager.alarm_url, alarm("MAINTENANCE_COMPLETE", url))
    manager.wait_for(lambda event: event.kind == EventKind.SCALE_OUT)
    assert cloud.names() == ALL


def test_the_same_scale_in_twice_gives_up_once(manage, fenix, url, alarm, post, cloud):
    manager = manage(cloud=cloud)
    body = alarm("SCALE_IN", url)
    post(manager.alarm_url, body)
    post(manager.alarm_url, body)
    manager.wait_for(lambda event: event.kind == EventKind.DUPLICATE)
    assert len(cloud.all) == 4


def test_what_was_given_up_comes_back_at_once_where_fenix_did_not_want_it(manage, fenix, url, alarm, post, cloud):
    """late-alarm: a SCALE_IN that is over must not cost the project its instances."""
    fenix.script("PUT", 409)
    manager = manage(cloud=cloud)
    post(manager.alarm_url, alarm("SCALE_IN", url))
    manager.wait_for(lambda event: event.kind == EventKind.SCALE_OUT)
    assert cloud.names() == ALL


def test_after_an_answer_was_lost_a_refusal_means_that_the_reply_counted(manage, fenix, url, alarm, post, cloud):
    """The first reply was carried out without an answer, so the second meets a session that has gone on."""
    fenix.script("PUT", None, 409)
    manager = manage(cloud=cloud)
    post(manager.alarm_url, alarm("SCALE_IN", url))
    assert manager.wait_for_outcome("SCALE_IN").kind == EventKind.REFUSED
    fenix.script("PUT", None, 409)
    post(manager.alarm_url, alarm("MAINTENANCE_COMPLETE", url))
    manager.wait_for(lambda event: event.kind == EventKind.SCALE_OUT and event.state == "MAINTENANCE_COMPLETE")
    assert cloud.names() == ALL


@pytest.mark.parametrize(("unable", "reply"), [(False, "ACK_SCALE_IN"), (True, "NACK_SCALE_IN")])
def test_where_nothing_can_be_given_up_the_policy_decides(manage, fenix, url, alarm, post, unable, reply, fake_cloud):
    """nack-honest."""
    policy = Policy(nack_when_unable=unable)
    alone = fake_cloud(CloudInstance("i1", "p1", "vdu-1", 2))
    for number, manager in enumerate((manage("p1", policy), manage("p1", policy, cloud=alone))):
        post(manager.alarm_url, alarm("SCALE_IN", url))
        manager.wait_for_outcome("SCALE_IN")
        assert fenix.requests("PUT")[number].json == {"state": reply}
    assert len(alone.all) == 1


def test_a_cloud_that_fails_does_not_keep_the_reply_from_being_sent(manage, fenix, url, alarm, post, cloud, clock):
    cloud.errors.extend([500] * 100)
    manager = manage(cloud=cloud)
    post(manager.alarm_url, alarm("SCALE_IN", url))
    done = manager.wait_for_outcome("SCALE_IN")
    assert (done.kind, len(cloud.all)) == (EventKind.REPLY, 6)
    assert done.detail["margin"] >= 10
    assert any(event.kind == EventKind.ERROR for event in manager.events)


def test_a_removal_that_failed_for_a_passing_reason_is_tried_again(manage, fenix, url, alarm, post, cloud):
    cloud.errors.extend([503, 0, 503, None])
    manager = manage(cloud=cloud)
    post(manager.alarm_url, alarm("SCALE_IN", url))
    manager.wait_for_outcome("SCALE_IN")
    assert cloud.names() == ALL - {"vdu-5", "vdu-6"}


def test_an_instance_that_cannot_be_removed_is_left_and_the_others_go(manage, fenix, url, alarm, post, cloud):
    cloud.errors.extend([0, 403])
    manager = manage(cloud=cloud)
    post(manager.alarm_url, alarm("SCALE_IN", url))
    manager.wait_for_outcome("SCALE_IN")
    assert cloud.names() == ALL - {"vdu-5"}


def test_where_the_cloud_cannot_be_seen_nothing_is_added_and_what_is_missing_is_told(
    manage, fenix, url, alarm, post, cloud
):
    manager = manage(cloud=cloud)
    post(manager.alarm_url, alarm("SCALE_IN", url))
    manager.wait_for_outcome("SCALE_IN")
    cloud.errors.append(403)
    post(manager.alarm_url, alarm("MAINTENANCE_COMPLETE", url))
    assert manager.wait_for(lambda event: event.kind == EventKind.ERROR).detail["names"] == ["vdu-6", "vdu-5"]


def test_an_instance_that_cannot_be_added_yet_is_tried_again(manage, fenix, url, alarm, post, cloud, clock):
    manager = manage(cloud=cloud)
    post(manager.alarm_url, alarm("SCALE_IN", url))
    manager.wait_for_outcome("SCALE_IN")
    cloud.errors.extend([0, 409, 409, 0, 503])
    post(manager.alarm_url, alarm("MAINTENANCE_COMPLETE", url))
    manager.wait_for(lambda event: event.kind == EventKind.SCALE_OUT)
    assert cloud.names() == ALL
    assert clock.pauses == [timedelta(seconds=seconds) for seconds in (0.1, 0.2, 0.1)]


def test_an_instance_is_not_added_twice_after_an_answer_was_lost(manage, fenix, url, alarm, post, cloud):
    manager = manage(cloud=cloud)
    post(manager.alarm_url, alarm("SCALE_IN", url))
    manager.wait_for_outcome("SCALE_IN")
    cloud.errors.extend([0, None])
    post(manager.alarm_url, alarm("MAINTENANCE_COMPLETE", url))
    manager.wait_for(lambda event: event.kind == EventKind.ERROR)
    assert [call for call in cloud.calls if call[0] == "add"] == [("add", "vdu-6"), ("add", "vdu-5")]


def test_without_scale_out_the_project_stays_small(manage, fenix, url, alarm, post, cloud):
    manager = manage("p1", Policy(scale_out=False, inline=True), cloud=cloud)
    post(manager.alarm_url, alarm("SCALE_IN", url))
    post(manager.alarm_url, alarm("MAINTENANCE_COMPLETE", url))
    assert len(cloud.all) == 4


def test_a_refused_end_brings_nothing_back(manage, fenix, url, alarm, post, cloud):
    manager = manage("p1", Policy(nack=frozenset({"MAINTENANCE_COMPLETE"}), inline=True), cloud=cloud)
    post(manager.alarm_url, alarm("SCALE_IN", url))
    post(manager.alarm_url, alarm("MAINTENANCE_COMPLETE", url))
    assert len(cloud.all) == 4


# -- own action ------------------------------------------------------------------------------------------------------


def test_instances_are_moved_after_the_reply_was_accepted(manage, fenix, url, alarm, post, cloud):
    """own-action-done."""
    manager = manage("p1", Policy(action={"i1": Action.OWN_ACTION}), cloud=cloud)
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url))
    done = manager.wait_for(lambda event: event.kind == EventKind.OWN_ACTION)
    assert done.detail["instance_ids"] == ["i1"]
    assert [call for call in cloud.calls if call[0] == "move"] == [("move", "i1")]
    order = [event.kind for event in manager.events]
    assert order.index(EventKind.REPLY) < order.index(EventKind.OWN_ACTION)


def test_nothing_is_moved_where_the_reply_was_refused(manage, fenix, url, alarm, post, cloud):
    fenix.script("PUT", 422)
    manager = manage("p1", Policy(action=Action.OWN_ACTION, inline=True), cloud=cloud)
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url))
    assert cloud.calls == []


def test_own_action_is_not_promised_without_a_cloud(manage, fenix, url, alarm, post):
    manager = manage("p1", Policy(action=Action.OWN_ACTION))
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url))
    manager.wait_for_outcome("PLANNED_MAINTENANCE")
    assert fenix.requests("PUT")[0].json["instance_actions"] == {"i1": "MIGRATE", "i2": "MIGRATE"}


def test_a_move_waits_for_room_and_tells_what_is_stuck(manage, fenix, url, alarm, post, cloud):
    cloud.errors.extend([409, 409, 0, 404])
    manager = manage("p1", Policy(action=Action.OWN_ACTION), cloud=cloud)
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", url))
    stuck = manager.wait_for(lambda event: event.kind == EventKind.ERROR)
    assert stuck.detail["instance_ids"] == ["i2"]
    assert [call[1] for call in cloud.calls] == ["i1", "i1", "i1", "i2"]


def test_an_own_action_is_carried_out_in_the_per_instance_dialect_too(manage, fenix, url, alarm, post, cloud):
    manager = manage("p1", Policy(action=Action.OWN_ACTION, inline=True), cloud=cloud)
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", f"{url}/i2", instance_ids="['i2']"))
    assert cloud.calls == [("move", "i2")]


# -- the control API -------------------------------------------------------------------------------------------------


def page(instances, following=None):
    return 200, {}, json.dumps({"instances": instances, "next": following}).encode()


@pytest.mark.parametrize("suffix", ["", "/", "/simulator/v1", "/simulator/v1/"])
def test_the_control_api_is_spoken_as_it_is(fenix, suffix):
    client = CloudClient(fenix.url + suffix, token="t")
    fenix.script(
        "GET",
        page([{"instance_id": "a/1", "project_id": "p", "name": "n-1", "vcpus": 4, "host": "h", "flavor": "f"}], "a/1"),
        page([{"instance_id": "b", "floating_ip": True}]),
    )
    assert client.instances("p 1") == [
        CloudInstance("a/1", "p", "n-1", 4, "h", "f", floating_ip=False),
        CloudInstance("b", "", "b", 1, floating_ip=True),
    ]
    fenix.script("DELETE", 204)
    fenix.script("POST", 201, 201, 200)
    client.remove("a/1")
    client.add("p", name="n-1", vcpus=4, flavor="f")
    client.add("p", name="n-2", vcpus=4, floating_ip=True)
    client.move("a/1")
    client.close()
    asked = [(one.method, one.path, one.json if one.body else None) for one in fenix.requests()]
    assert asked == [
        ("GET", f"{CONTROL}?project_id=p+1", None),
        ("GET", f"{CONTROL}?project_id=p+1&marker=a%2F1", None),
        ("DELETE", f"{CONTROL}/a%2F1", None),
        ("POST", CONTROL, {"project_id": "p", "name": "n-1", "vcpus": 4, "flavor": "f"}),
        ("POST", CONTROL, {"project_id": "p", "name": "n-2", "vcpus": 4, "floating_ip": True}),
        ("POST", f"{CONTROL}/a%2F1/move", {}),
    ]
    assert {one.headers["x-auth-token"] for one in fenix.requests()} == {"t"}


def test_an_instance_that_is_gone_already_counts_as_removed(fenix):
    fenix.script("DELETE", 404)
    CloudClient(fenix.url).remove("a")


@pytest.mark.parametrize(
    ("method", "call"),
    [
        ("GET", lambda client: client.instances("p")),
        ("DELETE", lambda client: client.remove("a")),
        ("POST", lambda client: client.add("p", name="n", vcpus=1)),
        ("POST", lambda client: client.move("a")),
    ],
)
def test_a_refusal_of_the_cloud_says_why(fenix, method, call):
    fenix.script(method, (409, {}, b'{"detail": "no room"}'))
    with pytest.raises(CloudError, match="409, no room") as caught:
        call(CloudClient(fenix.url))
    assert caught.value.exchange.status == 409


def test_an_answer_that_is_no_list_of_instances_is_an_error(fenix):
    fenix.script("GET", (200, {}, b"[]"))
    with pytest.raises(CloudError):
        CloudClient(fenix.url).instances("p")
