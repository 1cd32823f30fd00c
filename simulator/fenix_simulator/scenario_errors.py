"""What is wrong with a scenario, said in one line per problem: file, line, member, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. ``member`` is a path like ``faults[0].when.alarm``; ``line`` counts from 1, 0 is no line."""

    file: str
    line: int
    member: str
    message: str
    allowed: tuple[str, ...] = ()

    def __str__(self) -> str:
        name = self.file.replace("\n", " ").replace("\r", " ")
        place = f"{name}:{self.line}" if self.line else name
        subject = f"{self.member}: " if self.member else ""
        allowed = f" (allowed: {', '.join(self.allowed)})" if self.allowed else ""
        return f"{place}: {subject}{self.message}{allowed}"


class ScenarioError(ValueError):
    """A scenario that cannot be used; ``problems`` has at least one, ``str()`` is one line for each."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(map(str, self.problems)))


#: A place in a scenario, what is wrong there, and what is allowed.
Place = tuple[str | int, ...]
Finding = tuple[Place, str, Sequence[str]]

_YAML = {None: "null", True: "true", False: "false"}


def path_of(location: Place) -> str:
    """``("faults", 0, "when")`` as people write it: ``faults[0].when``."""
    text = ""
    for part in location:
        name = str(part) if len(str(part)) <= 40 else f"{str(part)[:39]}…"
        text += f"[{part}]" if isinstance(part, int) else f".{name}" if text else name
    return text


def shorten(value: object, most: int = 60) -> str:
    """A value as it goes into a message: on one line, as YAML has it, and never long."""
    text = _YAML[value] if value is None or isinstance(value, bool) else repr(value)
    return text if len(text) <= most else f"{text[: most - 1]}…"
