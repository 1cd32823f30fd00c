"""Every mutant shows its fault to somebody who looks at the right place from outside.

A probe drives a server and returns what it saw. Each mutant has a probe that sees another thing on it than on the
reference with the same manners. This says nothing of the suite: it says that there is something to find.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
import urllib3

from fenix_conformance.selftest.mutants import MUTANTS
from fenix_conformance.selftest.reference_http import running
from fenix_conformance.selftest.subject import Subject

Probe = Callable[[Any, Any], Any]

WINDOW = 0.6
SHORT = 0.25  # long enough for what follows at once, and less than half of the window
STATES = ("MAINTENANCE", "PLANNED_MAINTENANCE", "MAINTENANCE_COMPLETE", "PREPARE_MAINTENANCE")


@dataclass(frozen=True)
class Standing:
    """A session that stands in a state nobody has replied to, and the alarms of the state."""

    session: Any
    question: Any
    alarms: list[Any]

    @property
    def session_id(self) -> str:
        return str(self.session.session_id)

    def leaves(self, bound: float = SHORT) -> str | None:
        """The state after the question that was stood in; None when it is still the one when the bound is over."""
        session = self.session
        with session.changed:
            session.changed.wait_for(self.has_left, bound)
            if not self.has_left():
                return None
            return str(session.state) if session.state in ("MAINTENANCE_FAILED", "MAINTENANCE_DONE") else "on"

    def has_left(self) -> bool:
        return self.session.question is not self.question or self.session.state != self.question.state


def plain(server: Any, session_id: str, value: Any) -> Any:
    """Without what is another in each run."""
    text = json.dumps(value).replace(server.url, "URL").replace(session_id, "SESSION")
    return json.loads(text)


def until(manager: Any, server: Any, state: str, **body: Any) -> Standing:
    """Start a session and acknowledge it up to a state."""
    manager.policy = lambda seen: None if seen.state == state else f"ACK_{seen.state}"
    manager.subscribe(server)
    session = server.cloud.sessions[manager.start(server, **body)]
    with session.changed:
        session.changed.wait_for(lambda: session.question.is_open and session.state == state, WINDOW)
        question = session.question
    alarms = manager.wait_seen(lambda seen: seen.state == state, count=len(question.told), bound=WINDOW)
    return Standing(session, question, sorted(alarms, key=lambda seen: str(seen.project)))


# ---- probes


def play(manager: Any, server: Any) -> Any:
    """A whole maintenance: what each project was told, in order, and how the session ended."""
    again: list[Any] = []

    def policy(seen: Any) -> str:
        url = str(seen.traits.get("instance_ids"))
        if not url.startswith("http"):
            return f"ACK_{seen.state}"
        answer = manager.http.request("GET", url)
        again.append((seen.project, seen.state, answer.data.decode()))
        return f"ACK_{seen.state}"

    manager.policy = policy
    manager.subscribe(server)
    session = manager.start(server, metadata={"note": "n" * 300})
    manager.wait_final(server, session, bound=2 * WINDOW)
    state = str(server.cloud.sessions[session].state)
    trace = {
        project: [
            (
                {name: value for name, value in seen.traits.items() if not name.endswith("_at")},
                str(seen.traits.get("reply_at", "9")) > datetime.now(UTC).isoformat()[:10],
                isinstance(seen.traits.get("reply_at"), str)
                and datetime.fromisoformat(seen.traits["reply_at"]).replace(tzinfo=UTC) > datetime.now(UTC),
                seen.content_type,
                seen.listed,
                seen.list_type,
                sorted(seen.alarm) if isinstance(seen.alarm, dict) else seen.alarm,
            )
            for seen in manager.of(project)
        ]
        for project in server.projects
    }
    return plain(server, session, [state, trace, sorted(again)])


def answers(manager: Any, server: Any) -> Any:
    """What unknown ids, other methods, other forms of the path and malformed bodies are answered."""
    standing = until(manager, server, "PLANNED_MAINTENANCE", hosts=["host-2"])
    base, project = f"{server.url}/v1/maintenance", server.projects[0]
    session = standing.session_id
    url = f"{base}/{session}/{project}"
    wanted = [("GET", f"{base}/nowhere/{project}"), ("GET", f"{base}/{session}/nobody"), ("GET", f"{url}/")]
    wanted += [("GET", f"{base}/{session}/{other}") for other in server.projects]
    wanted += [(method, url) for method in ("POST", "DELETE", "PATCH")]
    seen = []
    for method, target in wanted:
        answer = manager.http.request(method, target, redirect=False)
        body = answer.data.decode() if answer.status == 200 else ""
        seen.append((answer.status, answer.headers.get("allow"), answer.headers.get("location"), body))
    good = {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {}}
    unknown = [manager.put(f"{base}/{path}", good).status for path in (f"nowhere/{project}", f"{session}/nobody")]
    bodies = (b"{", b"[]", b"", {"state": 5}, {**good, "instance_actions": []})
    malformed = [manager.put(url, body).status for body in bodies]
    return plain(server, session, [len(standing.alarms), seen, unknown, malformed])


def first_get(manager: Any, server: Any) -> Any:
    """Whether the first GET is answered in a second."""
    session = manager.start(server)
    try:
        url = f"{server.url}/v1/maintenance/{session}/{server.projects[0]}"
        return manager.http.request("GET", url, timeout=1.0).status
    except urllib3.exceptions.TimeoutError:
        return "late"


def list_after_anothers_reply(manager: Any, server: Any) -> Any:
    """The first project's list when another has replied."""
    standing = until(manager, server, "PLANNED_MAINTENANCE")
    manager.reply(standing.alarms[1], "ACK_PLANNED_MAINTENANCE")
    return manager.http.request("GET", standing.alarms[0].traits["reply_url"]).json()


def reply_statuses(manager: Any, server: Any) -> Any:
    """What an ACK in each state is answered, and a NACK."""
    answers = []

    def policy(seen: Any) -> str:
        word = "NACK" if seen.traits["session_id"] == refused else "ACK"
        answers.append((word, seen.state, manager.reply(seen, f"{word}_{seen.state}").status))
        return f"{word}_{seen.state}"

    refused, manager.policy = "", policy
    manager.subscribe(server)
    manager.wait_final(server, manager.start(server), bound=2 * WINDOW)
    manager.policy = lambda seen: None
    refused = manager.start(server)
    [seen] = manager.wait_seen(lambda seen: seen.traits["session_id"] == refused and seen.project == server.projects[0])
    policy(seen)
    return [sorted(set(answers)), manager.wait_final(server, refused, bound=SHORT)]


def wrong(word: Any, state: str = "PLANNED_MAINTENANCE") -> Probe:
    """All projects send a reply whose ``state`` is not right (None: has none); whether the session goes on by that."""

    def probe(manager: Any, server: Any) -> Any:
        standing = until(manager, server, state)
        for seen in standing.alarms:
            body = {"instance_actions": {}, "state": word} if word else {"instance_actions": {}}
            manager.put(seen.traits["reply_url"], body)
        return standing.leaves()

    return probe


def malformed_by_all(manager: Any, server: Any) -> Any:
    """Whether the session goes on when all send what is not JSON."""
    standing = until(manager, server, "MAINTENANCE")
    statuses = [manager.put(seen.traits["reply_url"], b"{").status for seen in standing.alarms]
    return [statuses, standing.leaves()]


def foreign(manager: Any, server: Any) -> Any:
    """The first project names an instance of the second: what that one is told, is listed, and is told at the end."""
    standing = until(manager, server, "PLANNED_MAINTENANCE")
    actions = {i: "MIGRATE" for seen in standing.alarms[:2] for i in seen.listed["instance_ids"]}
    victim = standing.alarms[1]
    body = {"instance_actions": actions, "state": "ACK_PLANNED_MAINTENANCE"}
    status = manager.put(standing.alarms[0].traits["reply_url"], body).status
    told = manager.wait_seen(lambda seen: seen.state == "INSTANCE_ACTION_DONE", bound=SHORT)
    listed = manager.http.request("GET", victim.traits["reply_url"]).json()
    return plain(server, standing.session_id, [status, [seen.project for seen in told], listed])


def actions(word: str) -> Probe:
    """What a reply with that action for every instance is answered, and what follows."""

    def probe(manager: Any, server: Any) -> Any:
        standing = until(manager, server, "PLANNED_MAINTENANCE")
        manager.action = word
        statuses = [manager.reply(seen, "ACK_PLANNED_MAINTENANCE").status for seen in standing.alarms]
        return [statuses, standing.leaves()]

    return probe


def repeat(manager: Any, server: Any) -> Any:
    """The same reply twice: the answers, whether the session goes on by it, and what is reported in the end."""
    standing = until(manager, server, "PLANNED_MAINTENANCE", hosts=["host-1"])
    statuses = [manager.reply(standing.alarms[0], "ACK_PLANNED_MAINTENANCE").status for _ in range(3)]
    early = standing.leaves(SHORT / 2)
    for seen in standing.alarms[1:]:
        manager.reply(seen, "ACK_PLANNED_MAINTENANCE")
    manager.wait_seen(lambda seen: seen.state == "MAINTENANCE_COMPLETE", count=3, bound=SHORT)
    done = [seen.done_id for seen in manager.of(standing.alarms[0].project) if seen.state == "INSTANCE_ACTION_DONE"]
    return [statuses, early, sorted(done)]


def extra_members(manager: Any, server: Any) -> Any:
    """What a reply with members that are not known is answered."""
    standing = until(manager, server, "MAINTENANCE")
    return manager.reply(standing.alarms[0], "ACK_MAINTENANCE", session_id="x", instance_ids=[]).status


def concurrent(manager: Any, server: Any) -> Any:
    """All replies at once: the answers, and whether the session goes on."""
    standing = until(manager, server, "MAINTENANCE")
    barrier = threading.Barrier(len(standing.alarms))

    def send(seen: Any) -> int:
        barrier.wait(5.0)
        return int(manager.reply(seen, "ACK_MAINTENANCE").status)

    with ThreadPoolExecutor(len(standing.alarms)) as pool:
        statuses = sorted(pool.map(send, standing.alarms))
    return [statuses, standing.leaves()]


def acknowledged_by(count: int, state: str) -> Probe:
    """Only so many projects acknowledge: whether the session goes on before the window ends."""

    def probe(manager: Any, server: Any) -> Any:
        standing = until(manager, server, state)
        for seen in standing.alarms[:count]:
            manager.reply(seen, f"ACK_{state}")
        return standing.leaves(WINDOW * 0.75)

    return probe


def nack(state: str) -> Probe:
    """One project says NACK and the others ACK: where the session goes."""

    def probe(manager: Any, server: Any) -> Any:
        standing = until(manager, server, state)
        for number, seen in enumerate(standing.alarms):
            manager.reply(seen, f"{'ACK' if number else 'NACK'}_{state}")
        return standing.leaves(WINDOW)

    return probe


def refused_by_the_last(manager: Any, server: Any) -> Any:
    """The last project says NACK when the others have said ACK: where the session goes."""
    standing = until(manager, server, "MAINTENANCE")
    *others, last = standing.alarms
    for seen in others:
        manager.reply(seen, "ACK_MAINTENANCE")
    manager.reply(last, "NACK_MAINTENANCE")
    return standing.leaves(WINDOW)


def in_short(manager: Any, server: Any) -> Any:
    """What a reply with a state and nothing else is answered."""
    standing = until(manager, server, "MAINTENANCE")
    return manager.put(standing.alarms[0].traits["reply_url"], {"state": "ACK_MAINTENANCE"}).status


def message_ids(manager: Any, server: Any) -> Any:
    """Whether each of a project's alarms has an id of its own."""
    manager.subscribe(server)
    manager.wait_final(server, manager.start(server), bound=2 * WINDOW)
    ids = [seen.alarm["reason_data"]["event"]["message_id"] for seen in manager.of(server.projects[0])]
    return len(ids) == len(set(ids))


def silence_for_most_of_the_window(manager: Any, server: Any) -> Any:
    """Nobody replies: whether the session leaves the state before the window is over."""
    return until(manager, server, "PLANNED_MAINTENANCE").leaves(WINDOW * 0.75)


def silence(state: str) -> Probe:
    """Nobody replies: whether the session leaves the state soon after the window."""

    def probe(manager: Any, server: Any) -> Any:
        standing = until(manager, server, state)
        return standing.leaves(WINDOW * 1.5)

    return probe


def unmanaged(manager: Any, server: Any) -> Any:
    """A project without a manager: how the session ends."""
    manager.subscribe(server, server.projects[:2])
    return manager.wait_final(server, manager.start(server), bound=WINDOW)


def done_unasked(manager: Any, server: Any) -> Any:
    """What is reported before any reply."""
    until(manager, server, "PLANNED_MAINTENANCE")
    return len(manager.wait_seen(lambda seen: seen.state == "INSTANCE_ACTION_DONE", bound=SHORT))


def two_sessions(manager: Any, server: Any) -> Any:
    """Replies to one session: where the others are then."""
    manager.policy = lambda seen: None
    manager.subscribe(server)

    def start() -> Standing:
        session = server.cloud.sessions[manager.start(server)]
        alarms = manager.wait_seen(lambda seen: seen.traits["session_id"] == session.session_id, count=3, bound=WINDOW)
        return Standing(session, session.question, sorted(alarms, key=lambda seen: str(seen.project)))

    first, second = start(), start()
    manager.reply(first.alarms[0], "ACK_MAINTENANCE")
    for seen in second.alarms[1:]:
        manager.reply(seen, "ACK_MAINTENANCE")
    third = start()
    for seen in third.alarms[1:]:
        manager.reply(seen, "ACK_MAINTENANCE")
    later = [standing.leaves(SHORT / 2) for standing in (first, second, third)]
    manager.reply(first.alarms[1], "NACK_MAINTENANCE")
    return [later, third.leaves(SHORT / 2), str(third.session.state)]


# ---- which probe shows which mutant

BY_NAME: dict[str, Probe] = {
    "empty-list-is-null": answers,
    "only-the-first-may-refuse": refused_by_the_last,
    "actions-always-needed": in_short,
    "one-message-id-for-all": message_ids,
    "window-is-shorter-than-told": silence_for_most_of_the_window,
    "list-follows-others-replies": list_after_anothers_reply,
    "get-acknowledges": acknowledged_by(0, "MAINTENANCE"),
    "stale-ack-counts": wrong("ACK_MAINTENANCE"),
    "future-ack-counts": wrong("ACK_PLANNED_MAINTENANCE", "MAINTENANCE"),
    "lower-case-ack-counts": wrong("ack_planned_maintenance"),
    "bare-state-counts": wrong("PLANNED_MAINTENANCE"),
    "unknown-prefix-counts": wrong("OK_PLANNED_MAINTENANCE"),
    "missing-state-counts": wrong(None),
    "any-text-counts": wrong("whatever"),
    "malformed-counts": malformed_by_all,
    "unknown-action-migrates": actions("REBOOT"),
    "lower-case-action-migrates": actions("migrate"),
    "unoffered-action-migrates": actions("LIVE_MIGRATE"),
    "done-before-reply": done_unasked,
    "maintenance-does-not-wait": acknowledged_by(0, "MAINTENANCE"),
    "planned-does-not-wait": acknowledged_by(0, "PLANNED_MAINTENANCE"),
    "complete-does-not-wait": acknowledged_by(0, "MAINTENANCE_COMPLETE"),
    "nobody-waits": acknowledged_by(0, "PLANNED_MAINTENANCE"),
    "first-ack-suffices-in-planned": acknowledged_by(1, "PLANNED_MAINTENANCE"),
    "all-but-one-suffice": acknowledged_by(2, "MAINTENANCE"),
    "nack-counts-as-ack-in-planned": nack("PLANNED_MAINTENANCE"),
    "nack-counts-as-ack-in-prepare": nack("PREPARE_MAINTENANCE"),
    "silence-hangs-in-planned": silence("PLANNED_MAINTENANCE"),
    "silence-hangs-in-complete": silence("MAINTENANCE_COMPLETE"),
}
BY_REQUIREMENT: dict[str, Probe] = {
    "list-both-paths": answers,
    "list-unknown": answers,
    "list-prompt": first_get,
    "methods": answers,
    "reply-200": reply_statuses,
    "reply-malformed": answers,
    "reply-unknown": answers,
    "reply-foreign-instance": foreign,
    "reply-repeat": repeat,
    "reply-extra-members": extra_members,
    "reply-concurrent": concurrent,
    "reply-all": acknowledged_by(1, "MAINTENANCE"),
    "reply-nack": nack("MAINTENANCE"),
    "reply-silence": silence("MAINTENANCE"),
    "default-behaviour": unmanaged,
    "sessions-independent": two_sessions,
}


@pytest.fixture(scope="module")
def on_reference() -> dict[Any, Any]:
    """What a probe saw on the reference, by probe and manners; filled as the mutants need it."""
    return {}


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_shows_its_fault(name: str, make_manager: Callable[[], Any], on_reference: dict[Any, Any]) -> None:
    """The mutant's probe sees another thing on it than on the reference with the same manners."""
    mutant = MUTANTS[name]
    probe = BY_NAME.get(name) or BY_REQUIREMENT.get(mutant.breaks[0], play)
    key = (probe, mutant.manners)
    if key not in on_reference:
        with running(subject=Subject("reference", manners=mutant.manners), window=WINDOW) as server:
            on_reference[key] = probe(make_manager(), server)
    with running(mutant=name, window=WINDOW) as server:
        assert probe(make_manager(), server) != on_reference[key]
