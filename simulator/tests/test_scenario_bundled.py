"""The scenarios in the package: each reads as documentation, fits its cloud, and ends in the core as it says."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime
from math import ceil

import pytest

from fenix_contract.vocabulary import ACTION_STATES, Action, ReplyPrefix, State
from fenix_simulator.domain import messages as m
from fenix_simulator.domain.cloud import Cloud
from fenix_simulator.domain.session import Session
from fenix_simulator.scenario import Manager, Scenario, bundled, load, loads, source, template

NAMES = [
    "api-down",
    "crowded-hosts",
    "duplicate-alarms",
    "few-actions",
    "flaky-api",
    "happy-path",
    "large-cloud",
    "late-alarms",
    "live-migrate",
    "nack",
    "no-spare-host",
    "other-address",
    "own-action",
    "scale-in",
    "silent-project",
    "two-sessions",
    "unknown-traits",
    "unsubscribed-project",
]
#: What these come to is their faults' doing.
FAILED_BY_FAULTS = {"api-down"}
START = datetime(2030, 1, 1, tzinfo=UTC)


def test_the_promised_scenarios_are_bundled() -> None:
    assert bundled() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_scenario_says_what_it_is_about(name: str) -> None:
    scenario = load(name)
    header = [line for line in source(name).partition("version:")[0].splitlines() if line]
    assert scenario.name == name
    assert len(scenario.summary) > 20
    assert scenario.summary.endswith((".", "`."))
    assert len(header) >= 4
    assert all(line.startswith("#") and len(line) <= 120 for line in header)


@pytest.mark.parametrize("name", NAMES)
def test_a_bundled_scenarios_inventory_fits_and_comes_again(name: str) -> None:
    scenario = load(name)
    inventory = scenario.build_inventory()
    used = Counter[str]()
    for instance in inventory.instances:
        used[instance.host] += instance.vcpus
    assert all(used[host.name] <= host.vcpus for host in inventory.hosts)
    assert load(name).build_inventory() == inventory


def test_scale_in_lacks_room_until_each_project_gave_up_a_third() -> None:
    cloud = _cloud(load("scale-in"))
    size = max(host.vcpus for host in cloud.hosts.values())
    assert not any(cloud.is_empty(host) for host in cloud.hosts)
    assert sum(map(cloud.free, cloud.hosts)) < size
    for project in list(cloud.projects()):
        for instance_id in cloud.of_project(project)[: cloud.count_of(project) // 3]:
            cloud.remove(instance_id)
    assert sum(map(cloud.free, cloud.hosts)) >= size


def test_no_spare_host_has_room_but_no_empty_host() -> None:
    cloud = _cloud(load("no-spare-host"))
    assert not any(cloud.is_empty(host) for host in cloud.hosts)
    assert sum(map(cloud.free, cloud.hosts)) >= max(host.vcpus for host in cloud.hosts.values())


def test_two_sessions_have_an_empty_host_each_and_share_no_host() -> None:
    scenario = load("two-sessions")
    inventory = scenario.build_inventory()
    cloud = Cloud(inventory.hosts, inventory.instances)
    first, second = (set(plan.hosts) for plan in scenario.plan(inventory.hosts))
    assert not first & second
    assert all(sum(map(cloud.is_empty, hosts)) == 1 for hosts in (first, second))


@pytest.mark.parametrize("name", [name for name in NAMES if name not in FAILED_BY_FAULTS])
def test_a_bundled_scenario_goes_through_the_states_it_names(name: str) -> None:
    """Faults aside, which only the wire has: the managers of the scenario, played on the core itself."""
    scenario = load(name)
    for states in _run(scenario):
        assert states[-1] is scenario.expect.end
        if scenario.expect.states is not None:
            assert tuple(dict.fromkeys(states)) == scenario.expect.states


def test_the_template_is_a_scenario_that_names_every_member() -> None:
    text = template()
    scenario = loads(text.encode(), "mine.yaml")
    assert all(f"{member}:" in text for member in Scenario.model_fields)
    assert scenario.build_inventory().instances


def _cloud(scenario: Scenario) -> Cloud:
    inventory = scenario.build_inventory()
    return Cloud(inventory.hosts, inventory.instances)


def _run(scenario: Scenario) -> Iterator[list[State]]:
    inventory = scenario.build_inventory()
    managers = scenario.managers(inventory.projects)
    rules = scenario.rules()
    for number, plan in enumerate(scenario.plan(inventory.hosts)):
        hosts = plan.hosts or tuple(host.name for host in inventory.hosts)
        projects = dict.fromkeys(i.project_id for i in inventory.instances if i.host in hosts)
        created = m.SessionCreated(f"session-{number}", hosts, tuple(projects), START + rules.lead, scenario.metadata)
        cloud = Cloud(inventory.hosts, inventory.instances)
        yield _play(Session(created, cloud, rules, lambda project: managers[project].subscribed), managers)


def _play(session: Session, managers: dict[str, Manager]) -> list[State]:
    now, states = START, [session.state]
    asked: dict[str, m.ProjectNotified] = {}
    moving: dict[str, list[str]] = defaultdict(list)
    replied: set[tuple[str, int]] = set()

    def take(events: list[m.Event]) -> bool:
        for event in events:
            session.apply(event)
            if isinstance(event, m.StateEntered):
                states.append(event.state)
            if isinstance(event, m.ProjectNotified) and event.reply_at is not None:
                asked[event.project_id] = event
        return bool(events)

    while not session.is_over:
        if take(session.proceed(now)):
            continue
        waiting = [
            asked[project]
            for project in session.awaiting()
            if not managers[project].silent and (project, asked[project].notification) not in replied
        ]
        if waiting:
            ask = waiting[0]
            replied.add((ask.project_id, ask.notification))
            for command in _answer(ask, managers[ask.project_id], session, moving):
                take(session.decide(command))
        elif ready := [i for project in moving for i in moving[project]]:
            moving.clear()
            for instance_id in ready:
                take(session.decide(m.MoveInstance(instance_id)))
        else:
            timer = min(session.timers.values(), key=lambda timer: timer.duration)
            now += timer.duration
            take(session.decide(m.Tick(timer.timer)))
    return states


def _answer(
    ask: m.ProjectNotified, manager: Manager, session: Session, moving: dict[str, list[str]]
) -> Iterator[m.Command]:
    project = ask.project_id
    state = State(ask.state)
    if manager.nack is state:
        yield m.Reply(project, f"{ReplyPrefix.NACK}{state}")
        return
    if state is State.SCALE_IN:
        spare = session.cloud.of_project(project)
        yield from map(m.RemoveInstance, spare[: ceil(len(spare) / 3)])
    actions = None
    if state in ACTION_STATES:
        actions = dict.fromkeys(ask.instance_ids, manager.action.value)
        if manager.action is Action.OWN_ACTION:
            moving[project].extend(ask.instance_ids)
    yield m.Reply(project, f"{ReplyPrefix.ACK}{state}", actions)
