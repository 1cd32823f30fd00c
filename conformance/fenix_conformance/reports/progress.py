"""What a run is doing: a live line on a terminal, plain lines in a log, nothing when it is over soon."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from types import TracebackType
from typing import Final

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from fenix_conformance.reports.escaping import one_line
from fenix_conformance.reports.screen import Screen

#: What is done sooner than this shows no progress.
PATIENCE: Final = timedelta(seconds=2)


class Progress:
    """Tells what runs now, and how many of ``total`` steps are done. Use as a context manager; thread-safe.

    It writes to ``console`` (stderr by default: stdout is the report's). Nothing appears in the first ``patience``.
    """

    def __init__(
        self, total: int | None = None, console: Console | None = None, patience: timedelta = PATIENCE
    ) -> None:
        self._screen = Screen(console or Console(stderr=True))
        self._total = total
        self._done = 0
        self._doing = ""
        self._began = time.monotonic()
        self._bar: Bar | None = None
        self._is_shown = False
        self._is_over = False
        self._lock = threading.RLock()
        self._timer = threading.Timer(patience.total_seconds(), self._show)
        self._timer.daemon = True

    def __enter__(self) -> Progress:
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        with self._lock:
            self._is_over = True
            if self._bar is not None:
                self._bar.stop()
                self._bar = None

    def tell(self, doing: str) -> None:
        """Say what runs now, in a few words."""
        with self._lock:
            self._doing = one_line(doing)
            self._refresh()

    def step(self, doing: str = "") -> None:
        """One of the steps is done; ``doing`` says what comes next."""
        with self._lock:
            self._done += 1
            if doing:
                self._doing = one_line(doing)
            if self._bar is not None or doing:
                self._refresh()

    def _show(self) -> None:
        """The patience is over: appear."""
        with self._lock:
            if self._is_over:
                return
            self._is_shown = True
            console = self._screen.console
            if console.is_terminal and not console.is_dumb_terminal:
                self._bar = _bar(console)
                self._bar.add_task("", total=self._total)
                self._bar.start()
            self._refresh()

    def _refresh(self) -> None:
        if not self._is_shown or self._is_over:
            return
        doing = self._screen.fit(self._doing)
        if self._bar is not None:
            task = self._bar.task_ids[0]
            self._bar.update(task, completed=self._done, description=doing)
        elif doing:
            seconds = time.monotonic() - self._began
            of = f" {min(self._done + 1, self._total)}/{self._total}" if self._total else ""
            self._screen.line(f"[{seconds:.0f} s]{of} {doing}")


def _bar(console: Console) -> Bar:
    # The spinner is plain ASCII, the description plain text: neither depends on the terminal's encoding.
    return Bar(
        SpinnerColumn("line"),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    )
