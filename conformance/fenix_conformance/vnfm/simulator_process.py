"""A simulator as a process of its own: started ahead, asked where it is, stopped."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from typing import IO, Final

from fenix_conformance.vnfm.output_tail import tail

#: Seconds in which it answers on any machine.
_START: Final = 60.0
#: Seconds after which whoever has closed its output is gone.
_LINGER: Final = 0.5
#: Seconds in which it ends when it is told to.
_END: Final = 5.0


class SimulatorLost(Exception):
    """The simulator did not start, or ended; the message is one line."""


class SimulatorProcess:
    """Starts at once, does not wait. It ends with whoever started it: its standard input is a pipe that then closes."""

    def __init__(self, scenario: str, options: Sequence[str]) -> None:
        command = [sys.executable, "-m", "fenix_simulator", "serve", "--port", "0", "--format", "json"]
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        self._process = subprocess.Popen(  # noqa: S603 - our own module with options that were checked
            [*command, "--until-eof", "--scenario", scenario, *options],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        """The process's id."""
        return self._process.pid

    def url(self) -> str:
        """Where it answers, as soon as it does. Raises SimulatorLost."""
        assert self._process.stdout is not None  # noqa: S101 - it was started with a pipe
        overdue = threading.Timer(_START, self._process.kill)
        overdue.daemon = True
        overdue.start()
        try:
            line = self._process.stdout.readline()
        finally:
            overdue.cancel()
        if not line:
            raise SimulatorLost(self.last_words() or "the simulator does not answer")
        return str(json.loads(line)["url"])

    def feed(self, scenario: str) -> None:
        """Give it the scenario that it was started without (``-``). Raises SimulatorLost."""
        assert self._process.stdin is not None  # noqa: S101 - it was started with a pipe
        try:
            self._process.stdin.write(f"{scenario}...\n".encode())
            self._process.stdin.flush()
        except OSError as error:
            raise SimulatorLost(self.last_words() or f"the simulator takes no scenario: {error}") from error

    def last_words(self) -> str:
        """What can be said of its end; "" while it runs."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_LINGER)
        status = self._process.poll()
        if status is None or self._errors.closed:
            return ""
        return f"the simulator ended with status {status}: {tail(self._errors, lines=3) or 'without a word'}"

    def terminate(self) -> None:
        """Tell it to end, do not wait."""
        self._process.terminate()

    def stop(self) -> None:
        """End it."""
        if self._errors.closed:
            return
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self._process.terminate()
        try:
            self._process.wait(_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._errors.close()
