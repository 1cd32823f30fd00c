"""Reading a URL's query."""

from __future__ import annotations

import re

from werkzeug.datastructures import MultiDict

from fenix_simulator.http.problems import Problem

_NUMBER = re.compile(r"-?\d{1,20}(?:\.\d{1,40})?(?:[eE][+-]?\d{1,3})?", re.ASCII)


def whole_number(asked: MultiDict[str, str], name: str, *, at_least: int, at_most: int) -> int | None:
    """The number that the query's member ``name`` says, None where it is not there. Problem 400 for what is none."""
    text = asked.get(name)
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 18 and at_least <= int(text) <= at_most):
        raise Problem(400, f"{name}={text[:64]!r} is not understood", expected=f"a number from {at_least} to {at_most}")
    return int(text)


def seconds(asked: MultiDict[str, str], name: str, *, at_most: float) -> float:
    """The duration in seconds that the query's member says, 0 where it is not there. Problem 400 for what is none."""
    text = asked.get(name, "0")
    if not _NUMBER.fullmatch(text) or not 0 <= float(text) <= at_most:
        raise Problem(400, f"{name}={text[:64]!r} is not understood", expected=f"seconds, from 0 to {at_most:g}")
    return float(text)


def words(asked: MultiDict[str, str], name: str) -> frozenset[str]:
    """The words of a member that may be repeated or have several with commas between them."""
    return frozenset(word for text in asked.getlist(name) for word in text.split(",") if word)
