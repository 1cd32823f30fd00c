"""What is drawn is a scenario: it is valid, its cloud can be built, and a maintenance over it can begin."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import yaml
from hypothesis import HealthCheck, find, given, settings

from fenix_conformance.vnfm.fuzz.drawing import Document, documents
from fenix_conformance.vnfm.fuzz.written import text_of
from fenix_simulator.domain import messages as m
from fenix_simulator.domain.cloud import Cloud
from fenix_simulator.domain.session import Session
from fenix_simulator.scenario import Scenario, loads

START = datetime(2030, 1, 1, tzinfo=UTC)

drawn = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def read(document: Document) -> Scenario:
    """The scenario as the simulator reads it from the written text."""
    return loads(text_of(document).encode(), "made-up.yaml")


@drawn
@given(documents())
def test_a_drawn_document_is_a_valid_scenario_and_comes_back_from_its_text(document: Document) -> None:
    assert yaml.safe_load(text_of(document)) == document
    scenario = read(document)
    assert len(scenario.faults) == len(document.get("faults", []))


@drawn
@given(documents())
def test_a_drawn_cloud_holds_its_instances_and_has_the_hosts_that_it_should(document: Document) -> None:
    scenario, wanted = read(document), document["inventory"]
    inventory = scenario.build_inventory()
    used = Counter[str]()
    for instance in inventory.instances:
        used[instance.host] += instance.vcpus
    assert all(used[host.name] <= host.vcpus for host in inventory.hosts)
    assert len(inventory.instances) == wanted["projects"] * wanted["instances_per_project"]
    assert sum(used[host.name] == 0 for host in inventory.hosts) >= wanted["spare_hosts"]


@drawn
@given(documents())
def test_each_session_over_a_drawn_cloud_begins_and_each_project_is_asked(document: Document) -> None:
    scenario = read(document)
    inventory, rules = scenario.build_inventory(), scenario.rules()
    plans = scenario.plan(inventory.hosts)
    assert len(plans) == len(document.get("sessions", [{}]))
    asked: set[str] = set()
    for plan in plans:
        hosts = plan.hosts or tuple(host.name for host in inventory.hosts)
        projects = tuple(dict.fromkeys(one.project_id for one in inventory.instances if one.host in hosts))
        created = m.SessionCreated("s", hosts, projects, START + rules.lead, scenario.metadata)
        session = Session(created, Cloud(inventory.hosts, inventory.instances), rules, lambda _: True)
        while events := session.proceed(START):
            for event in events:
                session.apply(event)
                if isinstance(event, m.ProjectNotified):
                    asked.add(event.project_id)
    # A second session may be over hosts that are empty; nobody is left out by both.
    assert asked == {project.project_id for project in inventory.projects}


def test_the_plainest_drawn_is_two_hosts_without_any_fault() -> None:
    assert find(documents(), lambda _: True) == {
        "version": 1,
        "seed": 1,
        "inventory": {
            "hosts": 2,
            "vcpus": 1,
            "projects": 1,
            "instances_per_project": 1,
            "spare_hosts": 1,
            "instance_vcpus": 1,
        },
    }


def test_everything_that_can_be_drawn_is_drawn_sometimes() -> None:
    """Each kind of fault, and each member beyond the plainest."""
    kinds: set[str] = set()

    @settings(max_examples=300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(documents())
    def look(document: Document) -> None:
        kinds.update(document)
        kinds.update(document["inventory"])
        for fault in document.get("faults", []):
            kinds.update(fault["then"])
            kinds.add(f"fault in {fault['when'].get('operation', 'alarm')}")

    look()
    assert kinds >= {"sessions", "base_path", "ids", "faults"}
    assert kinds >= {"status", "drop", "close", "reset", "delay", "drip", "duplicate", "hold_back", "traits", "python2"}
    assert kinds >= {"fault in alarm", "fault in list", "fault in reply"}
