"""What the commands share: options with their environment variable, durations, and one clear line for an error."""

from __future__ import annotations

import functools
import logging
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any, ParamSpec, TypeVar

import click

from fenix_simulator.domain.errors import MaintenanceError
from fenix_simulator.durations import parse_duration

P = ParamSpec("P")
T = TypeVar("T")


class Duration(click.ParamType[timedelta]):
    """``90s``, ``20m``, ``1h30m``; longer than nothing."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """The timedelta that the text means."""
        if isinstance(value, timedelta):
            return value
        try:
            duration = parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not duration:
            self.fail(f"{value!r}: something is to happen in it, so it must be longer than nothing", param, ctx)
        return duration


DURATION = Duration()

#: What makes an inventory: a whole number that every reader of JSON holds exactly.
SEED = click.IntRange(0, 2**53)


def option(*names: str, **settings: Any) -> Callable[[Callable[P, T]], Callable[P, T]]:
    """``click.option`` that also reads ``FENIX_SIM_<NAME>`` and says so in the help."""
    long = next(name for name in names if name.startswith("--")).split("/")[0]
    variable = "FENIX_SIM_" + long.removeprefix("--").replace("-", "_").upper()
    return click.option(*names, **{"envvar": variable, "show_envvar": True, **settings})


def clear_errors(function: Callable[P, T]) -> Callable[P, T]:
    """Turn what people can mend into one line on stderr and exit 2."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return function(*args, **kwargs)
        except MaintenanceError as error:
            parts = [error.message, error.expected and f"expected {error.expected}", error.hint]
            raise Problem("; ".join(part for part in parts if part)) from error
        except OSError as error:
            reason = error.strerror or str(error)
            raise Problem(f"{error.filename}: {reason}" if error.filename else reason) from error
        except ValueError as error:
            raise Problem(str(error)) from error

    return wrapped


class Problem(click.ClickException):
    """A usage or configuration error: one line, exit 2."""

    exit_code = 2


def log_to_stderr() -> None:
    """Warnings and worse go to stderr, everything with ``FENIX_SIM_LOG=debug``."""
    level = getattr(logging, os.environ.get("FENIX_SIM_LOG", "warning").upper(), logging.WARNING)
    logging.basicConfig(stream=sys.stderr, level=level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
