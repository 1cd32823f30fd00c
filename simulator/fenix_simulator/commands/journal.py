"""``fenix-simulator journal``: look at a journal's file, also while a server writes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

import click

from fenix_simulator.commands.options import clear_errors

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from fenix_simulator.adapters.journal_reader import SqliteJournalReader
    from fenix_simulator.ports import Filter, Recorded

KINDS = ("event", "delivery", "request", "subscription", "cloud", "fault", "start")

_PAGE = 1000
#: Seconds that one wait for news lasts; nothing hangs on it.
_LONG = 3600.0
#: Characters of a value that a line of text shows.
_SHOWN = 72


@click.group("journal", epilog="Example: fenix-simulator journal show maintenance.db --kind delivery")
def command() -> None:
    """Look at what a server recorded with `serve --journal FILE`."""


@command.command(epilog="Example: fenix-simulator journal show maintenance.db --type ReplyAccepted --follow")
@click.argument("file", envvar="FENIX_SIM_JOURNAL")
@click.option("--follow", is_flag=True, help="Go on and show what is recorded from now on, until Ctrl-C.")
@click.option("--after", type=click.IntRange(0), default=0, metavar="N", help="Only entries with a number above N.")
@click.option(
    "--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only entries of this kind (repeatable)."
)
@click.option("--type", "types", multiple=True, metavar="NAME", help="Only this type, as ReplyAccepted (repeatable).")
@click.option("--session", "session_id", metavar="ID", help="Only entries of this session.")
@click.option("--project", "project_id", metavar="ID", help="Only entries of this project.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@clear_errors
def show(
    file: str,
    follow: bool,
    after: int,
    kinds: tuple[str, ...],
    types: tuple[str, ...],
    session_id: str | None,
    project_id: str | None,
    form: str,
) -> None:
    """Show the entries of the journal in FILE, oldest first: one line each, or with --format json one object a line."""
    from fenix_simulator.ports import Filter

    only = Filter(frozenset(kinds), frozenset(types), session_id, project_id)
    with _opened(file) as reader, _stopping_cleanly():
        for page in _pages(reader, after, only, follow=follow):
            click.echo(_lines(page) if form == "text" else _ndjson(page), nl=False)


@command.command(epilog="Example: fenix-simulator journal export maintenance.db > maintenance.ndjson")
@click.argument("file", envvar="FENIX_SIM_JOURNAL")
@clear_errors
def export(file: str) -> None:
    """Write all entries of the journal in FILE to stdout, one JSON object a line (NDJSON)."""
    from fenix_simulator.ports import Filter

    with _opened(file) as reader, _stopping_cleanly(), _progress(reader.last) as advance:
        for page in _pages(reader, 0, Filter(), follow=False):
            click.echo(_ndjson(page), nl=False)
            advance(len(page))


def _pages(reader: SqliteJournalReader, after: int, only: Filter, *, follow: bool) -> Iterator[list[Recorded]]:
    while True:
        # Looked at before reading: an entry that comes meanwhile is not passed over.
        last = reader.last
        page = reader.read(after, _PAGE, only)
        if page:
            yield page
        # A page that is not full has everything up to ``last``, and perhaps more.
        reached = page[-1].number if page else after
        after = reached if len(page) == _PAGE else max(reached, last)
        if len(page) < _PAGE:
            if not follow:
                return
            while not reader.wait(after, _LONG):
                pass


def _ndjson(page: list[Recorded]) -> bytes:
    import msgspec

    return b"".join(msgspec.json.encode(entry) + b"\n" for entry in page)


def _lines(page: list[Recorded]) -> str:
    return "".join(_line(entry) + "\n" for entry in page)


def _line(entry: Recorded) -> str:
    parts = [
        f"{entry.number:>6}",
        entry.at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
        f"{entry.kind:<8}",
        f"{entry.type:<16}",
    ]
    told = {"session": entry.session_id, "project": entry.project_id, **entry.data}
    for name, value in told.items():
        if value in (None, "", [], {}) or (name in ("session_id", "project_id") and value == getattr(entry, name)):
            continue
        parts.append(f"{name}={_value(value)}")
    return "  ".join(parts[:3]) + "  " + " ".join(parts[3:]).rstrip()


def _value(value: Any) -> str:
    """The value on one line, cut; nothing in it may steer the terminal, for bodies come from anywhere."""
    import json

    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text[: _SHOWN + 1])
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


@contextmanager
def _opened(file: str) -> Iterator[SqliteJournalReader]:
    from fenix_simulator.adapters.journal_reader import SqliteJournalReader

    reader = SqliteJournalReader(file)
    try:
        yield reader
    finally:
        reader.close()


@contextmanager
def _stopping_cleanly() -> Iterator[None]:
    """Ctrl-C, SIGTERM and a reader of stdout that has seen enough (``| head``) end the reading, and are no failure."""
    import os
    import signal
    import sys

    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:
        # What is still buffered would fail again when the interpreter flushes it at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    finally:
        signal.signal(signal.SIGTERM, before)


@contextmanager
def _progress(total: int) -> Iterator[Callable[[int], None]]:
    """A bar on the terminal once it has taken two seconds, where stdout goes elsewhere."""
    import sys
    import time

    shown = sys.stderr.isatty() and not sys.stdout.isatty()
    began = time.monotonic()
    with ExitStack() as stack:
        bar: ProgressBar[int] | None = None
        done = 0

        def advance(by: int) -> None:
            nonlocal bar, done
            if bar is not None:
                bar.update(by)
            elif shown and time.monotonic() - began > 2:
                bar = stack.enter_context(click.progressbar(length=total, label="entries", file=sys.stderr))
                bar.update(done + by)
            done += by

        yield advance
