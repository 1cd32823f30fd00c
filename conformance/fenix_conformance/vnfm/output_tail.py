"""The end of what a process has written."""

from __future__ import annotations

import os
from typing import IO, Final

_BYTES: Final = 16 * 1024


def tail(file: IO[bytes], *, lines: int) -> str:
    """The last lines of a file that a process writes to, without blank ones; "" where there is nothing.

    The file's position is left alone: the process shares it.
    """
    descriptor = file.fileno()
    size = os.fstat(descriptor).st_size
    text = os.pread(descriptor, _BYTES, max(0, size - _BYTES)).decode("utf-8", "replace")
    return "\n".join([line.rstrip() for line in text.splitlines() if line.strip()][-lines:])
