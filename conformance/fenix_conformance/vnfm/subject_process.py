"""The VNFM under test as a process that the suite starts, starts again when it died, and always stops."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import subprocess
import tempfile
import time
from typing import IO, Final

from fenix_conformance.vnfm.interruption import Interruption
from fenix_conformance.vnfm.knocking import refusal
from fenix_conformance.vnfm.output_tail import tail

#: Seconds between two looks whether it listens already.
_LOOK: Final = 0.05
#: Seconds in which it ends when it is told to, before it is killed.
_END: Final = 5.0
_LINES: Final = 20


class SubjectLost(Exception):
    """The command did not bring up a VNFM; the message is one line, ``output`` the end of what the command wrote."""

    def __init__(self, message: str, output: str = "") -> None:
        super().__init__(message)
        self.output = output


class CommandInvalid(ValueError):
    """The command cannot be run; the message is one line."""


def words_of(command: str) -> list[str]:
    """The command line's words, as a shell would split them. Raises CommandInvalid."""
    try:
        words = shlex.split(command)
    except ValueError as error:
        raise CommandInvalid(f"{command!r} is no command line: {str(error).lower()}") from error
    if not words:
        raise CommandInvalid("it is empty: give the command that starts the VNFM")
    return words


class SubjectProcess:
    """Runs ``command``, without a shell and in a process group of its own, so that it listens at ``address``.

    What it prints is kept, and shown when it dies. ``stop`` (or leaving it as a context manager) ends the whole group.
    """

    def __init__(
        self, command: str, address: tuple[str, int], start_timeout: float, interruption: Interruption
    ) -> None:
        self._words = words_of(command)
        self._address = address
        self._start_timeout = start_timeout
        self._interruption = interruption
        self._process: subprocess.Popen[bytes] | None = None
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop

    @property
    def pid(self) -> int | None:
        """The process's id, which is its group's too; None while there is none."""
        return self._process.pid if self._process is not None else None

    @property
    def output(self) -> str:
        """The end of what it wrote."""
        return "" if self._output.closed else tail(self._output, lines=_LINES)

    @property
    def end(self) -> str:
        """How it ended, in a few words; "" while it runs."""
        status = self._process.poll() if self._process is not None else None
        if status is None:
            return ""
        return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"

    def start(self) -> None:
        """Run it, and wait until it listens. Raises SubjectLost, CommandInvalid, Interrupted."""
        where = "{}:{}".format(*self._address)
        if refusal(self._address) is None:
            raise SubjectLost(f"somebody else listens at {where} already: stop it, or leave --command out")
        try:
            self._process = subprocess.Popen(  # noqa: S603 - the user's own command
                self._words,
                stdin=subprocess.DEVNULL,
                stdout=self._output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise CommandInvalid(f"{self._words[0]} cannot be run: {error.strerror or error}") from error
        deadline = time.monotonic() + self._start_timeout
        while refusal(self._address) is not None:
            if end := self.end:
                raise SubjectLost(f"the command ended with {end} before anybody listened at {where}", self.output)
            if time.monotonic() >= deadline:
                raise SubjectLost(
                    f"nobody listens at {where} {self._start_timeout:g} s after the command was started", self.output
                )
            self._interruption.pause(_LOOK)

    def start_again(self) -> None:
        """End what is left of it, and start it anew. Raises what ``start`` raises."""
        self._end_group()
        self.start()

    def stop(self) -> None:
        """End it and all that it started."""
        self._end_group()
        self._output.close()

    def __enter__(self) -> SubjectProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _end_group(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        self._signal(process, signal.SIGTERM)
        deadline = time.monotonic() + _END
        while self._is_left(process) and time.monotonic() < deadline:
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(_LOOK)
            if process.poll() is not None and self._is_left(process):
                time.sleep(_LOOK)
        self._signal(process, signal.SIGKILL)
        process.wait()

    def _is_left(self, process: subprocess.Popen[bytes]) -> bool:
        """Whether anybody of its group still runs."""
        process.poll()
        try:
            os.killpg(process.pid, 0)
        except (ProcessLookupError, PermissionError):
            return False
        return True

    def _signal(self, process: subprocess.Popen[bytes], number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
