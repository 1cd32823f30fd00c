"""Durations as people write them: ``500ms``, ``90s``, ``20m``, ``1h30m``."""

from __future__ import annotations

import re
from datetime import timedelta

_UNITS = {
    "h": timedelta(hours=1),
    "m": timedelta(minutes=1),
    "s": timedelta(seconds=1),
    "ms": timedelta(milliseconds=1),
}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def parse_duration(text: str) -> timedelta:
    """The duration that ``text`` says. Raises ValueError."""
    if _WHOLE.fullmatch(text) is None or len(text) > 32:
        raise ValueError(f"{text!r} is not a duration such as 500ms, 90s, 20m or 1h30m")
    return sum((float(number) * _UNITS[unit] for number, unit in _PART.findall(text)), timedelta())
