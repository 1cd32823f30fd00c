"""Ten thousand requests made of anything, over real sockets: none fails on our side, none hangs, and what was refused
or only asked has changed nothing."""

from __future__ import annotations

import gzip
import json
import random
import re
import socket
from collections import Counter
from http.client import HTTPConnection, HTTPException, RemoteDisconnected
from urllib.parse import quote

import pytest

from fenix_simulator.ports import Filter
from fenix_simulator.subscriptions import Subscription

SOON = 30.0
REQUESTS = 10_000
#: The journal's entries that the state is made of.
STATE = Filter(kinds=frozenset({"event", "cloud", "subscription", "fault"}))
NOBODY = "http://127.0.0.1:1/maintenance"
HEALTH = b"GET /simulator/v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

METHODS = ("GET", "PUT", "PUT", "PUT", "POST", "DELETE", "HEAD", "OPTIONS", "PATCH", "TRACE", "BREW")
UNSAFE = frozenset({"PUT", "POST", "DELETE"})
CONTENT_TYPES = (
    *("application/json",) * 12,
    "application/json; charset=utf-8",
    "application/json; charset=utf-16",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=b",
    "text/plain",
    ";=/",
    "",
    None,
)
WORDS = ("", "x", "0", "-1", "..", ".", "%", "%00", "ACK_MAINTENANCE", "a b", "é", "\u202e", "'", '"', "<x>", "x" * 300)

#: Which entries of the state an accepted request may cause: method, a pattern for its path, kinds.
EFFECTS = (
    ("PUT", r"/v1/maintenance/[^/]+/[^/]+/?", {"event", "fault", "subscription"}),
    ("POST", r"/v1/maintenance/?", {"event", "subscription"}),
    ("DELETE", r"/v1/maintenance/[^/]+/?", {"event"}),
    ("POST", r"/v2/alarms/?", {"subscription"}),
    ("PUT|DELETE", r"/v2/alarms/.+", {"subscription"}),
    ("POST", r"/simulator/v1/sessions/?", {"event", "subscription"}),
    ("POST", r"/simulator/v1/sessions/[^/]+/(pause|resume|step|reset)", {"event", "cloud", "subscription"}),
    ("POST|DELETE", r"/simulator/v1/instances(/.+)?", {"event", "cloud", "subscription", "fault"}),
    ("POST", r"/simulator/v1/clock/advance", {"event", "subscription", "cloud"}),
    ("POST|DELETE", r"/simulator/v1/faults(/.+)?", {"fault"}),
    ("POST", r"/simulator/v1/reset", {"event", "cloud", "fault", "subscription"}),
    ("PUT", r"/simulator/v1/state", {"event", "cloud", "fault", "subscription"}),
    # A list counts towards the faults that were asked for, and answering none is what a fault may do.
    ("GET|HEAD", r"/v1/maintenance/[^/]+/[^/]+/?", {"fault"}),
    ("GET|HEAD", r"/simulator/v1/instances(/.+)?", {"fault"}),
)


class Maker:
    """Makes requests from a seed; it knows the server's routes and the ids that live."""

    def __init__(self, simulator, seed: int) -> None:
        self.random = random.Random(seed)
        self.simulator = simulator
        self.rules = sorted({rule.rule for rule in simulator.app.url_map.iter_rules()})
        self.projects = [project.project_id for project in simulator.inventory.projects]
        self.instances = [instance.instance_id for instance in simulator.inventory.instances]
        self.hosts = [host.name for host in simulator.inventory.hosts]

    def path(self) -> str:
        """A path of a route with ids that live or do not, or one of nobody; now and then with a query."""
        pick = self.random
        if pick.random() < 0.1:
            path = "/" + "/".join(quote(pick.choice(WORDS), safe="") for _ in range(pick.randint(0, 5)))
            path = "/" + path.lstrip("/")
        else:
            path = self._filled(self._rule())
        if pick.random() < 0.2:
            path += "?" + "&".join(
                f"{pick.choice(('limit', 'after', 'wait', 'marker', 'kind', 'q.field', 'sort', 'host', 'x'))}="
                f"{quote(pick.choice((*WORDS, '1', '0.01', '1e3', 'nan', '9' * 30)), safe='')}"
                for _ in range(pick.randint(1, 4))
            )
        return path.replace("wait=1", "wait=0")

    def _rule(self) -> str:
        pick = self.random
        project = [rule for rule in self.rules if "project_id" in rule]
        return pick.choice(project if pick.random() < 0.4 else self.rules)

    def _filled(self, rule: str) -> str:
        return re.sub(r"<(?:[^:<>]+:)?([a-z_]+)>", lambda match: quote(self._id(match[1]), safe=""), rule)

    def _id(self, name: str) -> str:
        pick, service = self.random, self.simulator.service
        if pick.random() < 0.2:
            return pick.choice(WORDS) or "y"
        alarms = [alarm.alarm_id for alarm in service.subscriptions.list()[:5]]
        known = {
            "session_id": service.list_sessions()[-3:],
            "project_id": self.projects,
            "instance_id": self.instances,
            "item_id": self.instances,
            "alarm_id": alarms,
        }
        return pick.choice(known.get(name) or ["instance"])

    def documents(self) -> dict[str, list[object]]:
        """What each route takes that takes something."""
        some = self.random.sample(self.instances, 3)
        alarm = {"name": "a", "type": "event", "alarm_actions": [NOBODY], "event_rule": {"event_type": "*"}}
        reply = {"when": {"operation": "reply", "nth": 1}, "then": {"status": 503}}
        return {
            "PUT /v1/maintenance/<session_id>/<project_id>": [
                {"state": "ACK_MAINTENANCE"},
                {"state": "ACK_SCALE_IN", "session_id": "x", "instance_ids": some},
                {"state": "NACK_MAINTENANCE", "instance_actions": {}},
                {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": dict.fromkeys(some, "MIGRATE")},
            ],
            "POST /v1/maintenance": [{}, {"hosts": [], "maintenance_at": "2026-03-01 12:00:00", "metadata": {}}],
            "POST /v2/alarms": [alarm, {**alarm, "alarm_actions": ["http://10.0.0.1/"]}],
            "PUT /v2/alarms/<alarm_id>": [{**alarm, "enabled": False}],
            "PUT /v2/alarms/<alarm_id>/state": ["ok", "alarm"],
            "POST /v2/query/alarms": [{"filter": '{"=": {"name": "a"}}'}],
            "POST /simulator/v1/clock/advance": [{"by": "1s"}, {"by": "1h"}, {"by": "36500d"}, {"next": True}],
            "POST /simulator/v1/instances": [{"project_id": self.projects[0]}],
            "POST /simulator/v1/faults": [reply, {"when": {"operation": "list"}, "then": {"status": 200}}],
            "PUT /simulator/v1/state": [{"version": 1, "scenario": {}, "entries": []}],
        }

    def right(self) -> tuple[str, str, bytes, dict[str, str]]:
        """A request that a route takes as it is, or would at another time."""
        where, documents = self.random.choice(list(self.documents().items()))
        method, rule = where.split(" ")
        body = json.dumps(self.random.choice(documents)).encode()
        return method, self._filled(rule), body, {"Content-Type": "application/json"}

    def wrong(self) -> tuple[str, str, bytes | None, dict[str, str]]:
        """Any method, any path, any headers, any body."""
        method = self.random.choice(METHODS)
        with_body = method in UNSAFE or self.random.random() < 0.1
        return method, self.path(), self.body() if with_body else None, self.headers()

    def document(self) -> object:
        """What some route takes, perhaps with a member too many, too few or wrong."""
        pick = self.random
        document = pick.choice([one for many in self.documents().values() for one in many])
        if not isinstance(document, dict) or pick.random() < 0.05:
            return self.value()
        document = dict(document)
        for _ in range(pick.choice((0, 0, 0, 1, 2))):
            document[pick.choice((*document, "state", "x", ""))] = self.value()
        if document and pick.random() < 0.1:
            document.pop(pick.choice(list(document)))
        return document

    def value(self, depth: int = 0) -> object:
        pick = self.random
        plain = (None, True, 0, -1, 1.5, 1e308, 10**40, "", "ACK_MAINTENANCE", "\x00", "é\U0001f600", "x" * 5_000)
        if depth > 3 or pick.random() < 0.6:
            return pick.choice((*plain, pick.choice(self.instances), pick.choice(self.hosts)))
        if pick.random() < 0.5:
            return [self.value(depth + 1) for _ in range(pick.randint(0, 3))]
        return {pick.choice(WORDS): self.value(depth + 1) for _ in range(pick.randint(0, 3))}

    def body(self) -> bytes:
        """JSON, and what goes wrong with it on its way."""
        pick = self.random
        good = json.dumps(self.document(), ensure_ascii=pick.random() < 0.5).encode("utf-8", "surrogatepass")
        deep = pick.choice((10, 1_000, 100_000))
        return pick.choice(
            (
                *(good,) * 14,
                b"",
                b"null",
                b"\xef\xbb\xbf" + good,
                good.decode("utf-8", "replace").encode("utf-16"),
                good[: pick.randint(0, len(good))],
                good + good,
                good + b"\x00",
                good.replace(b'"', b"'"),
                good.replace(b"{", b'{"state": "ACK_SCALE_IN", "state": "NACK_MAINTENANCE", ', 1),
                b'{"state": "ACK_MAINTENANCE", "instance_actions": ' + b"[" * deep + b"]" * deep + b"}",
                b'{"a":' * deep + b"1" + b"}" * deep,
                b'{"state": NaN}',
                b'{"state": -Infinity, "by": 1e99999}',
                b'{"vcpus": ' + b"9" * 5_000 + b"}",
                b'{"state": "ACK_\\ud800MAINTENANCE"}',
                b'{"state": "ACK_MAINTENANCE", "instance_actions": {"\\udfff": "MIGRATE"}}',
                b'{"state": "\xed\xa0\x80"}',
                b'{"state": "ACK_MAINTENANCE" /* yes */}',
                gzip.compress(good, mtime=0),
                pick.randbytes(pick.randint(1, 200)),
                b'{"x": "' + b"x" * (1_100_000 if pick.random() < 0.2 else 1_000) + b'"}',
            )
        )

    def headers(self) -> dict[str, str]:
        pick = self.random
        headers = {}
        content_type = pick.choice(CONTENT_TYPES)
        if content_type is not None:
            headers["Content-Type"] = content_type
        if pick.random() < 0.1:
            name, value = pick.choice(
                (
                    ("Content-Encoding", "gzip"),
                    ("Expect", "100-continue"),
                    ("X-Auth-Token", "x"),
                    ("Authorization", "Basic eA=="),
                    ("X-HTTP-Method-Override", "DELETE"),
                    ("Accept", "text/html"),
                    ("Range", "bytes=0-1"),
                    ("Upgrade", "h2c"),
                    ("Cookie", "session=" + "x" * 4_000),
                    ("X-Forwarded-For", "10.0.0.1, x"),
                )
            )
            headers[name] = value
        return headers

    def wire(self) -> tuple[bytes, bool]:
        """Bytes that only look like HTTP; and whether they are a request's begin only, which nothing can end."""
        pick = self.random
        path, body = self.path().encode("ascii", "replace").replace(b" ", b""), self.body()[:10_000]
        start = b"%s %s HTTP/1.1\r\nHost: x\r\n" % (pick.choice(METHODS).encode(), path)
        kind = b"Content-Type: application/json\r\n"
        length = b"Content-Length: %d\r\n" % len(body)
        chunked = b"Transfer-Encoding: chunked\r\n"
        some = max(1, len(body) // 2)
        chunks = b"%x\r\n%s\r\n%x;x=y\r\n%s\r\n0\r\n\r\n" % (some, body[:some], len(body) - some, body[some:])
        if not body[some:]:
            chunks = b"0\r\n\r\n"
        junk = pick.randbytes(pick.randint(1, 60))
        return pick.choice(
            (
                (start + kind + chunked + b"\r\n" + chunks, False),
                (start + kind + chunked + b"\r\n" + b"zz\r\n" + body, False),
                (start + kind + chunked + b"\r\n" + b"-1\r\n" + body, False),
                (start + kind + chunked + length + b"\r\n" + chunks, False),
                (start + kind + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + chunks, False),
                (start + kind + b"Content-Length: %d\r\n\r\n" % (len(body) // 2) + body, False),
                (start + kind + b"Content-Length: %d\r\n\r\n" % (len(body) + 100_000) + body, True),
                (start + kind + b"Content-Length: ten\r\n\r\n" + body, False),
                (start + kind + b"Content-Length: 1, 1\r\n\r\n" + body, False),
                (start + length + b"Content-Length: 3\r\n" + kind + b"\r\n" + body, False),
                (start + kind + chunked + b"\r\n5\r\nab", True),
                (start + kind, True),
                ((start + kind + length + b"\r\n" + body) * pick.randint(2, 5), False),
                (
                    start + b"".join(b"X-%d: y\r\n" % one for one in range(pick.choice((90, 150, 5_000)))) + b"\r\n",
                    False,
                ),
                (start + b"X: " + b"y" * pick.choice((8_000, 100_000)) + b"\r\n\r\n", False),
                (start.replace(path, path + b"/" + b"x" * pick.choice((9_000, 70_000)), 1) + b"\r\n", False),
                (start + junk + b"\r\n\r\n", False),
                (junk + b"\r\n\r\n", False),
                (start.replace(b"HTTP/1.1", pick.choice((b"HTTP/1.0", b"HTTP/9.9", b"HTTP", b"")), 1) + b"\r\n", False),
                (b"GET http://other.example" + path + b" HTTP/1.1\r\n\r\n", False),
                (b"CONNECT 127.0.0.1:22 HTTP/1.1\r\n\r\n", False),
                (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", True),
            )
        )


class Watch:
    """Compares what may have changed with what has, request by request."""

    def __init__(self, simulator) -> None:
        self.simulator = simulator
        self.look_again()

    def look_again(self) -> None:
        """What there is now is right."""
        self.at = self.simulator.journal.last
        self.picture = self.look()

    def look(self) -> object:
        """Everything that the state is, apart from the journal."""
        service = self.simulator.service
        return (
            [service.session_view(session_id) for session_id in service.list_sessions()],
            list(service.instances()),
            service.hosts(),
            service.subscriptions.list(),
            [fault["number"] for fault in service.faults.list()],
            service.clock.now(),
        )

    def after(self, method: str, path: str, status: int | None) -> None:
        """Nothing has changed, unless the request was accepted and may change just that."""
        accepted = status is not None and status < 400
        allowed = {
            kind
            for methods, pattern, kinds in EFFECTS
            if re.fullmatch(methods, method) and re.fullmatch(pattern, path.partition("?")[0])
            for kind in kinds
            # A fault that was asked for answers as it was told to, and is counted.
            if accepted or kind == "fault"
        }
        found = {entry.kind for entry in self.simulator.journal.read(self.at, 10_000, STATE)}
        assert found <= allowed, f"{method} {path} → {status} led to {found}"
        moved = accepted and path.partition("?")[0].endswith("/clock/advance")
        assert found or moved or self.look() == self.picture, f"{method} {path} → {status} changed something"
        self.look_again()

    def after_refusals(self, sent: bytes) -> None:
        """Nothing has changed; faults that were asked for may have been counted."""
        found = {entry.kind for entry in self.simulator.journal.read(self.at, 10_000, STATE)}
        assert found <= {"fault"}, sent
        assert self.look() == self.picture, sent
        self.look_again()


@pytest.mark.slow
def test_nothing_fails_hangs_or_changes_what_it_should_not(serve, client, errors):
    simulator = serve()
    tidy(simulator)
    make = Maker(simulator, seed=20190301)
    watch = Watch(simulator)
    seen: Counter[int | None] = Counter()
    connection = HTTPConnection(*simulator.server.address, timeout=SOON)
    for number in range(REQUESTS):
        if number % 8 == 7:
            sent, is_half = make.wire()
            statuses = on_the_wire(simulator.server.address, sent, is_half)
            if None in statuses or any(status < 400 for status in statuses):
                watch.look_again()
            else:
                watch.after_refusals(sent)
        else:
            method, path, body, headers = make.right() if number % 8 == 0 else make.wrong()
            statuses = [one_request(connection, method, path, body, headers)]
            watch.after(method, path, statuses[0])
        assert all(status is None or status < 500 or status in FAULTS for status in statuses), (number, statuses)
        seen.update(statuses)
        if number % 250 == 0:
            tidy(simulator)
            watch.look_again()
    connection.close()
    assert errors == []
    assert client(simulator)("GET", "/simulator/v1/health").status == 200
    assert {200, 201, 204, 400, 404, 405, 409, 413, 414, 415, 422, 431} <= seen.keys()


#: Answered where a fault was asked for (503), or where a transfer coding is not served (501).
FAULTS = {501, 503}


def tidy(simulator) -> None:
    """Take away what piles up, so that requests go on meeting something; there is always a session that awaits."""
    service = simulator.service
    for session_id in service.list_sessions()[:-1]:
        service.delete_session(session_id)
    for alarm in service.subscriptions.list():
        service.subscriptions.delete(alarm.alarm_id)
    service.faults.clear()
    service.subscriptions.add(Subscription("everybody", "everybody", alarm_actions=(NOBODY,), repeat_actions=True))
    service.create_session()


def one_request(connection: HTTPConnection, method: str, path: str, body: bytes | None, headers) -> int | None:
    """The status; None where the server closed the connection instead (too much was sent, or a fault)."""
    try:
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    except (RemoteDisconnected, BrokenPipeError, ConnectionResetError):
        connection.close()
        return None
    except (HTTPException, TimeoutError) as error:
        raise AssertionError(f"{method} {path} {headers} {body and body[:300]}: {error!r}") from error


def on_the_wire(address, sent: bytes, is_half: bool) -> list[int | None]:
    """The statuses of what is answered until the server closes; whole requests are followed by one that asks it to.

    None among them: the server closed while we were sending, and what it had answered is lost.
    """
    received, lost = b"", []
    with socket.create_connection(address, timeout=SOON) as wire:
        try:
            wire.sendall(sent if is_half else sent + b"\r\n\r\n" + HEALTH)
            if is_half:
                wire.shutdown(socket.SHUT_WR)
            while part := wire.recv(65536):
                received += part
        except (BrokenPipeError, ConnectionResetError):
            lost = [None]
    statuses = [int(status) for status in re.findall(rb"HTTP/1\.[01] (\d{3}) [A-Z]", received)]
    # The last answer is that of our own request, unless the server closed before it.
    return (statuses[:-1] if received.endswith(b'{"status":"ok"}') else statuses) + lost
