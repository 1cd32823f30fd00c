"""Whether somebody listens where the alarms are to go."""

from __future__ import annotations

import socket
from typing import Final

_TIMEOUT: Final = 3.0


def refusal(address: tuple[str, int], timeout: float = _TIMEOUT) -> str | None:
    """Why nobody can be connected to at this host and port; None where somebody listens."""
    try:
        socket.create_connection(address, timeout).close()
    except OSError as error:
        return error.strerror or str(error) or type(error).__name__
    except UnicodeError:
        return "not a host name"
    return None
