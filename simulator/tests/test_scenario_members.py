"""What a good scenario file means: defaults, inventories, managers, sessions, faults, rules."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenix_contract.vocabulary import FINAL_STATES, REPLY_STATES, Action, AlarmState, State
from fenix_simulator.domain.messages import Host, Instance
from fenix_simulator.domain.rules import UPSTREAM_WINDOWS, Behaviour, Default, Dialect, Rules
from fenix_simulator.durations import format_duration
from fenix_simulator.inventory import Inventory, Project
from fenix_simulator.scenario import Scenario, loads
from fenix_simulator.scenario_faults import Operation

BASE = "version: 1\ninventory: {hosts: 4, vcpus: 8, projects: 3, instances_per_project: 4, spare_hosts: 1}\n"


def _load(members: str = "", base: str = BASE) -> Scenario:
    return loads(f"{base}{members}\n".encode(), "mine.yaml")


def test_without_anything_else_the_cores_own_choices_hold() -> None:
    scenario = _load()
    assert scenario.rules() == Rules()
    assert scenario.delivery.name == "aodh"
    assert scenario.expect.end is State.MAINTENANCE_DONE
    assert [plan.hosts for plan in scenario.plan(scenario.build_inventory().hosts)] == [()]


def test_the_name_is_the_files_and_the_summary_its_first_comment() -> None:
    scenario = loads(b"# Says it all.\n# And more.\n" + BASE.encode(), "some/where/mine.yaml")
    assert (scenario.name, scenario.summary) == ("mine", "Says it all.")
    assert _load().summary == ""


def test_durations_and_manners_reach_the_rules() -> None:
    rules = _load(
        "timing: {lead: 2h, host_maintenance: 5m, migrate: 10s, live_migrate: 4s, own_action_window: 30s, "
        "reply_window: 3s, windows: {SCALE_IN: 9s}}\n"
        "projects: {default: fail}\nbehaviour: upstream\ndialect: per-instance"
    ).rules()
    assert rules == Rules(
        behaviour=Behaviour.UPSTREAM,
        dialect=Dialect.PER_INSTANCE,
        default=Default.FAIL,
        windows={state: timedelta(seconds=9 if state is State.SCALE_IN else 3) for state in REPLY_STATES},
        own_action_window=timedelta(seconds=30),
        lead=timedelta(hours=2),
        host_maintenance=timedelta(minutes=5),
        migrate=timedelta(seconds=10),
        live_migrate=timedelta(seconds=4),
    )


def test_one_window_alone_leaves_the_others_upstreams() -> None:
    windows = _load("timing: {windows: {SCALE_IN: 9s}}").rules().windows
    assert windows == {**UPSTREAM_WINDOWS, State.SCALE_IN: timedelta(seconds=9)}


def test_the_first_entry_that_names_a_project_says_what_its_manager_does() -> None:
    scenario = _load(
        "projects:\n  managers:\n"
        "    - {projects: [2], action: OWN_ACTION, delay: 2s}\n"
        "    - {projects: [1, 2], nack: PLANNED_MAINTENANCE}"
    )
    projects = scenario.build_inventory().projects
    first, second, third = scenario.managers(projects).values()
    assert first.nack is State.PLANNED_MAINTENANCE
    assert (second.action, second.delay, second.nack) == (Action.OWN_ACTION, timedelta(seconds=2), None)
    assert (third.action, third.nack, third.silent, third.subscribed) == (Action.MIGRATE, None, False, True)


def test_a_project_is_named_by_number_name_or_id() -> None:
    projects = _load().build_inventory().projects
    for reference in (2, projects[1].name, projects[1].project_id):
        scenario = _load(f"projects: {{managers: [{{projects: ['{reference}'], silent: true}}]}}".replace("'2'", "2"))
        silent = [project for project, manager in scenario.managers(projects).items() if manager.silent]
        assert silent == [projects[1].project_id]


def test_sessions_name_hosts_by_number_name_or_zone_and_never_twice() -> None:
    hosts = _load().build_inventory().hosts
    scenario = _load(f"sessions:\n  - {{hosts: [az2, 1, 2]}}\n  - {{hosts: [{hosts[2].name}], at: 5s}}\n  - {{}}")
    plans = scenario.plan(hosts)
    assert plans[0].hosts == (hosts[1].name, hosts[3].name, hosts[0].name)
    assert (plans[1].hosts, plans[1].at) == ((hosts[2].name,), timedelta(seconds=5))
    assert (plans[2].hosts, plans[2].at) == ((), timedelta())


def test_a_listed_inventory_is_taken_as_it_is() -> None:
    scenario = _load(
        "seed: 5",
        base="""\
version: 1
inventory:
  hosts:
    - {name: compute-0, vcpus: 4}
    - {name: compute-1, vcpus: 2, availability_zone: edge}
  projects:
    - {name: mme, project_id: ead0dbcaf3564cbbb04842e3e54960e3, vnf: vEPC-MME}
    - {name: upf}
  instances:
    - {name: a0, project: mme, host: compute-0, vcpus: 2, instance_id: pod-1, flavor: small, floating_ip: true}
    - {name: b0, project: 2, host: compute-1, vcpus: 1}
""",
    )
    inventory = scenario.build_inventory()
    upf, b0 = inventory.projects[1].project_id, inventory.instances[1].instance_id
    assert inventory == Inventory(
        hosts=(Host("compute-0", 4, "nova"), Host("compute-1", 2, "edge")),
        projects=(Project("ead0dbcaf3564cbbb04842e3e54960e3", "mme", "vEPC-MME"), Project(upf, "upf", "VNF")),
        instances=(
            Instance("pod-1", "ead0dbcaf3564cbbb04842e3e54960e3", "a0", 2, "compute-0", "small", True),
            Instance(b0, upf, "b0", 1, "compute-1", "", False),
        ),
    )
    assert (len(upf), len(b0)) == (32, 36)
    assert scenario.build_inventory() == inventory


def test_which_exchanges_a_fault_touches() -> None:
    faults = _load(
        "faults:\n"
        "  - {when: {operation: reply}, then: {status: 503}}\n"
        "  - {when: {operation: list, nth: 3}, then: {delay: 1s}}\n"
        "  - {when: {alarm: SCALE_IN, nth: 2}, times: 4, then: {duplicate: 1}}\n"
        "  - {when: {operation: alarm, project: 1}, times: 2, then: {traits: {a: 1, b: 0.5, c: x}, delay: 1s}}"
    ).faults
    assert [fault.when.target for fault in faults] == [
        Operation.REPLY,
        Operation.LIST,
        Operation.ALARM,
        Operation.ALARM,
    ]
    assert [(fault.first, fault.last) for fault in faults] == [(1, None), (3, 3), (2, 5), (1, 2)]
    assert faults[3].then.traits == {"a": 1, "b": 0.5, "c": "x"}
    assert faults[3].then.effects == {"traits", "delay"}


def _durations(least: int = 0) -> st.SearchStrategy[str]:
    return st.integers(least, 10**7).map(lambda number: format_duration(timedelta(milliseconds=number)))


_managers = st.fixed_dictionaries(
    {"projects": st.just("all") | st.lists(st.integers(1, 2), min_size=1)},
    optional={
        "action": st.sampled_from(Action),
        "delay": _durations(),
        "nack": st.sampled_from(REPLY_STATES),
        "subscribed": st.just(True),
    },
)
_faults = st.one_of(
    st.fixed_dictionaries(
        {
            "when": st.fixed_dictionaries(
                {"operation": st.sampled_from(["list", "reply"])},
                optional={"nth": st.integers(1, 9), "project": st.integers(1, 2)},
            ),
            "then": st.sampled_from([{"status": 503}, {"drop": True}, {"close": True, "delay": "1s"}]),
        },
        optional={"times": st.integers(1, 9)},
    ),
    st.fixed_dictionaries(
        {
            "when": st.fixed_dictionaries({"alarm": st.sampled_from(AlarmState)}),
            "then": st.sampled_from([{"duplicate": 2}, {"drop": True}, {"traits": {"a": "b", "c": 1}}]),
        }
    ),
)
_scenarios = st.fixed_dictionaries(
    {
        "version": st.just(1),
        "inventory": st.fixed_dictionaries(
            {"hosts": st.integers(2, 9), "projects": st.integers(2, 4), "instances_per_project": st.integers(0, 9)},
            optional={
                "spare_hosts": st.integers(0, 1),
                "ids": st.sampled_from(["uuid", "names"]),
                "floating_ips": st.sampled_from([0, 0.5, 1]),
            },
        ),
    },
    optional={
        "seed": st.integers(0, 2**53),
        "timing": st.fixed_dictionaries({}, optional={"lead": _durations(), "reply_window": _durations(1)}),
        "metadata": st.dictionaries(st.sampled_from(["a", "b"]), st.sampled_from(["x", "1", "yes", "ü"])),
        "sessions": st.lists(st.sampled_from([{"hosts": "all"}, {"hosts": [1, "az2"], "at": "5s"}]), min_size=1),
        "projects": st.fixed_dictionaries({"default": st.sampled_from(Default), "managers": st.lists(_managers)}),
        "delivery": st.sampled_from(["aodh", "retry:1s", "retry:5s,30s"]),
        "faults": st.lists(_faults),
        "expect": st.fixed_dictionaries({"end": st.sampled_from(FINAL_STATES)}),
    },
)


@settings(max_examples=80, deadline=None)
@given(_scenarios)
def test_a_scenario_with_all_defaults_filled_in_is_the_same_scenario(data: Mapping[str, object]) -> None:
    import json

    scenario = loads(json.dumps(data).encode(), "x.yaml")
    assert loads(scenario.model_dump_json().encode(), "x.yaml") == scenario
    assert scenario.build_inventory() == scenario.build_inventory()


@pytest.mark.parametrize("heavy", ["pydantic", "yaml", "faker", "flask"])
def test_the_commands_import_nothing_heavy(heavy: str) -> None:
    code = f"import sys; import fenix_simulator.commands.scenario; print({heavy!r} in sys.modules)"
    env = {"PYTHONPATH": ":".join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert run.stdout.strip() == "False"
