"""The verdict on the VNFM under test: what the suite says of the journal, and assertions whose texts explain it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from typing import Final

from fenix_conformance.results import Outcome, Result, RunResult
from fenix_conformance.results import Verdict as Word
from fenix_conformance.vnfm.journal import Entry
from fenix_pytest.lines import line

#: Entries that are shown for a requirement.
_SHOWN: Final = 8
_LABEL: Final = 13
#: Characters of a line of sentences.
_WIDTH: Final = 100


class NotConformant(AssertionError):
    """The VNFM under test broke a requirement, or nothing of it could be judged; the message is a report."""


class Verdict:
    """What was found out about the VNFM until now, requirement by requirement."""

    def __init__(
        self, judged: Callable[[bool], RunResult], entries: Sequence[Entry], names: Mapping[str, str], subject: str
    ) -> None:
        """``judged`` gives the result, strict or not; ``names`` are the projects' by id."""
        self._judged = judged
        self._entries = {entry.number: entry for entry in entries}
        self._names = names
        self._subject = subject
        self.result = judged(False)

    def __repr__(self) -> str:
        return f"<Verdict {self.result.verdict}: {_counted(self.result)}>"

    def __str__(self) -> str:
        return self.report()

    def assert_conformant(self, strict: bool = False) -> None:
        """Raise NotConformant unless every MUST (``strict``: and every SHOULD) that had something to judge was met.

        A run in which nothing could be judged is no pass.
        """
        __tracebackhide__ = True
        result = self._judged(True) if strict else self.result
        if result.verdict is not Word.CONFORMANT:
            raise NotConformant(self._report(result))

    def assert_passes(self, *requirements: str) -> None:
        """Raise NotConformant unless each of these requirements was judged and met. KeyError names one that there is
        not (``fenix-conformance vnfm --list``)."""
        __tracebackhide__ = True
        wrong = [row for row in (self._row(one) for one in requirements) if row.outcome is not Outcome.PASS]
        if wrong:
            raise NotConformant("\n\n".join([f"{self._subject} does not pass:", *map(self._block, wrong)]))

    def outcome(self, requirement: str) -> str:
        """What became of one requirement: pass, fail, warn, untestable, not-applicable."""
        return str(self._row(requirement).outcome)

    def report(self) -> str:
        """Everything that is not met, for people."""
        return self._report(self.result)

    def _row(self, requirement: str) -> Result:
        try:
            return self.result.result(requirement)
        except KeyError:
            known = ", ".join(row.id for row in self.result.results) or "none was judged"
            raise KeyError(f"there is no VNFM requirement {requirement!r}: {known}") from None

    def _report(self, result: RunResult) -> str:
        met = (Outcome.PASS, Outcome.NOT_APPLICABLE)
        wrong = [row for row in result.results if row.outcome not in met]
        said = {
            Word.CONFORMANT: "is conformant",
            Word.NOT_CONFORMANT: "is not conformant",
            Word.INCONCLUSIVE: "was not judged: nothing that it did, or had to do, could be",
        }[result.verdict]
        head = f"{self._subject} {said} ({_counted(result)})"
        return "\n\n".join([head, *map(self._block, sorted(wrong, key=lambda row: row.outcome is not Outcome.FAIL))])

    def _block(self, row: Result) -> str:
        parts = {
            "Requirement": f"{row.statement} ({row.level}, source: {row.source})",
            "Found": "" if row.message in (row.actual, row.expected) else row.message,
            "Expected": row.expected,
            "Actual": row.actual,
            "Change": row.advice,
            "Journal": "\n".join(self._journal(row)),
        }
        lines = [f"{row.outcome}: {row.id}"]
        for name, text in parts.items():
            for number, part in enumerate(_folded(text) if name != "Journal" else text.splitlines()):
                lines.append(f"  {name if number == 0 else '':<{_LABEL}}{part}")
        return "\n".join(lines)

    def _journal(self, row: Result) -> list[str]:
        numbers = {piece.entry for piece in row.evidence if piece.entry is not None}
        for case in row.cases:
            numbers.update(case.entries if case.outcome not in (Outcome.PASS, Outcome.NOT_APPLICABLE) else ())
        found = [self._entries[number] for number in sorted(numbers) if number in self._entries]
        more = [f"       … and {len(found) - _SHOWN} more entries"] if len(found) > _SHOWN else []
        return [*(line(entry, self._names).strip() for entry in found[:_SHOWN]), *more]


def _folded(text: str) -> list[str]:
    return [part for line in text.splitlines() for part in wrap(line, _WIDTH, break_long_words=False)]


def _counted(result: RunResult) -> str:
    return ", ".join(f"{result.counts[one]} {one}" for one in Outcome if result.counts[one]) or "0 requirements"
