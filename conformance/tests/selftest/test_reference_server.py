"""The reference server plays whole maintenances, and so does every correct variant of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from fenix_conformance.selftest.reference_http import running
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


def test_single_hosts_can_be_maintained(manager: Any) -> None:
    """With a list of hosts only their instances are asked about."""
    with running(variant="prepare") as server:
        manager.subscribe(server)
        assert manager.wait_final(server, manager.start(server, hosts=["host-2"])) == "MAINTENANCE_DONE"
        asked = [i for s in manager.seen if s.state in ASKING for i in listed(s)]
        assert len(asked) == 4
