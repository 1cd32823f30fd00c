"""Alarms' URLs below a path of their own: the project API there is the one that is also without it."""

from __future__ import annotations

import threading

import pytest

from fenix_simulator.ports import Filter
from fenix_simulator.scenario import load
from fenix_simulator.scenario_change import resized
from fenix_simulator.scenario_types import MAX_BASE_PATH
from fenix_vnfm import AlarmReceiver

PREFIX = "/maintenance/7f3a"
NOBODY = "http://127.0.0.1:1/maintenance"
CHANGES = {
    "strict": {},
    "upstream": {"behaviour": "upstream"},
    "per-instance": {"dialect": "per-instance"},
}


@pytest.fixture(params=CHANGES)
def place(request, serve, client):
    """A server with a session, its client, and the path of the first project without the prefix."""
    simulator = serve(changes={"base_path": PREFIX, **CHANGES[request.param]}, alarm_urls=((None, NOBODY),))
    session_id = simulator.service.create_session()
    project_id = simulator.inventory.projects[0].project_id
    return simulator, client(simulator), f"/v1/maintenance/{session_id}/{project_id}"


def requests(simulator):
    """The requests in the journal, oldest first."""
    return simulator.journal.read(only=Filter(frozenset({"request"})))


def test_alarms_carry_the_prefix(serve):
    told, heard = [], threading.Event()

    def take(alarm) -> None:
        told.append(alarm.message)
        heard.set()

    with AlarmReceiver() as receiver:
        url = receiver.route("/alarms", take)
        simulator = serve(changes={"base_path": PREFIX}, alarm_urls=((None, url),))
        session_id = simulator.service.create_session()
        assert heard.wait(20)
    message = told[0]
    expected = f"{simulator.url}{PREFIX}/v1/maintenance/{session_id}/{message.project_id}"
    assert message.instance_ids == message.reply_url == expected


def test_lists_and_replies_are_the_same_on_both_paths(place):
    simulator, ask, path = place
    bare, below = ask("GET", path), ask("GET", PREFIX + path)
    assert (below.status, below.body) == (bare.status, bare.body) == (200, bare.body)
    reply = {"state": "ACK_MAINTENANCE", "instance_actions": {}}
    assert ask("PUT", PREFIX + path, reply).status == 200
    told = [(one.data["path"], one.data["surface"], one.session_id, one.project_id) for one in requests(simulator)]
    session_id, project_id = path.split("/")[3:]
    assert told == [
        (path, "project", session_id, project_id),
        (PREFIX + path, "project", session_id, project_id),
        (PREFIX + path, "project", session_id, project_id),
    ]


@pytest.mark.parametrize(
    ("method", "tail", "body"),
    [
        ("GET", "/", None),
        ("GET", "?limit=1", None),
        ("PUT", "/", {"state": "ACK_MAINTENANCE"}),
        ("PUT", "", {"state": "NO"}),
        ("PUT", "", None),
        ("POST", "", {}),
        ("DELETE", "", None),
        ("GET", "/no-such-instance", None),
        ("GET", "/a/b/c", None),
    ],
)
def test_whatever_is_asked_is_answered_alike(place, method, tail, body):
    """Both dialects, both behaviours, with and without a slash at the end, right and wrong."""
    _, ask, path = place
    bare, below = ask(method, path + tail, body), ask(method, PREFIX + path + tail, body)
    assert below.status == bare.status
    assert below.headers.get("allow") == bare.headers.get("allow")
    assert below.body.replace(PREFIX.encode(), b"") == bare.body.replace(PREFIX.encode(), b"")


@pytest.mark.parametrize(
    "path",
    [
        f"{PREFIX}/v1/maintenance",
        f"{PREFIX}/simulator/v1/health",
        f"{PREFIX}/v2/alarms",
        f"{PREFIX}/metrics",
        f"{PREFIX}x/v1/maintenance/s/p",
        PREFIX,
        f"{PREFIX}/",
    ],
)
def test_nothing_else_is_below_the_prefix(serve, client, path):
    simulator = serve(changes={"base_path": PREFIX})
    assert client(simulator)("GET", path).status == 404
    assert requests(simulator)[-1].data["surface"] == "other"


def test_no_other_surface_is_hidden_by_the_prefix(serve, client):
    simulator = serve(changes={"base_path": "/simulator"})
    assert client(simulator)("GET", "/simulator/v1/health").status == 200


def test_tokens_hold_there_too(serve, client):
    simulator = serve(
        changes={"base_path": PREFIX}, admin_token="root", project_tokens=dict(zip(_names(serve), "ab", strict=True))
    )
    session_id = simulator.service.create_session()
    first, second = (project.project_id for project in simulator.inventory.projects)
    path = f"{PREFIX}/v1/maintenance/{session_id}"
    assert client(simulator)("GET", f"{path}/{first}").status == 401
    assert client(simulator, "a")("GET", f"{path}/{first}").status == 200
    assert client(simulator, "a")("GET", f"{path}/{second}").status == 403


def _names(serve) -> list[str]:
    return [project.name for project in serve().inventory.projects]


def test_faults_happen_there_too(serve, client):
    simulator = serve(changes={"base_path": PREFIX})
    session_id = simulator.service.create_session()
    path = f"{PREFIX}/v1/maintenance/{session_id}/{simulator.inventory.projects[0].project_id}"
    simulator.faults.add({"when": {"operation": "list", "nth": 2}, "then": {"status": 503}})
    assert [client(simulator)("GET", path).status for _ in range(3)] == [200, 503, 200]
    assert [one.data["fault"] is None for one in requests(simulator)] == [True, False, True]


def test_the_longest_prefix_and_the_longest_project_id_fit_into_a_trait(serve):
    """So a scenario that is good cannot fail when its sessions begin."""
    name = "p" * 128
    sized = resized(load("happy-path"), project_ids=[name])
    simulator = serve(scenario=sized, changes={"base_path": "/" + "b" * (MAX_BASE_PATH - 1)})
    session_id = simulator.service.create_session()
    assert name in simulator.service.session_view(session_id).projects
