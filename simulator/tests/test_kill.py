"""kill -9 at any moment: the same journal goes on to the end, and no reply that was answered 200 is lost."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import urllib3

from fenix_simulator.adapters.journal_sqlite import open_journal
from fenix_simulator.ports import Filter
from fenix_vnfm import AlarmReceiver, EventKind, ManagerEvent, Policy, ProjectManager

PROJECTS = 3


class Server:
    """The command itself, as a process that can be killed and started again on the same port and journal."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = "0"
        self.alarm_urls: list[str] = []
        self.process: subprocess.Popen[str] | None = None

    def start(self, *more: str) -> dict[str, object]:
        command = [sys.executable, "-m", "fenix_simulator", "serve", "--format", "json", "--port", self.port]
        command += ["--hosts", "8", "--projects", str(PROJECTS), "--instances", "36", "--reply-window", "15s"]
        command += ["--journal", str(self.folder / "run.db"), *self.alarm_urls, *more]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        ready = json.loads(self.process.stdout.readline())
        self.port = ready["url"].rpartition(":")[2]
        return ready

    def kill(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(10)
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_server_killed_again_and_again_takes_its_session_to_the_end(tmp_path, seed):
    """Killed at random moments, counted in alarms that a manager has received."""
    moments = random.Random(seed)
    server = Server(tmp_path)
    answered: list[ManagerEvent] = []
    receiver = AlarmReceiver()
    managers: list[ProjectManager] = []
    try:
        ready = server.start()
        server.kill()
        (tmp_path / "run.db").unlink()
        for project in ready["projects"]:  # type: ignore[attr-defined]
            manager = ProjectManager(
                project,
                Policy(tries=200),
                receiver=receiver,
                on_event=lambda event: answered.append(event) if event.kind is EventKind.REPLY else None,
            )
            managers.append(manager)
            server.alarm_urls += ["--alarm-url", f"{project}={manager.alarm_url}"]
        server.start("--start")
        for _ in range(4):
            target = receiver.count + moments.randint(1, 15)
            try:
                receiver.wait_for(lambda alarm, target=target: alarm.number >= target, timeout=20)
            except TimeoutError:
                break  # it is over already
            server.kill()
            server.start()
        url = f"http://127.0.0.1:{server.port}"
        assert _end(url) == "MAINTENANCE_DONE"
    finally:
        for manager in managers:
            manager.close()
        receiver.close()
        server.stop()
    journal = open_journal(str(tmp_path / "run.db"))
    events = journal.read(0, 100_000, Filter(kinds=frozenset({"event"})))
    journal.close()
    taken = {
        (e.project_id, e.data["state"], _ids(e.data["instance_actions"])) for e in events if e.type == "ReplyAccepted"
    }
    for event in answered:
        sent = event.detail["reply"]
        assert (event.project_id, sent["state"], _ids(sent.get("instance_actions"))) in taken
    assert [e.type for e in events].count("SessionDone") == 1


def _ids(actions: dict[str, str] | None) -> tuple[str, ...]:
    return tuple(sorted(actions or {}))


def _end(url: str) -> str:
    """The session's state once it has ended, by the journal's long poll."""
    pool = urllib3.PoolManager(retries=False)
    after = 0
    for _ in range(200):
        page = pool.request("GET", f"{url}/simulator/v1/journal?after={after}&wait=20&kind=event&limit=1000").json()
        for entry in page["entries"]:
            if entry["type"] == "StateEntered" and entry["data"]["state"].startswith(
                ("MAINTENANCE_DONE", "MAINTENANCE_F")
            ):
                return str(entry["data"]["state"])
        assert page["entries"], "nothing happens any more"
        after = page["next"]
    raise AssertionError("the session does not end")
