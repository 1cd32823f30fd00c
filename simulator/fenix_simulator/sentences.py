"""What journal entries say, in sentences for people: the same in the demo and in ``journal show``.

``data`` is an entry's, JSON-ready, of the event that the function is named after.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Data = Mapping[str, Any]


@dataclass(slots=True)
class Names:
    """How projects and instances are called, by their ids; what has no name is called by its id."""

    projects: dict[str, str] = field(default_factory=dict)
    instances: dict[str, str] = field(default_factory=dict)

    def project(self, project_id: str | None) -> str:
        """The project's name; without an id it is the administrator."""
        return self.projects.get(project_id or "", project_id or "the administrator")

    def instance(self, instance_id: str) -> str:
        """The instance's name."""
        return self.instances.get(instance_id, instance_id)

    def plain(self, sentence: str) -> str:
        """The sentence with projects' names in the place of their ids."""
        for project_id, name in self.projects.items():
            sentence = sentence.replace(project_id, name)
        return sentence


def count(number: int, what: str) -> str:
    """``1 instance``, ``2 instances``."""
    return f"{number} {what}{'' if number == 1 else 's'}"


def session_created(data: Data) -> str:
    """A maintenance begins."""
    hosts, projects = count(len(data["hosts"]), "host"), count(len(data["projects"]), "project")
    return f"a maintenance of {hosts} is announced to {projects}"


def state_entered(data: Data) -> str:
    """The session's state, and the host it is about."""
    return f"{data['state']}: {data['host']} is to be emptied" if data["host"] else str(data["state"])


def session_failed(data: Data, names: Names) -> str:
    """Why the session failed."""
    return f"failed: {names.plain(data['reason'])}"


def project_defaulted(data: Data, names: Names) -> str | None:
    """What becomes of a project that nobody manages; None where it has nothing there."""
    if not data["instance_ids"]:
        return None
    here = count(len(data["instance_ids"]), "instance")
    return f"{names.project(data['project_id'])} has no manager: its {here} here will be migrated unasked"


def instance_moved(data: Data, names: Names) -> str:
    """What was done with an instance, from where to where."""
    return f"{data['action']} {names.instance(data['instance_id'])}: {data['host']} → {data['target']}"


def instance_removed(data: Data, names: Names) -> str:
    """A project scales in."""
    return f"{names.project(data['project_id'])} scales in: {names.instance(data['instance_id'])} is gone"


def instance_added(data: Data, names: Names) -> str:
    """A project scales out."""
    instance = data["instance"]
    return f"{names.project(instance['project_id'])} adds {instance['name']} on {data['host']}"


def host_maintenance_started(data: Data) -> str:
    """The work on a host begins."""
    return f"{data['host']} is empty and is being maintained"


def host_maintained(data: Data) -> str:
    """The work on a host is done."""
    return f"{data['host']} is maintained and takes instances again"


def fault_happened(data: Data, project: str) -> str:
    """What goes wrong on purpose, for whom."""
    told = ", ".join(name if value is True else f"{name} {value}" for name, value in data["effect"].items())
    return f"fault: {data['operation']} of {project}: {told}"


def chosen(actions: Mapping[str, str] | None) -> str:
    """``2 MIGRATE, 1 OWN_ACTION``; empty where no action was chosen."""
    chosen = list((actions or {}).values())
    return ", ".join(f"{chosen.count(action)} {action}" for action in dict.fromkeys(chosen))
