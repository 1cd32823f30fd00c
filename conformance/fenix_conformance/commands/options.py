"""What the commands share: options with their environment variable, durations, clear errors, report files."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

if TYPE_CHECKING:
    from fenix_conformance.reports import Assessment
    from fenix_conformance.results import RunResult

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


def write_reports(
    result: RunResult,
    assessment: Assessment | None,
    *,
    junit: Path | None,
    json_file: Path | None,
    html: Path | None,
    form: str,
) -> None:
    """Every report that was asked for; the one on stdout last. Raises Problem where a file cannot be written."""
    from fenix_conformance.reports import render_text, write_html, write_json, write_junit

    for write, path in ((write_junit, junit), (write_json, json_file), (write_html, html)):
        if path is not None:
            try:
                write(result, path, assessment)
            except OSError as error:
                raise Problem(f"{path} cannot be written: {error.strerror or error}") from error
    if form == "json":
        import json

        click.echo(json.dumps(result.to_dict(), ensure_ascii=True))
    else:
        render_text(result, None, assessment)
