"""Replies taken together are taken as they would be one after the other, or left as if they had not come."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fenix_simulator.adapters.plain_requests import PlainRequest
from fenix_simulator.bootstrap import Simulator
from fenix_simulator.http import fast_lane
from fenix_simulator.ports import Entry, Filter, JournalError
from fenix_simulator.reply_round import GivenReply

ALARM_URLS = ((None, "http://127.0.0.1:1/"),)


@pytest.fixture
def simulator(serve: Callable[..., Simulator]) -> Simulator:
    return serve(alarm_urls=ALARM_URLS, sizes={"projects": 4, "instances": 8})


def given_reply(simulator: Simulator, session_id: str, project: int, state: str = "ACK_MAINTENANCE") -> GivenReply:
    project_id = simulator.inventory.projects[project].project_id
    return GivenReply(session_id, project_id, state, None, Entry("request", f"{state}/{project}", {}))


def awaiting(simulator: Simulator, session_id: str) -> list[int]:
    """Of which projects a reply is awaited, by their place in the inventory."""
    places = {project.project_id: place for place, project in enumerate(simulator.inventory.projects)}
    return sorted(places[one] for one in simulator.service.session_view(session_id).awaiting)


def types(simulator: Simulator, after: int) -> list[str]:
    return [row.type for row in simulator.journal.read(after, only=Filter(kinds=frozenset({"event", "request"})))]


def test_each_is_followed_by_its_request(simulator: Simulator) -> None:
    one, other = simulator.service.create_session(), simulator.service.create_session()
    after = simulator.journal.last
    replies = [given_reply(simulator, one, 0), given_reply(simulator, other, 2), given_reply(simulator, one, 1)]
    along = [Entry("request", "list", {}, one)]
    assert simulator.service.reply_together(replies, along) == [True] * 3
    assert types(simulator, after) == [
        "list",
        *("ReplyAccepted", "ACK_MAINTENANCE/0", "ReplyAccepted", "ACK_MAINTENANCE/2"),
        *("ReplyAccepted", "ACK_MAINTENANCE/1"),
    ]
    assert awaiting(simulator, one) == [2, 3]
    assert awaiting(simulator, other) == [0, 1, 3]


def test_what_would_lead_the_session_on_is_left(simulator: Simulator) -> None:
    session_id = simulator.service.create_session()
    replies = [given_reply(simulator, session_id, project) for project in range(4)]
    assert simulator.service.reply_together(replies, []) == [True, True, True, False]
    assert awaiting(simulator, session_id) == [3]
    refusal = given_reply(simulator, session_id, 3, "NACK_MAINTENANCE")
    assert simulator.service.reply_together([refusal], []) == [False]
    assert awaiting(simulator, session_id) == [3]


def test_a_project_is_heard_once_in_a_round_and_a_repetition_as_often_as_it_comes(simulator: Simulator) -> None:
    session_id = simulator.service.create_session()
    reply = given_reply(simulator, session_id, 0)
    assert simulator.service.reply_together([reply, reply], []) == [True, False]
    after = simulator.journal.last
    assert simulator.service.reply_together([reply, reply], []) == [True, True]
    assert types(simulator, after) == ["ACK_MAINTENANCE/0"] * 2


def test_what_would_be_refused_is_left(simulator: Simulator) -> None:
    session_id = simulator.service.create_session()
    strange = [
        given_reply(simulator, "nobody", 0),
        given_reply(simulator, session_id, 0, "ACK_SCALE_IN"),
        GivenReply(session_id, "nobody", "ACK_MAINTENANCE", None, Entry("request", "x", {})),
    ]
    after = simulator.journal.last
    assert simulator.service.reply_together(strange, []) == [False] * 3
    assert simulator.journal.last == after


def test_a_session_that_another_is_at_is_left(simulator: Simulator) -> None:
    busy, free = simulator.service.create_session(), simulator.service.create_session()
    replies = [given_reply(simulator, busy, 0), given_reply(simulator, free, 0)]
    with simulator.service._sessions[busy].lock, ThreadPoolExecutor(1) as another:
        assert another.submit(simulator.service.reply_together, replies, []).result(30) == [False, True]
    assert simulator.service.reply_together(replies, []) == [True, True]


def test_where_the_journal_cannot_be_written_nothing_has_changed(
    simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    session_id = simulator.service.create_session()
    replies = [given_reply(simulator, session_id, project) for project in (0, 1)]

    def full(*_: Any) -> int:
        raise JournalError("no room")

    with monkeypatch.context() as patched:
        patched.setattr(simulator.journal, "append", full)
        with pytest.raises(JournalError):
            simulator.service.reply_together(replies, [])
    assert awaiting(simulator, session_id) == [0, 1, 2, 3]
    assert simulator.service.reply_together(replies, []) == [True, True]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_together_is_as_one_after_the_other(serve: Callable[..., Simulator], data: st.DataObject) -> None:
    one, other = (serve(alarm_urls=ALARM_URLS, sizes={"projects": 3, "instances": 6}) for _ in range(2))
    lanes = [fast_lane.of(simulator.app) for simulator in (one, other)]
    assert lanes[0] is not None
    assert lanes[1] is not None
    sessions = [[simulator.service.create_session() for _ in range(2)] for simulator in (one, other)]
    assert sessions[0] == sessions[1]
    for _ in range(data.draw(st.integers(1, 4))):
        asked = data.draw(st.lists(_requests(one, sessions[0]), min_size=1, max_size=8))
        after = one.journal.last, other.journal.last
        bodies = lanes[0].answers(asked)
        answered = [number for number, body in enumerate(bodies) if body is not None]
        # Those that only ask are in the journal before those that reply.
        answered.sort(key=lambda number: asked[number].method)
        assert [bodies[number] for number in answered] == [lanes[1].answer(asked[number]) for number in answered]
        assert _told(one, after[0]) == _told(other, after[1])
        left = [number for number, body in enumerate(bodies) if body is None]
        assert [lanes[0].answer(asked[number]) for number in left] == [
            lanes[1].answer(asked[number]) for number in left
        ]
        for session_id in sessions[0]:
            assert one.service.session_state(session_id) == other.service.session_state(session_id)
            assert awaiting(one, session_id) == awaiting(other, session_id)
    for simulator in (one, other):
        simulator.stop()


def _requests(simulator: Simulator, sessions: list[str]) -> st.SearchStrategy[PlainRequest]:
    projects = [project.project_id for project in simulator.inventory.projects]
    places = st.builds("/v1/maintenance/{}/{}".format, st.sampled_from(sessions), st.sampled_from([*projects, "x"]))
    states = st.sampled_from(["ACK_MAINTENANCE"] * 4 + ["ACK_SCALE_IN", "NACK_SCALE_IN", "ACK_PREPARE_MAINTENANCE"])
    documents = st.builds(
        lambda state, more: {"state": state, **more}, states, st.sampled_from([{}, {"instance_actions": {}}])
    )
    bodies = documents.map(lambda document: json.dumps(document).encode())
    replies = st.builds(lambda path, body: PlainRequest("PUT", path, "application/json", body, b""), places, bodies)
    lists = st.builds(lambda path: PlainRequest("GET", path, "", b"", b""), places)
    return st.one_of(replies, replies, lists)


def _told(simulator: Simulator, after: int) -> list[tuple[Any, ...]]:
    rows = simulator.journal.read(after, only=Filter(kinds=frozenset({"event", "request"})))
    return [
        (row.type, row.session_id, row.project_id, row.data.get("request_body"), row.data.get("response_body"))
        for row in rows
    ]
