"""The reference server plays whole maintenances, and so does every correct variant of it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from fenix_conformance.selftest.manners import Manners
from fenix_conformance.selftest.reference_http import running
from fenix_conformance.selftest.serve import main
from fenix_conformance.selftest.subject import Subject
from fenix_conformance.selftest.variants import VARIANTS
from fenix_contract import alarm, contract

ASKING = ("PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE")


def listed(seen: Any) -> list[str]:
    ids: list[str] = seen.listed["instance_ids"]
    return ids


def test_plays_a_whole_maintenance(manager: Any) -> None:
    """MAINTENANCE, three hosts, MAINTENANCE_COMPLETE; each instance is asked about and reported once."""
    with running(window=3.0) as server:
        manager.subscribe(server)
        session = manager.start(server)
        assert manager.wait_final(server, session) == "MAINTENANCE_DONE"
        manager.wait_seen(lambda seen: seen.state == "MAINTENANCE_COMPLETE" and seen.put_status == 200, count=3)
        for project in server.projects:
            mine = manager.of(project)
            states = [seen.state for seen in mine]
            everything = listed(mine[0])
            asked = [instance for seen in mine if seen.state == "PLANNED_MAINTENANCE" for instance in listed(seen)]
            done = [seen.done_id for seen in mine if seen.state == "INSTANCE_ACTION_DONE"]
            assert states[0] == "MAINTENANCE"
            assert states[-1] == "MAINTENANCE_COMPLETE"
            assert Counter(states)["MAINTENANCE_COMPLETE"] == 1
            assert sorted(asked) == sorted(done) == sorted(everything)
            assert {seen.put_status for seen in mine if seen.state != "INSTANCE_ACTION_DONE"} == {200}
        assert "PREPARE_MAINTENANCE" not in {seen.state for seen in manager.seen}
        assert not any(seen.state == "PLANNED_MAINTENANCE" and not listed(seen) for seen in manager.seen)


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_plays_a_whole_maintenance(manager: Any, name: str) -> None:
    """Whatever liberty it takes, a correct server gets to MAINTENANCE_DONE with every instance moved once."""
    manners = VARIANTS[name].manners
    quick = replace(manners, latency=min(manners.latency, 0.02), lead=min(manners.lead, 0.1))
    manager.action = "MIGRATE"
    with running(subject=replace(VARIANTS[name], manners=quick), window=3.0) as server:
        manager.subscribe(server)
        session = manager.start(server, metadata={"openstack_release": "Queens"})
        assert manager.wait_final(server, session) == "MAINTENANCE_DONE"
        for project in server.projects:
            done = Counter(seen.done_id for seen in manager.of(project) if seen.state == "INSTANCE_ACTION_DONE")
            everything = next(listed(seen) for seen in manager.of(project))
            moved = Counter(i for seen in manager.of(project) if seen.state in ASKING for i in listed(seen))
            assert set(done) == set(moved) == set(everything)
            if manners.copies == 1:
                assert done == moved


@pytest.mark.parametrize("name", [None, *VARIANTS])
def test_alarms_and_lists_keep_the_contract(manager: Any, name: str | None) -> None:
    """The contract's own decoder and schemas, written apart from this server, agree with what it sends."""
    manager.policy = lambda seen: None
    with running(variant=name, window=3.0) as server:
        manager.subscribe(server)
        manager.start(server, metadata={"note": "n" * 300})
        for seen in manager.wait_seen(lambda seen: True, count=len(server.projects)):
            message = alarm.decode(seen.alarm)
            assert (message.state, message.project_id) == ("MAINTENANCE", seen.project)
            assert message.list_url == message.reply_url == seen.traits["reply_url"]
            assert message.reply_at is not None
            assert message.reply_at > datetime.now(UTC)
            assert contract.validator("Alarm").is_valid(seen.alarm)
            assert contract.validator("InstanceList").is_valid(seen.listed)
            assert all(
                len(value) <= 255 for _, kind, value in seen.alarm["reason_data"]["event"]["traits"] if kind == 1
            )


def test_prepare_comes_when_no_host_is_empty(manager: Any) -> None:
    """Only the instances of the emptiest host are listed, and they are asked about again in PLANNED, once."""
    with running(variant="prepare", window=3.0) as server:
        manager.subscribe(server)
        session = manager.start(server)
        assert manager.wait_final(server, session) == "MAINTENANCE_DONE"
        prepared = [listed(seen) for seen in manager.seen if seen.state == "PREPARE_MAINTENANCE"]
        planned = Counter(i for s in manager.seen if s.state == "PLANNED_MAINTENANCE" for i in listed(s))
        assert [len(ids) for ids in prepared] == [1, 1]
        assert set(planned.values()) == {1}
        assert {instance for ids in prepared for instance in ids} <= set(planned)


def test_own_action_is_not_reported(manager: Any) -> None:
    """An instance with OWN_ACTION leaves by itself; INSTANCE_ACTION_DONE is for what Fenix moved."""
    manager.action = "OWN_ACTION"
    with running(window=3.0) as server:
        manager.subscribe(server)
        session = manager.start(server)
        assert manager.wait_final(server, session) == "MAINTENANCE_DONE"
        assert "INSTANCE_ACTION_DONE" not in {seen.state for seen in manager.seen}


@pytest.mark.parametrize("state", ["MAINTENANCE", "PLANNED_MAINTENANCE", "MAINTENANCE_COMPLETE"])
@pytest.mark.parametrize("word", ["NACK", None], ids=["nack", "silence"])
def test_nack_and_silence_fail_the_session(manager: Any, state: str, word: str | None) -> None:
    """One project's NACK, or its silence to the window's end, fails the session."""
    with running(window=0.3) as server:

        def policy(seen: Any) -> str | None:
            if seen.state == state and seen.project == server.projects[0]:
                return f"NACK_{state}" if word else None
            return f"ACK_{seen.state}"

        manager.policy = policy
        manager.subscribe(server)
        session = manager.start(server)
        assert manager.wait_final(server, session) == "MAINTENANCE_FAILED"
        assert manager.seen[-1].state == state


def test_silence_may_be_a_default_behaviour(manager: Any) -> None:
    """In the variant a silent project's instances are migrated when the window ends."""
    with running(variant="silence-default", window=0.2) as server:
        manager.policy = lambda seen: None if seen.project == server.unmanaged else f"ACK_{seen.state}"
        manager.subscribe(server)
        assert manager.wait_final(server, manager.start(server)) == "MAINTENANCE_DONE"


@pytest.mark.parametrize(("name", "end"), [(None, "MAINTENANCE_DONE"), ("unmanaged-fails", "MAINTENANCE_FAILED")])
def test_project_without_manager_gets_a_default(manager: Any, name: str | None, end: str) -> None:
    """It is migrated without being asked, or it fails the session; in neither case the session hangs."""
    with running(variant=name, window=3.0) as server:
        manager.subscribe(server, server.projects[:2])
        assert manager.wait_final(server, manager.start(server)) == end
        assert manager.of(server.unmanaged) == []


def test_sessions_do_not_touch_each_other(manager: Any) -> None:
    """Two sessions at once: one is refused by NACK, the other gets to its end."""
    with running(window=3.0) as server:
        manager.subscribe(server)
        first = manager.start(server)
        assert manager.wait_final(server, first) == "MAINTENANCE_DONE"
        manager.policy = lambda seen: None
        refused, other = manager.start(server), manager.start(server)
        alarms = manager.wait_seen(lambda s: s.traits["session_id"] in (refused, other), count=6)
        assert {len(listed(seen)) for seen in alarms} == {len(listed(seen)) for seen in manager.seen[:3]}
        manager.policy = lambda seen: f"ACK_{seen.state}"
        for seen in alarms:
            word = "NACK_MAINTENANCE" if seen.traits["session_id"] == refused else "ACK_MAINTENANCE"
            assert manager.reply(seen, word).status in (200, 409)
        assert manager.wait_final(server, refused) == "MAINTENANCE_FAILED"
        assert manager.wait_final(server, other) == "MAINTENANCE_DONE"


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


def test_second_reply_may_replace_the_first(manager: Any) -> None:
    """In the variant a NACK after an ACK counts, while another project is still waited for."""
    with running(variant="second-reply-replaces", window=3.0) as server:
        manager.policy = lambda seen: None
        manager.subscribe(server)
        session = manager.start(server)
        seen = manager.wait_seen(lambda seen: True, count=3)[0]
        assert manager.reply(seen, "ACK_MAINTENANCE").status == 200
        assert manager.reply(seen, "NACK_MAINTENANCE").status == 200
        assert manager.wait_final(server, session) == "MAINTENANCE_FAILED"


@pytest.mark.parametrize(
    ("name", "end"), [("wrong-reply-ignored", "MAINTENANCE_DONE"), ("wrong-reply-fails", "MAINTENANCE_FAILED")]
)
def test_wrong_reply_may_be_answered_200(manager: Any, name: str, end: str) -> None:
    """A stale ACK is answered 200 by some servers; it does not count there either."""
    with running(variant=name, window=3.0) as server:
        manager.policy = lambda seen: None
        manager.subscribe(server)
        session = manager.start(server)
        alarms = manager.wait_seen(lambda seen: True, count=3)
        assert manager.reply(alarms[0], "ACK_PLANNED_MAINTENANCE").status == 200
        manager.policy = lambda seen: f"ACK_{seen.state}"
        for seen in alarms:
            manager.reply(seen, "ACK_MAINTENANCE")
        assert manager.wait_final(server, session) == end


def test_nack_may_wait_for_the_window(manager: Any) -> None:
    """In the variant the session still stands in its state after the NACK, and fails when the window ends."""
    with running(variant="nack-at-window-end", window=0.5) as server:
        manager.policy = lambda seen: None
        manager.subscribe(server)
        session = manager.start(server)
        for seen in manager.wait_seen(lambda seen: True, count=3):
            assert manager.reply(seen, "NACK_MAINTENANCE").status == 200
        assert manager.send(server, "GET", f"/v1/maintenance/{session}").json()["state"] == "MAINTENANCE"
        assert manager.wait_final(server, session) == "MAINTENANCE_FAILED"


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


def test_single_hosts_can_be_maintained(manager: Any) -> None:
    """With a list of hosts only their instances are asked about."""
    with running(variant="prepare") as server:
        manager.subscribe(server)
        assert manager.wait_final(server, manager.start(server, hosts=["host-2"])) == "MAINTENANCE_DONE"
        asked = [i for s in manager.seen if s.state in ASKING for i in listed(s)]
        assert len(asked) == 4


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
        assert manager.wait_final(server, manager.start(server)) == "MAINTENANCE_FAILED"
        manager.wait_seen(lambda seen: True, count=3)
        session = manager.start(server)
        manager.send(server, "DELETE", f"/v1/maintenance/{session}")
        assert {seen.traits["session_id"] for seen in manager.seen} - {session} == {
            seen.traits["session_id"] for seen in manager.seen
        }


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
