"""A driver for the reference server that shares no code with the suite: it plays every project's manager."""

from __future__ import annotations

import ast
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
import urllib3

BOUND = 10.0  # seconds after which a wait has failed

FINAL = ("MAINTENANCE_DONE", "MAINTENANCE_FAILED")


@dataclass
class Seen:
    """One alarm as a project's URL got it, and what the manager then did."""

    project: str
    alarm: Any
    content_type: str
    traits: dict[str, Any] = field(default_factory=dict)
    listed: Any = None
    list_type: str = ""
    put_status: int | None = None

    @property
    def state(self) -> str:
        return str(self.traits.get("state"))

    @property
    def done_id(self) -> str:
        """The id in INSTANCE_ACTION_DONE, in either form."""
        text = str(self.traits["instance_ids"])
        return str(ast.literal_eval(text)[0]) if text.startswith(("['", "[u'")) else text


#: Given the alarm, the reply's ``state``; None: no reply.
Policy = Callable[[Seen], str | None]


def acknowledge(seen: Seen) -> str | None:
    return f"ACK_{seen.state}"


class Manager:
    """Receives alarms on loopback, and GETs and PUTs from inside the handler, while the alarm's POST is open."""

    def __init__(self) -> None:
        self.policy: Policy = acknowledge
        self.action = "MIGRATE"
        self.http = urllib3.PoolManager(maxsize=16, retries=False, timeout=BOUND)
        self.seen: list[Seen] = []
        self.changed = threading.Condition()
        self.errors: list[Exception] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        manager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                try:
                    manager.take(self.path[1:], body, str(self.headers["Content-Type"]))
                except urllib3.exceptions.HTTPError:
                    pass  # the server was stopped meanwhile, or takes its time on purpose
                except Exception as error:  # whatever it is, the test raises it
                    manager.errors.append(error)
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        return Handler

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    # ---- what the manager does

    def take(self, project: str, body: bytes, content_type: str) -> None:
        seen = Seen(project, None, content_type)
        try:
            seen.alarm = json.loads(body)
            seen.traits = {name: value for name, _, value in seen.alarm["reason_data"]["event"]["traits"]}
        except (ValueError, KeyError, TypeError):
            seen.traits = {}
        url = str(seen.traits.get("instance_ids", ""))
        if seen.traits and seen.state != "INSTANCE_ACTION_DONE" and url.startswith("http"):
            answer = self.http.request("GET", url)
            seen.list_type = answer.headers.get("content-type", "")
            seen.listed = answer.json() if answer.status == 200 else answer.status
        with self.changed:
            self.seen.append(seen)
            self.changed.notify_all()
        word = None if seen.state == "INSTANCE_ACTION_DONE" or not seen.traits else self.policy(seen)
        if word is not None and str(seen.traits.get("reply_url", "")).startswith("http"):
            seen.put_status = self.reply(seen, word).status
            with self.changed:
                self.changed.notify_all()

    def reply(self, seen: Seen, word: str, **more: Any) -> urllib3.BaseHTTPResponse:
        ids = seen.listed.get("instance_ids") if isinstance(seen.listed, dict) else None
        offered = "allowed_actions" in seen.traits and seen.traits["allowed_actions"] != "[]"
        actions = {instance: self.action for instance in ids or () if isinstance(instance, str)} if offered else {}
        return self.put(seen.traits["reply_url"], {"instance_actions": actions, "state": word, **more})

    def put(self, url: str, body: Any, **headers: str) -> urllib3.BaseHTTPResponse:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.http.request("PUT", url, body=raw, headers={"content-type": "application/json", **headers})

    # ---- setting up and waiting

    def subscribe(self, server: Any, projects: tuple[str, ...] | None = None) -> None:
        for project in projects or server.projects:
            rule = {"event_type": "maintenance.*", "query": []}
            alarm = {
                "name": f"manager of {project}", "type": "event", "event_rule": rule, "repeat_actions": True,
                "project_id": project, "alarm_actions": [f"http://127.0.0.1:{self._server.server_address[1]}/{project}"],
            }  # fmt: skip
            assert self.send(server, "POST", "/v2/alarms", alarm).status == 201

    def send(self, server: Any, method: str, path: str, body: Any = None) -> urllib3.BaseHTTPResponse:
        headers = {"content-type": "application/json"} if body is not None else None
        return self.http.request(method, server.url + path, body=json.dumps(body) if headers else None, headers=headers)

    def start(self, server: Any, **body: Any) -> str:
        answer = self.send(server, "POST", "/v1/maintenance", {"hosts": [], "state": "MAINTENANCE", **body})
        assert answer.status == 200
        return str(answer.json()["session_id"])

    def wait_final(self, server: Any, session_id: str, bound: float = BOUND) -> str:
        """The session's final state, or the one it is in when the bound is over."""
        session = server.cloud.sessions[session_id]
        with session.changed:
            session.changed.wait_for(lambda: session.state in FINAL, bound)
        return str(session.state)

    def wait_seen(self, is_it: Callable[[Seen], bool], count: int = 1, bound: float = BOUND) -> list[Seen]:
        """The alarms of that kind, once there are ``count`` of them; fewer when the bound is over."""
        with self.changed:
            self.changed.wait_for(lambda: sum(map(is_it, self.seen)) >= count, bound)
            return [seen for seen in self.seen if is_it(seen)]

    def of(self, project: str) -> list[Seen]:
        with self.changed:
            return [seen for seen in self.seen if seen.project == project]


@pytest.fixture
def make_manager() -> Iterator[Callable[[], Manager]]:
    """Makes managers; what went wrong inside one fails the test."""
    made: list[Manager] = []

    def make() -> Manager:
        made.append(Manager())
        return made[-1]

    yield make
    for manager in made:
        manager.close()
    assert [error for manager in made for error in manager.errors] == []


@pytest.fixture
def manager(make_manager: Callable[[], Manager]) -> Manager:
    """The manager of all projects; acknowledges everything with MIGRATE until told otherwise by ``policy``."""
    return make_manager()
