"""What a run against a VNFM is told."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Options:
    """Where the VNFM is and what it is put through. Durations are seconds.

    ``url`` takes the alarms. ``scenarios`` are names of bundled ones and files (empty: every bundled one). ``project``
    is the id that the VNFM's project has; without it the inventory's stays. ``command`` starts the VNFM; without it,
    it runs already. ``own_action_window`` is how long Fenix waits for a host to become empty (None: twice the reply
    window). ``max_wait`` bounds each scenario, ``start_timeout`` the command's start. ``seed`` makes other clouds of
    the same kinds, ``dialect`` asks otherwise than the scenarios say. ``jobs`` scenarios are played at once.
    ``keep_journals`` is a folder.
    """

    url: str
    scenarios: tuple[str, ...] = ()
    project: str | None = None
    command: str | None = None
    reply_window: float = 5.0
    own_action_window: float | None = None
    max_wait: float = 60.0
    start_timeout: float = 10.0
    seed: int | None = None
    dialect: str | None = None
    jobs: int = 1
    keep_journals: Path | None = None

    @property
    def action_window(self) -> float:
        """How long Fenix waits for OWN_ACTIONs."""
        return 2 * self.reply_window if self.own_action_window is None else self.own_action_window

    @property
    def address(self) -> tuple[str, int]:
        """Host and port of ``url``."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def rerun_command(options: Options, requirement: str, *, strict: bool = False) -> str:
    """The command that judges just this requirement again, over the same scenarios."""
    words = ["fenix-conformance", "vnfm", options.url, "--only", requirement]
    for scenario in options.scenarios:
        words += ["--scenario", scenario]
    if options.project is not None:
        words += ["--project", options.project]
    if options.command is not None:
        words += ["--command", options.command]
    words += ["--reply-window", f"{options.reply_window:g}s"]
    if options.own_action_window is not None:
        words += ["--own-action-window", f"{options.own_action_window:g}s"]
    if options.seed is not None:
        words += ["--seed", str(options.seed)]
    if options.dialect is not None:
        words += ["--dialect", options.dialect]
    if strict:
        words.append("--strict")
    return shlex.join(words)
