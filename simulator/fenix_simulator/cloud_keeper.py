"""Keeps the inventory as it stands: what no session is about goes through here, what sessions change comes here."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Iterator, Mapping

from fenix_contract.vocabulary import Action
from fenix_simulator import views
from fenix_simulator.domain import messages as m
from fenix_simulator.domain.cloud import Cloud, require_room
from fenix_simulator.domain.errors import AlreadyExists, LimitReached, UnknownInstance, UnknownProject
from fenix_simulator.ports import Clock, Entry, Journal

#: Events of a session that change where instances are, and so the inventory, too.
CLOUD_EVENTS = (m.InstanceMoved, m.InstanceAdded, m.InstanceRemoved)


class CloudKeeper:
    """The cloud with its lock. Changes outside of any session are journalled as kind ``cloud``."""

    def __init__(
        self,
        cloud: Callable[[], Cloud],
        project_names: Mapping[str, str],
        journal: Journal,
        clock: Clock,
        namespace: uuid.UUID,
        limit: int,
    ) -> None:
        """``cloud`` makes the inventory as it is at the start; ``limit`` is for instances."""
        self.lock = threading.RLock()
        self.cloud = cloud()
        self._pristine = cloud
        self._project_names = dict(project_names)
        self._journal = journal
        self._clock = clock
        self._namespace = namespace
        self._limit = limit
        self._added = 0

    # -- questions ---------------------------------------------------------------------------------------------------

    def has_project(self, project_id: str) -> bool:
        """Whether there is such a project."""
        return project_id in self._project_names or self.cloud.count_of(project_id) > 0

    def projects_on(self, hosts: tuple[str, ...]) -> tuple[str, ...]:
        """The projects with instances on these hosts, in the inventory's order."""
        cloud = self.cloud
        with self.lock:
            if len(hosts) == len(cloud.hosts):
                return tuple(project for project in cloud.projects() if cloud.count_of(project))
            there = {cloud.instance(one).project_id for host in hosts for one in cloud.on_host(host)}
            return tuple(project for project in cloud.projects() if project in there)

    def instances(self, cloud: Cloud, project_id: str | None, host: str | None) -> Iterator[views.InstanceView]:
        """The instances of ``cloud``, this or a session's; ids are taken at once, each view when it is asked for."""
        with self.lock:
            if host is not None:
                ids = cloud.on_host(host) if host in cloud.hosts else ()
            else:
                ids = cloud.of_project(project_id) if project_id is not None else tuple(cloud.instances)
        return self._views(cloud, ids, project_id)

    def instance(self, instance_id: str) -> views.InstanceView:
        """One instance. Raises UnknownInstance."""
        with self.lock:
            return views.of_instance(self.cloud, instance_id)

    def hosts(self) -> list[views.HostView]:
        """The hosts with what is free and what is on them."""
        with self.lock:
            return [views.of_host(self.cloud, name) for name in self.cloud.hosts]

    def projects(self, is_managed: Callable[[str], bool]) -> list[views.ProjectView]:
        """The projects."""
        with self.lock:
            known = dict.fromkeys([*self._project_names, *self.cloud.projects()])
            return [
                views.ProjectView(
                    project, self._project_names.get(project, ""), self.cloud.count_of(project), is_managed(project)
                )
                for project in known
            ]

    # -- changes -----------------------------------------------------------------------------------------------------

    def apply(self, event: m.Event) -> None:
        """Fold a change in; with several sessions the last one's move is what stays."""
        cloud = self.cloud
        match event:
            case m.InstanceMoved(instance_id, target=target) if instance_id in cloud:
                cloud.move(instance_id, target)
            case m.InstanceRemoved(instance_id) if instance_id in cloud:
                cloud.remove(instance_id)
            case m.InstanceAdded(instance, host) if instance.instance_id not in cloud:
                cloud.place(instance, host)
                self._added += 1
            case m.CloudReset():
                self.cloud = self._pristine()
            case _:
                pass

    def commit(self, event: m.Event) -> None:
        """A change outside of any session: into the journal, then into the cloud."""
        with self.lock:
            entry = Entry("cloud", type(event).__name__, event, None, getattr(event, "project_id", None))
            self._journal.append([entry], self._clock.now())
            self.apply(event)

    def removal(self, instance_id: str) -> m.InstanceRemoved:
        """The event of removing an instance. Raises UnknownInstance."""
        with self.lock:
            project = self.cloud.instance(instance_id).project_id
            return m.InstanceRemoved(instance_id, project, self.cloud.host_of(instance_id))

    def addition(self, record: m.Instance) -> m.InstanceAdded:
        """The event of adding an instance where there is room. Raises NoCapacity."""
        with self.lock:
            return m.InstanceAdded(record, require_room(self.cloud, record.vcpus))

    def move(self, instance_id: str) -> m.InstanceMoved:
        """The event of a project's moving its instance to another host. Raises UnknownInstance, NoCapacity."""
        with self.lock:
            instance, source = self.cloud.instance(instance_id), self.cloud.host_of(instance_id)
            target = require_room(self.cloud, instance.vcpus, besides=source)
            return m.InstanceMoved(instance_id, instance.project_id, Action.OWN_ACTION, source, target)

    def new_record(
        self,
        project_id: str,
        vcpus: int | None,
        name: str | None,
        flavor: str | None,
        instance_id: str | None,
        floating_ip: bool,
    ) -> m.Instance:
        """A new instance like the project's first where nothing else is said.

        Raises UnknownProject, LimitReached, AlreadyExists.
        """
        with self.lock:
            if not self.has_project(project_id):
                raise UnknownProject(
                    f"there is no project {project_id!r}",
                    expected="a project of the inventory",
                    hint="GET /simulator/v1/projects lists them",
                )
            if len(self.cloud) >= self._limit:
                raise LimitReached(f"there are {self._limit} instances, which is the limit")
            if instance_id is not None and instance_id in self.cloud:
                raise AlreadyExists(f"instance {instance_id!r} exists already", hint="leave instance_id out")
            like = next((self.cloud.instance(one) for one in self.cloud.of_project(project_id)), None)
            number = self._added + 1
            return m.Instance(
                instance_id=instance_id or str(uuid.uuid5(self._namespace, f"instance/{number}")),
                project_id=project_id,
                name=name or f"{self._project_names.get(project_id) or project_id}-added-{number}",
                vcpus=vcpus or (like.vcpus if like else 1),
                host="",
                flavor=flavor or (like.flavor if like else ""),
                floating_ip=floating_ip,
            )

    def _views(self, cloud: Cloud, ids: tuple[str, ...], project_id: str | None) -> Iterator[views.InstanceView]:
        for instance_id in ids:
            try:
                view = views.of_instance(cloud, instance_id)
            except UnknownInstance:
                continue  # removed since the ids were taken
            if project_id is None or view.project_id == project_id:
                yield view
