"""What the load tests' tests share: the command as people run it, and a Fenix server that can lose replies."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fenix_contract.alarm import alarm_body, encode, traits

ROOT = Path(__file__).parents[2]
PATHS = [str(ROOT / name) for name in ("loadtests", "simulator", "conformance")]

#: Of a session's number and a project's, both from 0, and how often the reply came: whether it is lost.
Loses = Callable[[int, int, int], bool]


class FakeFenix:
    """A small Fenix: MAINTENANCE, MAINTENANCE_COMPLETE, MAINTENANCE_DONE, for every subscription in turn.

    It answers every reply 200. ``loses`` says which replies it then forgets. A window of ``window`` seconds that ends
    without every reply fails the session. ``stuck`` never ends a window, ``mute`` sends no alarm.
    """

    def __init__(
        self,
        projects: int = 3,
        loses: Loses = lambda session, project, time: False,
        window: float = 3.0,
        list_status: int = 200,
        mute: bool = False,
    ) -> None:
        self.projects = [f"project-{number}" for number in range(projects)]
        self.sessions: dict[str, dict[str, Any]] = {}
        self.alarms: dict[str, dict[str, Any]] = {}
        self.replies = 0
        self._loses, self._window, self._list_status, self._mute = loses, window, list_status, mute
        self._numbers = 0
        self._lock = threading.Lock()
        fake = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            wbufsize = -1

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, answer = fake.handle(self.command, self.path, json.loads(body) if body else None)
                text = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = do_POST = do_DELETE = answer  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def handle(self, method: str, path: str, body: Any) -> tuple[int, Any]:
        match [method, *path.strip("/").split("/")]:
            case ["POST", "v1", "maintenance"]:
                return 200, {"session_id": self._begin()}
            case ["GET", "v1", "maintenance"]:
                return 200, {"session_id": list(self.sessions)}
            case ["POST", "v2", "alarms"]:
                alarm_id = str(uuid.uuid4())
                self.alarms[alarm_id] = body
                return 201, {**body, "alarm_id": alarm_id}
            case ["GET", "v2", "alarms"]:
                return 200, list(self.alarms.values())
            case ["DELETE", "v2", "alarms", alarm_id]:
                return (204, None) if self.alarms.pop(alarm_id, None) else (404, None)
            case ["GET", "v1", "maintenance", session_id] if session_id in self.sessions:
                return 200, {"session_id": session_id, "state": self._state(self.sessions[session_id])}
            case ["DELETE", "v1", "maintenance", session_id]:
                return (200, {}) if self.sessions.pop(session_id, None) else (404, {})
            case ["GET", "v1", "maintenance", session_id, _] if session_id in self.sessions:
                return self._list_status, {"instance_ids": ["one", "two"]}
            case ["PUT", "v1", "maintenance", session_id, project_id] if session_id in self.sessions:
                return self._reply(self.sessions[session_id], project_id, body)
        return 404, {}

    def _begin(self) -> str:
        session_id = str(uuid.uuid4())
        session = {"id": session_id, "number": self._numbers, "times": dict.fromkeys(self.projects, 0)}
        self._numbers += 1
        self._enter(session, "MAINTENANCE")
        self.sessions[session_id] = session
        return session_id

    def _enter(self, session: dict[str, Any], state: str) -> None:
        session |= {"state": state, "missing": set(self.projects), "end": time.monotonic() + self._window}
        if state != "MAINTENANCE_DONE" and not self._mute:
            threading.Thread(target=self._tell, args=(session["id"], state), daemon=True).start()

    def _state(self, session: dict[str, Any]) -> str:
        if session["state"] != "MAINTENANCE_DONE" and time.monotonic() > session["end"]:
            session["state"] = "MAINTENANCE_FAILED"
        return session["state"]

    def _reply(self, session: dict[str, Any], project_id: str, body: Any) -> tuple[int, Any]:
        with self._lock:
            self.replies += 1
            state = self._state(session)
            if body["state"] != f"ACK_{state}":
                return 409, {}
            times = session["times"][project_id] = session["times"][project_id] + 1
            if not self._loses(session["number"], self.projects.index(project_id), times):
                session["missing"].discard(project_id)
            if not session["missing"]:
                self._enter(session, "MAINTENANCE_COMPLETE" if state == "MAINTENANCE" else "MAINTENANCE_DONE")
        return 200, {}

    def _tell(self, session_id: str, state: str) -> None:
        for project_id in self.projects:
            url = f"{self.url}/v1/maintenance/{session_id}/{project_id}"
            payload = {
                "project_id": project_id,
                "allowed_actions": [],
                "instance_ids": url,
                "reply_url": url,
                "reply_at": datetime.now(UTC) + timedelta(seconds=self._window),
                "state": state,
                "session_id": session_id,
            }
            for alarm_id, alarm in list(self.alarms.items()):
                if alarm["event_rule"]["event_type"] != "maintenance.scheduled":
                    continue
                sent = alarm_body(
                    alarm_name=alarm["name"],
                    alarm_id=alarm_id,
                    severity="low",
                    previous="alarm",
                    reason_query=[],
                    message_id=str(uuid.uuid4()),
                    event_type="maintenance.scheduled",
                    generated=datetime.now(UTC),
                    traits=traits(payload),
                    message_signature="",
                )
                request = urllib.request.Request(
                    alarm["alarm_actions"][0], encode(sent), {"Content-Type": "application/json"}
                )
                try:
                    urllib.request.urlopen(request, timeout=5).close()
                except OSError:
                    return  # the run is over


@pytest.fixture
def fake() -> Iterator[Callable[..., FakeFenix]]:
    """Makes fake servers; each is closed at the end."""
    made: list[FakeFenix] = []

    def make(**given: Any) -> FakeFenix:
        made.append(FakeFenix(**given))
        return made[-1]

    yield make
    for one in made:
        one.close()


class Command:
    """``fenix-loadtest`` and what goes with it, as processes of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, module: str = "fenix_loadtest") -> subprocess.Popen[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("FENIX_", "LOCUST_"))}
        environment["PYTHONPATH"] = os.pathsep.join(PATHS)
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._processes.append(process)
        return process

    def run(self, *arguments: str, module: str = "fenix_loadtest") -> subprocess.CompletedProcess[str]:
        process = self.start(*arguments, module=module)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def serve(self, module: str, *arguments: str) -> dict[str, Any]:
        """Start something that writes a ready file; what is in it."""
        file = self.folder / f"ready-{len(self._processes)}.json"
        process = self.start("--port", "0", "--ready-file", str(file), *arguments, module=module)
        return wait_for(lambda: read_ready(file, process))

    def close(self) -> None:
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.communicate()


def read_ready(file: Path, process: subprocess.Popen[str]) -> dict[str, Any] | None:
    assert process.poll() is None, process.communicate()
    return json.loads(file.read_text()) if file.exists() else None


def wait_for(condition: Callable[[], Any], seconds: float = 20.0) -> Any:
    """What ``condition`` gives as soon as it is something."""
    pause = threading.Event()
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, "it did not come about in time"
        pause.wait(0.05)
    return value


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    """The commands, in an empty folder; what still runs at the end is killed."""
    made = Command(tmp_path)
    yield made
    made.close()


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a ``fenix-simulator serve``."""
    made = Command(tmp_path_factory.mktemp("simulator"))
    file = made.folder / "ready.json"
    process = made.start("serve", "--port", "0", "--ready-file", str(file), module="fenix_simulator")
    yield wait_for(lambda: read_ready(file, process))["url"]
    made.close()


@pytest.fixture
def left_over() -> Callable[[str], Sequence[Any]]:
    """The sessions and subscriptions that a server has."""

    def look(url: str) -> Sequence[Any]:
        with (
            urllib.request.urlopen(f"{url}/v1/maintenance") as sessions,
            urllib.request.urlopen(f"{url}/v2/alarms") as alarms,
        ):
            return [*json.load(sessions)["session_id"], *json.load(alarms)]

    return look


@pytest.fixture
def wait_until() -> Callable[[Callable[[], Any]], Any]:
    """Waits for a condition, with a bound."""
    return wait_for
