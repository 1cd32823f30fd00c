"""Instants as clients write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from fenix_simulator.http.problems import Problem

#: ``YYYY-MM-DD HH:MM:SS`` as Fenix has it, and RFC 3339 (T, fraction, Z or an offset).
_PATTERN = re.compile(r"\d{4}-\d{2}-\d{2}[ Tt]\d{2}:\d{2}(?::\d{2}(?:\.\d{1,6})?)?(?:[Zz]|[+-]\d{2}:\d{2})?", re.ASCII)

#: Time stays between these, so that windows and durations can be added and taken away without a thought.
EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(3000, 1, 1, tzinfo=UTC)


def instant(text: str, member: str) -> datetime:
    """The instant that ``text`` says, aware UTC; without an offset it is in UTC. Problem 422 where it is none."""
    try:
        if not _PATTERN.fullmatch(text):
            raise ValueError(text)
        at = datetime.fromisoformat(text.upper())
    except ValueError:
        raise Problem(
            422,
            "the body does not fit",
            errors=[f"$.{member}: {text[:64]!r} is no instant"],
            expected="YYYY-MM-DD HH:MM:SS in UTC, or RFC 3339",
        ) from None
    try:
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except OverflowError:  # the offset leads out of the years 1 to 9999; a day more or less is no matter there
        return at.replace(tzinfo=UTC)


def require_usual(at: datetime, member: str) -> datetime:
    """``at``, where it is in the years that a maintenance can be in; Problem 422 otherwise."""
    if EARLIEST <= at < LATEST:
        return at
    raise Problem(
        422, "the body does not fit", errors=[f"$.{member}: {at.year:04} is not among the years 1970 to 2999"]
    )
