"""The body of an alarm's POST that goes wrong on its connection, as a fault wants it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Iterator

from fenix_simulator.adapters.drips import drip
from fenix_simulator.ports import Mishap

_ENDS = {
    "reset": "the connection was reset behind the head, as a fault wanted it",
    "cut": "the connection was closed in the middle of the body, as a fault wanted it",
}


class CutShort(Exception):
    """The POST ended before its body did, on purpose."""


class SpoiledBody:
    """A body that urllib3 sends piece by piece. ``socket`` is set by the connection that sends it."""

    def __init__(self, body: bytes, mishap: Mishap, wait: Callable[[float], object]) -> None:
        """``wait`` is called for the seconds between two pieces."""
        self._body = body
        self._mishap = mishap
        self._wait = wait
        self.socket: Callable[[], socket.socket | None] = lambda: None

    def __iter__(self) -> Iterator[bytes]:
        """The pieces. Errors: CutShort where the fault ends them."""
        end, sent = self._mishap.end, self._body
        if end == "reset":
            reset_on_close(self.socket())
            raise CutShort(_ENDS[end])
        if end == "cut":
            sent = sent[: len(sent) // 2]
        yield from drip(sent, self._mishap.drip.total_seconds(), self._wait) if self._mishap.drip else [sent]
        if end is not None:
            raise CutShort(_ENDS[end])


def reset_on_close(connection: socket.socket | None) -> None:
    """Let the other side see a reset (RST) and no orderly end (FIN) when the connection is closed."""
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
