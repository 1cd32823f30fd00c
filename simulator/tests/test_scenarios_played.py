"""The bundled scenarios over real HTTP, with a sample VNFM process for each project, to the end that they expect."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from fenix_simulator.adapters.clock import TimeMode
from fenix_simulator.bootstrap import Settings, Simulator
from fenix_simulator.demo.play import play
from fenix_simulator.demo.screen import LiveScreen, PlainScreen, summary
from fenix_simulator.scenario import load
from fenix_simulator.scenario_change import resized
from fenix_vnfm import AlarmReceiver, Exchange, FenixClient, Policy, ProjectManager

WITHOUT_FAULTS = [
    "happy-path",
    "scale-in",
    "no-spare-host",
    "own-action",
    "live-migrate",
    "unsubscribed-project",
    "two-sessions",
    "nack",
    "silent-project",
    "large-cloud",
]


@pytest.mark.parametrize("name", WITHOUT_FAULTS)
def test_a_bundled_scenario_ends_as_it_expects(name):
    told = io.StringIO()
    console = Console(file=told, width=200)
    scenario = load(name)
    story, outcome = play(
        Settings(scenario=scenario, time=TimeMode.parse("auto")),
        lambda _story: PlainScreen(console),
        timedelta(minutes=2),
    )
    summary(console, story)
    assert outcome.as_expected, told.getvalue()[-4000:]
    assert scenario.expect.end in told.getvalue()
    placed = [one for there in story.hosts.values() for one in there]
    assert len(placed) == len(set(placed))


def test_the_live_screen_draws_hosts_and_story():
    told = io.StringIO()
    console = Console(file=told, force_terminal=True, width=120, height=50)
    _, outcome = play(
        Settings(scenario=load("happy-path"), time=TimeMode.parse("auto")),
        lambda story: LiveScreen(console, story),
        timedelta(minutes=1),
    )
    assert outcome.as_expected
    assert "maintained" in told.getvalue()
    assert "■" in told.getvalue()


def test_a_manager_that_gets_and_puts_inside_its_alarm_handler_works():
    """As OPNFV Doctor's do: the alarm's POST stays open until the reply was answered."""
    assert _run(2, Policy(inline=True), "happy-path") == {"MAINTENANCE_DONE"}


class Together(FenixClient):
    """Replies to MAINTENANCE wait for each other, then are all sent at once."""

    meeting = threading.Barrier(50)

    def send_reply(self, url: str, reply: Mapping[str, Any], timeout: timedelta | None = None) -> Exchange:
        if reply["state"] == "ACK_MAINTENANCE":
            self.meeting.wait(20)
        return super().send_reply(url, reply, timeout)


def test_fifty_managers_that_reply_at_once_are_all_heard():
    assert _run(50, Policy(), "happy-path", Together) == {"MAINTENANCE_DONE"}


def _run(projects: int, policy: Policy, scenario: str, client: type[FenixClient] = FenixClient) -> set[str]:
    sized = resized(load(scenario), hosts=6, projects=projects, instances=max(24, projects))
    receiver = AlarmReceiver()
    with Simulator(Settings(scenario=sized, time=TimeMode.parse("auto"))) as simulator:
        managers = [
            ProjectManager(project.project_id, policy, receiver=receiver, client=client())
            for project in simulator.inventory.projects
        ]
        for manager in managers:
            manager.subscribe(simulator.url)
        simulator.start_sessions()
        after, ends = 0, set()
        while not ends:
            assert simulator.journal.wait(after, 30), "nothing happens any more"
            for entry in simulator.journal.read(after, 1000):
                after = entry.number
                if entry.type == "StateEntered" and entry.data["state"].startswith(("MAINTENANCE_D", "MAINTENANCE_F")):
                    ends.add(entry.data["state"])
        for manager in managers:
            manager.close()
    receiver.close()
    return ends
