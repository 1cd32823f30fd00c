"""Inventories: fitting, even, believable, and the same for the same seed."""

from __future__ import annotations

import re
import subprocess
import sys
from collections import Counter, defaultdict
from math import ceil
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenix_simulator import inventory as inventory_module
from fenix_simulator.inventory import IdStyle, Inventory, InventoryError, fit, generate
from fenix_simulator.inventory_names import VNFS

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


@st.composite
def inventories(draw: st.DrawFn) -> tuple[Inventory, dict[str, Any]]:
    """An inventory that fits, and the numbers that it was made of."""
    hosts = draw(st.integers(1, 12))
    numbers: dict[str, Any] = {
        "seed": draw(st.integers(0, 10**6)),
        "hosts": hosts,
        "vcpus": draw(st.none() | st.sampled_from([64, 96])),
        "projects": draw(st.integers(1, 5)),
        "instances_per_project": draw(st.integers(0, 12)),
        "spare_hosts": draw(st.integers(0, hosts - 1)),
        "instance_vcpus": draw(st.sampled_from([1, 2, 3])) if hosts > 3 else 1,
        "availability_zones": draw(st.integers(1, 4)),
    }
    try:
        return generate(**numbers, ids=draw(st.sampled_from(IdStyle))), numbers
    except InventoryError:
        return generate(**{**numbers, "vcpus": None}), numbers


@settings(max_examples=60, deadline=None)
@given(inventories())
def test_no_host_is_over_its_vcpus_and_none_differs_by_more_than_one_instance(
    made: tuple[Inventory, dict[str, Any]],
) -> None:
    inventory, numbers = made
    used, count = Counter[str](), Counter[str]()
    for instance in inventory.instances:
        used[instance.host] += instance.vcpus
        count[instance.host] += 1
    filled = inventory.hosts[: numbers["hosts"] - numbers["spare_hosts"]]
    assert all(used[host.name] <= host.vcpus for host in inventory.hosts)
    assert max(count[host.name] for host in filled) - min(count[host.name] for host in filled) <= 1


@settings(max_examples=60, deadline=None)
@given(inventories())
def test_the_numbers_come_out_and_the_last_hosts_are_spare(made: tuple[Inventory, dict[str, Any]]) -> None:
    inventory, numbers = made
    spare = {host.name for host in inventory.hosts[numbers["hosts"] - numbers["spare_hosts"] :]}
    of_project = Counter(instance.project_id for instance in inventory.instances)
    assert len({host.name for host in inventory.hosts}) == numbers["hosts"]
    assert len({project.project_id for project in inventory.projects}) == numbers["projects"]
    assert len({project.name for project in inventory.projects}) == numbers["projects"]
    assert all(of_project[project.project_id] == numbers["instances_per_project"] for project in inventory.projects)
    assert len({instance.instance_id for instance in inventory.instances}) == len(inventory.instances)
    assert not spare & {instance.host for instance in inventory.instances}


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10**9), st.sampled_from(IdStyle))
def test_the_same_seed_gives_the_same_inventory(seed: int, ids: IdStyle) -> None:
    assert generate(seed, 5, 16, 3, 7, 1, ids=ids) == generate(seed, 5, 16, 3, 7, 1, ids=ids)


def test_another_seed_gives_other_ids_and_names() -> None:
    one, other = generate(1, 4, 8, 2, 6, 1), generate(2, 4, 8, 2, 6, 1)
    assert not {i.instance_id for i in one.instances} & {i.instance_id for i in other.instances}
    assert one.projects != other.projects


def test_the_same_seed_gives_the_same_inventory_in_another_process() -> None:
    """Nothing rests on the hash seed of the process or on what Faker did before."""
    code = "from fenix_simulator.inventory import generate; print(generate(9, 4, 8, 2, 6, 1))"
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "7"},
    )
    assert run.stdout.strip() == repr(generate(9, 4, 8, 2, 6, 1))


def test_making_an_inventory_leaves_fakers_shared_state_alone() -> None:
    from faker import Faker

    Faker.seed(5)
    expected = Faker().name()
    Faker.seed(5)
    generate(1, 4, 8, 2, 6, 1)
    assert Faker().name() == expected


def test_ids_stay_when_the_inventory_grows() -> None:
    small, large = generate(3, 4, 8, 2, 6, 1), generate(3, 9, 32, 4, 10, 1)
    assert [p.project_id for p in large.projects[:2]] == [p.project_id for p in small.projects]
    assert {i.instance_id for i in small.instances} < {i.instance_id for i in large.instances}


def test_names_are_a_telecom_engineers() -> None:
    inventory = generate(42, 14, 16, 3, 8, 2, availability_zones=3)
    vnf_of = {project.project_id: project.vnf for project in inventory.projects}
    for host in inventory.hosts:
        assert re.fullmatch(r"compute-az[123]-0\d\.[a-z][a-z-]*\.example", host.name)
        assert host.availability_zone in host.name
    for project in inventory.projects:
        assert project.vnf in VNFS
        assert project.name.startswith(project.vnf.lower())
        assert re.fullmatch(r"[0-9a-f]{32}", project.project_id)
    for instance in inventory.instances:
        vnf = vnf_of[instance.project_id]
        assert any(instance.name.startswith(f"{vnf.lower()}-{vdu}-") for vdu in VNFS[vnf])
        assert instance.flavor == f"{vnf.lower()}.2c8g"
        assert UUID.fullmatch(instance.instance_id)


def test_instance_names_are_unique_in_a_project() -> None:
    names = defaultdict(set)
    for instance in generate(42, 4, None, 3, 50).instances:
        names[instance.project_id].add(instance.name)
    assert all(len(of_project) == 50 for of_project in names.values())


def test_ids_may_look_like_the_names_of_containers() -> None:
    inventory = generate(42, 4, None, 3, 300, ids=IdStyle.NAMES)
    assert all(re.fullmatch(r"[a-z0-9-]+-[a-z2-9]{10}-[a-z2-9]{5}", i.instance_id) for i in inventory.instances)
    assert len({i.instance_id for i in inventory.instances}) == 900


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 1.0])
def test_a_share_of_each_projects_instances_has_a_floating_ip(share: float) -> None:
    inventory = generate(42, 4, None, 3, 7, floating_ips=share)
    for project in inventory.projects:
        of_project = [i.floating_ip for i in inventory.instances if i.project_id == project.project_id]
        assert sum(of_project) == ceil(7 * share)


def test_hosts_take_turns_in_the_availability_zones() -> None:
    zones = [host.availability_zone for host in generate(1, 5, 8, 1, 1, availability_zones=2).hosts]
    assert zones == ["az1", "az2", "az1", "az2", "az1"]


def test_without_vcpus_the_smallest_common_size_is_taken() -> None:
    assert fit(4, None, 2, 6, 1, instance_vcpus=2) == 8
    assert fit(4, None, 2, 7, 1, instance_vcpus=2) == 16
    assert fit(1, None, 1, 0, 0, instance_vcpus=2) == 8


@pytest.mark.parametrize(
    ("numbers", "message"),
    [
        (
            (4, 8, 2, 7, 1),
            "14 instances of 2 vCPUs do not fit on 3 hosts of 8 vCPUs (1 more are spare): 12 would, or hosts of 10",
        ),
        ((3, 8, 1, 1, 3), "3 of 3 hosts are spare, which leaves none for the instances"),
        ((30_000, 8, 1, 1, 0), "30000 hosts are too many: at most 20000"),
        ((4, 8, 20_000, 1, 0), "20000 projects are too many: at most 10000"),
        ((4, 8, 3_000, 1_000, 0), "3000000 instances are too many: at most 2000000"),
        ((1, None, 1, 3_000, 0), "do not fit on 1 hosts of 4096 vCPUs"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_numbers(
    numbers: tuple[int, int | None, int, int, int], message: str
) -> None:
    with pytest.raises(InventoryError, match=re.escape(message)):
        generate(1, *numbers)


def test_a_large_cloud_shares_its_strings() -> None:
    """What a million instances cost is ids; names, flavors, hosts and project ids are few objects."""
    inventory = generate(1, 100, None, 50, 200)
    assert len(inventory.instances) == 10_000
    assert len({id(i.flavor) for i in inventory.instances}) <= 50
    assert len({id(i.name) for i in inventory.instances}) <= 200 * len(VNFS)
    assert len({id(i.host) for i in inventory.instances}) == 100


def test_faker_is_imported_only_when_names_are_made() -> None:
    code = f"import sys; import {inventory_module.__name__}; print('faker' in sys.modules)"
    env = {"PYTHONPATH": ":".join(sys.path)}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert run.stdout.strip() == "False"
