"""A lock on a file that ends with the process that holds it."""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


class FileInUse(Exception):
    """Another process, or another part of this one, holds the lock. ``holder`` is its process id, as far as known."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


class FileLock:
    """Holds ``path`` (created when missing, removed on ``close``) so that nobody else can until closed.

    ``flock`` and a file of its own: SQLite's own locks on a database vanish when a process closes any other
    descriptor of the same file, and a lock file that merely exists would outlive a killed process.
    """

    def __init__(self, path: Path) -> None:
        """Raises FileInUse at once when somebody holds it, OSError when the file cannot be made."""
        self._path = path
        self._descriptor = _acquire(path)
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, str(os.getpid()).encode())

    def close(self) -> None:
        """Let go. The file is removed while it is still held, so that nobody's fresh one can be hit."""
        with contextlib.suppress(OSError):
            self._path.unlink()
        os.close(self._descriptor)


def _acquire(path: Path) -> int:
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, path):
                return descriptor
        except BlockingIOError:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace")
            os.close(descriptor)
            raise FileInUse(holder) from None
        except BaseException:
            os.close(descriptor)
            raise
        # The holder before us removed the file between our opening and our locking it: take the one that is there now.
        os.close(descriptor)


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        there = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(descriptor)
    return (mine.st_dev, mine.st_ino) == (there.st_dev, there.st_ino)
