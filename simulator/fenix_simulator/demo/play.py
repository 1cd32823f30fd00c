"""Plays a scenario: a server, its projects' sample VNFMs and the sessions, until all of them have ended."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from fenix_simulator.bootstrap import Settings, Simulator
from fenix_simulator.demo.managers import running
from fenix_simulator.demo.screen import Screen
from fenix_simulator.demo.story import Story

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a play ended: the states of its sessions, and whether that is what the scenario expects."""

    states: tuple[str, ...]
    as_expected: bool
    in_time: bool


def play(settings: Settings, screen: Callable[[Story], Screen], limit: timedelta) -> tuple[Story, Outcome]:
    """Run the whole scenario; ``limit`` is wall time. Raises MaintenanceError, OSError, ValueError."""
    with Simulator(settings) as simulator:
        story = Story(simulator.inventory)
        managers = simulator.scenario.managers(simulator.inventory.projects)
        with running(managers, simulator.url), screen(story) as shown:
            simulator.start_sessions()
            in_time = _follow(simulator, story, shown, limit)
        expect = simulator.scenario.expect
        states = tuple(ending.state for ending in story.endings.values())
        as_expected = in_time and all(state == expect.end for state in states)
        if expect.states is not None:
            seen = [list(dict.fromkeys(states)) for states in story.states.values()]
            as_expected = as_expected and all(one == list(expect.states) for one in seen)
        return story, Outcome(states, as_expected, in_time)


def _follow(simulator: Simulator, story: Story, screen: Screen, limit: timedelta) -> bool:
    journal, after = simulator.journal, 0
    deadline = time.monotonic() + limit.total_seconds()
    while True:
        page = journal.read(after, _PAGE)
        if page:
            after = page[-1].number
            screen.show(story.read(page))
            continue
        if story.over():
            return True
        left = deadline - time.monotonic()
        if left <= 0 or not journal.wait(after, left):
            return False
