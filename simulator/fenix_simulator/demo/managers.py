"""The sample VNFMs of a demo: one process for each project, started and stopped here."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

from fenix_contract.vocabulary import REPLY_STATES, Action
from fenix_simulator.domain.errors import MaintenanceError
from fenix_simulator.durations import format_duration
from fenix_simulator.scenario import Manager


class ManagerLost(MaintenanceError):
    """A sample VNFM did not start."""


def arguments(project_id: str, manager: Manager, url: str, token: str | None = None) -> list[str]:
    """The options of ``fenix-vnfm`` that make it behave as the scenario says."""
    options = ["--project", project_id, "--action", str(Action(manager.action)), "--subscribe", url]
    options += ["--control-url", url, "--format", "json"]
    if manager.delay:
        options += ["--delay", format_duration(manager.delay)]
    if manager.nack is not None:
        options += ["--nack", str(manager.nack)]
    if manager.silent:
        for state in REPLY_STATES:
            options += ["--silent", str(state)]
    if token is not None:
        options += ["--token", token]
    return options


@contextlib.contextmanager
def running(managers: Mapping[str, Manager], url: str) -> Iterator[list[subprocess.Popen[bytes]]]:
    """A process of ``fenix-vnfm`` for each subscribed manager, until the block is left. Raises ManagerLost."""
    started: list[subprocess.Popen[bytes]] = []
    with tempfile.TemporaryDirectory(prefix="fenix-demo-") as folder:
        ready = {}
        try:
            for number, (project_id, manager) in enumerate(managers.items()):
                if not manager.subscribed:
                    continue
                ready[number] = Path(folder) / f"{number}.json"
                command = [sys.executable, "-m", "fenix_vnfm", *arguments(project_id, manager, url)]
                log = (Path(folder) / f"{number}.log").open("wb")
                with log:
                    process = subprocess.Popen(  # noqa: S603 - our own module with options that were checked
                        [*command, "--ready-file", str(ready[number])],
                        stdin=subprocess.DEVNULL,
                        stdout=subprocess.PIPE,
                        stderr=log,
                    )
                started.append(process)
            for process, number in zip(started, ready, strict=True):
                _await_ready(process, Path(folder) / f"{number}.log")
            yield started
        finally:
            for process in started:
                process.terminate()
            for process in started:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(5)
                if process.poll() is None:
                    process.kill()
                    process.wait()


def _await_ready(process: subprocess.Popen[bytes], log: Path) -> None:
    """It says on its output that it has subscribed; the rest of what it says is not needed."""
    assert process.stdout is not None  # noqa: S101 - it was started with a pipe
    for line in process.stdout:
        if json.loads(line)["event"] == "subscribed":
            threading.Thread(target=_drain, args=(process.stdout,), daemon=True).start()
            return
    process.wait(5)
    said = log.read_text("utf-8", "replace").strip().splitlines()
    raise ManagerLost(f"a sample VNFM did not start: {said[-1] if said else 'it ended without a word'}")


def _drain(output: IO[bytes]) -> None:
    with contextlib.suppress(ValueError, OSError):  # closed under our hands at the end
        while output.read(65536):
            pass
