"""The simulators of a test session: one for each distinct scenario, started when it is first asked for.

A server is cleared before it is used again. One that cannot be (alarms of the last test are still on their way) or
whose journal has grown long is stopped, and another one takes its place.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Final, Protocol

from fenix_conformance.vnfm.journal import Entry
from fenix_pytest.choice import Choice, Resolved, ScenarioRefused
from fenix_pytest.control import Control
from fenix_pytest.flight import in_flight
from fenix_pytest.history import History, NotSeen

#: Seconds in which a process starts on any machine, and those in which it ends when it is told to.
_START: Final = 60.0
_END: Final = 5.0
#: Seconds that alarms of a finished test may take to arrive; a VNFM that takes longer is cut off.
LANDING: Final = 2.0
#: Entries after which a server is replaced, well before its journal forgets the first.
_LONG: Final = 50_000


class Server(Protocol):
    """A simulator that answers at ``url`` until ``stop``."""

    @property
    def url(self) -> str: ...

    def stop(self) -> None: ...


class InProcess:
    """A simulator on threads of this process."""

    def __init__(self, resolved: Resolved) -> None:
        from fenix_simulator.adapters.clock import TimeMode
        from fenix_simulator.bootstrap import Settings, Simulator
        from fenix_simulator.durations import parse_duration

        time, timeout = TimeMode.parse(resolved.time), parse_duration(resolved.alarm_timeout)
        self._simulator = Simulator(Settings(resolved.scenario(), time=time, alarm_timeout=timeout)).start()
        self.url = self._simulator.url

    def stop(self) -> None:
        """Finish the requests in flight and end."""
        self._simulator.stop()


class InItsOwn:
    """A simulator as a process, ``fenix-simulator serve``: nothing that a test does to this process reaches it."""

    def __init__(self, resolved: Resolved) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="fenix-pytest-")
        scenario = Path(self._folder.name) / f"{resolved.name}.yaml"
        scenario.write_text(resolved.document)
        self._errors = (Path(self._folder.name) / "stderr.txt").open("w+")
        command = [sys.executable, "-m", "fenix_simulator", "serve", "--port", "0", "--format", "json"]
        command += ["--scenario", str(scenario), "--time", resolved.time, "--alarm-timeout", resolved.alarm_timeout]
        self._process = subprocess.Popen(  # noqa: S603 - our own module with options that were checked
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self._errors, text=True
        )
        try:
            self.url = self._ready(self._process.stdout)["url"]
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Tell it to end, and see to it that it does."""
        self._process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_END)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._errors.close()
        self._folder.cleanup()

    def _ready(self, output: IO[str] | None) -> Any:
        overdue = threading.Timer(_START, self._process.kill)
        overdue.daemon = True
        overdue.start()
        line = output.readline() if output is not None else ""
        overdue.cancel()
        if not line:
            self._process.wait(_END)
            self._errors.seek(0)
            raise ScenarioRefused(f"the simulator's process did not start: {self._errors.read().strip()}")
        return json.loads(line)


class Lease:
    """A cleared server, in the hands of one test."""

    def __init__(self, resolved: Resolved, server: Server) -> None:
        self.resolved = resolved
        self.scenario = resolved.scenario()
        self.inventory = self.scenario.build_inventory()
        self.server = server
        self.control = Control(server.url)
        self.names = {project.project_id: project.name for project in self.inventory.projects}
        #: Sessions of tests that are over; what is still heard of them is nobody's.
        self.foreign: set[str] = set()

    def open(self) -> History:
        """Clear the server, and begin a history."""
        self.control.clear()
        return History(self.control, self.control.last(), frozenset(self.foreign), self.names)

    def release(self, history: History) -> bool:
        """Clear the server after a test; whether another may use it."""
        self.control.clear()
        self.foreign.update(entry.session_id for entry in history if entry.session_id is not None)
        with contextlib.suppress(NotSeen):
            history.wait_for(_has_landed, LANDING, "the end of every delivery")
            return self.control.last() < _LONG
        return False

    def stop(self) -> None:
        """End the server."""
        self.control.close()
        self.server.stop()


class Servers:
    """Simulators by scenario and options, started when they are needed and kept until the test session ends."""

    def __init__(self, *, as_process: bool = False) -> None:
        self.as_process = as_process
        self._idle: dict[Resolved, Lease] = {}
        self._resolved: dict[object, Resolved] = {}

    def take(self, choice: Choice | str = "happy-path") -> Lease:
        """A server for that scenario, which nobody else has until it is given back. Raises ScenarioRefused."""
        resolved = self._resolve(Choice.of(choice))
        lease = self._idle.pop(resolved, None)
        return lease or Lease(resolved, InItsOwn(resolved) if self.as_process else InProcess(resolved))

    def give_back(self, lease: Lease, history: History) -> None:
        """Keep a server for the next test, if it can be cleared; a second one of its kind is not kept."""
        try:
            usable = lease.release(history)
        except Exception:
            lease.stop()
            raise
        if usable and lease.resolved not in self._idle:
            self._idle[lease.resolved] = lease
        else:
            lease.stop()

    def _resolve(self, choice: Choice) -> Resolved:
        """The scenario; it is read and checked once, and again when its file has changed."""
        file = Path(choice.source)
        key = choice.source, repr(choice.options), file.stat().st_mtime_ns if file.is_file() else None
        if key not in self._resolved:
            self._resolved[key] = choice.resolved()
        return self._resolved[key]

    def close(self) -> None:
        """Stop all that are kept."""
        while self._idle:
            self._idle.popitem()[1].stop()


def _has_landed(entries: Sequence[Entry]) -> bool:
    return in_flight(entries) == 0
