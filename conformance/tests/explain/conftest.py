"""Journals: one written entry by entry, for single questions, and one that a simulator really kept."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fenix_conformance.vnfm.course import Course, read_course
from fenix_conformance.vnfm.journal import Recording, read_entries

SESSION = "47479bca-7f0e-11ea-99c9-2c600c9893ee"
PROJECT = "9a5ef1b6c9b14e0f8a3c7a1d0c2b4e6f"
PATH = f"/v1/maintenance/{SESSION}/{PROJECT}"
URL = f"http://127.0.0.1:12347{PATH}"
BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
IDS = ("instance-1", "instance-2")
ALLOWED = ["MIGRATE", "LIVE_MIGRATE"]


class Diary:
    """A journal that is written by hand: each method adds an entry, ``at`` seconds after the beginning, and returns its
    number."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.notified = 0
        self._add(0, "event", "SessionCreated", {"session_id": SESSION, "projects": [PROJECT]}, project=None)

    def ask(self, at: float, state: str, ids: Sequence[str] = (), window: float = 5) -> int:
        """The question, and its window."""
        self.notified += 1
        entry = self._add(
            at, "event", "ProjectNotified",
            {"notification": self.notified, "project_id": PROJECT, "state": state, "instance_ids": list(ids)},
        )  # fmt: skip
        if state != "INSTANCE_ACTION_DONE":
            self._add(
                at, "event", "TimerStarted", {"timer": entry, "purpose": "replies", "duration": window}, project=None
            )
        return entry

    def deliver(self, at: float, state: str, *, status: int | None = 200, **traits: Any) -> int:
        """The alarm of the newest question."""
        told = {"state": state, "session_id": SESSION, "project_id": PROJECT, "instance_ids": URL, "reply_url": URL}
        listed = [[name, 1, value] for name, value in {**told, **traits}.items()]
        event = {"event_type": "maintenance.scheduled", "traits": listed}
        data = {
            "alarm_id": "a", "url": "http://127.0.0.1:1/alarm", "notification": f"{SESSION}/{self.notified}",
            "state": state, "status": status, "error": None if status else "refused", "latency": 0.01,
            "body": json.dumps({"reason_data": {"event": event}}),
        }  # fmt: skip
        return self._add(at, "delivery", "AlarmDelivered", data)

    def get(self, at: float, ids: Sequence[str] = IDS, path: str = PATH) -> int:
        """The list."""
        answer = json.dumps({"instance_ids": list(ids)})
        return self._request(at, {"method": "GET", "path": path, "status": 200, "response_body": answer})

    def put(self, at: float, body: Any, *, path: str = PATH, status: int | None = 200, **more: Any) -> int:
        """A reply; ``body`` is sent as it is where it is text."""
        sent = body if isinstance(body, str) else json.dumps(body)
        data = {
            "method": "PUT",
            "path": path,
            "status": status,
            "request_body": sent,
            "content_type": "application/json",
        }
        return self._request(at, {**data, **more})

    def _request(self, at: float, data: dict[str, Any]) -> int:
        return self._add(at, "request", "RequestAnswered", {"surface": "project", "latency": 0.0, **data})

    def end(self, at: float) -> int:
        """The session is over."""
        return self._add(at, "event", "StateEntered", {"state": "MAINTENANCE_FAILED"}, project=None)

    def _add(self, at: float, kind: str, type_: str, data: dict[str, Any], project: str | None = PROJECT) -> int:
        number = len(self.rows) + 1
        self.rows.append(
            {
                "number": number, "at": (BEGAN + timedelta(seconds=at)).isoformat(), "kind": kind, "type": type_,
                "session_id": SESSION, "project_id": project, "data": data,
            }
        )  # fmt: skip
        return number

    @property
    def course(self) -> Course:
        """The journal, read."""
        return read_course(Recording("mine", read_entries(self.rows)))

    def write(self, path: Path) -> Path:
        """The journal as an exported file."""
        path.write_text("".join(json.dumps(row) + "\n" for row in self.rows))
        return path


@pytest.fixture
def diary() -> Diary:
    return Diary()


@pytest.fixture
def planned(diary: Diary) -> Diary:
    """A project was asked in PLANNED_MAINTENANCE about two instances, and fetched the list; no reply yet."""
    diary.ask(0, "PLANNED_MAINTENANCE", IDS)  # entry 2; the window is 3
    diary.deliver(0.1, "PLANNED_MAINTENANCE", allowed_actions=str(ALLOWED), reply_at="2026-03-01T12:00:05")  # 4
    diary.get(0.2)  # 5
    return diary


@pytest.fixture(scope="session")
def kept_journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file that a simulator kept of a maintenance without any manager."""
    folder = tmp_path_factory.mktemp("kept")
    ready, journal = folder / "ready.json", folder / "journal.db"
    command = [
        *(sys.executable, "-m", "fenix_simulator", "serve", "--port", "0", "--ready-file", str(ready)),
        *("--journal", str(journal), "--hosts", "2", "--projects", "1", "--instances", "1", "--start"),
    ]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            url = _url(ready, server)
            _wait_for_end(url)
        finally:
            server.send_signal(signal.SIGTERM)
            server.wait(20)
    return journal


def _url(ready: Path, server: subprocess.Popen[bytes]) -> str:
    for _ in range(600):
        if ready.exists():
            return str(json.loads(ready.read_text())["url"])
        try:
            server.wait(0.05)
        except subprocess.TimeoutExpired:
            continue
        break
    raise AssertionError("the simulator did not start")


def _wait_for_end(url: str) -> None:
    after = 0
    for _ in range(100):
        with urllib.request.urlopen(f"{url}/simulator/v1/journal?after={after}&wait=10", timeout=30) as answer:
            entries = json.load(answer)["entries"]
        if any(entry["type"] == "SessionDone" for entry in entries):
            return
        after = entries[-1]["number"] if entries else after
    raise AssertionError("the maintenance did not end")
