"""Finding the cloud where the replies go: asked for once, kept apart by origin, and never beyond what is allowed."""

from __future__ import annotations

import threading

import pytest

from fenix_contract.vocabulary import Action
from fenix_vnfm import CloudFinder, EventKind, Policy

PATH = "/v1/maintenance/s1/p1"
HEALTH = "/simulator/v1/health"
HEALTHY = (200, {"Content-Type": "application/json"}, b'{"status": "ok"}')


@pytest.fixture
def finder():
    """Makes finders on a clock of one's own; they are closed at the end."""
    made = []

    def make(**options):
        made.append(CloudFinder(**options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def test_a_simulator_is_asked_once_and_without_the_token(fenix, finder):
    fenix.script("GET", HEALTHY)
    find = finder(token="secret-1")
    cloud = find(fenix.url + PATH)
    assert cloud is not None
    assert find(f"{fenix.url}/v1/maintenance/s2/p1?q=1") is cloud
    (asked,) = fenix.requests()
    assert (asked.path, asked.headers.get("x-auth-token")) == (HEALTH, None)
    fenix.script("GET", (200, {}, b'{"instances": []}'))
    assert cloud.instances("p1") == []
    assert fenix.requests()[-1].headers["x-auth-token"] == "secret-1"


@pytest.mark.parametrize("answer", [404, 401, (200, {}, b"<html>"), (200, {}, b"[]"), (200, {}, b"{}"), None], ids=str)
def test_that_there_is_none_is_remembered_for_a_short_while(fenix, finder, answer):
    fenix.script("GET", answer, HEALTHY)
    now = [0.0]
    find = finder(monotonic=lambda: now[0])
    assert (find(fenix.url + PATH), find(fenix.url + PATH)) == (None, None)
    assert len(fenix.requests()) == 1
    now[0] = 60.0
    assert find(fenix.url + PATH) is not None


def test_one_that_is_busy_is_asked_again(fenix, finder):
    fenix.script("GET", 503, HEALTHY)
    find = finder()
    assert find(fenix.url + PATH) is None
    assert find(fenix.url + PATH) is not None


@pytest.mark.parametrize("url", ["", "ftp://x/", "http://", "no-url", "http://[::1", "http://127.0.0.1:9/x"])
def test_what_leads_nowhere_has_no_cloud(finder, url):
    assert finder()(url) is None


def test_requests_go_where_they_are_allowed_only(fenix, finder):
    assert finder(hosts=frozenset({"203.0.113.7"}))(fenix.url + PATH) is None
    assert fenix.requests() == []


def test_many_origins_do_not_pile_up(fenix, finder):
    find = finder(hosts=frozenset({"127.0.0.1"}))
    for number in range(200):
        assert find(f"http://host-{number}.example/x") is None
    fenix.script("GET", HEALTHY)
    assert find(fenix.url + PATH) is not None


def test_threads_that_ask_at_once_ask_once(fenix, finder):
    fenix.script("GET", HEALTHY)
    find = finder()
    found = []
    threads = [threading.Thread(target=lambda: found.append(find(fenix.url + PATH))) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(10)
    assert len(set(map(id, found))) == 1
    assert len(fenix.requests()) == 1


# -- a manager with a finder -----------------------------------------------------------------------------------------


def test_each_session_has_the_cloud_of_its_own_fenix(manage, fenix, alarm, post, fake_cloud, cloud):
    others = fake_cloud()
    clouds = {f"{fenix.url}/a": cloud, f"{fenix.url}/b": others}
    manager = manage(cloud=clouds.get)
    for session, path in (("s1", "/a"), ("s2", "/b")):
        post(manager.alarm_url, alarm("SCALE_IN", fenix.url + path, session_id=session))
        manager.wait_for_outcome("SCALE_IN", session_id=session)
    assert len(cloud.all) == 4
    assert others.calls == [("instances", "p1")]


@pytest.mark.parametrize("unable", [False, True])
def test_where_no_cloud_is_found_scale_in_is_refused(manage, fenix, alarm, post, unable):
    """nack-honest."""
    manager = manage("p1", Policy(nack_when_unable=unable), cloud=lambda _url: None)
    post(manager.alarm_url, alarm("SCALE_IN", fenix.url + PATH))
    assert manager.wait_for_outcome("SCALE_IN").detail["reply"] == {"state": "NACK_SCALE_IN"}


@pytest.mark.parametrize(("unable", "word"), [(False, "ACK"), (True, "NACK")])
def test_where_a_cloud_is_found_and_nothing_can_be_given_up_the_policy_decides(
    manage, fenix, alarm, post, cloud, unable, word
):
    policy = Policy(nack_when_unable=unable, scale_in_minimum=6)
    manager = manage("p1", policy, cloud=lambda _url: cloud)
    post(manager.alarm_url, alarm("SCALE_IN", fenix.url + PATH))
    assert manager.wait_for_outcome("SCALE_IN").detail["reply"] == {"state": f"{word}_SCALE_IN"}


@pytest.mark.parametrize(
    ("allowed", "reply"),
    [
        ("['LIVE_MIGRATE', 'OWN_ACTION']", {"instance_actions": {"a": "LIVE_MIGRATE"}, "state": "ACK_{}"}),
        ("['OWN_ACTION']", {"state": "NACK_{}"}),
    ],
)
@pytest.mark.parametrize("state", ["PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE"])
def test_where_no_cloud_is_found_own_action_is_not_promised(manage, fenix, alarm, post, state, allowed, reply):
    fenix.lists[PATH] = ["a"]
    manager = manage("p1", Policy(action=Action.OWN_ACTION), cloud=lambda _url: None)
    post(manager.alarm_url, alarm(state, fenix.url + PATH, allowed=allowed))
    said = manager.wait_for_outcome(state).detail["reply"]
    assert said == {**reply, "state": reply["state"].format(state)}


def test_own_action_moves_in_the_cloud_that_is_found(manage, fenix, alarm, post, cloud):
    fenix.lists[PATH] = ["i1", "i2"]
    manager = manage("p1", Policy(action=Action.OWN_ACTION), cloud=lambda _url: cloud)
    post(manager.alarm_url, alarm("PLANNED_MAINTENANCE", fenix.url + PATH))
    moved = manager.wait_for(lambda event: event.kind == EventKind.OWN_ACTION)
    assert moved.detail["instance_ids"] == ["i1", "i2"]


def test_states_without_actions_look_for_no_cloud(manage, fenix, alarm, post):
    asked = []
    manager = manage(cloud=lambda url: asked.append(url))
    for state in ("MAINTENANCE", "MAINTENANCE_COMPLETE"):
        post(manager.alarm_url, alarm(state, fenix.url + PATH))
        manager.wait_for_outcome(state)
    assert asked == []
