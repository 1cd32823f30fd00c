"""Given: the cloud, and the options of its server."""

from __future__ import annotations

from pytest_bdd import given, parsers

from fenix_contract.vocabulary import REPLY_STATES
from fenix_features.clouds import WITH_SPARE_HOST, read_hosts
from fenix_features.stage import Stage


@given("projects in a cloud with a spare host")
def cloud_with_spare_host(stage: Stage) -> None:
    """The simulator is given one; of another server's cloud it is taken for granted."""
    stage.plan.hosts = WITH_SPARE_HOST


@given("this cloud of hosts with 8 vCPUs and instances of 2 vCPUs:")
def cloud_of_table(stage: Stage, datatable: list[list[str]]) -> None:
    """Columns: host, zone (may be left out), and the number of instances of each project."""
    stage.plan.hosts = read_hosts(datatable)


@given(parsers.parse("a reply window of 1 second for {state:w}"))
def reply_window(stage: Stage, state: str) -> None:
    """The window of one state; in the others nobody is late."""
    _set_window(stage, state, "1s")


@given(parsers.parse("a short reply window for {state:w}"))
def short_reply_window(stage: Stage, state: str) -> None:
    """The wire has whole seconds, so that the window ends with the next second but one at the latest."""
    _set_window(stage, state, "250ms")


@given(parsers.parse("the shortest reply window that Fenix offers for {state:w}"))
def shortest_reply_window(stage: Stage, state: str) -> None:
    """A short one on the simulator; another server has the window that it has."""
    short_reply_window(stage, state)


@given("Fenix waits 1 second for own actions")
def own_action_window(stage: Stage) -> None:
    stage.plan.own_action_window = "1s"


@given("Fenix migrates the instances of a project without a manager")
def default_migrate(stage: Stage) -> None:
    stage.plan.default = "migrate"


@given("Fenix fails a session in which a project has no manager")
def default_fail(stage: Stage) -> None:
    stage.plan.default = "fail"


@given("Fenix keeps a journal")
def keeps_journal(stage: Stage) -> None:
    stage.plan.has_journal = True


def _set_window(stage: Stage, state: str, length: str) -> None:
    assert state in REPLY_STATES, f"{state} awaits no reply"
    stage.plan.windows[state] = length
