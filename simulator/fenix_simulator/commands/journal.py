"""``fenix-simulator journal``: look at a journal's file, also while a server writes it, or at a running server's."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

import click

from fenix_simulator.commands.options import clear_errors

if TYPE_CHECKING:
    from click._termui_impl import ProgressBar

    from fenix_simulator.ports import Filter, Recorded
    from fenix_simulator.sentences import Names

KINDS: tuple[str, ...] = ("event", "delivery", "request", "subscription", "cloud", "fault", "start")

_PAGE = 1000


class Reader(Protocol):
    """A journal to be read (``adapters.journal_reader``, ``adapters.journal_http``)."""

    @property
    def last(self) -> int: ...

    def read(self, after: int, limit: int, only: Filter) -> list[Recorded]: ...

    def wait(self, after: int, timeout: float) -> bool: ...

    def close(self) -> None: ...


#: Seconds that one wait for news lasts; nothing hangs on it.
_LONG = 3600.0
#: How each kind of line looks on a terminal.
_STYLES: Mapping[str, Mapping[str, Any]] = {
    "state": {"bold": True},
    "alarm": {"fg": "cyan"},
    "request": {"fg": "green"},
    "refused": {"fg": "red"},
    "fault": {"fg": "yellow"},
    "cloud": {"dim": True},
    "note": {},
}
#: Characters of a value that a line of text shows.
_SHOWN = 72


@click.group("journal", epilog="Example: fenix-simulator journal show maintenance.db --kind delivery")
def command() -> None:
    """Look at what a server recorded, in the file of `serve --journal FILE` or at the server's URL."""


EPILOG = """\b
Examples:
  fenix-simulator journal show maintenance.db
  fenix-simulator journal show http://127.0.0.1:8919 --follow
  fenix-simulator journal show maintenance.db --type ReplyAccepted --raw
"""

_token = click.option(
    "--token", envvar="FENIX_SIM_ADMIN_TOKEN", show_envvar=True, help="The server's --admin-token, where it has one."
)


@command.command(epilog=EPILOG)
@click.argument("file", envvar="FENIX_SIM_JOURNAL", metavar="FILE|URL")
@click.option("--follow", is_flag=True, help="Go on and show what is recorded from now on, until Ctrl-C.")
@click.option("--after", type=click.IntRange(0), default=0, metavar="N", help="Only entries with a number above N.")
@click.option(
    "--kind", "kinds", type=click.Choice(KINDS), multiple=True, help="Only entries of this kind (repeatable)."
)
@click.option("--type", "types", multiple=True, metavar="NAME", help="Only this type, as ReplyAccepted (repeatable).")
@click.option("--session", "session_id", metavar="ID", help="Only entries of this session.")
@click.option("--project", "project_id", metavar="ID", help="Only entries of this project.")
@click.option("--raw", is_flag=True, help="Every entry with all that it says, as NAME=VALUE.")
@_token
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
    raw: bool,
    token: str | None,
    form: str,
) -> None:
    """Show what is in the journal, oldest first: the exchange between Fenix and the projects as one line for each
    alarm, request and change of a session's state.

    What these lines say already is left out, unless a kind or type is asked for; --raw shows every entry with all that
    it says, and --format json one object a line. Times are UTC.
    """
    from fenix_simulator.ports import Filter

    only = Filter(frozenset(kinds), frozenset(types), session_id, project_id)
    with _opened(file, token) as reader, _stopping_cleanly():
        write = _ndjson if form == "json" else _lines if raw else _story(reader, whole=bool(kinds or types))
        for page in _pages(reader, after, only, follow=follow):
            click.echo(write(page), nl=False, color=_colours())


@command.command(epilog="Example: fenix-simulator journal export maintenance.db > maintenance.ndjson")
@click.argument("file", envvar="FENIX_SIM_JOURNAL", metavar="FILE|URL")
@_token
@clear_errors
def export(file: str, token: str | None) -> None:
    """Write all entries of the journal to stdout, one JSON object a line (NDJSON)."""
    from fenix_simulator.ports import Filter

    with _opened(file, token) as reader, _stopping_cleanly(), _progress(reader.last) as advance:
        for page in _pages(reader, 0, Filter(), follow=False):
            click.echo(_ndjson(page), nl=False)
            advance(len(page))


def _pages(reader: Reader, after: int, only: Filter, *, follow: bool) -> Iterator[list[Recorded]]:
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
            if not _awaited(reader, after):
                return


def _awaited(reader: Reader, after: int) -> bool:
    """Wait for news; False when a server that was followed has stopped."""
    from fenix_simulator.adapters.journal_http import ServerGone

    try:
        while not reader.wait(after, _LONG):
            pass
    except ServerGone as error:
        click.echo(error.message, err=True)
        return False
    return True


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

    from fenix_simulator.exchange import shorten

    return shorten(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False), _SHOWN)


def _story(reader: Reader, *, whole: bool) -> Callable[[list[Recorded]], str]:
    """Tells pages as an exchange; ``whole``: what it would leave out is told in full, because it was asked for."""
    from fenix_simulator.exchange import Exchange

    exchange = Exchange(_names(reader))

    def write(page: list[Recorded]) -> str:
        told = ((entry, exchange.tell(entry)) for entry in page)
        return "".join(
            f"{click.style(str(line), **_STYLES[line.kind]) if line is not None else _line(entry)}\n"
            for entry, line in told
            if line is not None or whole
        )

    return write


def _names(reader: Reader) -> Names:
    """How the scenario that the journal begins with calls its projects and instances; nothing where that is lost."""
    from fenix_simulator.ports import Filter
    from fenix_simulator.sentences import Names

    begun = reader.read(0, 1, Filter(kinds=frozenset({"start"})))
    if not begun:
        return Names()
    from pydantic import ValidationError

    from fenix_simulator.scenario import Scenario

    try:
        inventory = Scenario.model_validate(begun[0].data["scenario"]).build_inventory()
    except (ValidationError, ValueError, KeyError):  # of another version
        return Names()
    return Names(
        {project.project_id: project.name for project in inventory.projects},
        {instance.instance_id: instance.name for instance in inventory.instances},
    )


def _colours() -> bool | None:
    """Only on a terminal (click sees to that), and only where nobody said NO_COLOR."""
    import os

    return False if os.environ.get("NO_COLOR") else None


@contextmanager
def _opened(file: str, token: str | None) -> Iterator[Reader]:
    reader: Reader
    if file.startswith(("http://", "https://")):
        from fenix_simulator.adapters.journal_http import HttpJournalReader

        reader = HttpJournalReader(file, token)
    else:
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
