"""Durations as people write them: ``90s``, ``20m``, ``1h30m``, ``250ms``."""

from __future__ import annotations

import re
from datetime import timedelta

#: Units from the longest to the shortest, which is the order they are written in; values are microseconds.
_UNITS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000}
#: Days, a hundred years: an instant so far away is still one that a calendar has.
_LONGEST = 36_500
_PART = r"(?:(?P<{unit}>\d{{1,9}}(?:\.\d{{1,6}})?){unit}(?![a-z]))?"
_PATTERN = re.compile("".join(_PART.format(unit=unit) for unit in _UNITS), re.ASCII)
_EXPECTED = "a duration like 90s, 20m, 1h30m or 250ms"


def parse_duration(text: str) -> timedelta:
    """The duration that ``text`` says: numbers with the units d, h, m, s, ms, longest first, each at most once.

    Raises ValueError with a sentence for people. A number without a unit is refused: seconds and minutes are too
    easily taken for each other.
    """
    words = text.strip().lower()
    match = _PATTERN.fullmatch(words)
    if not words or match is None:
        raise ValueError(f"{text!r} is not {_EXPECTED}")
    microseconds = sum(_read(number, unit) for unit, number in match.groupdict().items() if number)
    if microseconds > _LONGEST * _UNITS["d"]:
        raise ValueError(f"{text!r} is longer than {_LONGEST}d")
    return timedelta(microseconds=microseconds)


def format_duration(duration: timedelta) -> str:
    """The shortest way to write a duration that is not negative, to the microsecond: ``1h30m``, ``1.5s``, ``0s``."""
    rest = duration // timedelta(microseconds=1)
    if rest < 0:
        raise ValueError(f"{duration} is negative")
    if rest < _UNITS["s"]:
        return _write(rest, "ms") if rest else "0s"
    parts = []
    for unit in ("d", "h", "m"):
        count, rest = divmod(rest, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    if rest:
        parts.append(_write(rest, "s"))
    return "".join(parts)


def _read(number: str, unit: str) -> int:
    whole, _, fraction = number.partition(".")
    return int(whole) * _UNITS[unit] + int(fraction.ljust(6, "0")) * _UNITS[unit] // 1_000_000


def _write(microseconds: int, unit: str) -> str:
    whole, fraction = divmod(microseconds, _UNITS[unit])
    digits = len(str(_UNITS[unit])) - 1
    return f"{whole}.{fraction:0{digits}d}".rstrip("0").rstrip(".") + unit
