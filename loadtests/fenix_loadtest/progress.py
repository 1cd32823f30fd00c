"""A line on the terminal while the load lasts."""

from __future__ import annotations

import sys
import time
from typing import Any

import gevent


def show(runner: Any, load_time: float | None) -> gevent.Greenlet[..., None] | None:
    """Show how far the run is, once a second, until it is killed; None where standard error is no terminal."""
    if not sys.stderr.isatty():
        return None
    return gevent.spawn(_show, runner, load_time)


def _show(runner: Any, load_time: float | None) -> None:
    begun = time.monotonic()
    try:
        while True:
            gevent.sleep(1)
            total = runner.stats.total
            length = f" of {load_time:g}" if load_time is not None else ""
            text = f"{time.monotonic() - begun:.0f}{length} s · {total.current_rps:.0f} requests/s"
            sys.stderr.write(f"\r\x1b[K{text} · {total.num_failures} failed")
            sys.stderr.flush()
    finally:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()
