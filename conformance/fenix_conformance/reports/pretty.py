"""JSON made readable without changing a character of its values.

Only white space between tokens is touched: a number keeps its digits, a text its escapes, a member that comes twice
comes twice. So what a report shows is what was sent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Final

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[][{}:,]|[^\s"\[\]{}:,]+', re.DOTALL)
#: A list or object that is no longer than this stays on one line.
_WIDTH: Final = 88
#: So does a list of no more members, however long they are: an alarm's traits are lists of name, type and value.
_FEW: Final = 3
#: Deeper nesting than this is left as it is: recursion has an end.
_DEEPEST: Final = 50


def pretty(text: str) -> str:
    """The JSON text laid out over lines; any other text as it is."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return text
    if _depth(text) > _DEEPEST:
        return text
    return _value(iter(_TOKEN.findall(text)), "", "")[0]


def _depth(text: str) -> int:
    depth = deepest = 0
    for word in _TOKEN.findall(text):
        depth += (word in "[{") - (word in "]}")
        deepest = max(deepest, depth)
    return deepest


def _value(words: Iterator[str], indent: str, word: str) -> tuple[str, str]:
    """A value laid out, and the word that follows it. ``word`` is its first one when that was read already."""
    word = word or next(words)
    if word in ("[", "{"):
        return _container(words, indent, word), next(words, "")
    return word, next(words, "")


def _container(words: Iterator[str], indent: str, opening: str) -> str:
    closing = "]" if opening == "[" else "}"
    inner = indent + "  "
    members: list[str] = []
    word = next(words)
    while word != closing:
        if word == ",":
            word = next(words)
        member, word = _value(words, inner, word)
        if word == ":":
            value, word = _value(words, inner, "")
            member = f"{member}: {value}"
        members.append(member)
    flat = ", ".join(members)
    is_short = len(indent) + len(flat) <= _WIDTH or (opening == "[" and len(members) <= _FEW)
    if is_short and not any("\n" in member for member in members):
        return f"{opening}{flat}{closing}"
    return f"{opening}\n{inner}" + f",\n{inner}".join(members) + f"\n{indent}{closing}"
