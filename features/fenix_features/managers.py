"""Project managers as a scenario casts them: what each replies, and where it is held until a step lets it go on."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from fenix_vnfm import Conduct, Exchange, Policy, Task


class Point(StrEnum):
    """Where a manager can be held."""

    #: It has the alarm, and has fetched nothing.
    ALARM = "alarm"
    #: It has fetched the list and made up its mind, and has sent nothing.
    REPLY = "reply"


@dataclass(slots=True)
class Hold:
    """One alarm for ``state`` that a manager is held at; ``reply`` is what it is about to send, at Point.REPLY."""

    state: str
    point: Point
    reply: Mapping[str, Any] | None = None
    reached: threading.Event = field(default_factory=threading.Event)
    released: threading.Event = field(default_factory=threading.Event)


@dataclass(slots=True)
class Part:
    """The part of one project's manager: its policy, its holds, and whether it exists and keeps its word."""

    name: str
    policy: Policy
    is_managed: bool = True
    moves_its_own: bool = True
    holds: list[Hold] = field(default_factory=list)

    def hold(self, state: str, point: Point) -> Hold:
        """Hold the manager at its next alarm for the state."""
        hold = Hold(state, point)
        self.holds.append(hold)
        return hold

    def held(self, state: str) -> Hold:
        """The newest hold for a state."""
        found = [hold for hold in self.holds if hold.state == state]
        assert found, f"the {self.name} manager was not told to hold {state} back"
        return found[-1]

    def release_all(self) -> None:
        """Let the manager go on wherever it is."""
        for hold in self.holds:
            hold.released.set()

    def pass_by(self, task: Task, point: Point, reply: Mapping[str, Any] | None, limit: float) -> None:
        """Called by the manager on its way: stays until released where a hold waits for this."""
        for hold in self.holds:
            if hold.state == task.message.state and hold.point is point and not hold.reached.is_set():
                hold.reply = reply
                hold.reached.set()
                hold.released.wait(limit)
                return


def conduct_of(part: Part, limit: float) -> type[Conduct]:
    """How the manager of that part handles alarms; no hold lasts longer than ``limit`` seconds."""

    class Played(Conduct):
        """The honest manager, with holds."""

        def handle(self, task: Task) -> None:
            part.pass_by(task, Point.ALARM, None, limit)
            super().handle(task)

        def send(self, task: Task, reply: Mapping[str, Any]) -> tuple[Exchange, int]:
            part.pass_by(task, Point.REPLY, reply, limit)
            return super().send(task, reply)

        def follow_up(self, task: Task, reply: Mapping[str, Any]) -> None:
            if part.moves_its_own:
                super().follow_up(task, reply)

    return Played
