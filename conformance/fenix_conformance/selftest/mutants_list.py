"""Faults of GET on the project's URL, and of other methods there."""

from __future__ import annotations

from typing import Any

from fenix_conformance.selftest.manners import Manners
from fenix_conformance.selftest.mutation import STUCK, UNLISTED, mutant
from fenix_conformance.selftest.question import Question, Refused, Reply
from fenix_conformance.selftest.reference import Session
from fenix_conformance.selftest.reference_api import Api
from fenix_contract.vocabulary import ACTION_STATES, Action, State

_TOLERANT = Manners(foreign="ignore")
_TOLERANT_PREPARE = Manners(foreign="ignore", layout="prepare")

# ---- list-shape, list-json


@mutant("list-shape")
class EmptyListIsNull(Api):
    """The list of a project that is not asked is null, not empty."""

    def represent(self, ids: list[str]) -> Any:
        return {"instance_ids": ids or None}


@mutant("list-shape", "flow-once", "list-current-state")
class ListRepeatsAnId(Api):
    """The first id comes twice in the list."""

    def represent(self, ids: list[str]) -> Any:
        return {"instance_ids": ids + ids[:1]}


@mutant("list-shape", *UNLISTED)
class ListIsBare(Api):
    """The list comes without an object around it."""

    def represent(self, ids: list[str]) -> Any:
        return ids


@mutant("list-shape", *UNLISTED)
class ListOfObjects(Api):
    """The list has objects instead of ids."""

    def represent(self, ids: list[str]) -> Any:
        return {"instance_ids": [{"id": instance} for instance in ids]}


@mutant("list-shape", *UNLISTED)
class ListMemberRenamed(Api):
    """The list's member is called instances."""

    def represent(self, ids: list[str]) -> Any:
        return {"instances": ids}


@mutant("list-json", *UNLISTED)
class ListAsText(Api):
    """The list comes as text/plain."""

    def list_type(self) -> str:
        return "text/plain"


@mutant("list-json", *UNLISTED)
class ListAsHtml(Api):
    """The list comes as text/html, as a framework's default makes it."""

    def list_type(self) -> str:
        return "text/html; charset=utf-8"


# ---- list-scoped


@mutant("list-scoped", "list-current-state", "flow-once", *STUCK)
class ListLeaksOne(Session):
    """Each list has one instance of another project at its end."""

    def listing(self, project: str) -> list[str]:
        foreign = next(instance for instance, owner in self.owner.items() if owner != project)
        return [*super().listing(project), foreign]


@mutant("list-scoped", "list-current-state", manners=_TOLERANT)
class MaintenanceListsEverybody(Session):
    """In MAINTENANCE every project sees the instances of all projects."""

    def listing(self, project: str) -> list[str]:
        return list(self.owner) if self.state == State.MAINTENANCE else super().listing(project)


@mutant("list-scoped", "list-current-state", "flow-once", "reply-foreign-instance", manners=_TOLERANT)
class PlannedListsTheHost(Session):
    """In PLANNED every project sees all instances of the host."""

    def listing(self, project: str) -> list[str]:
        if self.state == State.PLANNED_MAINTENANCE:
            return [instance for instances in self.question.asked.values() for instance in instances]
        return super().listing(project)


# ---- list-current-state


@mutant("list-current-state", "flow-once", "action-done", manners=_TOLERANT)
class PlannedListsAll(Session):
    """In PLANNED a project sees all of its instances, not those of the host."""

    def listing(self, project: str) -> list[str]:
        if self.state == State.PLANNED_MAINTENANCE:
            return [instance for instance, owner in self.owner.items() if owner == project]
        return super().listing(project)


@mutant("list-current-state", "action-done", manners=_TOLERANT_PREPARE)
class PrepareListsAll(Session):
    """In PREPARE a project sees all of its instances, not those of the host to be emptied."""

    def listing(self, project: str) -> list[str]:
        if self.state == State.PREPARE_MAINTENANCE:
            return [instance for instance, owner in self.owner.items() if owner == project]
        return super().listing(project)


@mutant("list-current-state", "flow-once", "action-done", manners=_TOLERANT)
class MovedListedAgain(Session):
    """In PLANNED the instances moved in earlier rounds are listed again."""

    def listing(self, project: str) -> list[str]:
        listed = super().listing(project)
        if self.state != State.PLANNED_MAINTENANCE:
            return listed
        moved = [i for i, owner in self.owner.items() if owner == project and self.place[i] not in self.pending]
        return list(dict.fromkeys(listed + moved))


@mutant("list-current-state", "flow-once", "action-done", manners=_TOLERANT)
class NextHostListedEarly(Session):
    """In PLANNED an instance of the next host is listed before its time."""

    def listing(self, project: str) -> list[str]:
        listed = super().listing(project)
        if self.state != State.PLANNED_MAINTENANCE:
            return listed
        later = [i for i, owner in self.owner.items() if owner == project and self.place[i] in self.pending[1:]]
        return listed + later[:1]


# ---- list-stable


class _CountingGets(Session):
    """Knows how often a project has asked in the current state."""

    def times(self, project: str) -> int:
        if getattr(self, "_counted", None) is not self.question:
            self._counted, self._times = self.question, dict[str, int]()
        self._times[project] = self._times.get(project, 0) + 1
        return self._times[project]


@mutant("list-stable", "list-both-paths", "alarm-link", "list-current-state", "reply-200", *STUCK)
class GetConsumes(_CountingGets):
    """A state's list is given once; then it is empty."""

    def listing(self, project: str) -> list[str]:
        return super().listing(project) if self.times(project) == 1 else []


@mutant("list-stable", "list-both-paths", "list-current-state", "reply-200", *STUCK)
class GetShrinks(_CountingGets):
    """Each GET takes the last id away from the next one's list."""

    def listing(self, project: str) -> list[str]:
        ids = super().listing(project)
        return ids[: max(0, len(ids) + 1 - self.times(project))]


@mutant("list-stable", "reply-needed", "reply-all", "reply-other-state", "reply-silence", *STUCK)
class GetAcknowledges(Session):
    """To fetch the list counts as the ACK."""

    def listing(self, project: str) -> list[str]:
        ids = super().listing(project)
        with self.changed:
            if self.question.is_open and project in self.question.told:
                actions = dict.fromkeys(ids, str(Action.MIGRATE))
                self.question.replies.setdefault(project, Reply(f"ACK_{self.question.state}", actions))
                self.changed.notify_all()
        return ids


@mutant("list-stable", "list-current-state", "list-scoped", manners=_TOLERANT)
class ListFollowsOthersReplies(Session):
    """In PLANNED the list grows to all of the project's instances as soon as another project has replied."""

    def listing(self, project: str) -> list[str]:
        if self.state in ACTION_STATES and set(self.question.replies) - {project}:
            return [instance for instance, owner in self.owner.items() if owner == project]
        return super().listing(project)


# ---- ids-opaque


@mutant("ids-opaque", "list-shape", *UNLISTED, manners=Manners(opaque_ids=True))
class PlannedListWantsUuids(Session):
    """In PLANNED the list of ids that are no UUIDs crashes."""

    def listing(self, project: str) -> list[str]:
        if self.state == State.PLANNED_MAINTENANCE:
            raise Refused(500, "badly formed hexadecimal UUID string")
        return super().listing(project)


@mutant("ids-opaque", *UNLISTED, manners=Manners(opaque_ids=True))
class ListMangled(Session):
    """In PLANNED ids are listed in lower case, without what a UUID has not."""

    def listing(self, project: str) -> list[str]:
        ids = super().listing(project)
        if self.state == State.PLANNED_MAINTENANCE:
            return ["".join(filter(str.isalnum, instance)).lower() for instance in ids]
        return ids


@mutant("ids-opaque", *STUCK, manners=Manners(opaque_ids=True))
class ReplyWantsUuids(Session):
    """A reply that names ids that are no UUIDs is refused."""

    def check(self, project: str, reply: Reply, question: Question) -> None:
        if any(len(instance) != 36 for instance in reply.actions):
            raise Refused(422, "instance_actions names something that is no UUID")
        super().check(project, reply, question)


@mutant("ids-opaque", "action-done", manners=Manners(opaque_ids=True))
class DoneMangled(Session):
    """INSTANCE_ACTION_DONE names the id in lower case, without what a UUID has not."""

    def report(self, project: str, instance: str) -> None:
        super().report(project, "".join(filter(str.isalnum, instance)).lower())
