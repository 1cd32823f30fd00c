"""What the command prints: one line per event, for people or as NDJSON, and the ready-file."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from fenix_vnfm.events import ManagerEvent

_SESSION_WIDTH = 8


class EventPrinter:
    """Prints events to ``stream``, each as one flushed line. When nobody reads any more, ``on_closed`` is called."""

    def __init__(self, stream: TextIO, style: str, on_closed: Callable[[], None]) -> None:
        self._stream = stream
        self._line = json_line if style == "json" else text_line
        self._on_closed = on_closed
        self._lock = threading.Lock()

    def __call__(self, event: ManagerEvent) -> None:
        line = self._line(event)
        with self._lock:
            try:
                self._stream.write(line + "\n")
                self._stream.flush()
            except (BrokenPipeError, ValueError):
                self._on_closed()


def json_line(event: ManagerEvent) -> str:
    """The event as one line of JSON."""
    return json.dumps(event.as_json())


def text_line(event: ManagerEvent) -> str:
    """The event as one line for people: time (UTC), project, session (shortened), state, what happened."""
    where = " ".join(part for part in (event.project_id, event.session_id[:_SESSION_WIDTH], event.state) if part)
    clock = f"{event.at:%H:%M:%S}.{event.at.microsecond // 1000:03d}"
    line = " ".join(part for part in (clock, where, f"{event.kind}: {event.text}") if part)
    return "".join(letter if letter.isprintable() else "?" for letter in line)


def write_ready_file(path: Path, alarm_url: str) -> None:
    """Write ``{"alarm_url", "pid"}`` so that whoever waits for the file finds it whole. Raises OSError."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        part.write_text(json.dumps({"alarm_url": alarm_url, "pid": os.getpid()}) + "\n", encoding="utf-8")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
