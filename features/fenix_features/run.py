"""The command ``fenix-features``: plays the flows against the simulator or any Fenix server, from wherever it is."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fenix_vnfm.durations import parse_duration

if TYPE_CHECKING:
    import pytest

    from fenix_features.settings import Settings

Decorated = TypeVar("Decorated", bound=Callable[..., Any])

_HERE = Path(__file__).resolve().parent
_VARIABLE = "FENIX_CONFORMANCE_"
_EPILOG = """\b
Examples:
  fenix-features                                   every flow against a simulator of its own
  fenix-features -k "reply-nack or scale_in"       by requirements, feature files and words of titles
  fenix-features --fenix-url http://127.0.0.1:12347 --aodh-url http://127.0.0.1:8042 --project ID --project ID

\b
On another server the flows of every cloud are played: it needs room for a host's instances, and the projects need
instances. Those that lay out the cloud themselves are listed as not played, with the reason.

\b
Exit codes: 0 every scenario played passed · 1 one failed · 2 usage · 3 none was played · 4 the server was not
reached, or the run itself broke
"""


def _as_url(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """A URL. One that is given and empty is a mistake: it must not turn into a run against the simulator."""
    if value is not None and re.match(r"https?://[^/\s]+", value) is None:
        raise click.BadParameter(f"{value!r} is not an http or https URL")
    return value


def _as_duration(_ctx: click.Context, _param: click.Parameter, value: str) -> timedelta:
    """A duration as ``90s`` or ``2m``."""
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _option(*names: str, **more: Any) -> Callable[[Decorated], Decorated]:
    """``click.option`` that also reads ``FENIX_CONFORMANCE_<NAME>`` and says so in the help."""
    variable = _VARIABLE + names[0].removeprefix("--").replace("-", "_").upper()
    return click.option(*names, envvar=variable, show_envvar=True, **more)


@click.command("fenix-features", epilog=_EPILOG, context_settings={"max_content_width": 110})
@_option("--fenix-url", metavar="URL", callback=_as_url, help="Server under test; without it a simulator is started.")
@_option("--aodh-url", metavar="URL", callback=_as_url, help="Where it is subscribed; default: the server itself.")
@_option("--project", "projects", multiple=True, metavar="ID", help="Project with instances there: give them all.")
@_option("--token", help="Sent as X-Auth-Token with every request.")
@click.option(
    "--reply-window",
    metavar="DURATION",
    callback=_as_duration,
    default="60s",
    show_default=True,
    help="Of the server under test.",
)
@click.option(
    "--max-wait",
    metavar="DURATION",
    callback=_as_duration,
    default="120s",
    show_default=True,
    help="For how long nothing may happen, beside that.",
)
@click.option("--listen", default="127.0.0.1", show_default=True, metavar="HOST", help="Address to take alarms on.")
@click.option("-k", "expression", metavar="EXPR", help="Only what matches, as in pytest.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write a JUnit report.")
@click.option("--list", "only_list", is_flag=True, help="List the scenarios with their tags and play none.")
@click.pass_context
def main(
    ctx: click.Context,
    fenix_url: str | None,
    aodh_url: str | None,
    projects: tuple[str, ...],
    token: str | None,
    reply_window: timedelta,
    max_wait: timedelta,
    listen: str,
    expression: str | None,
    junit: Path | None,
    only_list: bool,
) -> None:
    """Play complete project flows of a rolling maintenance, written in Gherkin, and say which of them hold."""
    _require_pytest()
    from fenix_features.settings import Settings

    if only_list:
        _list()
        return
    if fenix_url is None:
        if _VARIABLE + "FENIX_URL" in os.environ:
            raise click.UsageError(f"{_VARIABLE}FENIX_URL is empty: give the server's URL, or unset it for a simulator")
        if aodh_url or projects or token:
            raise click.UsageError("--aodh-url, --project and --token go with --fenix-url: the server they belong to")
        settings = Settings(listen=listen)
    else:
        if not projects:
            raise click.UsageError("--project is missing: name every project that has instances on the server")
        settings = Settings(
            fenix_url=fenix_url,
            aodh_url=aodh_url,
            projects=projects,
            token=token,
            reply_window=reply_window.total_seconds(),
            max_wait=max_wait.total_seconds(),
            listen=listen,
        )
        _knock(settings)
    ctx.exit(_play(settings, expression, junit))


class _Told:
    """A pytest plugin that hands the settings to the flows and prints a line for each scenario."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._config: pytest.Config | None = None

    def pytest_configure(self, config: pytest.Config) -> None:
        from fenix_features.settings import SETTINGS

        config.stash[SETTINGS] = self._settings
        self._config = config

    def pytest_report_teststatus(self, report: pytest.TestReport) -> tuple[str, str, str] | None:
        """Count as pytest does, and print no letter."""
        if report.when == "call" or report.failed:
            return report.outcome if report.when == "call" else "error", "", ""
        return None

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        terminal = self._config.pluginmanager.getplugin("terminalreporter") if self._config is not None else None
        if terminal is None or (report.when != "call" and not report.failed):
            return
        name = dict(report.user_properties).get("scenario", report.nodeid)
        colour = {"green": report.passed, "red": report.failed}
        terminal.write(f"{report.outcome:7}", **colour)
        terminal.write_line(f" {report.duration:5.1f} s  {name}")


def _play(settings: Settings, expression: str | None, junit: Path | None) -> int:
    """Run the flows; the command's exit code."""
    import pytest

    # Options that a user's environment adds to every pytest are not meant for this one.
    os.environ.pop("PYTEST_ADDOPTS", None)
    arguments = ["-c", str(_HERE / "pytest.ini"), "--rootdir", str(_HERE), "-p", "no:cacheprovider"]
    arguments += ["--disable-plugin-autoload", "-p", "pytest_bdd.plugin", "-q", "--no-header"]
    if expression is not None:
        arguments += ["-k", expression]
    if junit is not None:
        arguments.append(f"--junit-xml={junit.absolute()}")
    code = pytest.main([*arguments, str(_HERE / "test_flows.py")], plugins=[_Told(settings)])
    if code == pytest.ExitCode.NO_TESTS_COLLECTED:
        click.echo("no scenario was played: that is not a pass", err=True)
    return {
        pytest.ExitCode.OK: 0,
        pytest.ExitCode.TESTS_FAILED: 1,
        pytest.ExitCode.USAGE_ERROR: 2,
        pytest.ExitCode.NO_TESTS_COLLECTED: 3,
    }.get(pytest.ExitCode(code), 4)


def _knock(settings: Settings) -> None:
    """See whether anybody answers; any answer will do."""
    from fenix_features.fenix import Fenix

    assert settings.fenix_url is not None
    fenix = Fenix(settings.fenix_url, settings.aodh_url, settings.token)
    for url in (f"{fenix.url}/v1/maintenance", f"{fenix.aodh_url}/v2/alarms"):
        exchange = fenix.client.request("GET", url)
        if exchange.status is None:
            click.echo(f"the server under test does not answer: {exchange}", err=True)
            sys.exit(4)
    fenix.close()


def _list() -> None:
    from fenix_features.catalogue import catalogue

    for scenario in catalogue():
        click.echo(f"{scenario.feature}: {scenario.title}")
        click.echo(f"    {' '.join(f'@{tag}' for tag in sorted(scenario.tags))}")


def _require_pytest() -> None:
    try:
        import pytest_bdd  # noqa: F401
    except ImportError as error:
        raise click.UsageError(
            f"{error.name} is missing, which the flows are played with: pip install 'fenix-harness[conformance]'"
        ) from error
