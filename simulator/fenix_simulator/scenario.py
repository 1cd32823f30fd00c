"""Scenario files: loading one by name or path, and the names of those that come with the package.

A bad file raises ScenarioError: one line for each problem, with the file, the line, the member and what is allowed.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from pydantic import ValidationError

from fenix_simulator.scenario_check import translate
from fenix_simulator.scenario_errors import Problem, ScenarioError
from fenix_simulator.scenario_file import MAX_BYTES, Document, read_document
from fenix_simulator.scenario_model import Expect, Manager, Scenario, SessionPlan
from fenix_simulator.scenario_types import guess

__all__ = [
    "Expect",
    "Manager",
    "Problem",
    "Scenario",
    "ScenarioError",
    "SessionPlan",
    "bundled",
    "load",
    "loads",
    "source",
    "template",
]

_TEMPLATE = "_template"
#: What stdin is called in errors.
_STDIN = "<stdin>"
#: Problems that are named; a file that is no scenario at all has one on every line.
_MOST = 20


def bundled() -> list[str]:
    """The names of the scenarios in the package, in alphabetical order."""
    return sorted(_bundled_stems())


def load(name_or_path: str | Path) -> Scenario:
    """The bundled scenario of that name, or the one in that file, ``-`` for stdin. Raises ScenarioError."""
    return loads(*_read(name_or_path))


def loads(raw: bytes, file: str = "<scenario>") -> Scenario:
    """The scenario that ``raw`` holds; errors call it ``file``."""
    document = read_document(file, raw)
    try:
        scenario = Scenario.model_validate(document.data)
        found = list(scenario.problems())
    except ValidationError as error:
        found = list(translate(Scenario, error))
    else:
        if not found:
            return scenario.named(Path(file).stem, _summary(document))
    problems = sorted((document.problem(*finding) for finding in found[:_MOST]), key=lambda problem: problem.line)
    if len(found) > _MOST:
        problems.append(Problem(file, 0, "", f"and {len(found) - _MOST} more problems"))
    raise ScenarioError(problems)


def source(name_or_path: str | Path) -> str:
    """The text of a scenario, comments and all. Raises ScenarioError where it cannot be read."""
    raw, file = _read(name_or_path)
    return read_document(file, raw).text


def template() -> str:
    """A scenario with every member and what it means: where one's own begins."""
    return (files("fenix_simulator") / "scenarios" / f"{_TEMPLATE}.yaml").read_text("utf-8")


def _read(name_or_path: str | Path) -> tuple[bytes, str]:
    name = str(name_or_path)
    if name == "-":
        return _read_stdin(), _STDIN
    if not name:
        raise _unreadable("''", "no scenario has an empty name", bundled())
    if name in _bundled_stems():
        return (files("fenix_simulator") / "scenarios" / f"{name}.yaml").read_bytes(), f"{name}.yaml"
    try:
        with Path(name).open("rb") as file:
            return file.read(MAX_BYTES + 1), name
    except FileNotFoundError:
        message = f"neither a file nor a bundled scenario{guess(name, bundled())}"
        raise _unreadable(name, message, bundled()) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise _unreadable(name, f"cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _read_stdin() -> bytes:
    """All of stdin, or what is before YAML's mark of a document's end: a starter may keep its end open."""
    raw = b""
    lines = iter(lambda: sys.stdin.buffer.readline(MAX_BYTES + 1), b"")
    for line in lines if sys.stdin is not None else ():
        raw += line
        if line.rstrip() == b"..." or len(raw) > MAX_BYTES:
            break
    if not raw.strip():
        raise _unreadable(_STDIN, "a scenario was to come from there, and nothing came")
    return raw


def _unreadable(name: str, message: str, allowed: list[str] | None = None) -> ScenarioError:
    return ScenarioError([Problem(name, 0, "", message, tuple(allowed or ()))])


def _bundled_stems() -> Iterator[str]:
    for entry in (files("fenix_simulator") / "scenarios").iterdir():
        if entry.name.endswith(".yaml") and not entry.name.startswith("_"):
            yield entry.name.removesuffix(".yaml")


def _summary(document: Document) -> str:
    first = document.text.lstrip().partition("\n")[0].strip()
    return first.lstrip("#").strip() if first.startswith("#") else ""
