"""`fenix-simulator serve` as a process that can be killed and looked at, and a connection to it."""

from __future__ import annotations

import ctypes
import json
import os
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

#: Seconds in which a server has to answer anything; a machine may be busy.
SOON = 60.0

_DROP_CAPABILITY = 24
_OVERRIDE_PERMISSIONS = 1


class NotStarted(Exception):
    """The server ended instead of starting: its exit code and what it said."""

    def __init__(self, code: int, said: str) -> None:
        super().__init__(f"the server ended with {code}: {said[-500:]}")
        self.code = code
        self.said = said


class Serve:
    """The command with these options, in ``folder``; its port stays the same when it is started again."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.folder = folder
        self.port = 0
        self._options = options
        self._process: subprocess.Popen[str] | None = None

    def start(self, before: Callable[[], object] | None = None) -> dict[str, Any]:
        """Start, wait until requests are answered, and return what it says of itself; ``before`` is called in the new
        process. Errors: NotStarted."""
        command = [sys.executable, "-m", "fenix_simulator", "serve", "--format", "json", "--port", str(self.port)]
        with self.log.open("a") as log:
            process = subprocess.Popen(
                [*command, *self._options], stdout=subprocess.PIPE, stderr=log, text=True, preexec_fn=before
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            process.stdout.close()
            raise NotStarted(process.wait(SOON), self.log.read_text())
        self._process = process
        ready: dict[str, Any] = json.loads(line)
        self.port = int(ready["url"].rpartition(":")[2])
        return ready

    @property
    def log(self) -> Path:
        """What the server says on stderr."""
        return self.folder / "stderr.txt"

    @property
    def pid(self) -> int:
        """The process that runs."""
        assert self._process is not None
        return self._process.pid

    def stop(self, by: signal.Signals = signal.SIGTERM) -> int:
        """End it, where it runs; its exit code."""
        if self._process is None or self._process.stdout is None:
            return 0
        self._process.send_signal(by)
        code = self._process.wait(SOON)
        self._process.stdout.close()
        self._process = None
        return code

    def limit_files(self, size: int = resource.RLIM_INFINITY) -> None:
        """No file of its can grow beyond so many bytes, which is to it as a full disk; without a size it can again."""
        resource.prlimit(self.pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def connect(self) -> Wire:
        """A connection of its own."""
        return Wire(self.port)

    # -- what the system says of it ----------------------------------------------------------------------------------

    def resident(self) -> int:
        """Bytes in memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def threads(self) -> int:
        """How many threads it has."""
        return len(list(Path(f"/proc/{self.pid}/task").iterdir()))

    def sockets(self) -> int:
        """How many sockets it has open, the listening one included."""
        count = 0
        for one in Path(f"/proc/{self.pid}/fd").iterdir():
            try:
                count += str(one.readlink()).startswith("socket:")
            except FileNotFoundError:
                continue
        return count


class Wire:
    """One connection that is kept; cheaper than ``http.client``, so that more of the machine is the server's."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=SOON)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, method: str, path: str, document: Any = None) -> tuple[int, bytes]:
        """Status and body of the answer. Errors: ConnectionError where it ends before."""
        body = b"" if document is None else json.dumps(document).encode()
        kind = "Content-Type: application/json\r\n" if body else ""
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{kind}Content-Length: {len(body)}\r\n\r\n"
        self._socket.sendall(head.encode() + body)
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._more()
        fields = received[:end].decode("latin-1").lower().split("\r\n")
        length = next((int(one[15:]) for one in fields if one.startswith("content-length:")), 0)
        while len(received) < end + 4 + length:
            received += self._more()
        return int(fields[0].split(" ")[1]), received[end + 4 :]

    def get(self, path: str) -> Any:
        """The JSON of an answer that has to be 200. Errors: RuntimeError where it is another, ConnectionError."""
        status, body = self.ask("GET", path)
        if status != 200:
            raise RuntimeError(f"GET {path}: {status} {body[:300]!r}")
        return json.loads(body)

    def _more(self) -> bytes:
        some = self._socket.recv(65536)
        if not some:
            raise ConnectionError("the server closed the connection")
        return some


def without_override() -> None:
    """For ``start``: permissions of files hold, even where root starts the server."""
    ctypes.CDLL(None).prctl(_DROP_CAPABILITY, _OVERRIDE_PERMISSIONS, 0, 0, 0)


def cloud(projects: int, instances: int) -> Sequence[str]:
    """Options for so many projects of so many instances each, whose sessions go on by replies alone."""
    hosts = max(10, projects * instances // 100)
    sizes = ("--hosts", hosts, "--projects", projects, "--instances", projects * instances)
    return tuple(str(one) for one in (*sizes, "--time", "manual"))
