"""What a run comes to: one value made of what each process says, judged, and written for people and programs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from fenix_loadtest.recorder import Recorder
from fenix_loadtest.tables import errors, errors_of, figures, rows_of, verdicts
from fenix_loadtest.thresholds import Judged, Threshold, judge
from fenix_loadtest.visits import Loss

#: Above this share of a core a process measures itself.
_BUSY: Final = 0.9


@dataclass(slots=True)
class RunReport:
    """A run's figures. ``error`` is why nothing could be measured; ``missing`` are processes that said nothing."""

    subject: str
    started: str
    thresholds: Sequence[Threshold]
    rate: float = 0.0
    error: str | None = None
    missing: int = 0
    seconds: float = 0.0
    requests: Recorder = field(default_factory=Recorder)
    reaction: Recorder = field(default_factory=Recorder)
    replies: Counter[str] = field(default_factory=Counter)
    sessions: Counter[str] = field(default_factory=Counter)
    losses: list[Loss] = field(default_factory=list)
    troubles: Counter[str] = field(default_factory=Counter)
    cpu: list[float] = field(default_factory=list)
    unsent: int = 0
    idle: float = 0.0

    def add(self, result: Mapping[str, Any]) -> None:
        """Take over what a process says (``Stage.result``)."""
        if result.get("error"):
            self.error = self.error or str(result["error"])
            return
        self.seconds = max(self.seconds, result["seconds"])
        self.cpu.append(result["cpu"])
        self.requests.merge_plain(result["requests"])
        self.reaction.merge_plain(result["reaction"])
        self.replies.update(result["replies"])
        self.sessions.update(result["sessions"])
        self.losses += [Loss(one, state, tuple(projects), sure) for one, state, projects, sure in result["losses"]]
        self.troubles.update(dict(result["troubles"]))
        self.unsent += result["unsent"]
        self.idle = max(self.idle, result["idle"])

    def judged(self) -> list[Judged]:
        """Every limit with its verdict: the thresholds asked for, and those that hold for every run."""
        made = self.requests.requests
        rows = [Judged("requests", "at least 1", str(made), made > 0)]
        for threshold in self.thresholds:
            rows += judge(threshold, self.requests)
        undecided = self.replies["undecided"]
        rows.append(Judged("accepted replies lost", "0", str(len(self.losses)), not self.losses))
        rows.append(Judged("accepted replies not decided", "0", str(undecided), not undecided))
        if self.rate:
            rows.append(Judged("requests due and never sent", "0", str(self.unsent), not self.unsent))
        if self.missing:
            rows.append(Judged("processes that said nothing", "0", str(self.missing), False))
        return rows

    @property
    def exit_code(self) -> int:
        """0 every limit held, 1 one did not, 4 the server could not be set up."""
        if self.error is not None:
            return 4
        return 0 if all(row.held for row in self.judged()) else 1

    @property
    def verdict(self) -> str:
        """held, broken or not-run."""
        return {0: "held", 1: "broken"}.get(self.exit_code, "not-run")

    def as_plain(self) -> dict[str, Any]:
        """The JSON report. Latencies are in milliseconds, rates in requests a second, cpu in cores."""
        return {
            "schema": 1,
            "subject": self.subject,
            "started": self.started,
            "seconds": round(self.seconds, 3),
            "verdict": self.verdict,
            "error": self.error,
            "requests": rows_of(self.requests.series.items(), self.seconds),
            "total": rows_of([("all", self.requests.total())], self.seconds)[0],
            "reaction": rows_of(self.reaction.series.items(), self.seconds),
            "errors": errors_of(self.requests.series.items()),
            "replies": {**self.replies, "lost": len(self.losses)},
            "losses": [
                {
                    "session_id": one.session_id,
                    "state": one.state,
                    "projects": list(one.projects),
                    "certain": one.certain,
                    "message": str(one),
                }
                for one in self.losses
            ],
            "sessions": dict(self.sessions),
            "generator": {
                "cpu": [round(one, 3) for one in self.cpu],
                "saturated": any(one > _BUSY for one in self.cpu),
                "unsent": self.unsent,
                "idle": round(self.idle, 3),
            },
            "troubles": [{"trouble": text, "count": count} for text, count in self.troubles.most_common()],
            "thresholds": [row.as_plain() for row in self.judged()],
        }

    def write(self, path: str) -> None:
        """Write the JSON report. Raises OSError."""
        Path(path).write_text(json.dumps(self.as_plain(), indent=2) + "\n", encoding="utf-8")

    def text(self) -> str:
        """The report for a terminal."""
        if self.error is not None:
            return f"not run: {self.error}"
        named = [*self.requests.series.items(), ("all", self.requests.total()), *self.reaction.series.items()]
        lines = [f"{self.subject}, {self.seconds:.1f} s", "", *figures(named, self.seconds), ""]
        counts = self.replies
        lines.append(
            f"replies: {counts['accepted']} accepted and {counts['repeats']} repeated; {counts['shown']} shown by "
            f"their sessions ({counts['once']} of them sent only once), {len(self.losses)} lost, {counts['unknown']} "
            f"of sessions that failed for another reason, {counts['undecided']} not decided"
        )
        sessions = self.sessions
        lines.append(f"sessions: {sessions['begun']} begun, {sessions['done']} done, {sessions['failed']} failed")
        lines.append(f"generator: {', '.join(f'{one:.0%}' for one in self.cpu)} of a core")
        if any(one > _BUSY for one in self.cpu):
            lines.append("note: a generator was busy for more than 90 %: its latencies are its own. Use --processes.")
        if self.idle > self.seconds / 10:
            lines.append(f"note: for {self.idle:.1f} s no session awaited anything: try more --sessions")
        lines += errors(self.requests.series.items())
        lines += [f"trouble: {count} times {text}" for text, count in self.troubles.most_common(5)]
        lines += [str(loss) for loss in self.losses[:20]]
        return "\n".join([*lines, "", *verdicts(self.judged())])
