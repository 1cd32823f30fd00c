"""The bundled scenarios over real HTTP, with a sample VNFM process for each project, to the end that they expect."""

from __future__ import annotations

import io
import threading
from collections import Counter
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from rich.console import Console

from fenix_simulator.adapters.clock import TimeMode
from fenix_simulator.adapters.journal_sqlite import open_journal
from fenix_simulator.bootstrap import Settings, Simulator
from fenix_simulator.demo.play import play
from fenix_simulator.demo.screen import LiveScreen, PlainScreen, summary
from fenix_simulator.ports import Recorded
from fenix_simulator.scenario import load, loads, source
from fenix_simulator.scenario_change import resized
from fenix_vnfm import AlarmReceiver, Exchange, FenixClient, Policy, ProjectManager

WITHOUT_FAULTS = [
    "happy-path",
    "scale-in",
    "no-spare-host",
    "other-address",
    "own-action",
    "live-migrate",
    "unsubscribed-project",
    "two-sessions",
    "crowded-hosts",
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


def test_a_session_that_is_planned_for_later_is_waited_for():
    """Its delay is real time; the first session is over long before it begins."""
    text = source("two-sessions").replace("{hosts: [2, 8]}", "{hosts: [2, 8], at: 15s}")
    console = Console(file=io.StringIO(), width=200)
    story, outcome = play(
        Settings(scenario=loads(text.encode(), "later.yaml"), time=TimeMode.parse("auto")),
        lambda _story: PlainScreen(console),
        timedelta(minutes=2),
    )
    assert outcome.states == ("MAINTENANCE_DONE", "MAINTENANCE_DONE")
    assert story.begun is not None
    assert story.last is not None
    assert story.last - story.begun >= timedelta(seconds=15)


#: Scenario → what happens to each of its two projects, in any order: operation, effect and how often.
WITH_FAULTS: dict[str, Counter[tuple[str, str]]] = {
    "flaky-api": Counter(
        {
            ("reply", "{'status': 503}"): 4,
            ("reply", "{'drop': True}"): 1,
            ("reply", "{'close': True}"): 1,
            ("list", "{'delay': '500ms'}"): 1,
            ("list", "{'status': 503}"): 1,
        }
    ),
    "few-actions": Counter(
        {
            ("alarm", "{'traits': {'allowed_actions': \"[u'MIGRATE', u'LIVE_MIGRATE']\"}}"): 1,
            ("alarm", "{'traits': {'allowed_actions': \"['LIVE_MIGRATE']\"}}"): 1,
            ("alarm", "{'traits': {'allowed_actions': \"['MIGRATE']\"}}"): 1,
        }
    ),
    # SCALE_IN, PREPARE_MAINTENANCE, three of PLANNED_MAINTENANCE, six reports of a move, MAINTENANCE_COMPLETE.
    "duplicate-alarms": Counter({("alarm", "{'duplicate': 2}"): 1, ("alarm", "{'duplicate': 1}"): 12}),
    "late-alarms": Counter({("alarm", "{'duplicate': 1, 'hold_back': 2}"): 2}),
    "unknown-traits": Counter(
        {
            ("alarm", "{'traits': {'state': 'INSTANCE_ACTION_POSTPONED', 'retry_in': 30}}"): 1,
            # Of the 11 alarms to each: 5 that ask and 6 reports of a move.
            ("alarm", "{'traits': {'change_ticket': 'CHG-20417', 'risk_score': 0.25}}"): 10,
        }
    ),
}


@pytest.mark.parametrize("name", WITH_FAULTS)
def test_a_bundled_scenario_with_faults_ends_as_it_expects_and_the_faults_happened(name, tmp_path):
    journal_file = str(tmp_path / "run.db")
    story, outcome = play(
        Settings(scenario=load(name), time=TimeMode.parse("auto"), journal=journal_file),
        lambda _story: PlainScreen(Console(file=io.StringIO())),
        timedelta(minutes=2),
    )
    assert outcome.as_expected, story.endings
    journal = open_journal(journal_file)
    entries = journal.read(0, 100_000)
    journal.close()
    happened: dict[str | None, Counter[tuple[str, str]]] = {}
    for entry in entries:
        if entry.type == "FaultHappened":
            of_project = happened.setdefault(entry.project_id, Counter())
            of_project[entry.data["operation"], str(entry.data["effect"])] += 1
    assert list(happened.values()) == [WITH_FAULTS[name]] * 2
    for project_id in happened:
        SEEN[name]([entry for entry in entries if entry.project_id == project_id])


def _saw_a_flaky_api(entries: list[Recorded]) -> None:
    """Five replies and a list answered 503, one reply not answered at all; every state has its one reply."""
    answers = Counter(
        (entry.data["method"], entry.data["status"])
        for entry in entries
        if entry.kind == "request" and entry.data["surface"] == "project"
    )
    assert answers["PUT", 503] == 4
    assert answers["PUT", None] == 2
    assert answers["GET", 503] == 1
    touched = [entry.data["fault"] for entry in entries if entry.kind == "request" and entry.data["fault"]]
    assert touched == [1, 2, 3, 5, 6, 4, 4, 4], "which fault it was is said with each request"
    # The one whose answer was lost is sent again; by then the session may await another one, and refuses it.
    assert answers["PUT", 200] + answers["PUT", 409] + answers["PUT", 422] == 5
    assert answers["PUT", 200] >= 4
    assert [entry.type for entry in entries].count("ReplyAccepted") == 5


def _saw_few_actions(entries: list[Recorded]) -> None:
    """The manager chose what each alarm offered."""
    chosen = [
        set(entry.data["instance_actions"].values())
        for entry in entries
        if entry.type == "ReplyAccepted" and entry.data["instance_actions"]
    ]
    assert chosen == [{"MIGRATE"}, {"LIVE_MIGRATE"}, {"MIGRATE"}]


def _saw_duplicates(entries: list[Recorded]) -> None:
    """As many identical bodies as asked for, and yet one reply to each."""
    bodies = Counter(entry.data["body"] for entry in entries if entry.kind == "delivery")
    assert sorted(bodies.values()) == [2] * 12 + [3]
    types = [entry.type for entry in entries]
    assert types.count("ReplyAccepted") == 7
    assert types.count("InstanceRemoved") == 3, "it scaled in once: a third of eight, rounded up"


def _saw_late_alarms(entries: list[Recorded]) -> None:
    """Two of the alarms again, behind two others; every reply was taken, and none was sent again."""
    told = [entry.data["notification"] for entry in entries if entry.kind == "delivery"]
    again = [name for position, name in enumerate(told) if name in told[:position]]
    assert len(again) == 2
    for name in again:
        first, second = (position for position, other in enumerate(told) if other == name)
        assert len(set(told[first + 1 : second])) >= 2
    assert [entry.type for entry in entries].count("ReplyAccepted") == 5
    assert {entry.data["status"] for entry in entries if entry.kind == "request"} <= {200, 201, 204}


def _saw_unknown_traits(entries: list[Recorded]) -> None:
    """The manager took every alarm, and no reply was refused."""
    deliveries = [entry for entry in entries if entry.kind == "delivery"]
    assert {entry.data["status"] for entry in deliveries} == {200}
    assert sum("INSTANCE_ACTION_POSTPONED" in entry.data["body"] for entry in deliveries) == 1
    assert sum('["risk_score", 3, 0.25]' in entry.data["body"] for entry in deliveries) == 10
    assert {entry.data["status"] for entry in entries if entry.kind == "request"} <= {200, 201, 204}


SEEN = {
    "few-actions": _saw_few_actions,
    "flaky-api": _saw_a_flaky_api,
    "duplicate-alarms": _saw_duplicates,
    "late-alarms": _saw_late_alarms,
    "unknown-traits": _saw_unknown_traits,
}


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
