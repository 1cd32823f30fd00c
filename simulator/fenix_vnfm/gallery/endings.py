"""Managers that begin well and are not there at the end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fenix_vnfm.conduct import Task
from fenix_vnfm.gallery.behaviour import Behaviour
from fenix_vnfm.gallery.notes import NoteTaking

Reply = Mapping[str, Any]

_ENOUGH = 2


class StopsMidway(NoteTaking):
    """Answers the first two questions of a session."""

    def compose(self, task: Task, instance_ids: tuple[str, ...] | None, made_room: bool) -> Reply | None:
        if len(self.notes(task).states) >= _ENOUGH:
            return None
        return super().compose(task, instance_ids, made_room)


class ClosesMidway(NoteTaking):
    """Is gone when it has answered the first two questions of a session."""

    def handle(self, task: Task) -> None:
        super().handle(task)
        if len(self.notes(task).states) >= _ENOUGH:
            self.means.leave()


BEHAVIOURS = (
    Behaviour(
        "stops-midway",
        "answers the first two questions of a session and no more",
        StopsMidway,
        breaks=("reply-sent", "scale-out"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "closes-midway",
        "stops listening when it has answered the first two questions of a session",
        ClosesMidway,
        breaks=("alarm-accepted", "reply-sent", "sessions-apart", "duplicate-alarm", "unknown-tolerated", "late-alarm"),
        shown_by=("happy-path",),
    ),
)
