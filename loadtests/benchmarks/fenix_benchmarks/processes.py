"""Servers and programs as processes on one core: started, waited for with a bound, and always ended by their id."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

#: Seconds that a server has to end when it is asked to, before it is killed.
_END_SECONDS = 5.0

#: As much of a server's last words as one line of a report takes.
_WORDS = 200


class NotStarted(Exception):
    """A server did not come to answer; the message has its last words."""


def pinned(command: Sequence[str], core: int) -> list[str]:
    """The command on that core (-1: the last), where there is more than one and taskset."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2 or shutil.which("taskset") is None:
        return list(command)
    return ["taskset", "-c", str(cores[core]), *command]


@contextlib.contextmanager
def running(
    command: Sequence[str],
    url: str,
    *,
    folder: Path,
    seconds: float = 60.0,
    environment: Mapping[str, str] | None = None,
) -> Iterator[tuple[subprocess.Popen[bytes], float]]:
    """The command on the last core, from its first answer at ``url`` (of any status) until the end of the block, with
    the seconds that this took. What it says goes into a file that nobody has to read, so that it never waits for a
    reader. Errors: NotStarted."""
    with tempfile.TemporaryFile(dir=folder) as words:
        began = time.perf_counter()
        try:
            process = subprocess.Popen(
                pinned(command, -1),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=words,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={**os.environ, **(environment or {})},
            )
        except OSError as error:
            raise NotStarted(f"{command[0]}: {error.strerror or error}") from error
        try:
            trouble = _await(process, url, seconds)
            if trouble:
                words.seek(0)
                said = " ".join(words.read().decode("utf-8", "replace").split())[-_WORDS:]
                raise NotStarted(f"{trouble}{': ' + said if said else ''}")
            yield process, time.perf_counter() - began
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, and see to it that it does, with all that it has started in its own session."""
    process.terminate()
    try:
        process.wait(_END_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _await(process: subprocess.Popen[bytes], url: str, seconds: float) -> str | None:
    """What was wrong, None where it answers."""
    until = time.monotonic() + seconds
    pause = threading.Event()
    while time.monotonic() < until:
        if process.poll() is not None:
            return f"it ended with {process.returncode}"
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError as answer:
            answer.close()
        except OSError:
            pause.wait(0.02)
            continue
        return None
    return f"no answer within {seconds:g} s"
