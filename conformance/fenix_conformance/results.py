"""What a run of the suite found: one result per requirement, with the evidence it rests on.

Everything here is frozen data. The reports (text, JUnit, JSON, HTML, comparison) read it and add nothing; the JSON
shape of ``RunResult.to_dict`` is the promised one (schema 1).
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

SCHEMA: Final = 1


class Level(StrEnum):
    """How binding a requirement is."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


class Role(StrEnum):
    """Which end is judged."""

    SERVER = "server"
    VNFM = "vnfm"


class Outcome(StrEnum):
    """What a check found out."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    FAIL = "fail"
    #: A SHOULD that is not met (``--strict`` makes it a failure).
    WARN = "warn"
    #: It could not be tried; the message says what is missing. Never a pass.
    UNTESTABLE = "untestable"
    #: The requirement does not concern this server (the message says why).
    NOT_APPLICABLE = "not-applicable"
    #: The suite itself broke; says nothing about the thing under test.
    ERROR = "error"


class Verdict(StrEnum):
    """The run in one word."""

    CONFORMANT = "conformant"
    NOT_CONFORMANT = "not-conformant"
    INCONCLUSIVE = "inconclusive"


class Layer(StrEnum):
    """Which layer of the suite decided over a result."""

    #: A requirement check over sessions that the suite played.
    PLAY = "play"
    #: Requests generated from openapi.yaml.
    GENERATED = "generated"
    #: Every alarm validated against the contract's webhook.
    SCHEMA = "alarm-schema"
    #: A rule over the journal of a run (what a VNFM did).
    JOURNAL = "journal"


class EvidenceKind(StrEnum):
    """What a piece of evidence is."""

    #: A request that the suite sent, and the answer to it.
    REQUEST = "request"
    #: An alarm that the suite received, and the answer it gave.
    ALARM = "alarm"
    #: An observation in words, at an instant.
    NOTE = "note"


class ExitCode:
    """The exit codes of ``fenix-conformance``."""

    OK: Final = 0
    FAILED: Final = 1
    USAGE: Final = 2
    INCONCLUSIVE: Final = 3
    BROKEN: Final = 4


#: Headers whose values never go into a report.
SECRET_HEADERS: Final = frozenset({"authorization", "x-auth-token", "x-subject-token", "cookie", "set-cookie"})
REDACTED: Final = "***"


def redacted(headers: Mapping[str, str]) -> dict[str, str]:
    """The headers with the values of those that carry credentials replaced."""
    return {name: REDACTED if name.lower() in SECRET_HEADERS else value for name, value in headers.items()}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One exchange, alarm or observation that a result rests on.

    A REQUEST has ``method``, ``url``, ``headers``, ``body`` as sent and ``status``, ``answer_headers``,
    ``answer_body`` as answered; ``status`` is None when no answer came (``note`` says why). An ALARM has the same
    members, seen from the receiver: the body is the alarm's, the status the one the suite answered. A NOTE has only
    ``note``. Bodies are text (undecodable bytes replaced); ``seconds`` is how long the answer took.
    """

    kind: EvidenceKind
    at: datetime
    note: str = ""
    method: str = ""
    url: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str | None = None
    status: int | None = None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer_body: str | None = None
    seconds: float | None = None
    #: The journal's number of this exchange and the scenario whose journal it is, where a journal was judged.
    entry: int | None = None
    scenario: str = ""

    @property
    def title(self) -> str:
        """One line for a list: ``PUT http://… → 200``, ``alarm SCALE_IN …`` or the note."""
        if self.kind is EvidenceKind.NOTE:
            return self.note
        line = f"{self.method} {self.url} → {self.status if self.status is not None else 'no answer'}"
        return f"{self.note}: {line}" if self.note else line

    def curl(self) -> str:
        """A command line that sends this request (or delivers this alarm) again; empty for a note."""
        if self.kind is EvidenceKind.NOTE or not self.method:
            return ""
        words = ["curl", "-i", "-X", self.method]
        for name, value in redacted(self.headers).items():
            if name.lower() not in {"host", "content-length", "accept-encoding", "connection", "user-agent"}:
                words += ["-H", f"{name}: {value}"]
        if self.body is not None:
            words += ["--data-binary", self.body]
        return shlex.join([*words, self.url])

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; members that say nothing are left out, credentials are redacted."""
        members: dict[str, Any] = {
            "kind": str(self.kind),
            "at": self.at.astimezone(UTC).isoformat(),
            "note": self.note,
            "method": self.method,
            "url": self.url,
            "headers": redacted(self.headers),
            "body": self.body,
            "status": self.status,
            "answer_headers": redacted(self.answer_headers),
            "answer_body": self.answer_body,
            "seconds": None if self.seconds is None else round(self.seconds, 6),
            "entry": self.entry,
            "scenario": self.scenario,
            "curl": self.curl(),
        }
        return {name: value for name, value in members.items() if value not in (None, "", {})}

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Evidence:
        """The inverse of ``to_dict``."""
        return cls(
            kind=EvidenceKind(members["kind"]),
            at=datetime.fromisoformat(members["at"]),
            **{name: members[name] for name in _EVIDENCE_MEMBERS if name in members},
        )


_EVIDENCE_MEMBERS: Final = (
    "note",
    "method",
    "url",
    "headers",
    "body",
    "status",
    "answer_headers",
    "answer_body",
    "seconds",
    "entry",
    "scenario",
)


def note(text: str, at: datetime | None = None) -> Evidence:
    """An observation in words."""
    return Evidence(EvidenceKind.NOTE, at or datetime.now(UTC), note=text)


@dataclass(frozen=True, slots=True)
class Case:
    """What was found out about a requirement in one place: one alarm's state, of one project in one session.

    ``entries`` are the numbers of the journal's entries that it rests on, in ``scenario``'s journal. Ids and the state
    are empty where a case is about more than one.
    """

    outcome: Outcome
    message: str
    scenario: str = ""
    state: str = ""
    project_id: str = ""
    session_id: str = ""
    entries: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {
            "outcome": str(self.outcome),
            "message": self.message,
            "scenario": self.scenario,
            "state": self.state,
            "project_id": self.project_id,
            "session_id": self.session_id,
            "entries": list(self.entries),
        }

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Case:
        """The inverse of ``to_dict``."""
        return cls(
            outcome=Outcome(members["outcome"]),
            message=members["message"],
            **{name: members.get(name, "") for name in ("scenario", "state", "project_id", "session_id")},
            entries=tuple(members.get("entries", ())),
        )


@dataclass(frozen=True, slots=True)
class Timing:
    """How soon the replies to one state came: seconds from the question to the reply.

    ``least_margin`` is the smallest distance to ``reply_at`` in seconds, negative where a reply was late; None where no
    window was told.
    """

    state: str
    count: int
    p50: float
    p95: float
    longest: float
    least_margin: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready."""
        return {name: getattr(self, name) for name in ("state", "count", "p50", "p95", "longest", "least_margin")}

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Timing:
        """The inverse of ``to_dict``."""
        return cls(
            str(members["state"]),
            int(members["count"]),
            float(members["p50"]),
            float(members["p95"]),
            float(members["longest"]),
            members.get("least_margin"),
        )


@dataclass(frozen=True, slots=True)
class Result:
    """What was found out about one requirement.

    ``expected`` and ``actual`` are sentences (empty where the outcome needs none); ``advice`` says what to change;
    ``rerun`` is the command that runs just this requirement again; ``layer`` says which layer of the suite found it;
    ``cases`` are the places in which it was judged, where there is more than one kind of them.
    """

    id: str
    level: Level
    role: Role
    statement: str
    source: str
    outcome: Outcome
    message: str = ""
    expected: str = ""
    actual: str = ""
    evidence: tuple[Evidence, ...] = ()
    rerun: str = ""
    layer: Layer = Layer.PLAY
    advice: str = ""
    cases: tuple[Case, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, the shape of one row of ``requirements`` in the JSON report."""
        return {
            "id": self.id,
            "level": str(self.level),
            "role": str(self.role),
            "statement": self.statement,
            "source": self.source,
            "outcome": str(self.outcome),
            "message": self.message,
            "expected": self.expected,
            "actual": self.actual,
            "evidence": [piece.to_dict() for piece in self.evidence],
            "rerun": self.rerun,
            "layer": str(self.layer),
            "advice": self.advice,
            "cases": [case.to_dict() for case in self.cases],
        }

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> Result:
        """The inverse of ``to_dict``; KeyError or ValueError when it is not such a row."""
        return cls(
            id=members["id"],
            level=Level(members["level"]),
            role=Role(members.get("role", Role.SERVER)),
            statement=members.get("statement", ""),
            source=members.get("source", ""),
            outcome=Outcome(members["outcome"]),
            message=members.get("message", ""),
            expected=members.get("expected", ""),
            actual=members.get("actual", ""),
            evidence=tuple(Evidence.from_dict(piece) for piece in members.get("evidence", ())),
            rerun=members.get("rerun", ""),
            layer=Layer(members.get("layer", Layer.PLAY)),
            advice=members.get("advice", ""),
            cases=tuple(Case.from_dict(case) for case in members.get("cases", ())),
        )


@dataclass(frozen=True, slots=True)
class RunResult:
    """A whole run: ``results`` has one row per selected requirement, in the order of the requirements file.

    ``subject`` is the URL (or file) that was judged; ``started`` an aware instant; ``strict`` says that every SHOULD
    counted as a MUST.
    """

    subject: str
    role: Role
    started: datetime
    seconds: float
    results: tuple[Result, ...]
    strict: bool = False
    timings: tuple[Timing, ...] = ()

    @property
    def counts(self) -> Counter[Outcome]:
        """How many results have each outcome."""
        return Counter(result.outcome for result in self.results)

    def is_binding(self, result: Result) -> bool:
        """Whether this result decides over the verdict: a MUST, or with ``strict`` a SHOULD."""
        return result.level is Level.MUST or (self.strict and result.level is Level.SHOULD)

    @property
    def verdict(self) -> Verdict:
        """Not conformant if anything failed; conformant if every binding requirement passed; else inconclusive."""
        if self.counts[Outcome.FAIL]:
            return Verdict.NOT_CONFORMANT
        passed = any(result.outcome in (Outcome.PASS, Outcome.WARN) for result in self.results)
        open_ends = any(
            result.outcome is Outcome.ERROR or (result.outcome is Outcome.UNTESTABLE and self.is_binding(result))
            for result in self.results
        )
        return Verdict.CONFORMANT if passed and not open_ends else Verdict.INCONCLUSIVE

    @property
    def exit_code(self) -> int:
        """The exit code without a baseline: a broken suite (4) before a failure (1) before an open end (3)."""
        if self.counts[Outcome.ERROR]:
            return ExitCode.BROKEN
        return {
            Verdict.NOT_CONFORMANT: ExitCode.FAILED,
            Verdict.CONFORMANT: ExitCode.OK,
            Verdict.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
        }[self.verdict]

    def result(self, requirement: str) -> Result:
        """The result of that requirement; KeyError when it was not selected."""
        for result in self.results:
            if result.id == requirement:
                return result
        raise KeyError(requirement)

    def with_results(self, results: Iterable[Result]) -> RunResult:
        """The same run with other results (a baseline rewrites outcomes)."""
        return replace(self, results=tuple(results))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, schema 1."""
        return {
            "schema": SCHEMA,
            "subject": self.subject,
            "role": str(self.role),
            "verdict": str(self.verdict),
            "started": self.started.astimezone(UTC).isoformat(),
            "seconds": round(self.seconds, 3),
            "strict": self.strict,
            "timings": [timing.to_dict() for timing in self.timings],
            "requirements": [result.to_dict() for result in self.results],
        }

    @classmethod
    def from_dict(cls, members: Mapping[str, Any]) -> RunResult:
        """The inverse of ``to_dict``; ValueError when it is not a result of schema 1."""
        if members.get("schema") != SCHEMA:
            raise ValueError(f"not a result of schema {SCHEMA}: schema is {members.get('schema')!r}")
        try:
            return cls(
                subject=members["subject"],
                role=Role(members["role"]),
                started=datetime.fromisoformat(members["started"]),
                seconds=float(members["seconds"]),
                results=tuple(Result.from_dict(row) for row in members["requirements"]),
                strict=bool(members.get("strict", False)),
                timings=tuple(Timing.from_dict(row) for row in members.get("timings", ())),
            )
        except KeyError as missing:
            raise ValueError(f"not a result of schema {SCHEMA}: {missing} is missing") from missing
