"""What the reference server answers on its three surfaces, and how it is started as a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fenix_conformance.selftest.manners import Manners
from fenix_conformance.selftest.reference_http import running
from fenix_conformance.selftest.serve import main
from fenix_conformance.selftest.subject import Subject


def listed(seen: Any) -> list[str]:
    ids: list[str] = seen.listed["instance_ids"]
    return ids


@pytest.fixture
def asking(manager: Any) -> Any:
    """A server in PLANNED_MAINTENANCE that nobody has replied to, and the first project's alarm."""
    manager.policy = lambda seen: f"ACK_{seen.state}" if seen.state == "MAINTENANCE" else None
    with running(window=8.0) as server:
        manager.subscribe(server)
        manager.start(server)
        alarms = manager.wait_seen(lambda seen: seen.state == "PLANNED_MAINTENANCE", count=3)
        yield server, next(seen for seen in alarms if seen.project == server.projects[0])


def test_replies_are_answered_strictly(manager: Any, asking: Any) -> None:
    """404, 415, 400, 422 and 409 for what is no reply to this; nothing of it counts."""
    server, seen = asking
    url, ids = seen.traits["reply_url"], listed(seen)
    actions = dict.fromkeys(ids, "MIGRATE")
    good = {"instance_actions": actions, "state": "ACK_PLANNED_MAINTENANCE"}
    foreign = next(i for s in manager.seen if s.project == server.projects[1] for i in listed(s))
    assert manager.put(url, good, **{"content-type": "text/plain"}).status == 415
    for body in (b"", b"{", b"[]", b"null", b"\xff{}", b'{"state": NaN}'):
        assert manager.put(url, body).status == 400
    for body in (
        {"instance_actions": actions},
        {**good, "state": 1},
        {**good, "state": "ACK_"},
        {**good, "state": "ack_planned_maintenance"},
        {**good, "state": "PLANNED_MAINTENANCE"},
        {**good, "instance_actions": [1]},
        {**good, "instance_actions": dict.fromkeys(ids, 1)},
        {"state": "ACK_PLANNED_MAINTENANCE"},
        {**good, "instance_actions": dict.fromkeys(ids[1:], "MIGRATE")},
        {**good, "instance_actions": dict.fromkeys(ids, "REBOOT")},
        {**good, "instance_actions": {**actions, foreign: "MIGRATE"}},
    ):
        assert manager.put(url, body).status == 422
    for word in ("ACK_MAINTENANCE", "NACK_PREPARE_MAINTENANCE", "ACK_MAINTENANCE_COMPLETE"):
        assert manager.put(url, {**good, "state": word}).status == 409
    assert manager.put(url.replace(server.projects[0], "nobody"), good).status == 404
    assert manager.put(f"{server.url}/v1/maintenance/nowhere/{server.projects[0]}", good).status == 404
    assert manager.put(url, {**good, "session_id": "x", "instance_ids": []}).status == 200
    assert manager.put(url + "/", good).status == 200
    assert manager.put(url, {**good, "instance_actions": dict.fromkeys(ids, "OWN_ACTION")}).status == 409
    assert manager.put(url, {**good, "state": "NACK_PLANNED_MAINTENANCE"}).status == 409


def test_list_is_stable_and_scoped(manager: Any, asking: Any) -> None:
    """Both slash forms and any number of GETs give the same list; before and after the own reply."""
    server, seen = asking
    url = seen.traits["instance_ids"]
    manager.reply(seen, "ACK_PLANNED_MAINTENANCE")
    for path in (url, f"{url}/", f"{url}?x=1", url):
        answer = manager.http.request("GET", path, redirect=False)
        assert (answer.status, answer.json()) == (200, seen.listed)
        assert answer.headers["content-type"] == "application/json"
    every = [i for s in manager.seen if s.state == "PLANNED_MAINTENANCE" for i in listed(s)]
    assert len(every) == len(set(every)) == 5
    assert manager.http.request("GET", f"{server.url}/v1/maintenance/{'0' * 8}/{seen.project}").status == 404
    assert manager.http.request("GET", url[: -len(seen.project)] + "nobody").status == 404


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH", "TRACE", "PURGE"])
def test_other_methods_are_405(manager: Any, asking: Any, method: str) -> None:
    """Whatever the method's name, 405 names those that are served."""
    answer = manager.http.request(method, asking[1].traits["reply_url"], body=b"{}" if method != "TRACE" else None)
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS, PUT"
    assert answer.headers["content-type"] == "application/problem+json"


def test_head_and_options_are_served(manager: Any, asking: Any) -> None:
    """HEAD is GET without the body; OPTIONS names the methods."""
    url = asking[1].traits["reply_url"]
    assert manager.http.request("HEAD", url).status == 200
    assert manager.http.request("OPTIONS", url).headers["allow"] == "GET, HEAD, OPTIONS, PUT"
    assert manager.http.request("PUT", url, body=iter([b"{}"])).status == 411


@pytest.mark.parametrize("status", [307, 308])
def test_published_path_may_redirect(manager: Any, status: int) -> None:
    """In the variant the path with the slash leads to the one without."""
    with running(variant=f"slash-{status}") as server:
        path = f"/v1/maintenance/{manager.start(server)}/{server.projects[0]}"
        answer = manager.http.request("GET", f"{server.url}{path}/", redirect=False)
        assert (answer.status, answer.headers["location"]) == (status, path)


def test_admin_api(manager: Any) -> None:
    """Sessions are started, listed, shown and taken away; what is wrong is 400 or 404."""
    with running() as server:
        session = manager.start(server, maintenance_at="2030-01-01 00:00:00", hosts=["host-1"])
        assert manager.send(server, "GET", "/v1/maintenance").json() == {"session_id": [session]}
        shown = manager.send(server, "GET", f"/v1/maintenance/{session}").json()
        assert shown == {"session_id": session, "state": "MAINTENANCE"}
        assert manager.send(server, "DELETE", f"/v1/maintenance/{session}").json() == {}
        assert manager.send(server, "GET", f"/v1/maintenance/{session}").status == 404
        for wrong in (
            {"hosts": ["host-9"]},
            {"hosts": 1},
            {"maintenance_at": "soon"},
            {"metadata": []},
            {"state": "X"},
        ):
            assert manager.send(server, "POST", "/v1/maintenance", wrong).status == 400
        assert manager.send(server, "GET", "/v3").status == 404


def test_alarm_api(manager: Any) -> None:
    """Alarms are made, listed, shown, replaced and taken away as in Aodh."""
    with running() as server:
        manager.subscribe(server, server.projects[:1])
        [kept] = manager.send(server, "GET", "/v2/alarms").json()
        path = f"/v2/alarms/{kept['alarm_id']}"
        assert manager.send(server, "GET", path).json() == kept
        replaced = manager.send(server, "PUT", path, {**kept, "enabled": False}).json()
        assert replaced == {**kept, "enabled": False}
        assert manager.send(server, "DELETE", path).status == 204
        assert manager.send(server, "GET", path).status == 404
        for wrong in (
            {},
            {"name": "x", "type": "event", "alarm_actions": ["ftp://x"]},
            {"name": "x", "type": "gnocchi"},
        ):
            assert manager.send(server, "POST", "/v2/alarms", wrong).status == 400


def test_alarm_fires_once_unless_it_repeats(manager: Any) -> None:
    """repeat_actions is false by default in Aodh: such a subscriber is told of the first state only."""
    with running(window=3.0) as server:
        manager.policy = lambda seen: "NACK_MAINTENANCE"
        manager.subscribe(server)
        for kept in manager.send(server, "GET", "/v2/alarms").json():
            manager.send(server, "PUT", f"/v2/alarms/{kept['alarm_id']}", {**kept, "repeat_actions": False})
        manager.start(server)
        manager.wait_seen(lambda seen: True, count=3)
        manager.policy = lambda seen: None
        manager.subscribe(server)
        manager.start(server)
        # The later subscriptions are served after the earlier ones: once they have fired, these would have, too.
        assert len(manager.wait_seen(lambda seen: True, count=6)) == 6


@pytest.mark.parametrize("errors", ["problem", "json", "text", "html"])
def test_errors_in_any_form(manager: Any, errors: Any) -> None:
    """The status is the same whatever the body is."""
    with running(subject=Subject("errors", manners=Manners(errors=errors))) as server:
        assert manager.send(server, "GET", "/v1/maintenance/x/y").status == 404


def test_serves_as_a_process(tmp_path: Path, manager: Any) -> None:
    """The ready file tells where; SIGTERM ends it with exit 0."""
    ready = tmp_path / "ready.json"
    command = [
        sys.executable,
        "-m",
        "fenix_conformance.selftest.serve",
        "--variant",
        "prepare",
        "--ready-file",
        str(ready),
    ]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment, cwd=tmp_path) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        told = json.loads(ready.read_text())
        assert line == f"prepare at {told['url']}\n"
        assert told["pid"] == process.pid
        assert len(told["projects"]) == 3
        assert manager.http.request("GET", f"{told['aodh_url']}/v2/alarms").json() == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(10.0) == 0


def test_lists_what_can_be_served(capsys: pytest.CaptureFixture[str]) -> None:
    """--list has a line for each mutant, with what it breaks, and for each variant."""
    assert main(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("nack-counts-as-ack ") and "breaks reply-nack" in line for line in lines)
    assert any(line.startswith("slash-308 ") and " correct " in line for line in lines)
