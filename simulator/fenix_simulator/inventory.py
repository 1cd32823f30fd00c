"""Synthetic inventories: hosts, projects and the projects' instances, all from one seed.

Ids and placement come from ``random.Random`` over texts made of the seed, names from Faker: the ids of a seed stay
what they are when Faker's vocabulary changes, and when more hosts, projects or instances are asked for.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from fenix_simulator.domain.messages import Host, Instance

#: The most that one inventory may have: a scenario file of one line must not fill the memory.
MAX_HOSTS, MAX_PROJECTS, MAX_INSTANCES, MAX_VCPUS = 20_000, 10_000, 2_000_000, 4_096

#: vCPUs of hosts one can buy; the smallest that takes the instances is chosen where a number is not given.
_HOST_SIZES = (8, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048, MAX_VCPUS)
#: Without vowels, as the names that a container platform makes up: no words arise.
_ALPHABET = "bcdfghjklmnpqrstvwxz2456789"


class IdStyle(StrEnum):
    """What instance ids look like. They are opaque: a client must take both."""

    UUID = "uuid"
    #: Like the names of containers: ``upf-5d9c7b6f48-x2v4q``.
    NAMES = "names"


class InventoryError(ValueError):
    """What was asked for cannot be built; the message names the numbers."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project of the cloud and the network function that it runs. ``project_id`` is 32 hex digits, as Keystone's."""

    project_id: str
    name: str
    vnf: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """The cloud as it stands before any maintenance."""

    hosts: tuple[Host, ...]
    projects: tuple[Project, ...]
    instances: tuple[Instance, ...]


def generate(
    seed: int,
    hosts: int,
    vcpus: int | None,
    projects: int,
    instances_per_project: int,
    spare_hosts: int = 0,
    *,
    instance_vcpus: int = 2,
    floating_ips: float = 0.0,
    ids: IdStyle = IdStyle.UUID,
    availability_zones: int = 2,
    project_ids: Sequence[str] = (),
) -> Inventory:
    """A cloud of ``hosts`` hosts with ``vcpus`` each (None: the smallest common size that takes the instances).

    Hosts take turns in the availability zones ``az1``, ``az2`` …; the last ``spare_hosts`` of them are empty, the
    instances are dealt over the others one by one, so no two hosts differ by more than one instance. ``floating_ips``
    is the share (0 to 1) of each project's instances, rounded up, that have a floating IP: its first ones.
    ``project_ids`` are the first projects' ids, the others' come from the seed.
    Raises InventoryError where it does not fit.
    """
    vcpus = fit(hosts, vcpus, projects, instances_per_project, spare_hosts, instance_vcpus=instance_vcpus)
    all_hosts = generate_hosts(seed, hosts, vcpus, availability_zones)
    all_projects = generate_projects(seed, projects, project_ids)
    filled = [host.name for host in all_hosts[: hosts - spare_hosts]]
    with_floating_ip = ceil(instances_per_project * floating_ips)
    names: dict[str, list[str]] = {}
    instances: list[Instance] = []
    for position, project in enumerate(all_projects):
        if project.vnf not in names:
            names[project.vnf] = _instance_names(project.vnf, instances_per_project)
        draw = random.Random(f"{seed}/instances/{position}")  # noqa: S311 - nothing here is secret
        of_project = uuids(draw) if ids is IdStyle.UUID else _container_names(draw, project.vnf)
        flavor = f"{project.vnf.lower()}.{instance_vcpus}c{4 * instance_vcpus}g"
        dealt = position * instances_per_project
        for number, (name, instance_id) in enumerate(zip(names[project.vnf], of_project, strict=False)):
            host = filled[(dealt + number) % len(filled)]
            floating = number < with_floating_ip
            instances.append(Instance(instance_id, project.project_id, name, instance_vcpus, host, flavor, floating))
    return Inventory(all_hosts, all_projects, tuple(instances))


def fit(
    hosts: int, vcpus: int | None, projects: int, instances_per_project: int, spare_hosts: int, *, instance_vcpus: int
) -> int:
    """The vCPUs of a host: ``vcpus``, or the smallest common size where it is None. InventoryError if nothing fits."""
    instances = projects * instances_per_project
    for what, number, most in (
        ("hosts", hosts, MAX_HOSTS),
        ("projects", projects, MAX_PROJECTS),
        ("instances", instances, MAX_INSTANCES),
    ):
        if number > most:
            raise InventoryError(f"{number} {what} are too many: at most {most}")
    filled = hosts - spare_hosts
    if filled < 1:
        raise InventoryError(f"{spare_hosts} of {hosts} hosts are spare, which leaves none for the instances")
    needed = ceil(instances / filled) * instance_vcpus
    if vcpus is None:
        vcpus = next((size for size in _HOST_SIZES if size >= needed), MAX_VCPUS)
    if needed > vcpus:
        raise InventoryError(
            f"{instances} instances of {instance_vcpus} vCPUs do not fit on {filled} hosts of {vcpus} vCPUs "
            f"({spare_hosts} more are spare): {filled * (vcpus // instance_vcpus)} would, or hosts of {needed} vCPUs"
        )
    return vcpus


def generate_hosts(seed: int, hosts: int, vcpus: int, availability_zones: int = 2) -> tuple[Host, ...]:
    """The hosts alone, named like ``compute-az1-07.oulu.example``."""
    from fenix_simulator.inventory_names import telecom

    site = telecom(f"{seed}/site").site()
    zones = [f"az{number}" for number in range(1, availability_zones + 1)]
    digits = max(2, len(str(ceil(hosts / availability_zones))))
    return tuple(
        Host(f"compute-{zone}-{position // availability_zones + 1:0{digits}d}.{site}.example", vcpus, zone)
        for position in range(hosts)
        for zone in (zones[position % availability_zones],)
    )


def generate_projects(seed: int, projects: int, given: Sequence[str] = ()) -> tuple[Project, ...]:
    """The projects alone, named like ``vepc-mme-oulu-prod``, with a number where a name comes again.

    ``given`` are the first projects' ids: they take the place of the seed's, and no other id becomes another by it.
    """
    from fenix_simulator.inventory_names import telecom

    words = telecom(f"{seed}/projects")
    fresh = project_ids(seed)
    seen: dict[str, int] = {}
    made = []
    for position in range(projects):
        vnf = words.vnf()
        name = f"{vnf.lower()}-{words.site()}-{words.environment()}"
        seen[name] = seen.get(name, 0) + 1
        if seen[name] > 1:
            name = f"{name}-{seen[name]}"
        of_seed = next(fresh)
        made.append(Project(given[position] if position < len(given) else of_seed, name, vnf))
    return tuple(made)


def project_ids(seed: int) -> Iterator[str]:
    """As many project ids as are wanted, always the same for a seed."""
    draw = random.Random(f"{seed}/projects")  # noqa: S311 - nothing here is secret
    return (text.replace("-", "") for text in uuids(draw))


def _instance_names(vnf: str, count: int) -> list[str]:
    """``vepc-mme-mobility-02`` and so on: unique in a project, shared by the projects that run the same VNF."""
    from fenix_simulator.inventory_names import VNFS

    vdus = VNFS[vnf]
    digits = max(2, len(str(ceil(count / len(vdus)))))
    return [f"{vnf.lower()}-{vdus[n % len(vdus)]}-{n // len(vdus) + 1:0{digits}d}" for n in range(count)]


def uuids(draw: random.Random) -> Iterator[str]:
    """Random UUIDs (version 4), a few hundred drawn at a time: that is what makes a million of them quick."""
    while True:
        block = draw.randbytes(16 * 256).hex()
        for at in range(0, len(block), 32):
            text = block[at : at + 32]
            variant = "89ab"[int(text[16], 16) & 3]
            yield f"{text[:8]}-{text[8:12]}-4{text[13:16]}-{variant}{text[17:20]}-{text[20:]}"


def _container_names(draw: random.Random, vnf: str) -> Iterator[str]:
    """``upf-5d9c7b6f48-x2v4q``: a prefix drawn per project and five characters that never come twice."""
    prefix = f"{vnf.lower()}-{_spell(draw.getrandbits(64), 10)}"
    space = len(_ALPHABET) ** 5
    # A step that shares no factor with the size of the space (a power of 3) visits every value before any twice.
    step = 3 * draw.randrange(space // 6, space // 3) + 1
    value = draw.randrange(space)
    while True:
        yield f"{prefix}-{_spell(value, 5)}"
        value = (value + step) % space


def _spell(value: int, length: int) -> str:
    letters: Sequence[str] = _ALPHABET
    spelled = []
    for _ in range(length):
        value, letter = divmod(value, len(letters))
        spelled.append(letters[letter])
    return "".join(spelled)
