"""Progress: nothing for what is over soon, plain lines in a log, a live line on a terminal."""

from __future__ import annotations

import io
import threading
from datetime import timedelta

import pytest
from rich.console import Console

from fenix_conformance.reports import Progress

LONG = timedelta(hours=1)
NONE = timedelta(0)


class Sink(io.StringIO):
    """A file that tells when something was written to it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = threading.Event()

    def write(self, text: str) -> int:
        done = super().write(text)
        if text.strip():
            self.written.set()
        return done

    def wait(self) -> None:
        assert self.written.wait(10), "nothing was written"
        self.written.clear()


@pytest.fixture
def sink() -> Sink:
    return Sink()


def test_what_is_over_soon_shows_nothing(sink: Sink) -> None:
    with Progress(3, Console(file=sink), LONG) as progress:
        progress.tell("the first thing")
        progress.step("the second")
    assert sink.getvalue() == ""


def test_a_log_gets_one_plain_line_for_each_thing_once_the_patience_is_over(sink: Sink) -> None:
    with Progress(3, Console(file=sink), NONE) as progress:
        progress.tell("playing\x1b a happy session")
        sink.wait()
        progress.step("playing a silent one")
        sink.wait()
        progress.step()
    lines = [line.partition("] ")[2] for line in sink.getvalue().splitlines()]
    assert lines == ["1/3 playing\\x1b a happy session", "2/3 playing a silent one"]
    assert "\x1b" not in sink.getvalue()


def test_what_was_told_before_the_patience_was_over_is_shown_then(sink: Sink) -> None:
    with Progress(None, Console(file=sink), timedelta(milliseconds=50)) as progress:
        progress.tell("something long")
        sink.wait()
    assert sink.getvalue().endswith(" s] something long\n")


def test_a_terminal_gets_a_live_line_that_is_gone_at_the_end(sink: Sink) -> None:
    console = Console(file=sink, force_terminal=True, width=80, _environ={"TERM": "xterm"})
    with Progress(4, console, NONE) as progress:
        progress.tell("playing [bold]a session")
        sink.wait()
        progress.step("playing another")
    shown = sink.getvalue()
    assert "playing another" in shown
    assert "1/4" in shown
    assert shown.endswith("\x1b[2K")


def test_a_dumb_terminal_gets_plain_lines(sink: Sink) -> None:
    console = Console(file=sink, force_terminal=True, width=80, _environ={"TERM": "dumb"})
    with Progress(None, console, NONE) as progress:
        progress.tell("playing a session")
        sink.wait()
    assert "\x1b" not in sink.getvalue()


def test_nothing_is_told_after_the_end(sink: Sink) -> None:
    with Progress(None, Console(file=sink), NONE) as progress:
        progress.tell("playing")
        sink.wait()
    before = sink.getvalue()
    progress.tell("too late")
    progress.step("too late")
    assert sink.getvalue() == before


def test_an_error_inside_passes_through_and_ends_the_progress(sink: Sink) -> None:
    console = Console(file=sink, force_terminal=True, width=80, _environ={"TERM": "xterm"})

    def interrupted() -> None:
        with Progress(2, console, NONE) as progress:
            progress.tell("playing")
            sink.wait()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert sink.getvalue().endswith("\x1b[2K")
    assert "\x1b[?25h" in sink.getvalue(), "the cursor is back"
