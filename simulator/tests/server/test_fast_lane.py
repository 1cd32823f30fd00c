"""The fast lane makes no difference: whatever is sent, with it and without it the same bytes come back, and the journal
and the metrics say the same of it."""

from __future__ import annotations

import contextlib
import itertools
import json
import re
import socket
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fenix_contract.contract import validator
from fenix_simulator.adapters import plain_requests
from fenix_simulator.bootstrap import Simulator
from fenix_simulator.http import fast_lane
from fenix_simulator.ports import Filter

BOUND = 30.0
HOST = b"Host: 127.0.0.1\r\n"
JSON = b"Content-Type: application/json\r\n"
#: Ends the connection, so that all that was answered before it can be read.
LAST = b"GET /simulator/v1/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"

STATES = ("MAINTENANCE", "SCALE_IN", "PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE", "MAINTENANCE_COMPLETE")
_TIMES = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)?")
_DATE = re.compile(rb"\r\nDate: [^\r]*")


@dataclass(frozen=True, slots=True)
class Sent:
    """A request in its pieces; ``ends``: the server has all of it (else it takes what follows for a part of it)."""

    pieces: tuple[bytes, ...]
    ends: bool = True


class Pair:
    """Two simulators of one scenario, the first with its fast lane and the second without."""

    def __init__(self, serve: Callable[..., Simulator], journal: str | None) -> None:
        files = [None, None] if journal is None else [f"{journal}-{number}" for number in (1, 2)]
        self.both = [
            serve(alarm_urls=((None, "http://127.0.0.1:1/"),), journal=file, changes={"base_path": "/fenix"})
            for file in files
        ]
        self.answered: Counter[str] = Counter()
        self._watch(self.both[0].server._waitress.lane)
        self.both[1].server._waitress.lane = None
        self.projects = [project.project_id for project in self.both[0].inventory.projects]

    def _watch(self, lane: Any) -> None:
        """Count what the lane answers: by method, and what it answered ``later`` than at once."""
        answers, answer = lane.answers, lane.answer

        def at_once(asked: Any) -> Any:
            bodies = answers(asked)
            self.answered.update(one.method for one, body in zip(asked, bodies, strict=True) if body is not None)
            return bodies

        def later(asked: Any) -> Any:
            body = answer(asked)
            self.answered["later"] += body is not None
            return body

        lane.answers, lane.answer = at_once, later

    def session(self) -> str:
        """A new session on both, of the same id."""
        one, other = (simulator.service.create_session() for simulator in self.both)
        assert one == other
        return one

    def ids(self, session_id: str, project_id: str) -> tuple[str, ...]:
        one, other = (simulator.service.instance_ids(session_id, project_id) for simulator in self.both)
        assert one == other
        return one

    def compare(self, sent: Sent) -> bytes:
        """What both answer, which must be the same, and so must be what they record."""
        told = []
        for simulator in self.both:
            after = simulator.journal.last
            answer = _DATE.sub(b"", exchange(simulator, sent))
            told.append((answer, recorded(simulator, after)))
        assert told[0] == told[1]
        return told[0][0]

    def counts(self) -> list[list[bytes]]:
        """What the metrics say of requests, of both."""
        scraped = [exchange(one, Sent((b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n",))) for one in self.both]
        return [sorted(line for line in text.splitlines() if b'surface="project"' in line) for text in scraped]


def exchange(simulator: Simulator, sent: Sent) -> bytes:
    """Everything that comes back on a connection of its own."""
    with socket.create_connection(simulator.server.address, timeout=BOUND) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        parts = []
        # Either may find that the server has closed the connection; what it answered before that can still be read.
        with contextlib.suppress(ConnectionError):
            for piece in sent.pieces:
                connection.sendall(piece)
        with contextlib.suppress(ConnectionError):
            if sent.ends:
                parts.append(connection.recv(65536))
            connection.sendall(LAST)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(65536):
                parts.append(part)
        return b"".join(parts)


def recorded(simulator: Simulator, after: int) -> list[Any]:
    """Requests and events behind that number, but for times."""
    rows = simulator.journal.read(after, only=Filter(kinds=frozenset({"request", "event"})))
    return [(row.kind, row.type, row.session_id, row.project_id, _timeless({**row.data, "latency": 0})) for row in rows]


def _timeless(data: dict[str, Any]) -> str:
    return _TIMES.sub("TIME", json.dumps(data))


def asked(method: bytes, path: str, fields: bytes = b"", body: bytes = b"") -> bytes:
    return method + b" " + path.encode() + b" HTTP/1.1\r\n" + HOST + fields + b"\r\n" + body


def put(path: str, body: bytes, fields: bytes = JSON) -> bytes:
    return asked(b"PUT", path, fields + b"Content-Length: %d\r\n" % len(body), body)


@pytest.fixture(params=["memory", "file"])
def pair(request: pytest.FixtureRequest, serve: Callable[..., Simulator], tmp_path: Any) -> Pair:
    return Pair(serve, str(tmp_path / "journal.db") if request.param == "file" else None)


def test_lists_and_replies_take_the_lane_whole_or_in_two_pieces(pair: Pair) -> None:
    session_id = pair.session()
    path = f"/v1/maintenance/{session_id}/{pair.projects[0]}"
    reply = put(path, b'{"state": "ACK_MAINTENANCE", "instance_actions": {}}')
    head, body = reply.split(b"\r\n\r\n")
    pair.compare(Sent((asked(b"GET", path),)))  # makes the list ready
    for sent in (asked(b"GET", path), asked(b"GET", f"{path}/"), asked(b"GET", f"/fenix{path}")):
        assert b" 200 OK" in pair.compare(Sent((sent,)))
    assert pair.answered["GET"] >= 3
    for pieces in ((reply,), (head + b"\r\n\r\n", body), (head, b"\r\n\r\n" + body)):
        assert b" 200 OK" in pair.compare(Sent(pieces))
    assert pair.answered["PUT"] >= 1
    one, other = pair.counts()
    assert one == other


def test_a_reply_and_its_request_are_neighbours_in_the_journal(pair: Pair) -> None:
    path = f"/v1/maintenance/{pair.session()}/{pair.projects[0]}"
    after = [simulator.journal.last for simulator in pair.both]
    pair.compare(Sent((put(path, b'{"state": "ACK_MAINTENANCE"}'),)))
    for simulator, number in zip(pair.both, after, strict=True):
        rows = simulator.journal.read(number, only=Filter(kinds=frozenset({"request", "event"})))
        taken = [row.number for row in rows if row.type == "ReplyAccepted"]
        answered = [row.number for row in rows if row.type == "RequestAnswered" and row.data["method"] == "PUT"]
        assert answered == [number + 1 for number in taken]


def _bodies(ids: tuple[str, ...]) -> st.SearchStrategy[bytes]:
    known = st.sampled_from([*ids, "nobody", 'ä"\\', "\ud800"]) if ids else st.sampled_from(["nobody", "\ud800"])
    actions = st.one_of(
        st.just(dict.fromkeys(ids, "MIGRATE")),
        st.dictionaries(known, st.sampled_from(["MIGRATE", "LIVE_MIGRATE", "OWN_ACTION", "FLY", None, 1]), max_size=3),
        st.sampled_from([None, [], 7]),
    )
    states = st.builds(
        "{}_{}".format, st.sampled_from(["ACK", "ACK", "ACK", "NACK", "ack"]), st.sampled_from([*STATES, "SLEEP"])
    )
    documents = st.fixed_dictionaries(
        {}, optional={"state": st.one_of(states, st.none()), "instance_actions": actions, "more": st.integers()}
    )
    return st.one_of(
        st.builds(lambda document, indent: json.dumps(document, indent=indent).encode(), documents, st.none()),
        documents.map(
            lambda document: json.dumps(document, ensure_ascii="more" in document).encode("utf-8", "replace")
        ),
        st.sampled_from(
            [
                b"",
                b"{",
                b"[]",
                b"null",
                b" ",
                b'{"state": "ACK_MAINTENANCE", "state": "NACK_MAINTENANCE"}',
                b'{"state": "ACK_MAINTENANCE", "instance_actions": {"a": "MIGRATE", "a": "OWN_ACTION"}}',
                b'\xef\xbb\xbf{"state": "ACK_MAINTENANCE"}',
                b'{"state": "ACK_MAINTENANCE", "x": NaN}',
                b'{"state": "ACK_MAINTENANCE", "x": 1e999}',
                b'{"state": "ACK_MAINTENANCE", "x": "\xff"}',
                b'{"state": "ACK_MAINTENANCE"}\r\n\r\n',
                b'{"state": "ACK_MAINTENANCE", "x": ' + b"[" * 2_000 + b"]" * 2_000 + b"}",
            ]
        ),
        st.binary(max_size=40),
    )


FIELDS = st.lists(
    st.sampled_from(
        [
            b"Accept: */*\r\n",
            b"accept: text/html\r\n",
            b"Accept-Encoding: gzip, deflate\r\n",
            b"User-Agent: some\r\n",
            b"User-Agent: other=1@x\r\n",
            b"Connection: keep-alive\r\n",
            b"Connection: Keep-Alive\r\n",
            b"Connection: upgrade\r\n",
            b"Expect: 100-continue\r\n",
            b"Content-Encoding: gzip\r\n",
            b"Content-Type: text/plain\r\n",
            b"content-type: Application/JSON; charset=UTF-8\r\n",
            b"Content-Type: application/json;charset=latin-1\r\n",
            b"Content-Type: application/json; charset=utf-8\r\n",
            b"X-Auth-Token: secret\r\n",
            b"Authorization: Bearer secret\r\n",
            b"X-Forwarded-For: 10.0.0.1\r\n",
            b"X_Auth_Token: secret\r\n",
            b"Host: elsewhere\r\n",
            b"Cookie: session=1\r\n",
            b"If-None-Match: *\r\n",
            b"Range: bytes=0-1\r\n",
            b"X-Empty:\r\n",
            b"X-Wide:   wide  \r\n",
            b"X-Folded: one\r\n two\r\n",
            b"X-Latin: \xe4\r\n",
            b"No colon\r\n",
            b"Space : x\r\n",
            b"X-HTTP-Method-Override: DELETE\r\n",
        ]
    ),
    max_size=3,
).map(b"".join)


@st.composite
def _requests(draw: st.DrawFn, path: str, ids: tuple[str, ...]) -> Sent:
    place = draw(
        st.sampled_from(
            [
                *([path] * 5),
                *(path + "/", path + "//", "/" + path, "/fenix" + path, "/fenix/fenix" + path, path.upper()),
                *(path + "?", path + "?a=b", path + "?token=secret", path + "#x", path + "%20", path + "/x"),
                *(path.replace("-", "%2D"), path.replace("/v1/", "/v1/./"), path + ";a", "http://127.0.0.1" + path),
                *(path[:-1], path + "x", path.rsplit("/", 1)[0], "*", "x" * 600, path + "/" * 600),
            ]
        )
    )
    method = draw(st.sampled_from([b"GET", b"PUT", b"PUT", b"PUT", b"HEAD", b"POST", b"PATCH", b"OPTIONS", b"put"]))
    fields = draw(st.one_of(st.just(JSON), st.just(JSON), FIELDS, FIELDS.map(lambda some: JSON + some)))
    body = draw(_bodies(ids)) if method != b"GET" or draw(st.integers(0, 5)) == 0 else b""
    framing = draw(st.sampled_from(["length"] * 6 + ["chunked", "long", "short", "twice", "text", "none"]))
    ends = True
    match framing:
        case "chunked":
            fields += b"Transfer-Encoding: chunked\r\n"
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (body[:5], body[5:]) if part) + b"0\r\n\r\n"
        case "long":
            fields, ends = fields + b"Content-Length: %d\r\n" % (len(body) + 9), False
        case "short" if body:
            fields += b"Content-Length: %d\r\n" % (len(body) - 1)
        case "twice":
            fields += b"Content-Length: %d\r\n" % len(body) * 2
        case "text":
            fields += b"Content-Length: +%d\r\n" % len(body)
        case "none":
            body = b""
        case _ if body or method != b"GET":
            fields += b"Content-Length: %d\r\n" % len(body)
    version = draw(st.sampled_from([b"1.1"] * 8 + [b"1.0", b"2.0"]))
    host = draw(st.sampled_from([HOST] * 8 + [b"", b"Host: a b\r\n", b"host: [::1]:80\r\n", b"Host: x:99999\r\n"]))
    whole = method + b" " + place.encode() + b" HTTP/" + version + b"\r\n" + host + fields + b"\r\n" + body
    cuts = sorted(draw(st.lists(st.integers(1, len(whole) - 1), max_size=2)))
    if draw(st.booleans()):
        cuts = [len(whole) - len(body)] if body else []
    edges = [0, *cuts, len(whole)]
    pieces = tuple(whole[one:other] for one, other in itertools.pairwise(edges) if one < other)
    return Sent(pieces, ends)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
@pytest.mark.parametrize("pair", ["memory"], indirect=True)
def test_with_it_and_without_it_the_same_is_answered_and_recorded(pair: Pair, data: st.DataObject) -> None:
    session_id = pair.session()
    for _ in range(data.draw(st.integers(1, 6))):
        project_id = data.draw(st.sampled_from(pair.projects))
        path = f"/v1/maintenance/{session_id}/{project_id}"
        ids = pair.ids(session_id, project_id)
        pair.compare(data.draw(_requests(path, ids)))
    # Usual ones lead the session on, so that the next are asked in another state.
    for project_id in pair.projects:
        path = f"/v1/maintenance/{session_id}/{project_id}"
        state = pair.both[0].service.session_state(session_id)
        ids = pair.ids(session_id, project_id)
        actions = dict.fromkeys(ids, "MIGRATE") if state.startswith(("PREPARE", "PLANNED")) else {}
        usual = json.dumps({"instance_actions": actions, "state": f"ACK_{state}"}).encode()
        for sent in (asked(b"GET", path), asked(b"GET", path), put(path, usual), put(path, usual)):
            pair.compare(Sent((sent,)))
    for simulator in pair.both:
        simulator.service.delete_session(session_id)
    one, other = pair.counts()
    assert one == other
    for way in ("GET", "PUT", "later"):
        assert pair.answered[way] > 0, way


@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.sampled_from(["ACK_MAINTENANCE", "NACK_SCALE_IN", "x"])),
        lambda inner: st.dictionaries(st.sampled_from(["state", "instance_actions", "i"]), inner, max_size=3),
        max_leaves=6,
    )
)
@example({"state": "ACK_PREPARE_MAINTENANCE"})
def test_what_is_taken_fits_the_contract(document: Any) -> None:
    """There is one validator, and it is the contract's."""
    taken: list[Any] = []

    class Service:
        faults = None
        journal = clock = None

        def reply(self, *arguments: Any, answered: Any) -> bool:
            taken.append(arguments)
            return True

    class Web:
        service = Service()

        class config:  # noqa: N801 - stands for an instance
            base_path = None

        class recorder:  # noqa: N801
            shown = staticmethod(str)
            entry = staticmethod(lambda *_: None)

    lane = fast_lane.FastLane(Web(), validator("Reply"), lambda *_: None)  # type: ignore[arg-type]
    sent = json.dumps(document).encode()
    body = lane.answer(plain_requests.PlainRequest("PUT", "/v1/maintenance/s/p", "application/json", sent, b""))
    valid = type(document) is dict and validator("Reply").is_valid(document)
    assert (body is not None) == valid == bool(taken)


def test_what_is_plain_is_within_the_limits_of_the_surfaces() -> None:
    assert plain_requests.MAX_FIELDS <= fast_lane.MAX_FIELDS
    assert plain_requests.MAX_PATH_CHARS <= fast_lane.MAX_URL_CHARS
    assert plain_requests.MAX_BODY_BYTES <= fast_lane.MAX_BODY_BYTES


@pytest.mark.parametrize(
    ("options", "changes"),
    [
        ({"admin_token": "t"}, {}),
        ({"project_tokens": {"1": "t"}}, {}),
        ({}, {"behaviour": "upstream"}),
        ({}, {"dialect": "per-instance"}),
    ],
)
def test_there_is_none_where_more_is_to_be_looked_at(
    serve: Callable[..., Simulator], options: dict[str, Any], changes: dict[str, Any]
) -> None:
    if "project_tokens" in options:
        options = {"project_tokens": {serve().inventory.projects[0].project_id: "t"}}
    assert fast_lane.of(serve(changes=changes, **options).app) is None


def test_faults_are_met_by_all_that_they_are_for(pair: Pair) -> None:
    path = f"/v1/maintenance/{pair.session()}/{pair.projects[0]}"
    pair.compare(Sent((asked(b"GET", path),)))
    for simulator in pair.both:
        simulator.faults.add({"when": {"operation": "list", "nth": 2}, "then": {"status": 503}})
    answers = [pair.compare(Sent((asked(b"GET", path),))) for _ in range(3)]
    assert [int(answer.split()[1]) for answer in answers] == [200, 503, 200]
