"""The simulator as a process: started from its command, spoken to over HTTP, killed where a scenario asks for it."""

from __future__ import annotations

import importlib.util
import json
import os
import queue
import subprocess
import sys
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

from fenix_features.clouds import CloudPlan
from fenix_vnfm import JsonClient

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
#: Idle servers that are kept for the next scenario with the same cloud.
_KEPT = 12

#: The packages that the command needs; in a checkout they are found by the parent's path only.
_PACKAGES = ("fenix_simulator", "fenix_contract", "fenix_vnfm")


class ServerFailed(Exception):
    """The simulator did not start; the message has what it said."""


class SimulatorProcess:
    """``fenix-simulator serve`` with a scenario file in ``folder``; with ``has_journal`` it can be started again."""

    def __init__(self, document: str, folder: Path, *, has_journal: bool = False) -> None:
        self._folder = folder
        self._scenario = folder / "scenario.yaml"
        self._scenario.write_text(document)
        self._has_journal = has_journal
        self._port = "0"
        self._process: subprocess.Popen[str] | None = None
        self.url = ""
        self.projects: tuple[str, ...] = ()

    @property
    def is_running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it, and return when it answers; again on the same port. Raises ServerFailed."""
        command = [sys.executable, "-m", "fenix_simulator", "serve", "--format", "json", "--port", self._port]
        command += ["--scenario", str(self._scenario)]
        if self._has_journal:
            command += ["--journal", str(self._folder / "journal.db")]
        said = self._folder / "stderr.txt"
        with said.open("a") as errors:
            self._process = subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True, env=_environment(), cwd=self._folder
            )
        ready = _first_line(self._process, _START_SECONDS)
        if ready is None:
            self.kill()
            raise ServerFailed(f"the simulator did not start: {' '.join(command)}\n{said.read_text()}")
        self.url = str(ready["url"])
        self.projects = tuple(ready["projects"])
        self._port = self.url.rpartition(":")[2]

    def reset(self) -> None:
        """Forget every session, every change of the cloud, and whatever subscriptions were left behind."""
        client = JsonClient()
        try:
            left = client.request("GET", f"{self.url}/v2/alarms")
            ids = [alarm["alarm_id"] for alarm in left.json() or ()]
            done = [client.request("DELETE", f"{self.url}/v2/alarms/{alarm_id}") for alarm_id in ids]
            done.append(client.request("POST", f"{self.url}/simulator/v1/reset", {}))
            refused = [exchange for exchange in (left, *done) if not exchange.accepted]
            if refused:
                raise ServerFailed(f"the simulator was not reset: {refused[0]}")
        finally:
            client.close()

    def kill(self) -> None:
        """As ``kill -9``: it has no time to put anything in order."""
        if self._process is not None:
            self._process.kill()
            self._reap(self._process)

    def stop(self) -> None:
        """Ask it to end, and see to it that it does."""
        process = self._process
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        self._reap(process)

    def _reap(self, process: subprocess.Popen[str]) -> None:
        process.wait(_STOP_SECONDS)
        if process.stdout is not None:
            process.stdout.close()


class ServerPool:
    """Servers by what they were started with. One is reset before it is used again, so scenarios share no state."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        self._kept: OrderedDict[tuple[str, bool], SimulatorProcess] = OrderedDict()

    def take(self, plan: CloudPlan) -> SimulatorProcess:
        """A server with the cloud that was planned, without sessions."""
        document = plan.document()
        key = document, plan.has_journal
        server = self._kept.pop(key, None)
        if server is not None and server.is_running:
            server.reset()
        else:
            server = self._start(document, has_journal=plan.has_journal)
        self._kept[key] = server
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)[1].stop()
        return server

    def close(self) -> None:
        """Stop every server."""
        while self._kept:
            self._kept.popitem()[1].stop()

    def _start(self, document: str, *, has_journal: bool) -> SimulatorProcess:
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        server = SimulatorProcess(document, folder, has_journal=has_journal)
        server.start()
        return server


def _environment() -> dict[str, str]:
    """The parent's, without the simulator's own settings, and with the places where its packages were found."""
    places = []
    for name in _PACKAGES:
        spec = importlib.util.find_spec(name)
        if spec is None or spec.origin is None:
            raise ServerFailed(f"the package {name} is not installed")
        places.append(str(Path(spec.origin).parent.parent))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("FENIX_SIM_")}
    inherited = environment.get("PYTHONPATH")
    environment["PYTHONPATH"] = os.pathsep.join([*dict.fromkeys(places), *([inherited] if inherited else [])])
    return environment


def _first_line(process: subprocess.Popen[str], seconds: float) -> dict[str, Any] | None:
    """What the server says once it answers; None where it ended or said nothing in time."""
    lines: queue.SimpleQueue[str] = queue.SimpleQueue()
    assert process.stdout is not None
    threading.Thread(target=lambda out=process.stdout: lines.put(out.readline()), daemon=True).start()
    try:
        line = lines.get(timeout=seconds)
    except queue.Empty:
        return None
    ready = json.loads(line) if line else None
    return ready if isinstance(ready, dict) else None
