"""The command ``fenix-vnfm``. Only click is imported until it is clear what is to be done."""

from __future__ import annotations

import logging
import os
import re
import signal
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import click

from fenix_contract.vocabulary import REPLY_STATES, Action
from fenix_vnfm.durations import parse_duration

if TYPE_CHECKING:
    from fenix_vnfm.behaviours import Behaviour
    from fenix_vnfm.cloud import Cloud
    from fenix_vnfm.finder import FindCloud
    from fenix_vnfm.policy import Policy

_PROGRAM = "fenix-vnfm"
#: What --control-url may be beside a URL: looked for where the replies go, or not there.
_AUTO, _NONE = "auto", "none"
_EXAMPLES = """
\b
Examples:
  fenix-vnfm --project project-1 --ready-file vnfm.json
  fenix-vnfm --project project-1 --subscribe http://127.0.0.1:8919
  fenix-vnfm --action LIVE_MIGRATE --delay 2s --nack SCALE_IN --format json
  fenix-vnfm --misbehave misses-one
"""


def _as_duration(_ctx: click.Context, _param: click.Parameter, value: str) -> timedelta:
    try:
        return parse_duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _as_control_url(_ctx: click.Context, _param: click.Parameter, value: str) -> str:
    if value not in (_AUTO, _NONE) and re.match(r"https?://[^/]", value) is None:
        raise click.BadParameter(f"{value!r} is neither {_AUTO} nor {_NONE} nor an http or https URL")
    return value


def _as_url(_ctx: click.Context, _param: click.Parameter, value: str | None) -> str | None:
    if value is not None and re.match(r"https?://[^/]", value) is None:
        raise click.BadParameter(f"{value!r} is not an http or https URL")
    return value


_STATES = click.Choice([str(state) for state in REPLY_STATES])


@click.command(
    name=_PROGRAM, epilog=_EXAMPLES, context_settings={"auto_envvar_prefix": "FENIX_VNFM", "max_content_width": 110}
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to take alarms on.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, show_default=True, help="Port; 0 takes any free one.")
@click.option("--advertise", metavar="HOST", help="Host name in the alarm URL, where it is not that of --host.")
@click.option(
    "--ready-file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Written once alarms are taken: alarm_url and pid, as JSON.",
)
@click.option("--project", metavar="ID", help="Manage this project only; without it, each whose alarms come here.")
@click.option(
    "--action",
    type=click.Choice([str(action) for action in Action]),
    default=str(Action.MIGRATE),
    show_default=True,
    help="Action for each instance, where it is allowed.",
)
@click.option(
    "--delay",
    metavar="DURATION",
    callback=_as_duration,
    default="0s",
    show_default=True,
    help="Wait before each reply; cut short to stay in time.",
)
@click.option("--nack", multiple=True, type=_STATES, metavar="STATE", help="Refuse this state; repeatable.")
@click.option("--silent", multiple=True, type=_STATES, metavar="STATE", help="Do not answer this state; repeatable.")
@click.option(
    "--scale-in-share",
    type=click.FloatRange(0, 1),
    default=1 / 3,
    metavar="SHARE",
    help="Share of the vCPUs given up at SCALE_IN (a third).",
)
@click.option(
    "--scale-in-minimum",
    type=click.IntRange(min=0),
    default=1,
    show_default=True,
    help="Instances that are never given up.",
)
@click.option("--nack-when-unable", is_flag=True, help="Refuse SCALE_IN where nothing can be given up.")
@click.option("--inline", is_flag=True, help="Answer an alarm after the work for it, as some managers do.")
@click.option("--token", metavar="TOKEN", help="Sent as X-Auth-Token.")
@click.option("--control-token", metavar="TOKEN", help="Token for the control API, where it is another.")
@click.option(
    "--fenix-host",
    "fenix_hosts",
    envvar="FENIX_VNFM_FENIX_HOST",
    multiple=True,
    metavar="HOST[:PORT]",
    help="Send requests to this host only; repeatable.",
)
@click.option(
    "--subscribe",
    "aodh_url",
    envvar="FENIX_VNFM_SUBSCRIBE",
    metavar="URL",
    callback=_as_url,
    help="Subscribe at this Aodh URL, and unsubscribe at the end.",
)
@click.option(
    "--control-url",
    metavar="URL|auto|none",
    callback=_as_control_url,
    default=_AUTO,
    show_default=True,
    help="The simulator's control API, where instances are removed, added and moved; auto looks for it where the "
    "replies go.",
)
@click.option("--misbehave", metavar="NAME", help="Break a rule in a way that --list names.")
@click.option("--manner", metavar="NAME", help="Keep the rules in a way that --list names.")
@click.option("--list", "list_behaviours", envvar="FENIX_VNFM_LIST", is_flag=True, help="List the behaviours and stop.")
@click.option(
    "--format",
    "style",
    envvar="FENIX_VNFM_FORMAT",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="Lines for people, or NDJSON.",
)
def command(list_behaviours: bool, **options: Any) -> None:
    """A sample VNFM: takes Fenix's alarms for a project, and replies to them.

    Prints what it does on stdout until it is stopped (SIGTERM or Ctrl-C). Every option can be given in the environment,
    as FENIX_VNFM_PORT and so on.
    """
    if list_behaviours:
        _print_behaviours(options["style"])
        return
    _serve(**options)


def _print_behaviours(style: str) -> None:
    import json

    from fenix_vnfm.behaviours import BEHAVIOURS

    for one in sorted(BEHAVIOURS.values(), key=lambda one: (not one.is_fair, one.name)):
        if style == "json":
            document = {"name": one.name, "statement": one.statement, "breaks": one.breaks, "shown_by": one.shown_by}
            click.echo(json.dumps(document))
        else:
            click.echo(f"{one.name:28} {one.breaks[0] if one.breaks else '-':18} {one.statement}")


def _policy(options: dict[str, Any]) -> Policy:
    from fenix_vnfm.policy import Policy

    if options["action"] == Action.OWN_ACTION and options["control_url"] == _NONE:
        raise click.UsageError(
            "--action OWN_ACTION does not go with --control-url none: instances are moved by the control API; "
            "leave --control-url out, and it is looked for"
        )
    try:
        return Policy(
            action=Action(options["action"]),
            delay=options["delay"],
            nack=frozenset(options["nack"]),
            silent=frozenset(options["silent"]),
            scale_in_share=options["scale_in_share"],
            scale_in_minimum=options["scale_in_minimum"],
            nack_when_unable=options["nack_when_unable"],
            inline=options["inline"],
        )
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _cloud(options: dict[str, Any], hosts: frozenset[str] | None) -> Cloud | FindCloud | None:
    from fenix_vnfm.cloud import CloudClient
    from fenix_vnfm.finder import CloudFinder

    url, token = options["control_url"], options["control_token"] or options["token"]
    if url == _AUTO:
        return CloudFinder(token=token, hosts=hosts)
    return CloudClient(url, token=token) if url != _NONE else None


def _manners(options: dict[str, Any]) -> Behaviour:
    from fenix_vnfm.behaviours import HONEST, UnknownBehaviour, behaviour

    if options["misbehave"] and options["manner"]:
        raise click.UsageError("--misbehave and --manner exclude each other: a manager breaks a rule or keeps them all")
    for name, fair in (("misbehave", False), ("manner", True)):
        if options[name]:
            try:
                return behaviour(options[name], fair=fair)
            except UnknownBehaviour as error:
                raise click.UsageError(f"--{name}: {error}") from error
    return HONEST


def _serve(**options: Any) -> None:
    """Manage until told to stop. Raises click's errors for what cannot be done."""
    manners = _manners(options)
    try:
        policy = manners.adapt(_policy(options))
    except ValueError as error:
        raise click.UsageError(f"{manners.name} does not go with the other options: {error}") from error
    # A handler may put into this queue whatever the thread that it interrupts is at.
    ending: SimpleQueue[None] = SimpleQueue()

    def stop() -> None:
        ending.put(None)

    _stop_on_signals(stop)

    from fenix_vnfm.client import FenixClient
    from fenix_vnfm.manager import ProjectManager
    from fenix_vnfm.output import EventPrinter, write_ready_file
    from fenix_vnfm.receiver import AlarmReceiver
    from fenix_vnfm.subscribe import SubscriptionError

    hosts = frozenset(options["fenix_hosts"]) or None
    try:
        receiver = AlarmReceiver(options["host"], options["port"], advertise=options["advertise"])
    except OSError as error:
        raise click.UsageError(
            f"cannot listen on {options['host']}:{options['port']}: {error.strerror or error}"
        ) from error
    with (
        receiver,
        ProjectManager(
            options["project"],
            policy,
            receiver=receiver,
            token=options["token"],
            client=FenixClient(token=options["token"], hosts=hosts, timeout=policy.request_timeout),
            cloud=_cloud(options, hosts),
            conduct=manners.conduct,
            on_leave=stop,
            on_event=EventPrinter(sys.stdout, options["style"], stop),
        ) as manager,
    ):
        try:
            if options["aodh_url"]:
                manager.subscribe(options["aodh_url"])
            if options["ready_file"]:
                write_ready_file(options["ready_file"], manager.alarm_url)
        except SubscriptionError as error:
            raise click.ClickException(str(error)) from error
        except OSError as error:
            raise click.UsageError(f"--ready-file: {error.strerror or error}: {options['ready_file']}") from error
        ending.get()


def _stop_on_signals(stop: Callable[[], None]) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop())


def main() -> None:
    """Run the command: exit 0 when it was stopped, 1 when it could not subscribe, 2 for wrong usage; one line each."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format=f"{_PROGRAM}: %(message)s")
    try:
        status = command.main(standalone_mode=False) or 0
    except click.ClickException as error:
        click.echo(f"{_PROGRAM}: {' '.join(error.format_message().split())}", err=True)
        status = error.exit_code
    except click.Abort:
        status = 0
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads any more; the interpreter's own last flush must not complain about it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(status)
