"""``fenix-simulator demo``: the main job in one go."""

from __future__ import annotations

from datetime import timedelta

import click

from fenix_simulator.commands.options import DURATION, SEED, clear_errors, log_to_stderr, option

EPILOG = """\b
Examples:
  fenix-simulator demo                          4 hosts, 2 projects, a whole rolling maintenance
  fenix-simulator demo --scenario scale-in      the projects have to make room first
  fenix-simulator demo --hosts 20 --projects 5 --instances 200
  fenix-simulator scenario list                 what else can be played
"""


@click.command("demo", epilog=EPILOG)
@option("--scenario", default="happy-path", show_default=True, metavar="NAME|FILE", help="What is played.")
@option("--seed", type=SEED, help="Another cloud of the same kind.")
@option("--hosts", type=click.IntRange(1), help="Number of hosts.")
@option("--projects", type=click.IntRange(1), help="Number of projects.")
@option("--instances", type=click.IntRange(0), help="Number of instances in all.")
@option("--time", "time_mode", metavar="real|scaled:N|auto", help="How time passes. [default: so that it takes ~8 s]")
@option("--journal", type=click.Path(dir_okay=False), metavar="FILE", help="Keep everything that happened.")
@option("--limit", type=DURATION, default="2m", show_default=True, help="Give up after this time.")
@clear_errors
def command(
    scenario: str,
    seed: int | None,
    hosts: int | None,
    projects: int | None,
    instances: int | None,
    time_mode: str | None,
    journal: str | None,
    limit: timedelta,
) -> None:
    """Take a simulated cloud through a whole rolling maintenance, with a sample VNFM for each project.

    Exit 0 when every session ended as the scenario expects (MAINTENANCE_DONE, unless it says otherwise).
    """
    log_to_stderr()
    from rich.console import Console

    from fenix_simulator.adapters.clock import TimeMode
    from fenix_simulator.bootstrap import Settings
    from fenix_simulator.demo.play import play
    from fenix_simulator.demo.screen import LiveScreen, PlainScreen, Screen, summary
    from fenix_simulator.demo.story import Story
    from fenix_simulator.scenario import load
    from fenix_simulator.scenario_change import resized

    chosen = resized(load(scenario), seed=seed, hosts=hosts, projects=projects, instances=instances)
    console = Console()
    inventory = chosen.build_inventory()
    if time_mode is None:
        time_mode = _watchable(chosen.timing.migrate, chosen.timing.host_maintenance, chosen.timing.lead, inventory)
    settings = Settings(scenario=chosen, time=TimeMode.parse(time_mode), journal=journal)
    console.print(
        f"{chosen.name or 'scenario'}: {chosen.summary}\n"
        f"{len(inventory.hosts)} hosts, {len(inventory.projects)} projects with a sample VNFM each, "
        f"{len(inventory.instances)} instances; time {time_mode}",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )

    def screen(story: Story) -> Screen:
        return LiveScreen(console, story) if console.is_terminal else PlainScreen(console)

    story, outcome = play(settings, screen, limit)
    summary(console, story)
    if not outcome.in_time:
        click.echo("The maintenance was not over in time.", err=True)
    elif not outcome.as_expected:
        click.echo(f"The scenario expects {chosen.expect.end}.", err=True)
    raise SystemExit(0 if outcome.as_expected else 1)


def _watchable(migrate: timedelta, host_maintenance: timedelta, lead: timedelta, inventory: object) -> str:
    """A factor by which the whole takes about 6 seconds; for a larger cloud time jumps."""
    hosts, instances = len(inventory.hosts), len(inventory.instances)  # type: ignore[attr-defined]
    work = lead + hosts * host_maintenance + instances * migrate
    if hosts > 12 or instances > 60:
        return "auto"
    return f"scaled:{max(1, round(work.total_seconds() / 6))}"
