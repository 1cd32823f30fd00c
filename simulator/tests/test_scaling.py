"""Four servers behind nginx, as docs/scaling.md has it: one is killed under load, and only its own sessions wait."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import urllib3

from fenix_simulator.adapters.journal_reader import SqliteJournalReader
from fenix_simulator.ports import Filter
from fenix_simulator.shards import Shard
from fenix_vnfm import AlarmReceiver, Policy, ProjectManager

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
CONFIGURATION = Path(__file__).parents[2] / "docs" / "nginx" / "fenix-shards.conf"
SHARDS = 4
PROJECTS = ("alpha", "beta", "gamma")
SOON = 60.0

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: apt-get install nginx)"),
]

#: What the whole of nginx needs beside the configuration that is shipped, in a folder of its own and as anybody.
AROUND = """
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/fenix-shards.conf;
}}
"""


class Process:
    """One shard, which can be killed and started again on the same port and journal."""

    def __init__(self, folder: Path, number: int, options: list[str]) -> None:
        self.number = number
        self.journal = folder / f"shard-{number}.db"
        self.port = "0"
        self._options = options
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Begin to start; ``ready`` waits until it is."""
        command = [sys.executable, "-m", "fenix_simulator", "serve", "--format", "json", "--port", self.port]
        command += ["--shard", f"{self.number}/{SHARDS}", "--journal", str(self.journal), *self._options]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def ready(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        self.port = json.loads(self._process.stdout.readline())["url"].rpartition(":")[2]

    def kill(self, by: signal.Signals = signal.SIGKILL) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.send_signal(by)
            self._process.wait(20)
            self._process.stdout.close()
            self._process = None


class Front:
    """nginx, and what is asked through it."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._pool = urllib3.PoolManager(retries=False, timeout=SOON, maxsize=8)

    def __call__(self, method: str, path: str, document: object = None) -> urllib3.BaseHTTPResponse:
        body = None if document is None else json.dumps(document).encode()
        headers = {"Content-Type": "application/json"} if body else {}
        return self._pool.request(method, self.url + path, body=body, headers=headers)

    def state(self, session_id: str) -> str:
        return str(self("GET", f"/v1/maintenance/{session_id}").json()["state"])

    def awaits(self, session_id: str, shard: int) -> str:
        """The session's last state, by its shard's long poll."""
        after = 0
        while True:
            path = f"/shard-{shard}/simulator/v1/journal?kind=event&session_id={session_id}&after={after}&wait=20"
            page = self("GET", path).json()
            for entry in page["entries"]:
                if entry["type"] == "StateEntered" and entry["data"]["state"] in (
                    "MAINTENANCE_DONE",
                    "MAINTENANCE_FAILED",
                ):
                    return str(entry["data"]["state"])
            assert page["entries"], f"nothing happens any more in {self.state(session_id)}"
            after = page["next"]


@contextlib.contextmanager
def nginx(folder: Path, front: int, ports: list[str]) -> Iterator[Front]:
    """nginx with the shipped configuration on other ports."""
    text = CONFIGURATION.read_text().replace("127.0.0.1:8920", f"127.0.0.1:{front}")
    for number, port in enumerate(ports, 1):
        text = text.replace(f"127.0.0.1:892{number}", f"127.0.0.1:{port}")
    (folder / "fenix-shards.conf").write_text(text)
    (folder / "nginx.conf").write_text(AROUND.format(folder=folder))
    command = [str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as process:
        try:
            asked = Front(f"http://127.0.0.1:{front}")
            _await_answer(asked, process)
            yield asked
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)


def _await_answer(front: Front, process: subprocess.Popen[str]) -> None:
    for _ in range(400):
        with contextlib.suppress(urllib3.exceptions.HTTPError):
            if front("GET", "/simulator/v1/ready").status == 200:
                return
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
            assert process.stderr is not None
            raise AssertionError(f"nginx ended: {process.stderr.read()}")
    raise AssertionError("nginx does not answer")


@pytest.fixture
def place(tmp_path):
    """The four servers behind nginx, a manager for each project, and the receiver that they share."""
    # So that nginx's worker, which is nobody where root starts it, can look into the folder.
    tmp_path.chmod(0o755)
    with socket.socket() as free, contextlib.ExitStack() as stack:
        free.bind(("127.0.0.1", 0))
        front = free.getsockname()[1]
        free.close()
        url = f"http://127.0.0.1:{front}"
        receiver = stack.enter_context(AlarmReceiver())
        options = ["--public-url", url, "--hosts", "8", "--projects", "3", "--instances", "36", "--reply-window", "5m"]
        for project in PROJECTS:
            manager = ProjectManager(project, Policy(tries=200), receiver=receiver, control_url=url)
            stack.enter_context(manager)
            options += ["--project-id", project, "--alarm-url", f"{project}={manager.alarm_url}"]
        processes = [Process(tmp_path, number, options) for number in range(1, SHARDS + 1)]
        for process in processes:
            stack.callback(process.kill, signal.SIGTERM)
            process.start()
        for process in processes:
            process.ready()
        asked = stack.enter_context(nginx(tmp_path, front, [process.port for process in processes]))
        yield asked, processes, receiver


def begin(front: Front) -> dict[int, str]:
    """One session in each shard, by as many requests: the number of each shard and its session."""
    made = [front("POST", "/v1/maintenance", {}).json()["session_id"] for _ in range(SHARDS)]
    return {number: one for number in range(1, SHARDS + 1) for one in made if Shard(number, SHARDS).owns(one)}


class Load:
    """Lists of some sessions and nothing else, again and again until it is stopped; counts the answers."""

    def __init__(self, ask: Callable[[str, str], urllib3.BaseHTTPResponse], paths: list[str]) -> None:
        self.answers: Counter[int] = Counter()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(ask, paths), daemon=True)

    def __enter__(self) -> Load:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(SOON)

    def _run(self, ask: Callable[[str, str], urllib3.BaseHTTPResponse], paths: list[str]) -> None:
        while not self._stop.wait(0.002):
            for path in paths:
                self.answers[ask("GET", path).status] += 1


def test_a_server_killed_under_load_has_its_session_back_and_the_others_notice_nothing(place):
    front, processes, receiver = place
    sessions = begin(front)
    assert set(sessions) == {1, 2, 3, 4}
    victim = processes[1]
    mine = sessions[victim.number]
    lists = [f"/v1/maintenance/{one}/{PROJECTS[0]}" for number, one in sessions.items() if number != victim.number]
    with Load(front, lists) as load:
        receiver.wait_for(lambda alarm: alarm.session_id == mine and alarm.state == "MAINTENANCE", timeout=SOON)
        victim.kill()
        told = SqliteJournalReader(victim.journal)
        before = {entry.type for entry in told.read(0, 100_000, Filter(kinds=frozenset({"event"}), session_id=mine))}
        told.close()
        assert "SessionDone" not in before
        assert front("GET", f"/v1/maintenance/{mine}").status == 502
        # A new session is begun in one of those that are there.
        more = [front("POST", "/v1/maintenance", {}) for _ in range(SHARDS)]
        assert {answer.status for answer in more} == {200}
        assert not any(Shard(victim.number, SHARDS).owns(answer.json()["session_id"]) for answer in more)
        for number, session_id in sessions.items():
            if number != victim.number:
                assert front.awaits(session_id, number) == "MAINTENANCE_DONE"
        victim.start()
        victim.ready()
        assert front.awaits(mine, victim.number) == "MAINTENANCE_DONE"
    assert set(load.answers) == {200}
    assert {front.state(one) for one in sessions.values()} == {"MAINTENANCE_DONE"}
    reader = SqliteJournalReader(victim.journal)
    events = reader.read(0, 100_000, Filter(kinds=frozenset({"event"}), session_id=mine))
    assert [entry.type for entry in events].count("SessionDone") == 1
    reader.close()


def test_each_request_goes_where_it_belongs(place):
    front, _, receiver = place
    sessions = begin(front)
    alarm = receiver.wait_for(lambda one: one.session_id == sessions[3], timeout=SOON)
    assert alarm.message is not None
    assert alarm.message.reply_url == f"{front.url}/v1/maintenance/{sessions[3]}/{alarm.project_id}"
    for number, session_id in sessions.items():
        listed = front("GET", f"/shard-{number}/v1/maintenance").json()
        assert session_id in str(listed)
        assert not any(other in str(listed) for one, other in sessions.items() if one != number)
        assert front("GET", f"/simulator/v1/sessions/{session_id}").status == 200
        assert front.awaits(session_id, number) == "MAINTENANCE_DONE"
        assert front("DELETE", f"/v1/maintenance/{session_id}").status in (200, 204)
        assert front("GET", f"/v1/maintenance/{session_id}").status == 404
    # What only each server knows is not answered by whichever is next.
    for path in ("/v1/maintenance", "/simulator/v1/sessions", "/v2/alarms", "/simulator/v1/journal", "/metrics"):
        answer = front("GET", path)
        assert (answer.status, answer.data.decode()) == (501, answer.data.decode())
        assert f"/shard-1{path} to /shard-4{path}" in answer.data.decode()
    assert front("POST", "/v2/alarms", {}).status == 501


def test_an_instance_that_a_project_removes_is_gone_everywhere(place):
    front, processes, _ = place
    instance_id = front("GET", "/shard-1/simulator/v1/instances").json()["instances"][0]["instance_id"]
    assert front("DELETE", f"/simulator/v1/instances/{instance_id}").status == 204
    for process in processes:
        # The copies of a request are sent along with it; nobody says when they arrived.
        for _ in range(200):
            status = front("GET", f"/shard-{process.number}/simulator/v1/instances/{instance_id}").status
            if status == 404:
                break
            front("GET", f"/shard-{process.number}/simulator/v1/journal?after=0&kind=none&wait=0.05")
        assert status == 404
    project = {"project_id": PROJECTS[0]}
    made = {front("POST", f"/shard-{n}/simulator/v1/instances", project).json()["instance_id"] for n in (1, 2, 3, 4)}
    # The same history gives the same ids.
    assert len(made) == 1
