"""What the commands share: options with their environment variable, durations, clear errors, signals."""

from __future__ import annotations

import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ParamSpec, TypeVar
from urllib.parse import urlsplit

import click

P = ParamSpec("P")
T = TypeVar("T")

_DURATION = re.compile(r"(?:(?P<h>\d+(?:\.\d+)?)h)?(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?")
_LONGEST = 24 * 3600.0


class Seconds(click.ParamType[float]):
    """``90s``, ``20m``, ``1h30m``: a number of seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number of seconds that the text means."""
        if isinstance(value, int | float):
            return float(value)
        found = _DURATION.fullmatch(str(value))
        if not value or found is None:
            self.fail(f"{value!r} is not a duration such as 90s, 20m or 1h30m", param, ctx)
        seconds = sum(float(found[unit] or 0) * size for unit, size in (("h", 3600), ("m", 60), ("s", 1)))
        if not 0 < seconds <= _LONGEST:
            self.fail(f"{value!r} is not between 0s and 24h", param, ctx)
        return seconds


SECONDS = Seconds()


def option(*names: str, **settings: Any) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """``click.option`` that also reads ``FENIX_CONFORMANCE_<NAME>``."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "FENIX_CONFORMANCE_" + long.removeprefix("--").replace("-", "_").upper()
    return click.option(*names, **{"envvar": variable, **settings})


class Problem(click.ClickException):
    """One line on stderr and an exit code: 2 for usage, 4 where the server or the suite is out of order."""

    def __init__(self, message: str, exit_code: int = 2) -> None:
        super().__init__(" ".join(message.split()))
        vars(self)["exit_code"] = exit_code


def report_options(function: Callable[P, T]) -> Callable[P, T]:
    """``--baseline``, ``--junit``, ``--json``, ``--html`` and ``--format``."""
    for add in (
        option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True),
        option("--html", type=click.Path(dir_okay=False, path_type=Path), help="One self-contained page."),
        option("--json", "json_file", type=click.Path(dir_okay=False, path_type=Path), help="Everything, as data."),
        option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="One test case per requirement."),
        option("--baseline", metavar="NAME|FILE", help="Known failures by id; upstream-2019 comes with the suite."),
    ):
        function = add(function)
    return function


def selection_options(function: Callable[P, T]) -> Callable[P, T]:
    """``--only``, ``--skip`` and ``--strict``."""
    for add in (
        option("--strict", is_flag=True, help="Every SHOULD is a MUST."),
        option("--skip", metavar="ID", multiple=True, help="Leave this requirement out; repeatable."),
        option("--only", metavar="ID", multiple=True, help="Judge this requirement; repeatable."),
    ):
        function = add(function)
    return function


def is_http(text: str) -> bool:
    """Whether the text is an absolute http or https URL with a host."""
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        return False


@contextmanager
def stopping_by(stop: Callable[[], None], signals: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM)) -> Iterator[None]:
    """Call ``stop`` on a thread of its own when one of the signals comes while the block runs.

    A handler in Python would run when the main thread gets to it, which may be at the end of all that it waits for. So
    the interpreter tells of signals through a socket, at whatever moment they come.
    """
    told, tells = socket.socketpair()
    tells.setblocking(False)

    def listen() -> None:
        while number := told.recv(1):
            if number[0] in signals:
                stop()

    listener = threading.Thread(target=listen, name="signals", daemon=True)
    listener.start()
    woken = signal.set_wakeup_fd(tells.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, lambda *_: None) for number in signals}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(woken)
        tells.close()
        listener.join()
        told.close()
