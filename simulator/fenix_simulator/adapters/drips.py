"""Bytes that come slowly: a body in pieces, spread over a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

#: Seconds between two pieces, unless there are fewer bytes than that.
_BEAT = 0.05


def drip(body: bytes, seconds: float, wait: Callable[[float], object]) -> Iterator[bytes]:
    """The body piece by piece, the last one after ``seconds``; ``wait`` is called for the seconds before each."""
    count = max(1, min(len(body), math.ceil(seconds / _BEAT) + 1))
    beat = seconds / max(1, count - 1)
    for number in range(count):
        if number or count == 1:
            wait(beat)
        yield body[len(body) * number // count : len(body) * (number + 1) // count]
