"""``fenix-simulator serve``: the server, for as long as it is wanted."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

import click

from fenix_simulator.commands.options import DURATION, SEED, Problem, clear_errors, log_to_stderr, option

if TYPE_CHECKING:
    from fenix_simulator.bootstrap import Settings, Simulator

#: How many objects more make the collector look at the young, and how many of its looks at the older ones: nearly all
#: that a server makes is either gone with its request or stays, and a look at all that stays keeps everybody waiting.
_COLLECTED = (5_000, 20, 50)

EPILOG = """\b
Examples:
  fenix-simulator serve                               the happy path's cloud at http://127.0.0.1:8919
  fenix-simulator serve --alarm-url http://127.0.0.1:9000/maintenance --start
                                                      tell one VNFM of everything and begin at once
  fenix-simulator serve --scenario scale-in --time scaled:60 --journal run.db
  fenix-simulator serve --port 0 --ready-file ready.json --behaviour upstream
  fenix-simulator serve --scenario - < mine.yaml      a scenario of another program's
"""


@click.command("serve", epilog=EPILOG)
@option("--host", default="127.0.0.1", show_default=True, help="Address to bind; another than loopback needs a token.")
@option("--port", type=click.IntRange(0, 65535), default=8919, show_default=True, help="Port; 0 takes any free one.")
@option("--ready-file", type=click.Path(dir_okay=False, path_type=Path), help="Written once requests are answered.")
@option("--scenario", default="happy-path", show_default=True, metavar="NAME|FILE|-", help="The cloud and its timing.")
@option("--seed", type=SEED, help="Another cloud of the same kind.")
@option("--hosts", type=click.IntRange(1), help="Number of hosts.")
@option("--projects", type=click.IntRange(1), help="Number of projects.")
@option("--project-id", "project_ids", multiple=True, metavar="ID", help="The first project's id; again: the next's.")
@option("--instances", type=click.IntRange(0), help="Number of instances in all, spread evenly over the projects.")
@option("--alarm-url", "alarm_urls", multiple=True, metavar="[PROJECT=]URL", help="Tell this URL; repeatable.")
@option("--delivery", metavar="aodh|retry:5s,30s", help="How often an alarm is tried; aodh: once.")
@option("--alarm-timeout", type=DURATION, default="30s", show_default=True, help="How long an answer may take.")
@option("--time", "time_mode", default="auto", show_default=True, metavar="real|scaled:N|auto|manual")
@option("--reply-window", type=DURATION, help="One reply window for every state.")
@option("--own-action-window", type=DURATION, help="What a host has to become empty by OWN_ACTIONs.")
@option("--base-path", metavar="/PATH", help="Stands before /v1/maintenance in the URLs that alarms carry.")
@option("--public-url", metavar="URL", help="Where others reach this server: a front's origin, in alarms' URLs.")
@option("--behaviour", type=click.Choice(["strict", "upstream"]), help="Whose manners the server has.")
@option("--dialect", type=click.Choice(["map", "per-instance"]), help="How instance actions are asked for.")
@option("--default", "default", type=click.Choice(["migrate", "fail"]), help="What becomes of an unmanaged project.")
@option(
    "--journal", type=click.Path(dir_okay=False), metavar="FILE", help="Keep everything; go on from it if it exists."
)
@option("--admin-token", metavar="TOKEN", help="Turns tokens on; this one opens everything.")
@option("--project-token", "project_tokens", multiple=True, metavar="PROJECT=TOKEN", help="Opens that project only.")
@option(
    "--allow-target", "allow_targets", multiple=True, metavar="CIDR|HOST", help="Where alarms may go, beside loopback."
)
@option("--threads", type=click.IntRange(2, 256), default=16, show_default=True, help="Requests answered at once.")
@option("--run", default="", metavar="NAME", help="Other ids of sessions and alarms, in the same cloud.")
@option("--shard", metavar="I/N", help="One of N servers, told apart by the ids of their sessions (docs/scaling.md).")
@click.option("--until-eof", is_flag=True, help="Stop when standard input ends: with whoever started this.")
@click.option("--start", "start", is_flag=True, help="Begin the scenario's sessions at once.")
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@clear_errors
def command(
    ready_file: Path | None,
    until_eof: bool,
    start: bool,
    form: str,
    **options: Any,
) -> None:
    """Answer as a Fenix, an Aodh and a control API until stopped (Ctrl-C or SIGTERM)."""
    log_to_stderr()
    # A handler may put into this queue whatever the thread that it interrupts is at.
    ending: SimpleQueue[None] = SimpleQueue()

    def stop() -> None:
        ending.put(None)

    # Until there is something to stop, and stdin may be long in coming, a signal ends it at once.
    _at_signals(lambda: sys.exit(0))
    settings = settings_of(**options)
    _at_signals(stop)
    if until_eof:
        threading.Thread(target=_await_eof, args=(stop,), name="standard input", daemon=True).start()
    from fenix_simulator.bootstrap import Simulator

    with Simulator(settings) as simulator:
        # What was built stays until the end: no collection needs to look at it, which for a large cloud takes seconds.
        gc.freeze()
        gc.set_threshold(*_COLLECTED)
        announce(simulator, ready_file, form)
        service = simulator.service
        if start and not service.list_sessions() and not service.planned_sessions():
            for session_id in simulator.start_sessions():
                click.echo(json.dumps({"session_id": session_id}) if form == "json" else f"session {session_id} begun")
        ending.get()


def _await_eof(stop: Callable[[], None]) -> None:
    """Call ``stop`` when nobody holds the other end of standard input any more."""
    with contextlib.suppress(OSError):
        while os.read(0, 65536):
            pass
    stop()


def settings_of(
    *,
    host: str,
    port: int,
    scenario: str,
    seed: int | None,
    hosts: int | None,
    projects: int | None,
    project_ids: tuple[str, ...],
    instances: int | None,
    alarm_urls: tuple[str, ...],
    delivery: str | None,
    alarm_timeout: timedelta,
    time_mode: str,
    reply_window: timedelta | None,
    own_action_window: timedelta | None,
    base_path: str | None,
    public_url: str | None,
    behaviour: str | None,
    dialect: str | None,
    default: str | None,
    journal: str | None,
    admin_token: str | None,
    project_tokens: tuple[str, ...],
    allow_targets: tuple[str, ...],
    threads: int,
    run: str,
    shard: str | None,
) -> Settings:
    """The settings that the options mean. Raises Problem, ScenarioError, ValueError."""
    guard_bind(host, admin_token)
    from fenix_simulator.adapters.clock import TimeMode
    from fenix_simulator.bootstrap import Settings
    from fenix_simulator.delivery import parse_delivery
    from fenix_simulator.scenario import load
    from fenix_simulator.scenario_change import changed, resized
    from fenix_simulator.shards import Shard, parse_public_url

    if scenario == "-":
        # Everything that takes time to import is there before stdin is waited for.
        importlib.import_module("fenix_simulator.inventory_names")
    chosen = resized(
        load(scenario), seed=seed, hosts=hosts, projects=projects, instances=instances, project_ids=project_ids
    )
    chosen = changed(
        chosen,
        behaviour=behaviour,
        dialect=dialect,
        default=default,
        reply_window=reply_window,
        own_action_window=own_action_window,
        base_path=base_path,
    )
    return Settings(
        scenario=chosen,
        host=host,
        port=port,
        alarm_urls=tuple(_alarm_url(text) for text in alarm_urls),
        time=TimeMode.parse(time_mode),
        journal=journal,
        admin_token=admin_token,
        project_tokens=dict(_project_token(text) for text in project_tokens),
        allow_targets=allow_targets,
        delivery=parse_delivery(delivery) if delivery else None,
        alarm_timeout=alarm_timeout,
        threads=threads,
        run=run,
        public_url=parse_public_url(public_url) if public_url is not None else None,
        shard=Shard.parse(shard) if shard is not None else Shard(),
    )


def guard_bind(host: str, admin_token: str | None) -> None:
    """Only loopback may be served without a token (Problem otherwise)."""
    if admin_token:
        return
    try:
        loopback = ip_address(host).is_loopback
    except ValueError:
        loopback = host == "localhost"
    if not loopback:
        raise Problem(
            f"--host {host} can be reached from elsewhere: give --admin-token TOKEN as well, or --host 127.0.0.1"
        )


def announce(simulator: Simulator, ready_file: Path | None, form: str) -> None:
    """Say where the server is, and write the ready file in one step."""
    ready = simulator.ready()
    if ready_file is not None:
        unfinished = ready_file.with_name(f".{ready_file.name}.{os.getpid()}")
        try:
            unfinished.write_text(json.dumps(ready) + "\n")
            unfinished.replace(ready_file)
        except OSError as error:
            raise Problem(f"--ready-file {ready_file}: {error.strerror or error}") from error
    if form == "json":
        click.echo(json.dumps(ready))
        return
    inventory = simulator.inventory
    click.echo(f"Fenix, simulated, at {ready['url']} (Ctrl-C stops it)")
    click.echo(
        f"  {len(inventory.hosts)} hosts, {len(inventory.projects)} projects, {len(inventory.instances)} instances; "
        f"seed {simulator.scenario.seed}, time {simulator.settings.time}, {simulator.service.behaviour} behaviour"
    )
    click.echo(f"  subscribe   POST {ready['url']}/v2/alarms")
    click.echo(f"  begin       POST {ready['url']}/v1/maintenance")
    click.echo(f"  watch       GET  {ready['url']}/simulator/v1/sessions")
    for project in inventory.projects[:10]:
        click.echo(f"  project     {project.project_id}  {project.name}")
    if len(inventory.projects) > 10:
        click.echo(f"              and {len(inventory.projects) - 10} more: GET {ready['url']}/simulator/v1/projects")


def _at_signals(do: Callable[[], object]) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: do())


def _alarm_url(text: str) -> tuple[str | None, str]:
    head, equals, tail = text.partition("=")
    if equals and "/" not in head and ":" not in head:
        return head, tail
    return None, text


def _project_token(text: str) -> tuple[str, str]:
    project, equals, token = text.partition("=")
    if not (project and equals and token):
        # What was given is not repeated: it may be the token alone.
        raise Problem("--project-token takes PROJECT=TOKEN, with both of them")
    return project, token
