"""A cloud as a scenario lays it out, and the simulator's scenario file that means it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: vCPUs of a host and of an instance: four instances fill a host.
HOST_VCPUS = 8
INSTANCE_VCPUS = 2

#: The projects in the order in which a foreign server's are named.
PROJECTS = ("EPC", "IMS")

#: A reply window that nobody misses, even on a busy machine.
WINDOW = "20s"


@dataclass(frozen=True, slots=True)
class HostPlan:
    """A host, its availability zone, and how many instances each project has on it."""

    name: str
    zone: str
    instances: Mapping[str, int]


#: Two hosts in use and a spare one.
WITH_SPARE_HOST = tuple(
    HostPlan(f"compute-{number}", "nova", dict.fromkeys(PROJECTS, count)) for number, count in ((1, 2), (2, 2), (3, 0))
)


@dataclass(slots=True)
class CloudPlan:
    """What the simulator is to be started with; the steps fill it in before anything runs.

    ``windows`` are reply windows by state (durations as the scenario file has them). ``has_journal``: the server keeps
    a journal, so that it can be killed and started again.
    """

    hosts: Sequence[HostPlan] = WITH_SPARE_HOST
    windows: dict[str, str] = field(default_factory=dict)
    own_action_window: str = "30s"
    default: str = "migrate"
    has_journal: bool = False

    def document(self) -> str:
        """The scenario file (JSON is YAML). Instance ids are such as containers have: ``epc-1``, not UUIDs."""
        timing: dict[str, Any] = {"reply_window": WINDOW, "own_action_window": self.own_action_window}
        if self.windows:
            timing["windows"] = self.windows
        return json.dumps(
            {
                "version": 1,
                "inventory": {
                    "hosts": [
                        {"name": host.name, "vcpus": HOST_VCPUS, "availability_zone": host.zone} for host in self.hosts
                    ],
                    "projects": [{"name": name} for name in PROJECTS],
                    "instances": list(self._instances()),
                },
                "timing": timing,
                "projects": {"default": self.default},
            },
            indent=1,
        )

    def hosts_of(self, zone: str) -> list[str]:
        """The names of a zone's hosts."""
        return [host.name for host in self.hosts if host.zone == zone]

    def _instances(self) -> list[dict[str, Any]]:
        """Dealt out host by host in turn, so that a project's newest instances are not all on one host."""
        made: list[dict[str, Any]] = []
        for project in PROJECTS:
            counts = {host.name: host.instances.get(project, 0) for host in self.hosts}
            places = [name for turn in range(max(counts.values())) for name, count in counts.items() if count > turn]
            for number, host in enumerate(places, 1):
                name = f"{project.lower()}-{number}"
                instance = {"name": name, "instance_id": name, "project": project, "host": host}
                made.append({**instance, "vcpus": INSTANCE_VCPUS})
        return made


def read_hosts(table: Sequence[Sequence[str]]) -> tuple[HostPlan, ...]:
    """The hosts of a Gherkin table with the columns host, zone (may be left out) and one per project."""
    head, *rows = table
    unknown = [name for name in head if name not in ("host", "zone", *PROJECTS)]
    if "host" not in head or unknown:
        raise ValueError(f"a cloud's table has the columns host, zone and {', '.join(PROJECTS)}, not {unknown}")
    plans = []
    for row in rows:
        cells = dict(zip(head, row, strict=True))
        counts = {project: int(cells.get(project) or 0) for project in PROJECTS}
        plans.append(HostPlan(cells["host"], cells.get("zone", "nova"), counts))
    return tuple(plans)
