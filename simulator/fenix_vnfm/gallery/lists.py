"""Managers that do not look at the list that an alarm links to, or not at the one of the moment."""

from __future__ import annotations

from datetime import timedelta

from fenix_contract.vocabulary import ACTION_STATES
from fenix_vnfm.client import Exchange
from fenix_vnfm.cloud import CloudError
from fenix_vnfm.conduct import Conduct, Task
from fenix_vnfm.events import EventKind
from fenix_vnfm.gallery.behaviour import Behaviour
from fenix_vnfm.gallery.notes import NoteTaking


class RemembersList(NoteTaking):
    """Takes the first list for the list of all the session."""

    def fetch(self, task: Task) -> tuple[str, ...] | None:
        known = self.notes(task).listed
        return super().fetch(task) if known is None else known


class Blind(Conduct):
    """Knows its instances from its own books, and asks Fenix for nothing."""

    def fetch(self, task: Task) -> tuple[str, ...] | None:
        cloud = self.cloud(task)
        if task.message.state not in ACTION_STATES or cloud is None:
            return None
        try:
            return tuple(one.instance_id for one in cloud.instances(task.project_id))
        except CloudError as error:
            self.tell(task, EventKind.ERROR, f"the instances are not known: {error}")
            return None


class ListLost(Exception):
    """The list could not be had at the first try."""


class GivesUpOnList(Conduct):
    """A list that cannot be had at once is none, and then there is nothing to say."""

    def get_list(self, task: Task, url: str, timeout: timedelta) -> Exchange:
        exchange = super().get_list(task, url, timeout)
        if exchange.may_pass:
            raise ListLost(str(exchange))
        return exchange

    def handle(self, task: Task) -> None:
        try:
            super().handle(task)
        except ListLost as error:
            task.memory.settle(task.message)
            self.tell(task, EventKind.SILENT, f"no list, no reply: {error}")


BEHAVIOURS = (
    Behaviour(
        "remembers-list",
        "fetches a list in a session's first state, and decides by it ever after",
        RemembersList,
        breaks=("list-fresh", "list-fetched", "actions-own", "actions-cover"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "blind",
        "never fetches a list, and takes all the instances that it has for those asked about",
        Blind,
        breaks=("list-fetched", "list-fresh", "actions-own"),
        shown_by=("happy-path",),
    ),
    Behaviour(
        "gives-up-on-list",
        "says nothing where the list cannot be had at the first try",
        GivesUpOnList,
        breaks=("list-fetched", "reply-sent"),
        shown_by=("flaky-api",),
    ),
)
