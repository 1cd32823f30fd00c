"""The cloud: which instance is on which host, and where one more fits.

One ``Cloud`` is the inventory as it stands; each session works on a copy of its own. Every question a session asks on
its way (who is on that host, what does that project have, which host takes an instance) is answered from an index that
a change updates, so that a step costs what it touches and not what exists.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from fenix_simulator.domain.errors import AlreadyExists, NoCapacity, UnknownHost, UnknownInstance
from fenix_simulator.domain.messages import Host, Instance


class Cloud:
    """Hosts with their vCPUs and the instances placed on them."""

    __slots__ = ("_elsewhere", "_free", "_levels", "_of_project", "_on_host", "_open", "hosts", "instances", "top")

    def __init__(self, hosts: Iterable[Host], instances: Iterable[Instance] = ()) -> None:
        self.hosts: dict[str, Host] = {host.name: host for host in hosts}
        self.instances: dict[str, Instance] = {}
        #: The host of each instance that is not on the one its record names (a record is frozen).
        self._elsewhere: dict[str, str] = {}
        self._on_host: dict[str, dict[str, None]] = {name: {} for name in self.hosts}
        self._of_project: dict[str, dict[str, None]] = {}
        self._free: dict[str, int] = {name: host.vcpus for name, host in self.hosts.items()}
        self._open: dict[str, None] = dict.fromkeys(self.hosts)
        self.top = max((host.vcpus for host in self.hosts.values()), default=0)
        self._levels: list[dict[str, None]] = [{} for _ in range(self.top + 1)]
        for instance in instances:
            self._put(instance, instance.host)
        for name in self.hosts:
            self._level(name)

    def copy(self) -> Cloud:
        """A cloud that changes on its own from now on, with every host open (records are shared: they are frozen)."""
        twin = Cloud.__new__(Cloud)
        twin.hosts = self.hosts
        twin.instances = self.instances.copy()
        twin._elsewhere = self._elsewhere.copy()
        twin._on_host = {name: ids.copy() for name, ids in self._on_host.items()}
        twin._of_project = {project: ids.copy() for project, ids in self._of_project.items()}
        twin._free = self._free.copy()
        twin._open = dict.fromkeys(self.hosts)
        twin.top = self.top
        twin._levels = [{} for _ in range(self.top + 1)]
        for name in twin.hosts:
            twin._level(name)
        return twin

    # -- questions ---------------------------------------------------------------------------------------------------

    def __contains__(self, instance_id: str) -> bool:
        return instance_id in self.instances

    def __len__(self) -> int:
        return len(self.instances)

    def instance(self, instance_id: str) -> Instance:
        """The record of an instance that exists now."""
        try:
            return self.instances[instance_id]
        except KeyError:
            raise UnknownInstance(f"there is no instance {instance_id!r}") from None

    def host_of(self, instance_id: str) -> str:
        """The host an instance is on."""
        return self._elsewhere.get(instance_id) or self.instance(instance_id).host

    def on_host(self, host: str) -> tuple[str, ...]:
        """The ids of the instances on a host, in the order they came."""
        return tuple(self._on_host[host])

    def count_on(self, host: str) -> int:
        """How many instances are on a host."""
        return len(self._on_host[host])

    def is_empty(self, host: str) -> bool:
        """Whether no instance is on the host and none is on its way there."""
        return self._free[host] == self.hosts[host].vcpus and not self._on_host[host]

    def of_project(self, project_id: str) -> tuple[str, ...]:
        """The ids of a project's instances."""
        return tuple(self._of_project.get(project_id, ()))

    def count_of(self, project_id: str) -> int:
        """How many instances a project has."""
        return len(self._of_project.get(project_id, ()))

    def projects(self) -> Iterator[str]:
        """The projects that have, or had, instances."""
        return iter(self._of_project)

    def free(self, host: str) -> int:
        """The vCPUs of a host that are neither used nor reserved."""
        return self._free[host]

    def used(self, host: str) -> int:
        """The vCPUs of a host that are used or reserved."""
        return self.hosts[host].vcpus - self._free[host]

    def choose(self, vcpus: int, besides: str | None = None) -> str | None:
        """The open host with the most free vCPUs that takes ``vcpus`` more, or None."""
        for level in range(self.top, vcpus - 1, -1):
            for name in self._levels[level]:
                if name != besides:
                    return name
        return None

    # -- changes -----------------------------------------------------------------------------------------------------

    def place(self, instance: Instance, host: str) -> None:
        """A new instance is on ``host``."""
        if instance.instance_id in self.instances:
            raise AlreadyExists(f"instance {instance.instance_id!r} exists already", hint="choose another instance_id")
        self._unlevel(host)
        self._put(instance, host)
        self._level(host)

    def remove(self, instance_id: str) -> Instance:
        """The instance is gone."""
        host = self.host_of(instance_id)
        instance = self.instances.pop(instance_id)
        self._elsewhere.pop(instance_id, None)
        del self._on_host[host][instance_id]
        del self._of_project[instance.project_id][instance_id]
        self.release(host, instance.vcpus)
        return instance

    def move(self, instance_id: str, target: str, *, reserved: bool = False) -> None:
        """The instance is on ``target``; its room there was ``reserved`` before or is taken now."""
        instance = self.instance(instance_id)
        source = self.host_of(instance_id)
        del self._on_host[source][instance_id]
        self._on_host[target][instance_id] = None
        self._set_host(instance, target)
        self.release(source, instance.vcpus)
        if not reserved:
            self.reserve(target, instance.vcpus)

    def reserve(self, host: str, vcpus: int) -> None:
        """Keep room on a host for an instance that is on its way."""
        self._unlevel(host)
        self._free[host] -= vcpus
        self._level(host)

    def release(self, host: str, vcpus: int) -> None:
        """Give room on a host back."""
        self._unlevel(host)
        self._free[host] += vcpus
        self._level(host)

    def open(self, host: str) -> None:
        """The host takes instances."""
        self._open[host] = None
        self._level(host)

    def close(self, host: str) -> None:
        """The host takes no more instances; those on it stay."""
        self._unlevel(host)
        self._open.pop(host, None)

    def _put(self, instance: Instance, host: str) -> None:
        if host not in self.hosts:
            raise UnknownHost(f"there is no host {host!r}")
        self.instances[instance.instance_id] = instance
        self._set_host(instance, host)
        self._on_host[host][instance.instance_id] = None
        self._of_project.setdefault(instance.project_id, {})[instance.instance_id] = None
        self._free[host] -= instance.vcpus

    def _set_host(self, instance: Instance, host: str) -> None:
        if host == instance.host:
            self._elsewhere.pop(instance.instance_id, None)
        else:
            self._elsewhere[instance.instance_id] = host

    def _level(self, host: str) -> None:
        if host in self._open and self._free[host] > 0:
            self._levels[self._free[host]][host] = None

    def _unlevel(self, host: str) -> None:
        if self._free[host] > 0:
            self._levels[self._free[host]].pop(host, None)


def require_room(cloud: Cloud, vcpus: int, besides: str | None = None) -> str:
    """The host an instance of that size goes to; NoCapacity when no open host takes it."""
    host = cloud.choose(vcpus, besides)
    if host is None:
        raise NoCapacity(
            f"no open host has {vcpus} free vCPUs",
            expected=f"at most {_most_free(cloud)} vCPUs",
            hint="remove an instance first, or ask for a smaller one",
        )
    return host


def _most_free(cloud: Cloud) -> int:
    for vcpus in range(cloud.top, 0, -1):
        if cloud.choose(vcpus) is not None:
            return vcpus
    return 0
