"""How a check tells what it found, and where it finds what happened.

A check is a function from a ``Case`` to a ``Judgement``; its name is the requirement's id and its docstring the
requirement's statement. It blames a fault on the requirement that is broken first, and answers ``untestable`` where it
did not get to see what it needed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from fenix_conformance.results import Evidence, Layer, Outcome
from fenix_conformance.server.exchange import Exchange
from fenix_conformance.server.options import Options
from fenix_conformance.server.sighting import Sighting
from fenix_conformance.server.trace import Trace

#: No result carries more evidence than this.
_MOST: Final = 12


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a check found; ``expected`` and ``actual`` are sentences, given where it failed."""

    outcome: Outcome
    message: str = ""
    expected: str = ""
    actual: str = ""
    evidence: tuple[Evidence, ...] = ()
    layer: Layer = Layer.PLAY

    @property
    def is_failure(self) -> bool:
        return self.outcome is Outcome.FAIL


def passed(message: str, evidence: Iterable[Evidence] = ()) -> Judgement:
    """The requirement holds, as far as it was tried."""
    return Judgement(Outcome.PASS, message, evidence=tuple(evidence)[:_MOST])


def failed(expected: str, actual: str, evidence: Iterable[Evidence] = (), message: str = "") -> Judgement:
    """The requirement is broken."""
    return Judgement(Outcome.FAIL, message or actual, expected, actual, tuple(evidence)[:_MOST])


def untestable(message: str, evidence: Iterable[Evidence] = ()) -> Judgement:
    """The check did not get to see what it needs; the message says what is missing."""
    return Judgement(Outcome.UNTESTABLE, message, evidence=tuple(evidence)[:_MOST])


def not_applicable(message: str) -> Judgement:
    """The requirement does not concern this server."""
    return Judgement(Outcome.NOT_APPLICABLE, message)


def worst(judgements: Iterable[Judgement]) -> Judgement:
    """One for all: a failure before an open end before a pass; evidence and words are the decisive one's.

    With none at all the result is untestable.
    """
    order = (Outcome.FAIL, Outcome.UNTESTABLE, Outcome.PASS, Outcome.NOT_APPLICABLE)
    judgements = list(judgements)
    if not judgements:
        return untestable("nothing of it was seen")
    decisive = min(judgements, key=lambda one: order.index(one.outcome))
    if decisive.outcome is not Outcome.PASS:
        return decisive
    passes = [one for one in judgements if one.outcome is Outcome.PASS]
    words = "; ".join(dict.fromkeys(one.message for one in passes if one.message))
    return replace(decisive, message=words, evidence=tuple(piece for one in passes for piece in one.evidence)[:_MOST])


@dataclass(slots=True)
class Case:
    """Everything that was seen in a run.

    ``traces`` has the played sessions by name, ``missing`` why a play was not played. ``sessions`` are the ids of all
    sessions that the run started, ``sightings`` the alarms about them. ``probes`` are exchanges that were made without
    a session of the suite's own.
    """

    options: Options
    projects: tuple[str, ...] = ()
    traces: dict[str, Trace] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    sessions: frozenset[str] = frozenset()
    sightings: Sequence[Sighting] = ()
    probes: dict[str, list[tuple[str, Exchange]]] = field(default_factory=dict)
    #: What generated requests found broken, by requirement, and how many were sent.
    generated: dict[str, Judgement] = field(default_factory=dict)
    generated_counts: dict[str, int] = field(default_factory=dict)
    #: Judgements that were made already, by requirement.
    judged: dict[str, Judgement] = field(default_factory=dict)
    _judging: set[str] = field(default_factory=set)

    def trace(self, name: str) -> Trace | None:
        """The play of that name, None when it was not played."""
        return self.traces.get(name)

    def traces_of(self, prefix: str) -> list[Trace]:
        """The plays whose names begin so."""
        return [trace for name, trace in self.traces.items() if name.startswith(prefix)]

    def sent(self, name: str) -> list[tuple[str, Exchange]]:
        """What the plays of that name sent, by kind; or what was sent without a session of the suite's own."""
        played = [one for trace in self.traces_of(f"{name}-") for one in trace.marks.get("probes", ())]
        return played or self.probes.get(name, [])

    def why(self, *names: str) -> Judgement:
        """Why the plays were not played, as a judgement."""
        reasons = [reason for play, reason in self.missing.items() if play.startswith(names)]
        return untestable("; ".join(dict.fromkeys(reasons)) or f"not played: {', '.join(names)}")

    def judge(self, requirement: str) -> Judgement:
        """The judgement of a requirement; it is made when it is first asked for."""
        if requirement in self._judging:
            # Two checks that look at each other: the one that was asked first decides.
            return untestable(f"{requirement} is being judged")
        if requirement not in self.judged:
            self._judging.add(requirement)
            try:
                self.judged[requirement] = CHECKS[requirement].judge(self)
            finally:
                self._judging.discard(requirement)
        return self.judged[requirement]

    def has_failed(self, *requirements: str) -> bool:
        """Whether one of these is broken."""
        return any(self.judge(requirement).is_failure for requirement in requirements)


Judge = Callable[[Case], Judgement]


@dataclass(frozen=True, slots=True)
class Check:
    """A check and the plays that it looks at."""

    id: str
    plays: tuple[str, ...]
    judge: Judge


#: Every check by its requirement's id. Filled when the modules of ``checks`` are imported.
CHECKS: Final[dict[str, Check]] = {}


def check(requirement: str, *plays: str) -> Callable[[Judge], Judge]:
    """Register the judge of a requirement and the plays that it needs."""

    def register(judge: Judge) -> Judge:
        if requirement in CHECKS:
            raise ValueError(f"{requirement} has two checks")
        CHECKS[requirement] = Check(requirement, plays, judge)
        return judge

    return register
