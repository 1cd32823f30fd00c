"""A journal that cannot be written for a while: nothing is half done meanwhile, and sessions go on when it can be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fenix_contract.vocabulary import ACTION_STATES
from fenix_simulator.bootstrap import Simulator
from fenix_simulator.ports import Entry, Filter, JournalError
from fenix_simulator.steps import AGAIN

ALARM_URLS = ((None, "http://127.0.0.1:1/"),)


@contextmanager
def refusing(simulator: Simulator, refuses: Callable[[], bool]) -> Iterator[None]:
    """The journal refuses the events of sessions whenever ``refuses`` says so."""
    journal = simulator.journal
    append = journal.append

    def checked(entries: Any, at: Any) -> int:
        if any(entry.kind == "event" for entry in entries) and refuses():
            raise JournalError("no room")
        return append(entries, at)

    journal.append = checked  # type: ignore[method-assign]
    try:
        yield
    finally:
        journal.append = append  # type: ignore[method-assign]


def reply(simulator: Simulator, session_id: str, project_id: str) -> None:
    state = simulator.service.session_state(session_id)
    actions = None
    if state in ACTION_STATES:
        actions = dict.fromkeys(simulator.service.instance_ids(session_id, project_id), "MIGRATE")
    answered = Entry("request", "Answered", {}, session_id, project_id)
    simulator.service.reply(session_id, project_id, f"ACK_{state}", actions, answered=answered)


def awaiting(simulator: Simulator, session_id: str) -> list[str]:
    return list(simulator.service.session_view(session_id).awaiting)


def test_a_reply_that_cannot_be_written_is_refused_and_can_be_given_again(serve: Callable[..., Simulator]) -> None:
    simulator = serve(alarm_urls=ALARM_URLS)
    session_id = simulator.service.create_session()
    before, last = awaiting(simulator, session_id), simulator.journal.last
    with refusing(simulator, lambda: True), pytest.raises(JournalError):
        reply(simulator, session_id, before[0])
    assert awaiting(simulator, session_id) == before
    assert not [row for row in simulator.journal.read(last) if row.kind in {"event", "request"}]
    reply(simulator, session_id, before[0])
    assert awaiting(simulator, session_id) == before[1:]


def test_a_session_is_made_although_it_cannot_begin_yet(
    serve: Callable[..., Simulator], caplog: pytest.LogCaptureFixture
) -> None:
    simulator = serve(alarm_urls=ALARM_URLS)
    written = iter([False, True, True])  # the session itself, its first step, and that again
    with refusing(simulator, lambda: next(written, False)):
        session_id = simulator.service.create_session()
        assert not awaiting(simulator, session_id)
        simulator.service.advance(AGAIN, None, False)
        assert not awaiting(simulator, session_id)
        simulator.service.advance(AGAIN, None, False)
    assert awaiting(simulator, session_id)
    assert [record.getMessage() for record in caplog.records if "session" in record.getMessage()] == [
        f"session {session_id} cannot go on, and tries again every 1 s: no room",
        f"session {session_id} goes on",
    ]


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(refusals=st.lists(st.booleans(), min_size=20, max_size=80))
def test_whenever_it_refuses_the_session_ends_as_it_would(
    serve: Callable[..., Simulator], monkeypatch: pytest.MonkeyPatch, refusals: list[bool]
) -> None:
    """Replies are given until they are taken; nothing that the session does of itself is lost, or done twice."""
    simulator = serve(alarm_urls=ALARM_URLS, sizes={"hosts": 3, "projects": 2, "instances": 4})
    plain = serve(alarm_urls=ALARM_URLS, sizes={"hosts": 3, "projects": 2, "instances": 4})
    left = iter(refusals)
    with refusing(simulator, lambda: next(left, False)):
        session_id = _created(simulator)
        _run(simulator, session_id)
    again = plain.service.create_session()
    _run(plain, again)
    assert _story(simulator, session_id) == _story(plain, again)


def _created(simulator: Simulator) -> str:
    while True:
        try:
            return simulator.service.create_session()
        except JournalError:
            assert not simulator.service.list_sessions()


def _run(simulator: Simulator, session_id: str) -> None:
    for _ in range(500):
        if simulator.service.session_state(session_id) == "MAINTENANCE_DONE":
            return
        for project_id in awaiting(simulator, session_id):
            while project_id in awaiting(simulator, session_id):
                try:
                    reply(simulator, session_id, project_id)
                except JournalError:
                    continue
        simulator.service.advance(None, None, True)
    raise AssertionError(f"it stopped in {simulator.service.session_state(session_id)}")


def _story(simulator: Simulator, session_id: str) -> list[str]:
    rows = simulator.journal.read(limit=100_000, only=Filter(kinds=frozenset({"event"}), session_id=session_id))
    return [f"{row.type} {row.data.get('state', '')} {row.project_id}" for row in rows]
