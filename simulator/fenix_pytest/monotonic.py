"""The clock that bounds the waits: one that libraries which fake the time in tests leave alone."""

from __future__ import annotations

import time


def monotonic() -> float:
    """Seconds that pass also while a test has frozen ``time.monotonic`` and ``datetime.now``."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)
