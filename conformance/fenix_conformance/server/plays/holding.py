"""Sessions that are held in a state by one project, which tries what must not count as its reply.

The same course each time: all other projects acknowledge, the one tries things, everybody keeps still for a while. A
session that goes on now took one of the things for an acknowledgement. If it stays, the genuine acknowledgement must
still make it go on.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from fenix_conformance.server.exchange import Exchange, other_form
from fenix_conformance.server.lab import Lab
from fenix_conformance.server.play import Play, Turn, project_url
from fenix_conformance.server.trace import Intent, Trace
from fenix_contract.vocabulary import REPLY_STATES, ReplyPrefix, State

Probe = Callable[[Turn], None]
#: Something to send, by its kind; None from a probe that is not tried because the window is nearly over.
Probes = Mapping[str, Callable[[Turn], Exchange]]


def quiet_time(lab: Lab) -> float:
    """How long a session must keep still to be believed: twice the time this server takes to go on, and a bit."""
    return max(1.2, 2 * lab.pace + 0.5)


def hold(
    lab: Lab,
    name: str,
    probe: Probe,
    before: Probe | None = None,
    metadata: Mapping[str, str] | None = None,
    *,
    in_short: bool = False,
) -> Trace:
    """Hold a session in MAINTENANCE by the first project and let it probe there.

    ``before`` is done by every project before any has replied; ``in_short``: replies have a state and nothing else.
    """
    acknowledge = Turn.ack_in_short if in_short else Turn.ack

    def script(turn: Turn) -> None:
        if turn.state != State.MAINTENANCE:
            return
        if before is not None:
            before(turn)
        if turn.project != lab.projects[0]:
            acknowledge(turn)
            return
        turn.wait_for_others()
        probe(turn)
        stayed = turn.hold(quiet_time(lab))
        turn.trace.mark("stayed", stayed)
        if stayed:
            if before is not None:
                before(turn)
            acknowledge(turn)
            turn.wait_for_progress(lab.patience)
        turn.stop()

    return Play(lab, name, script, metadata=metadata).run()


def hold_and_send(lab: Lab, name: str, number: int, probes: Probes, kinds: Iterable[str]) -> Trace:
    """Hold a session and send the probes of these kinds, as many as its window has time for.

    The mark ``probes`` has what was sent, ``left`` the kinds for which there was no time.
    """
    kinds = tuple(kinds)

    def probe(turn: Turn) -> None:
        turn.list()
        sent: list[tuple[str, Exchange]] = []
        for kind in kinds:
            if sent and time.monotonic() + lab.slowest > turn.latest - 0.6:
                break
            sent.append((kind, probes[kind](turn)))
        turn.trace.mark("probes", sent)
        turn.trace.mark("left", kinds[len(sent) :])
        if time.monotonic() + lab.slowest < turn.latest - 0.3:
            turn.list()

    return hold(lab, f"{name}-{number}", probe)


#: Longer than a trait may be.
_LONG_TEXT: Final = "the metadata of this session do not fit into a trait; " * 7


# -- reading


def reads(lab: Lab) -> Trace:
    """The list again and again, in both forms of the path, before and after the others' replies, which are as short
    as replies may be.
    """

    def probe(turn: Turn) -> None:
        turn.trace.mark("forms", [one for _, one in get_forms(lab, turn.own_url, turn.list_url)])
        for _ in range(3):
            turn.list()

    def before(turn: Turn) -> None:
        turn.list()

    return hold(lab, "reads", probe, before, in_short=True)


def get_forms(lab: Lab, *urls: str) -> list[tuple[str, Exchange]]:
    """GET each URL with the slash at its end and without."""
    forms = dict.fromkeys(form for url in urls for form in (url, other_form(url)))
    return [("list", lab.client.send("GET", form, note="both forms of the path")) for form in forms]


def unknown_places(root: str, session_id: str, project: str) -> list[tuple[str, str]]:
    """Places that do not exist: what is unknown, and the URL."""
    stranger = uuid.uuid4()
    return [
        ("unknown session", project_url(root, str(stranger), project)),
        ("unknown project", project_url(root, session_id, stranger.hex)),
        ("unknown session and project", project_url(root, str(stranger), stranger.hex)),
        ("unknown session that is no UUID", project_url(root, "no-such-session", project)),
        ("unknown project that is no UUID", project_url(root, session_id, "no-such-project")),
    ]


def get_unknown(lab: Lab, session_id: str, project: str) -> list[tuple[str, Exchange]]:
    """GET every place that does not exist."""
    return [
        (kind, lab.client.send("GET", url, note=kind))
        for kind, url in unknown_places(lab.options.root, session_id, project)
    ]


def put_unknown(lab: Lab, session_id: str, project: str) -> list[tuple[str, Exchange]]:
    """A reply that would be right elsewhere, to every place that does not exist."""
    body = {"instance_actions": {}, "state": ReplyPrefix.ACK + State.MAINTENANCE}
    return [
        (kind, lab.client.send_json("PUT", url, body, note=kind))
        for kind, url in unknown_places(lab.options.root, session_id, project)
    ]


def strangers(lab: Lab) -> Trace:
    """GET and PUT of sessions and projects that do not exist.

    The session has metadata that do not fit into a trait: Aodh crops them, and so must everybody who sends alarms.
    """

    def probe(turn: Turn) -> None:
        turn.trace.mark("get unknown", get_unknown(lab, turn.trace.session_id, turn.project))
        turn.trace.mark("put unknown", put_unknown(lab, turn.trace.session_id, turn.project))

    return hold(lab, "strangers", probe, metadata={"note": _LONG_TEXT})


# -- other methods


#: The methods that the path does not have, and two that it may have.
METHODS: Final = ("POST", "PATCH", "DELETE", "OPTIONS", "HEAD")


def try_method(lab: Lab, method: str, url: str) -> Exchange:
    """Send a method, with the body of a reply where it may carry one."""
    body = json.dumps({"instance_actions": {}, "state": ReplyPrefix.ACK + State.MAINTENANCE}).encode()
    return lab.client.send(method, url, body=body if method in ("POST", "PATCH") else None, note="other method")


def methods(lab: Lab, kinds: Iterable[str] = METHODS, number: int = 1) -> Trace:
    """POST, PATCH, DELETE, OPTIONS and HEAD on the project's URL."""

    def probe(method: str) -> Callable[[Turn], Exchange]:
        return lambda turn: try_method(lab, method, turn.reply_url)

    probes = {method: probe(method) for method in METHODS}
    return hold_and_send(lab, "methods", number, probes, kinds)


# -- bodies that are no reply


def malformed_bodies(state: str) -> Mapping[str, bytes]:
    """What is wrong, and the body; each is as near to an acknowledgement of the state as its fault allows."""
    word = ReplyPrefix.ACK + state
    as_json: dict[str, Any] = {
        "an array": [word],
        "a text": word,
        "null": None,
        "a number": 1,
        "state is an array": {"instance_actions": {}, "state": [word]},
        "state is a number": {"instance_actions": {}, "state": 1},
        "state is null": {"instance_actions": {}, "state": None},
        "instance_actions is an array": {"instance_actions": ["MIGRATE"], "state": word},
        "instance_actions is a text": {"instance_actions": "MIGRATE", "state": word},
        "an action is a number": {"instance_actions": {"no-such-instance": 1}, "state": word},
    }
    return {
        "not JSON": f"state={word}".encode(),
        "breaks off": f'{{"state": "{word}"'.encode(),
        "empty": b"",
        "not UTF-8": b'{"instance_actions": {}, "state": "' + word.encode() + b'\xff"}',
        **{kind: json.dumps(body).encode() for kind, body in as_json.items()},
    }


#: What is wrong with a body, in the order in which they are tried.
MALFORMED_KINDS: Final = tuple(malformed_bodies(State.MAINTENANCE))


def put_malformed(lab: Lab, kind: str, url: str, state: str) -> Exchange:
    """PUT a malformed body."""
    return lab.client.send("PUT", url, body=malformed_bodies(state)[kind], note=f"malformed: {kind}")


def malformed(lab: Lab, kinds: Iterable[str] = MALFORMED_KINDS, number: int = 1) -> Trace:
    """Bodies that are no JSON, no object, or have wrong types."""

    def probe(kind: str) -> Callable[[Turn], Exchange]:
        return lambda turn: put_malformed(lab, kind, turn.reply_url, turn.state)

    probes = {kind: probe(kind) for kind in MALFORMED_KINDS}
    return hold_and_send(lab, "malformed", number, probes, kinds)


# -- replies to something else

#: What is wrong with a reply's word, in the order in which they are tried.
WRONG_KINDS: Final = (
    "another state", "a later state", "lower case", "the bare state", "an unknown prefix", "no state", "an empty state",
)  # fmt: skip


def wrong_word(kind: str, state: str) -> str:
    """The word of a reply that does not acknowledge ``state``."""
    index = REPLY_STATES.index(State(state))
    words = {
        "another state": ReplyPrefix.ACK + REPLY_STATES[index - 1],
        "a later state": ReplyPrefix.ACK + REPLY_STATES[(index + 1) % len(REPLY_STATES)],
        "lower case": f"ack_{state.lower()}",
        "the bare state": state,
        "an unknown prefix": f"OK_{state}",
        "no state": "",
        "an empty state": "",
    }
    return words[kind]


def send_wrong(turn: Turn, kinds: Iterable[str]) -> tuple[str, ...]:
    """Send replies that acknowledge something else until one is answered 2xx; the kinds that were not sent."""
    kinds = list(kinds)
    for index, kind in enumerate(kinds):
        word = wrong_word(kind, turn.state)
        leave_out = ("state",) if kind == "no state" else ()
        sent = turn.reply(word, turn.actions(), intent=Intent.WRONG, kind=kind, leave_out=leave_out)
        # One that was taken may be replaced by the next: it has to be looked at by itself.
        if sent.exchange.is_accepted or turn.has_moved or turn.is_over:
            return tuple(kinds[index + 1 :])
    return ()


def wrong(lab: Lab, state: str, kinds: Iterable[str] = WRONG_KINDS, number: int = 1) -> Trace:
    """Hold a session in ``state`` by replies that acknowledge something else; ``left`` are the kinds not yet sent.

    Where the state chooses actions, the project's replies choose them as they should be.
    """
    kinds = tuple(kinds)
    name = f"wrong-{state.lower()}-{number}"

    def script(turn: Turn) -> None:
        if turn.project != lab.projects[0] or turn.state != state:
            turn.behave()
            return
        turn.list()
        turn.wait_for_others(0.8)
        turn.trace.mark("held", turn.ask)
        turn.trace.mark("left", send_wrong(turn, kinds))
        turn.trace.mark("stayed", turn.hold(quiet_time(lab)))
        turn.stop()

    return Play(lab, name, script).run()
