"""The ``inventory`` member of a scenario file: so and so many of everything, or each thing listed by name.

Both kinds offer ``problems(seed)``, what is wrong beyond types, with its place below ``inventory``, and
``build(seed)``, which needs that there are none.
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

from pydantic import Discriminator, Field, Tag

from fenix_simulator import inventory as made
from fenix_simulator.domain.messages import Host, Instance
from fenix_simulator.scenario_errors import Finding, shorten
from fenix_simulator.scenario_types import (
    Name,
    Part,
    Positive,
    ProjectId,
    Reference,
    Text,
    Whole,
    index_projects,
    one_of,
)

Size = Annotated[int, Field(strict=True, ge=1, le=made.MAX_VCPUS)]


class GeneratedInventory(Part):
    """Numbers; names and ids come from the seed (see ``inventory.generate``)."""

    hosts: Annotated[Positive, Field(le=made.MAX_HOSTS)]
    vcpus: Size | None = None
    projects: Annotated[Positive, Field(le=made.MAX_PROJECTS)]
    instances_per_project: Annotated[Whole, Field(le=made.MAX_INSTANCES)]
    spare_hosts: Whole = 0
    instance_vcpus: Size = 2
    floating_ips: Annotated[float, Field(strict=True, ge=0, le=1)] = 0.0
    ids: Annotated[made.IdStyle, one_of(made.IdStyle)] = made.IdStyle.UUID
    availability_zones: Annotated[Positive, Field(le=99)] = 2
    #: The first projects' ids; the others' come from the seed.
    project_ids: Annotated[tuple[ProjectId, ...], Field(max_length=made.MAX_PROJECTS)] = ()

    def problems(self, seed: int) -> Iterator[Finding]:
        """Numbers that do not fit together, and ids of projects that are no ids of one project."""
        try:
            self._fitting_vcpus()
        except made.InventoryError as error:
            yield (), str(error), ()
            return
        if not self.project_ids:
            return
        if len(self.project_ids) > self.projects:
            yield ("project_ids",), f"{len(self.project_ids)} ids are too many: there are {self.projects} projects", ()
            return
        seen: dict[str, int] = {}
        for position, project in enumerate(self.project_list(seed)):
            first = seen.setdefault(project.project_id, position)
            if first != position:
                given = position < len(self.project_ids)
                place, other = (position, first) if given else (first, position)
                message = f"{shorten(project.project_id)} is the id of project {other + 1} already"
                yield ("project_ids", place), message, ()

    def host_list(self, seed: int) -> tuple[Host, ...]:
        """The hosts alone: what sessions may name."""
        return made.generate_hosts(seed, self.hosts, self._fitting_vcpus(), self.availability_zones)

    def project_list(self, seed: int) -> tuple[made.Project, ...]:
        """The projects alone: what managers and faults may name."""
        return made.generate_projects(seed, self.projects, self.project_ids)

    def build(self, seed: int) -> made.Inventory:
        """The whole inventory; the same for the same seed."""
        return made.generate(seed, **self.model_dump())

    def _fitting_vcpus(self) -> int:
        return made.fit(
            self.hosts,
            self.vcpus,
            self.projects,
            self.instances_per_project,
            self.spare_hosts,
            instance_vcpus=self.instance_vcpus,
        )


class ListedHost(Part):
    """One host."""

    name: Name
    vcpus: Size
    availability_zone: Name = "nova"


class ListedProject(Part):
    """One project; without an id it gets one from the seed."""

    name: Text
    project_id: Name | None = None
    vnf: Text = "VNF"


class ListedInstance(Part):
    """One instance and where it is; without an id it gets one from the seed."""

    name: Text
    project: Reference
    host: Name
    vcpus: Size
    instance_id: Text | None = None
    flavor: Annotated[str, Field(max_length=255)] = ""
    floating_ip: Annotated[bool, Field(strict=True)] = False


class ListedInventory(Part):
    """Hosts, projects and instances one by one: a cloud that was seen somewhere."""

    hosts: Annotated[tuple[ListedHost, ...], Field(min_length=1, max_length=made.MAX_HOSTS)]
    projects: Annotated[tuple[ListedProject, ...], Field(max_length=made.MAX_PROJECTS)]
    instances: tuple[ListedInstance, ...] = ()

    def problems(self, seed: int) -> Iterator[Finding]:
        """Names that come twice or are nowhere defined, and hosts with more on them than they have."""
        yield from _twice("hosts", "name", [host.name for host in self.hosts])
        yield from _twice("projects", "name", [project.name for project in self.projects])
        yield from _twice("projects", "project_id", [project.project_id for project in self.projects])
        yield from _twice("instances", "instance_id", [instance.instance_id for instance in self.instances])
        projects = index_projects(self.project_list(seed))
        room = {host.name: host.vcpus for host in self.hosts}
        used: dict[str, int] = defaultdict(int)
        for position, instance in enumerate(self.instances):
            here = ("instances", position)
            if instance.project not in projects:
                yield (*here, "project"), f"there is no project {instance.project!r}", [p.name for p in self.projects]
            if instance.host not in room:
                yield (*here, "host"), f"there is no host {instance.host!r}", list(room)
                continue
            most, before = room[instance.host], used[instance.host]
            used[instance.host] = now = before + instance.vcpus
            if before <= most < now:
                message = f"does not fit: {instance.host} has {most} vCPUs, its instances up to here have {now}"
                yield (*here, "vcpus"), message, ()

    def host_list(self, _seed: int) -> tuple[Host, ...]:
        """The hosts alone: what sessions may name."""
        return tuple(Host(host.name, host.vcpus, host.availability_zone) for host in self.hosts)

    def project_list(self, seed: int) -> tuple[made.Project, ...]:
        """The projects alone: what managers and faults may name."""
        ids = made.project_ids(seed)
        return tuple(
            made.Project(project.project_id or fresh, project.name, project.vnf)
            for project, fresh in zip(self.projects, ids, strict=False)
        )

    def build(self, seed: int) -> made.Inventory:
        """The whole inventory; ids that are not listed are the same for the same seed."""
        projects = self.project_list(seed)
        index = index_projects(projects)
        ids = made.uuids(random.Random(f"{seed}/instances"))  # noqa: S311 - nothing here is secret
        instances = tuple(
            Instance(
                instance.instance_id or fresh,
                index[instance.project],
                instance.name,
                instance.vcpus,
                instance.host,
                instance.flavor,
                instance.floating_ip,
            )
            for instance, fresh in zip(self.instances, ids, strict=False)
        )
        return made.Inventory(self.host_list(seed), projects, instances)


def _twice(member: str, key: str, values: Sequence[str | None]) -> Iterator[Finding]:
    seen: Counter[str] = Counter()
    for position, value in enumerate(values):
        if value is not None:
            seen[value] += 1
            if seen[value] == 2:
                yield (member, position, key), f"{shorten(value)} is there twice", ()


def _kind(value: Any) -> str:
    hosts = value.get("hosts") if isinstance(value, dict) else getattr(value, "hosts", None)
    return ListedInventory.__name__ if isinstance(hosts, list | tuple) else GeneratedInventory.__name__


#: Numbers or lists: ``hosts`` tells which. The tags are class names, so that an error's place can be looked up.
AnyInventory = Annotated[
    Annotated[GeneratedInventory, Tag(GeneratedInventory.__name__)]
    | Annotated[ListedInventory, Tag(ListedInventory.__name__)],
    Discriminator(_kind),
]
