"""Known failures: a run is judged by what changed, in either direction.

A baseline lists requirements that are known to fail. A failure that is not listed is news; a listed requirement that
passes is stale and has to be taken out, or the list would hide the day it breaks again. YAML or JSON::

    baseline: 1
    role: server                # optional
    failures:
      reply-nack: NACK is counted as an answer like any other
      reply-silence:            # the reason may be left out
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Final

import yaml

from fenix_conformance.reports.escaping import one_line
from fenix_conformance.reports.files import ReportError, load
from fenix_conformance.reports.words import binding, number
from fenix_conformance.results import ExitCode, Outcome, Result, Role, RunResult

VERSION: Final = 1
_MEMBERS: Final = frozenset({"baseline", "role", "failures"})
_TESTED: Final = frozenset({Outcome.PASS, Outcome.WARN, Outcome.FAIL})


class BaselineError(ReportError):
    """The baseline cannot be used; the message says why and where."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """A run judged by a baseline.

    ``known`` has the reason of every listed requirement that failed (or did not meet its SHOULD), by id; ``stale`` are
    listed ones that pass now, ``unlisted`` failures that are not listed. ``complaints`` says the latter two in
    sentences.
    """

    baseline: str
    known: Mapping[str, str]
    stale: tuple[str, ...]
    unlisted: tuple[str, ...]
    complaints: tuple[str, ...]
    exit_code: int
    #: One sentence: what the run is worth, given the baseline.
    sentence: str


@dataclass(frozen=True, slots=True)
class Baseline:
    """Known failures, each id with its reason ("" when none is given)."""

    name: str
    failures: Mapping[str, str]
    role: Role | None = None

    def judge(self, result: RunResult) -> Assessment:
        """What is new and what is stale in this run. Entries that were not selected or not tried say nothing.

        Exit code: 4 when the suite broke, 1 with a complaint, 3 when something that decides was not tested, else 0.
        Raises BaselineError when the run judged the other end.
        """
        if self.role is not None and self.role is not result.role:
            raise BaselineError(f"{self.name}: a baseline for a {self.role}, but a {result.role} was judged")
        known = {
            row.id: self.failures[row.id]
            for row in result.results
            if row.id in self.failures and row.outcome in (Outcome.FAIL, Outcome.WARN)
        }
        unlisted = [row for row in result.results if row.outcome is Outcome.FAIL and row.id not in self.failures]
        stale = [row for row in result.results if row.outcome is Outcome.PASS and row.id in self.failures]
        complaints = [_unlisted(row, self.name) for row in unlisted] + [_stale(row, self.name) for row in stale]
        exit_code = _exit_code(result, bool(complaints))
        return Assessment(
            baseline=self.name,
            known=known,
            stale=tuple(row.id for row in stale),
            unlisted=tuple(row.id for row in unlisted),
            complaints=tuple(complaints),
            exit_code=exit_code,
            sentence=_sentence(result, self.name, len(known), len(unlisted), len(stale), exit_code),
        )

    def check_ids(self, ids: Collection[str]) -> None:
        """Raise BaselineError when an entry names a requirement that does not exist."""
        for entry in self.failures:
            if entry not in ids:
                near = difflib.get_close_matches(entry, ids, n=1)
                hint = f"; did you mean {near[0]}?" if near else "; --list shows all of them"
                raise BaselineError(f"{self.name}: there is no requirement {entry!r}{hint}")


def bundled() -> tuple[str, ...]:
    """The names of the baselines that come with the suite."""
    entries = _folder().iterdir()
    return tuple(sorted(entry.name.removesuffix(".yaml") for entry in entries if entry.name.endswith(".yaml")))


def load_baseline(name_or_path: str | os.PathLike[str], ids: Collection[str] | None = None) -> Baseline:
    """A bundled baseline by its name, or one from a file; with ``ids`` an entry must be one of them.

    Raises BaselineError.
    """
    name = os.fspath(name_or_path)
    if name in bundled():
        baseline = _read(name, (_folder() / f"{name}.yaml").read_text(encoding="utf-8"))
    elif Path(name).exists():
        try:
            baseline = _read(name, load(name, "a baseline"))
        except BaselineError:
            raise
        except ReportError as failure:
            raise BaselineError(str(failure)) from failure
    else:
        raise BaselineError(f"{name}: no such file, and no bundled baseline of that name ({', '.join(bundled())})")
    if ids is not None:
        baseline.check_ids(ids)
    return baseline


def baseline_text(result: RunResult, old: Baseline | None = None) -> str:
    """The text of a baseline that lists just this run's failures; reasons come from ``old``, else from the result."""
    reasons = {} if old is None else old.failures
    failures = {
        row.id: one_line(reasons.get(row.id) or row.actual or row.message)
        for row in result.results
        if row.outcome is Outcome.FAIL
    }
    document = {"baseline": VERSION, "role": str(result.role), "failures": failures}
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=116)


def _folder() -> Traversable:
    return resources.files("fenix_conformance") / "baselines"


def _unlisted(row: Result, baseline: str) -> str:
    return f"{row.id} failed and is not in the baseline {baseline}: {one_line(row.message or row.actual)}"


def _stale(row: Result, baseline: str) -> str:
    return f"{row.id} is stale: it passes now, so take it out of the baseline {baseline}"


def _exit_code(result: RunResult, complained: bool) -> int:
    outcomes = {row.outcome for row in result.results}
    if Outcome.ERROR in outcomes:
        return ExitCode.BROKEN
    if complained:
        return ExitCode.FAILED
    if _untested(result) or not outcomes & _TESTED:
        return ExitCode.INCONCLUSIVE
    return ExitCode.OK


def _untested(result: RunResult) -> int:
    return sum(1 for row in result.results if row.outcome is Outcome.UNTESTABLE and result.is_binding(row))


def _sentence(result: RunResult, baseline: str, known: int, unlisted: int, stale: int, exit_code: int) -> str:
    if exit_code == ExitCode.BROKEN:
        return f"The suite itself broke in {number(result.counts[Outcome.ERROR], 'requirement')}."
    if exit_code == ExitCode.FAILED:
        parts = [f"{number(unlisted, 'failure')} not in the baseline"] if unlisted else []
        parts += [f"{stale} stale {'entry' if stale == 1 else 'entries'}"] if stale else []
        return f"Not as the baseline {baseline} has it: {', '.join(parts)}."
    if exit_code == ExitCode.INCONCLUSIVE:
        missing = f"{_untested(result)} {binding(result)} could not be tested" if _untested(result) else ""
        return f"Nothing differs from the baseline {baseline}, but {missing or 'nothing was tested'}."
    return f"As the baseline {baseline} has it: {number(known, 'known failure')}, nothing else failed."


def _read(name: str, text: str) -> Baseline:
    try:
        # JSON is YAML as well, but for tabs between its tokens.
        document = yaml.safe_load(text.expandtabs(1) if text.lstrip().startswith("{") else text)
    except yaml.YAMLError as failure:
        mark = getattr(failure, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark is not None else name
        raise BaselineError(f"{where}: not YAML: {getattr(failure, 'problem', failure)}") from failure
    if not isinstance(document, dict) or "baseline" not in document:
        raise BaselineError(f"{name}: not a baseline; it begins with 'baseline: {VERSION}'")
    if document["baseline"] != VERSION:
        raise BaselineError(f"{name}: baseline is {document['baseline']!r}, only version {VERSION} is known")
    unknown = sorted(str(member) for member in document if member not in _MEMBERS)
    if unknown:
        raise BaselineError(f"{name}: unknown member {unknown[0]!r}; allowed are {', '.join(sorted(_MEMBERS))}")
    role = document.get("role")
    if role is not None and role not in list(Role):
        raise BaselineError(f"{name}: role is {role!r}; allowed are {', '.join(Role)}")
    return Baseline(name, _failures(name, document.get("failures")), None if role is None else Role(role))


def _failures(name: str, entries: Any) -> dict[str, str]:
    """Ids with reasons; a plain list of ids will do."""
    if entries is None:
        return {}
    if isinstance(entries, list):
        twice = next((entry for entry in entries if entries.count(entry) > 1), None)
        if twice is not None:
            raise BaselineError(f"{name}: {twice!r} is listed twice")
        entries = dict.fromkeys(entries) if all(isinstance(entry, str) for entry in entries) else None
    if not isinstance(entries, dict):
        raise BaselineError(f"{name}: failures is a list of ids, or an object of id: reason")
    for entry, reason in entries.items():
        if not isinstance(entry, str) or not (reason is None or isinstance(reason, str)):
            raise BaselineError(f"{name}: {entry!r}: an id with a text as its reason was expected")
    return {entry: reason or "" for entry, reason in entries.items()}
