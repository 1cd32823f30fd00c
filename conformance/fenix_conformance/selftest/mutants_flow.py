"""Faults of the workflow's order: which state comes when, and which instances are asked about and reported."""

# ruff: noqa: ARG002 - what overrides a method keeps its parameters

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fenix_conformance.selftest.mutation import STUCK, mutant
from fenix_conformance.selftest.question import Failed, Question
from fenix_conformance.selftest.reference import Session
from fenix_contract.vocabulary import Action, State

# ---- flow-order


@mutant("flow-order", *STUCK)
class NoMaintenance(Session):
    """The session starts without announcing MAINTENANCE."""

    def announce(self) -> None:
        return


@mutant("flow-order", "flow-once", *STUCK)
class MaintenanceAfterPlanned(Session):
    """MAINTENANCE is announced again after the first host."""

    def plan(self, host: str) -> None:
        super().plan(host)
        if host == self.hosts[0]:
            self.announce()


@mutant("flow-order", *STUCK)
class PrepareBetweenHosts(Session):
    """PREPARE_MAINTENANCE comes before the last host although another has been planned already."""

    def plan(self, host: str) -> None:
        if len(self.pending) == 1:
            self.ask(State.PREPARE_MAINTENANCE, self.on_host(host))
        super().plan(host)


@mutant("flow-order", *STUCK)
class ScaleInAfterPlanned(Session):
    """SCALE_IN is asked for after the hosts have been maintained."""

    def complete(self) -> None:
        self.ask(State.SCALE_IN, self.everything())
        super().complete()


@mutant("flow-order", "flow-complete", *STUCK)
class PlannedBeforeMaintenance(Session):
    """The first host is planned before MAINTENANCE is announced."""

    def announce(self) -> None:
        self.start()
        self.plan(self.pending[0])
        super().announce()


# ---- flow-every-instance


@mutant("flow-every-instance", "default-behaviour")
class OneInstanceUnasked(Session):
    """One instance of the first host is moved without its project being asked."""

    def plan(self, host: str) -> None:
        if host == self.hosts[0]:
            self.move(self.on_host(host)[self.projects[0]][-1])
        super().plan(host)


@mutant("flow-every-instance", "default-behaviour")
class OneHostUnasked(Session):
    """The second host is maintained without asking anybody."""

    def plan(self, host: str) -> None:
        if host != self.hosts[1]:
            super().plan(host)
            return
        for instances in self.on_host(host).values():
            for instance in instances:
                self.move(instance)


@mutant("flow-every-instance", "flow-complete", "default-behaviour")
class LastHostForgotten(Session):
    """The last host is never maintained, and the session says that it is done."""

    def plan(self, host: str) -> None:
        if len(self.pending) > 1:
            super().plan(host)
        else:
            self.pending.clear()


@mutant("flow-every-instance", "default-behaviour")
class OneProjectUnasked(Session):
    """Where a project shares a host with two others it is not asked."""

    def on_host(self, host: str) -> dict[str, tuple[str, ...]]:
        asked = super().on_host(host)
        if len(asked) > 2:
            for instance in asked.pop(self.projects[1]):
                self.move(instance)
        return asked


@mutant("flow-every-instance", "list-current-state", "action-done", "reply-200")
class OneInstanceUnlisted(Session):
    """In PLANNED the last of a project's instances on a host is not listed; it is moved with the others."""

    def ask(self, state: State, asked: Mapping[str, tuple[str, ...]]) -> Question:
        if state != State.PLANNED_MAINTENANCE:
            return super().ask(state, asked)
        question = super().ask(state, {p: ids[:-1] if len(ids) > 1 else ids for p, ids in asked.items()})
        question.asked = asked
        return question


# ---- flow-once


@mutant("flow-once", "list-current-state", "action-done", "flow-order")
class HostPlannedTwice(Session):
    """The first host is planned twice, and only the second time its instances move."""

    def plan(self, host: str) -> None:
        if host == self.hosts[0]:
            self.ask(State.PLANNED_MAINTENANCE, self.on_host(host))
        super().plan(host)


@mutant("flow-once", "list-current-state", "action-done")
class MovedOntoPendingHost(Session):
    """Instances of the first host are moved to one that is still to be maintained, and asked about again there."""

    def move(self, instance: str) -> None:
        if self.place[instance] == self.hosts[0]:
            with self.changed:
                self.place[instance] = self.hosts[-2]
        else:
            super().move(instance)


# ---- flow-complete


@mutant("flow-complete")
class NoComplete(Session):
    """Nobody is told MAINTENANCE_COMPLETE."""

    def complete(self) -> None:
        self.enter(State.MAINTENANCE_COMPLETE)


@mutant("flow-complete")
class CompleteWithoutOne(Session):
    """One project is not told MAINTENANCE_COMPLETE."""

    def complete(self) -> None:
        everything = self.everything()
        del everything[self.projects[0]]
        self.ask(State.MAINTENANCE_COMPLETE, everything)


@mutant("flow-complete", "flow-order")
class CompleteTwice(Session):
    """MAINTENANCE_COMPLETE is asked twice, each time with a notification of its own."""

    def complete(self) -> None:
        super().complete()
        super().complete()


@mutant("flow-complete", "flow-order", "flow-every-instance")
class CompleteBeforeLastHost(Session):
    """MAINTENANCE_COMPLETE is told before the last host is planned."""

    def plan(self, host: str) -> None:
        if len(self.pending) == 1:
            super().complete()
        super().plan(host)

    def complete(self) -> None:
        return


@mutant("flow-complete", "reply-advances", "reply-silence", "default-behaviour")
class NeverDone(Session):
    """The session stays in MAINTENANCE_COMPLETE when all have acknowledged."""

    def enter(self, state: State) -> None:
        if state != State.MAINTENANCE_DONE:
            super().enter(state)


@mutant("flow-complete", "reply-advances", "default-behaviour")
class FailedAtTheEnd(Session):
    """The session fails when all have acknowledged MAINTENANCE_COMPLETE."""

    def complete(self) -> None:
        super().complete()
        raise Failed("KeyError")


# ---- action-done


class _Holds(Session):
    """Keeps reports back until ``release``."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.held: list[tuple[str, str]] = []

    def report(self, project: str, instance: str) -> None:
        self.held.append((project, instance))

    def release(self) -> None:
        for project, instance in self.held:
            super().report(project, instance)
        self.held.clear()


@mutant("action-done")
class DoneMissing(Session):
    """INSTANCE_ACTION_DONE is never sent."""

    def report(self, project: str, instance: str) -> None:
        return


@mutant("action-done")
class DoneForOneOnly(Session):
    """Of several instances of a project on a host only the first is reported."""

    def report(self, project: str, instance: str) -> None:
        if instance == self.question.asked[project][0]:
            super().report(project, instance)


@mutant("action-done")
class DoneTwice(Session):
    """Each moved instance is reported by two notifications."""

    def report(self, project: str, instance: str) -> None:
        super().report(project, instance)
        super().report(project, instance)


@mutant("action-done")
class DoneWrongId(Session):
    """INSTANCE_ACTION_DONE names another instance of the project."""

    def report(self, project: str, instance: str) -> None:
        super().report(project, [other for other in self.everything()[project] if other != instance][-1])


@mutant("action-done", "alarm-traits")
class DoneNamesUrl(Session):
    """INSTANCE_ACTION_DONE has the list's URL in place of the id."""

    def report(self, project: str, instance: str) -> None:
        super().report(project, self.cloud.project_url(self.session_id, project))


@mutant("action-done", "flow-order")
class DoneAfterNextHost(_Holds):
    """INSTANCE_ACTION_DONE comes after the next state's alarm."""

    def wait_for_replies(self, question: Question) -> None:
        self.release()
        super().wait_for_replies(question)


@mutant("action-done", "reply-needed", "reply-action-allowed", "reply-foreign-instance")
class DoneBeforeReply(Session):
    """INSTANCE_ACTION_DONE comes with the question, before any reply."""

    def tell(self, project: str, question: Question) -> None:
        super().tell(project, question)
        if question.state == State.PLANNED_MAINTENANCE:
            for instance in question.asked[project]:
                self.report(project, instance)

    def act(self, project: str, instance: str, action: str) -> None:
        super().act(project, instance, Action.OWN_ACTION)
