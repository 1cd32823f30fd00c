"""Whatever is sent, nothing fails on our side and a refused request has changed nothing."""

from __future__ import annotations

import json
import socket
import string
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fenix_simulator.adapters.wsgi import Server
from fenix_simulator.domain.rules import Behaviour, Dialect

SOON = 30.0
RELAXED = settings(deadline=None, max_examples=250, suppress_health_check=list(HealthCheck))

METHODS = st.sampled_from(["GET", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW"])
CONTENT_TYPES = st.sampled_from(
    [
        "application/json",
        "application/json",
        "application/json; charset=utf-8",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=b",
        "application/json; charset=\xff",
        "/;=",
        "",
        None,
    ]
)
WORDS = st.sampled_from(
    ["ACK_MAINTENANCE", "NACK_MAINTENANCE", "ACK_SCALE_IN", "MAINTENANCE", "MIGRATE"]
) | st.sampled_from(
    [
        "A",
        "B",
        "a0",
        "a/1",
        "b0",
        "h0",
        "event",
        "everybody",
        "ok",
        "1s",
        "2026-03-01 14:00:00",
        "http://127.0.0.1/",
        "",
    ]
)
MEMBERS = st.one_of(
    st.sampled_from(["state", "instance_actions", "instance_action", "a0", "a/1", "b0"]),
    st.sampled_from(["hosts", "maintenance_at", "metadata", "workflow", "by", "to", "next", "version", "scenario"]),
    st.sampled_from(["name", "type", "project_id", "alarm_actions", "event_rule", "query", "vcpus", "instance_id"]),
)
VALUES = st.recursive(
    WORDS | st.text() | st.none() | st.booleans() | st.integers() | st.floats() | st.just(10**400) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(MEMBERS | st.text(), inner, max_size=5),
    max_leaves=12,
)
DOCUMENTS = st.dictionaries(MEMBERS, VALUES, max_size=6) | VALUES
BODIES = st.binary(max_size=200) | DOCUMENTS.map(lambda value: json.dumps(value).encode())
IDS = WORDS | st.text(max_size=20) | st.just("{session}")
PATHS = st.one_of(
    st.tuples(st.just("v1"), st.just("maintenance"), IDS, IDS),
    st.tuples(st.just("v1"), st.just("maintenance"), IDS, IDS, IDS),
    st.tuples(st.just("v1"), st.just("maintenance"), IDS),
    st.tuples(st.just("v1"), st.just("maintenance")),
    st.tuples(st.just("v1"), st.sampled_from(["instance", "instance_group"]), IDS),
    st.tuples(st.just("v2"), st.just("alarms"), IDS),
    st.tuples(st.just("v2"), st.just("alarms"), IDS, st.just("state")),
    st.sampled_from([("v2", "alarms"), ("v2", "query", "alarms"), ("v2", "capabilities"), ("metrics",)]),
    st.sampled_from(
        [
            ("simulator", "v1", name)
            for name in ("health", "version", "state", "reset", "sessions", "instances", "hosts", "projects", "clock")
        ]
    ),
    st.just(("simulator", "v1", "clock", "advance")),
    st.just(("simulator", "v1", "journal")),
    st.tuples(st.just("simulator"), st.just("v1"), st.just("sessions"), IDS, st.sampled_from(["pause", "resume", "x"])),
    st.tuples(st.just("simulator"), st.just("v1"), st.just("instances"), IDS),
    st.tuples(st.just("simulator"), st.just("v1"), st.just("instances"), IDS, st.just("move")),
    st.lists(st.text(max_size=8), max_size=6).map(tuple),
)
QUERIES = st.dictionaries(
    st.sampled_from(
        ["limit", "marker", "after", "kind", "type", "session_id", "project_id", "host", "q.field", "q.value"]
    )
    | st.text(max_size=5),
    WORDS | st.text(max_size=10) | st.integers().map(str) | st.floats().map(str),
    max_size=4,
)


@st.composite
def targets(draw):
    """A path, percent-encoded, now and then with a slash or two at its end (at its begin two would name a host)."""
    path = "/".join(quote(part, safe="") for part in draw(PATHS)).lstrip("/")
    return f"/{path}{draw(st.sampled_from(['', '', '/', '//'] if path else ['']))}"


def live(path, world):
    """The path with the id of a session where it stands for one; there is always one."""
    if not world.service.list_sessions():
        world.service.create_session()
    return path.replace(quote("{session}"), world.service.list_sessions()[0])


@pytest.mark.parametrize("dialect", Dialect)
def test_no_request_fails_on_our_side_and_none_that_is_refused_changes_anything(make_world, dialect):
    world = make_world(dialect=dialect)
    world.listen()
    client = world.client()

    def picture():
        service = world.service
        sessions = [service.session_view(session_id) for session_id in service.list_sessions()]
        return sessions, list(service.instances()), world.subscriptions.list(), world.clock.now()

    @RELAXED
    @given(
        METHODS, targets(), QUERIES, BODIES, CONTENT_TYPES, st.dictionaries(st.sampled_from(["Accept", "X-Y"]), WORDS)
    )
    def send(method, path, query, body, content_type, headers):
        path = live(path, world)
        before = picture()
        answer = client.open(
            path, method=method, query_string=query, data=body, content_type=content_type, headers=headers
        )
        assert answer.status_code < 500
        if answer.status_code >= 300:
            assert picture() == before
            assert answer.content_type == "application/problem+json"

    send()


def test_upstream_falls_only_over_what_it_is_known_to_fall_over(make_world):
    """A reply or list that upstream answered 500 is 500 here; nothing else is, and nothing raises."""
    world = make_world(behaviour=Behaviour.UPSTREAM)
    world.listen()
    client = world.client()

    @RELAXED
    @given(METHODS, targets(), BODIES, CONTENT_TYPES)
    def send(method, path, body, content_type):
        path = live(path, world)
        answer = client.open(path, method=method, data=body, content_type=content_type)
        if answer.status_code >= 500:
            assert path.startswith("/v1/maintenance/")
            assert answer.data in (b'{"status": 500, "message": "Unknown Error"}\n', b"")

    send()


RAW = st.one_of(
    st.binary(min_size=1, max_size=300),
    st.text(string.printable, min_size=1, max_size=200).map(str.encode),
    st.builds(
        lambda method, path, headers, body: (
            f"{method} ".encode() + path + b" HTTP/1.1\r\n" + b"".join(headers) + b"Connection: close\r\n\r\n" + body
        ),
        METHODS,
        st.binary(min_size=1, max_size=60).map(lambda path: b"/" + path),
        st.lists(st.binary(max_size=60).map(lambda line: line + b"\r\n"), max_size=3),
        st.binary(max_size=60),
    ),
    st.builds(
        lambda path, body: (
            f"PUT {path} HTTP/1.1\r\nContent-Type: application/json\r\n".encode("utf-8", "replace")
            + f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            + body
        ),
        st.just("/v1/maintenance/s/p")
        | st.text(min_size=1, max_size=30).map(lambda text: "/" + text.replace(" ", "+")),
        BODIES,
    ),
)


HEALTH = b"GET /simulator/v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"


def test_no_bytes_on_the_wire_fail_on_our_side(world):
    """Each is answered below 500, or not at all because it is no whole request; the server goes on."""
    server = Server(world.client().application, threads=2)
    server.start()

    @RELAXED
    @given(RAW)
    def send(sent):
        with socket.create_connection(server.address, timeout=SOON) as connection:
            # Ends whatever was begun, so that there is an answer to wait for.
            connection.sendall(sent + b"\r\n\r\n" + HEALTH)
            received = connection.recv(65536)
        if received:
            assert int(received.split(b" ", 2)[1]) < 500

    try:
        send()
        with socket.create_connection(server.address, timeout=SOON) as connection:
            connection.sendall(HEALTH)
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 OK")
    finally:
        server.stop()
