"""The storm's board: which replies count."""

from __future__ import annotations

import json

import pytest

from fenix_loadtest.storm.board import ALARM_TO_REPLY, Board


@pytest.fixture
def board() -> Board:
    made = Board("PLANNED_MAINTENANCE", ["a", "b"], window=10.0)
    made.add("session", "project", due=100.0)
    return made


ACTIONS = {"a": "MIGRATE", "b": "OWN_ACTION"}
ACK = {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": ACTIONS}


@pytest.mark.parametrize(
    ("session", "project", "body", "at", "status", "counts"),
    [
        ("session", "project", ACK, 101.0, 200, True),
        ("session", "project", {"state": "NACK_PLANNED_MAINTENANCE"}, 101.0, 200, True),
        ("session", "project", ACK, 111.0, 409, False),
        ("session", "other", ACK, 101.0, 404, False),
        ("other", "project", ACK, 101.0, 404, False),
        ("session", "project", {"state": "ACK_MAINTENANCE"}, 101.0, 422, False),
        ("session", "project", {"state": "ACK_PLANNED_MAINTENANCE"}, 101.0, 422, False),
        ("session", "project", ACK | {"instance_actions": {"a": "MIGRATE"}}, 101.0, 422, False),
        ("session", "project", ACK | {"instance_actions": ACTIONS | {"c": "MIGRATE"}}, 101.0, 422, False),
        ("session", "project", ACK | {"instance_actions": {"a": "MOVE", "b": ["MIGRATE"]}}, 101.0, 422, False),
        ("session", "project", [], 101.0, 422, False),
    ],
)
def test_which_replies_count(board, session, project, body, at, status, counts):
    """Only one that is right, in time, and of whom the alarm was for."""
    assert board.reply(session, project, json.dumps(body).encode(), at)[0] == status
    assert board.close() == (0 if counts else 1)


def test_a_repeat_is_taken_and_not_counted(board):
    """The latency is the first reply's."""
    body = json.dumps(ACK).encode()
    assert [board.reply("session", "project", body, at)[0] for at in (101.0, 105.0)] == [200, 200]
    assert (board.replied, board.repeats) == (1, 1)
    assert board.recorder.series[ALARM_TO_REPLY].latencies.largest == 1.0
    assert board.wait(0)


def test_a_list_is_for_whom_it_is(board):
    """The instances, or 404."""
    assert json.loads(board.list("session", "project", 100.5)[1]) == {"instance_ids": ["a", "b"]}
    assert board.list("session", "other", 100.5)[0] == 404


def test_what_is_no_json_is_no_reply(board):
    """However it is broken."""
    for body in (b"", b"{", b"\xff", b"[" * 100_000):
        assert board.reply("session", "project", body, 101.0)[0] == 422
