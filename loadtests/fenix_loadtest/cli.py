"""The command ``fenix-loadtest``: checks what it is asked, and hands over to a process of locust's."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

from fenix_contract.usage import status_of
from fenix_contract.vocabulary import REPLY_STATES
from fenix_loadtest.settings import OPTIONS, Option, count_of, origin_of, rate_of, seconds_of

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Reader = Callable[[str], Any]

_VARIABLE = "FENIX_LOADTEST_"
#: The exit code of a run that was stopped before it had a verdict.
_STOPPED = 4
_CODES = """\b
Exit codes: 0 every threshold held · 1 one did not, or an accepted reply was lost · 2 usage · 4 the thing under load
was not reached, or refused what a run needs
"""
_RUN_EPILOG = f"""\b
Examples:
  fenix-loadtest http://127.0.0.1:8919                                   ten clients as fast as they can, 30 s
  fenix-loadtest http://127.0.0.1:8919 --rate 500 --duration 1m --max-p95 50ms --max-p99 'PUT reply=100ms'
  fenix-loadtest http://127.0.0.1:8919 --mix wave --sessions 100 --users 200     what alarms ask for, all at once
  fenix-loadtest http://127.0.0.1:8919 --processes 2 --html load.html --json load.json
  fenix-loadtest http://fenix:12347 --master --expect-workers 2          and on two machines: --worker --master-host H
  fenix-loadtest alarms http://127.0.0.1:9000/maintenance --projects 20 --rate 100       load on a VNFM; see its --help

{_CODES}"""
_ALARMS_EPILOG = f"""\b
Examples:
  fenix-loadtest alarms http://127.0.0.1:9000/maintenance
  fenix-loadtest alarms http://127.0.0.1:9000/maintenance --projects 20 --rate 100 --duration 1m --max-p95 200ms

{_CODES}"""


def _read_by(reader: Reader) -> Callable[[click.Context, click.Parameter, Any], Any]:
    """A callback that checks each value; what is handed on is the text, for whoever does the work reads it again."""

    def check(_ctx: click.Context, _param: click.Parameter, value: Any) -> Any:
        try:
            for text in value if isinstance(value, tuple) else () if value is None else (value,):
                reader(str(text))
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
        return value

    return check


def _option(flag: str, reader: Reader | None = None, **more: Any) -> Callable[[Decorated], Decorated]:
    """``click.option`` that also reads ``FENIX_LOADTEST_<NAME>`` and says so in the help."""
    variable = _VARIABLE + flag.removeprefix("--").replace("-", "_").upper()
    if reader is not None:
        more["callback"] = _read_by(reader)
    return click.option(flag, envvar=variable, show_envvar=True, **more)


def _shared(option: Option) -> Callable[[Decorated], Decorated]:
    """The flag as click has it."""
    if option.choices:
        kind = click.Choice(option.choices)
        return _option(option.flag, type=kind, default=option.default, show_default=True, help=option.help)
    more: dict[str, Any] = {"multiple": True} if option.multiple else {}
    if option.default not in (None, ()):
        default = f"{option.default:g}" if isinstance(option.default, float) else str(option.default)
        more |= {"default": default, "show_default": True}
    return _option(option.flag, option.read, metavar=option.metavar, help=option.help, **more)


def _all_shared(function: Decorated) -> Decorated:
    for option in reversed(OPTIONS):
        function = _shared(option)(function)
    return function


def _writable(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    """A report's file: that it cannot be written is found out before the load and not after it."""
    if value is not None:
        path = Path(value)
        if path.is_dir() or not path.absolute().parent.is_dir() or not os.access(path.absolute().parent, os.W_OK):
            raise click.BadParameter(f"{value} cannot be written: name a file in a folder that there is")
    return value


@click.command("fenix-loadtest", epilog=_RUN_EPILOG, context_settings={"max_content_width": 110})
@click.argument("url", required=False)
@_option("--users", count_of, default="10", show_default=True, metavar="N", help="Clients at a time, of all processes.")
@_option("--duration", seconds_of, default="30s", show_default=True, metavar="DURATION", help="Of the load.")
@_all_shared
@click.option("--html", callback=_writable, metavar="FILE", help="Write locust's report, with its plots.")
@click.option("--json", "report", callback=_writable, metavar="FILE", help="Write the figures and verdicts.")
@_option("--processes", count_of, metavar="N", help="Generate the load with so many processes of this machine.")
@click.option("--master", is_flag=True, help="Share the load out to workers.")
@_option("--expect-workers", count_of, metavar="N", help="Workers that a master waits for.  [default: 1]")
@click.option("--worker", is_flag=True, help="Generate a share of a master's load.")
@_option("--master-host", metavar="HOST", help="Where a worker's master is.  [default: 127.0.0.1]")
@_option("--master-port", count_of, metavar="N", help="Its port.  [default: 5557]")
def run(url: str | None, users: str, duration: str, report: str | None, **given: Any) -> None:
    """Put load on the Fenix server at URL, and say whether it held.

    Sessions are started by the admin API, projects subscribed by Aodh's. An alarm makes the projects list and reply,
    all at once; beside that, lists and repeated replies come steadily, by --users that go on at once or at a --rate.
    Every accepted reply must show: its session must go on.
    """
    role = [name for name in ("master", "worker") if given[name]]
    if len(role) == 2:
        raise click.UsageError("--master and --worker are two processes: give one of them")
    if given["processes"] and given["master"]:
        raise click.UsageError("--processes starts a master and workers by itself: leave out --master, or --processes")
    for name in ("master_host", "expect_workers"):
        needed = "worker" if name == "master_host" else "master"
        if given[name] and not given[needed]:
            raise click.UsageError(f"--{name.replace('_', '-')} goes with --{needed}")
    if given["master_port"] and not role:
        raise click.UsageError("--master-port goes with --master or --worker")
    if url is None and not given["worker"]:
        raise click.UsageError("URL is missing: the server to put load on, as in http://127.0.0.1:8919")
    _require_locust()
    # A file for its JSON keeps locust from printing tables of its own: the report here is the one that judges.
    arguments = ["--headless", "--only-summary", "--loglevel", "WARNING", "--json-file", os.devnull]
    if given["worker"]:
        arguments += ["--worker", *_pairs(given, "master_host", "master_port", "processes", "listen")]
    else:
        assert url is not None
        try:
            origin = origin_of(url)
        except ValueError as error:
            raise click.UsageError(str(error)) from error
        _knock(origin, given["token"])
        arguments += ["--host", origin, "--users", users, "--spawn-rate", users, "--load-time", duration]
        arguments += ["--master"] if given["master"] else []
        arguments += _pairs(given, "expect_workers", "master_port", "processes", "html")
        arguments += ["--report", report] if report else []
        for option in OPTIONS:
            value = given[option.name]
            for text in value if isinstance(value, tuple) else () if value is None else (value,):
                arguments += [option.flag, str(text)]
    _become_locust(arguments)


def _pairs(given: dict[str, Any], *names: str) -> list[str]:
    """The flags that were given, as locust takes them."""
    flags = {"master_port": "--master-bind-port"} if given["master"] else {}
    return [
        text
        for name in names
        if given[name] is not None
        for text in (flags.get(name, f"--{name.replace('_', '-')}"), str(given[name]))
    ]


def _require_locust() -> None:
    if find_spec("locust") is None:
        raise click.UsageError("locust is missing, which generates the load: pip install 'fenix-harness[load]'")


def _knock(origin: str, token: str | None) -> None:
    """See whether anybody answers, before locust is loaded."""
    from fenix_loadtest.admin import Admin, SetUpError

    admin = Admin(origin, None, token, 10.0)
    try:
        admin.knock()
    except SetUpError as error:
        click.echo(str(error), err=True)
        sys.exit(4)
    finally:
        admin.close()


def _become_locust(arguments: list[str]) -> NoReturn:
    """Go on as locust: its signals, its exit code, and nothing of it in this process before."""
    locustfile = Path(__file__).with_name("locustfile.py")
    command = [sys.executable, "-P", "-m", "locust", "-f", str(locustfile), *arguments]
    paths = [str(Path(__file__).parent.parent), *filter(None, [os.environ.get("PYTHONPATH")])]
    sys.stdout.flush()
    os.execve(sys.executable, command, {**os.environ, "PYTHONPATH": os.pathsep.join(paths)})


@click.command("fenix-loadtest alarms", epilog=_ALARMS_EPILOG, context_settings={"max_content_width": 110})
@click.argument("alarm_url", required=False)
@_option("--projects", count_of, default="1", show_default=True, metavar="N", help="Projects that alarms are for.")
@_option("--project", multiple=True, metavar="ID", help="Their ids, where the VNFM knows which it manages.")
@_option("--rate", rate_of, default="10", show_default=True, metavar="N", help="Alarms a second (open loop).")
@_option("--duration", seconds_of, default="10s", show_default=True, metavar="DURATION", help="Of the load.")
@_option("--connections", count_of, default="32", show_default=True, metavar="N", help="Alarms on their way at once.")
@_option("--instances", count_of, default="10", show_default=True, metavar="N", help="In each project's list.")
@click.option(
    "--state",
    type=click.Choice([str(state) for state in REPLY_STATES]),
    default="MAINTENANCE",
    show_default=True,
    help="What is announced.",
)
@_option("--reply-window", seconds_of, default="20s", show_default=True, metavar="DURATION", help="For each reply.")
@_option("--listen", default="127.0.0.1", show_default=True, metavar="HOST", help="Address of list and reply.")
@_shared(next(option for option in OPTIONS if option.name == "max_p95"))
@_shared(next(option for option in OPTIONS if option.name == "max_p99"))
@_shared(next(option for option in OPTIONS if option.name == "max_failures"))
@click.option("--json", "report", callback=_writable, metavar="FILE", help="Write the figures and verdicts.")
def alarms(alarm_url: str | None, **given: Any) -> None:
    """Storm the VNFM at ALARM_URL with alarms, and measure how soon it replies to each.

    Each alarm is of a session of its own. The list and the reply are served here; no Fenix is needed. An alarm that
    gets no reply within its window fails the run.
    """
    if alarm_url is None:
        raise click.UsageError("ALARM_URL is missing: where the VNFM takes alarms, as in http://127.0.0.1:9000/alarm")
    try:
        origin_of(alarm_url)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if not float(given["rate"]):
        raise click.UsageError("--rate 0 sends no alarm: say how many a second")
    from fenix_loadtest.storm import command

    sys.exit(command.storm(alarm_url, given))


def main() -> None:
    """``fenix-loadtest URL …`` and ``fenix-loadtest alarms ALARM_URL …``."""
    arguments, command, name = sys.argv[1:], run, "fenix-loadtest"
    if arguments[:1] == ["alarms"]:
        arguments, command, name = arguments[1:], alarms, "fenix-loadtest alarms"
    call = partial(command.main, arguments, name, standalone_mode=False)
    sys.exit(status_of(call, _STOPPED, notice="Error: interrupted"))
