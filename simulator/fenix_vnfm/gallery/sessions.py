"""Managers that cannot keep two sessions apart."""

from __future__ import annotations

from fenix_contract.vocabulary import ACTION_STATES, State
from fenix_vnfm.conduct import Means, Task
from fenix_vnfm.events import EventKind
from fenix_vnfm.gallery.behaviour import Behaviour
from fenix_vnfm.gallery.notes import NoteTaking, origin


class WrongSession(NoteTaking):
    """Replies to the URL of the other session, once it knows of one."""

    def reply_url(self, task: Task) -> str:
        others = self.others(task)
        return others[0].reply_url if others else super().reply_url(task)


class IgnoresSecondSession(NoteTaking):
    """Has time for one session at a time, and forgets the alarms of any other."""

    def __init__(self, means: Means) -> None:
        super().__init__(means)
        self._busy_with: dict[str, str] = {}

    def handle(self, task: Task) -> None:
        fenix, session_id = origin(task.message), task.message.session_id
        if self._busy_with.setdefault(fenix, session_id) != session_id:
            task.memory.settle(task.message)
            self.tell(task, EventKind.SILENT, "busy with another session")
            return
        if task.message.state == State.MAINTENANCE_COMPLETE:
            self._busy_with.pop(fenix, None)
        super().handle(task)


class MixesSessions(NoteTaking):
    """Chooses actions for the instances that the other session asked about."""

    def fetch(self, task: Task) -> tuple[str, ...] | None:
        if task.message.state not in ACTION_STATES:
            return self.unnoted(task)
        listed = super().fetch(task)
        others = [one.listed for one in self.others(task) if one.listed]
        return others[0] if others and listed is not None else listed

    def unnoted(self, task: Task) -> tuple[str, ...] | None:
        """The list, which is not noted: it is no list of a host's instances."""
        return super(NoteTaking, self).fetch(task)


BEHAVIOURS = (
    Behaviour(
        "wrong-session",
        "replies to the URL of the other session, where there are two",
        WrongSession,
        breaks=(
            "sessions-apart",
            "reply-sent",
            "reply-state",
            "reply-url",
            "actions-own",
            "actions-cover",
            "list-fetched",
            "list-fresh",
        ),
        shown_by=("two-sessions",),
    ),
    Behaviour(
        "ignores-second-session",
        "does not answer a session that begins while another one runs",
        IgnoresSecondSession,
        breaks=("sessions-apart", "reply-sent"),
        shown_by=("two-sessions",),
    ),
    Behaviour(
        "mixes-sessions",
        "chooses actions for the instances of the other session, where there are two",
        MixesSessions,
        breaks=("sessions-apart", "actions-own", "actions-cover", "reply-sent"),
        shown_by=("two-sessions",),
    ),
)
