"""The core of the reference server: a Fenix that is small enough to be read and judged right by eye.

A session is a thread that reads the workflow from top to bottom: ask, wait, act, go on. That is deliberately another
design than an event-driven server's, so that the suite is not tuned to the one it was written beside. Every session
works on its own copy of the inventory. Faults are put in by overriding methods (see ``mutants``).

Where the published API is silent the reference does this: instances move at once; an instance with OWN_ACTION has
left by itself when the last reply is in, and is not reported; a project without a manager is migrated without being
asked; NACK and silence fail the session. There is always room, so SCALE_IN never comes.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from fenix_conformance.selftest.courier import plain
from fenix_conformance.selftest.inventory import build
from fenix_conformance.selftest.question import WORDS, Failed, Gone, Question, Refused, Reply
from fenix_contract.vocabulary import ACTION_STATES, Action, AlarmState, ReplyPrefix, State

if TYPE_CHECKING:
    from fenix_conformance.selftest.cloud import Cloud


class Session:
    """One maintenance. ``changed`` guards what requests and the session's thread share; nothing is sent under it."""

    def __init__(
        self,
        cloud: Cloud,
        session_id: str,
        hosts: Sequence[str],
        maintenance_at: datetime,
        metadata: Mapping[str, Any],
    ) -> None:
        self.cloud = cloud
        self.manners = cloud.manners
        self.session_id = session_id
        self.maintenance_at = maintenance_at
        self.metadata = metadata
        inventory = build(self.manners.layout, opaque_ids=self.manners.opaque_ids)
        self.hosts = inventory.hosts
        self.owner = inventory.owner
        self.place = dict(inventory.place)
        self.pending = list(hosts)
        self.changed = threading.Condition()
        self.state = State.MAINTENANCE
        self.question = Question(self.state, {}, frozenset(), maintenance_at, is_open=False)
        self.is_gone = False

    @property
    def projects(self) -> list[str]:
        return list(dict.fromkeys(self.owner.values()))

    def run(self) -> None:
        """The whole maintenance; ends in a final state, or silently when the session is gone."""
        try:
            self.play()
        except Failed:
            self.enter(State.MAINTENANCE_FAILED)
        except Gone:
            return

    # ---- the workflow

    def play(self) -> None:
        self.announce()
        self.pause(max(0.0, (self.maintenance_at - datetime.now(UTC)).total_seconds()) + self.manners.lead)
        if not self.empty_hosts() and set(self.pending) == set(self.hosts):
            self.prepare()
        self.host_by_host()
        self.complete()
        self.enter(State.MAINTENANCE_DONE)

    def announce(self) -> None:
        self.ask(State.MAINTENANCE, self.everything())

    def prepare(self) -> None:
        """Empty the host with the fewest instances by moving them beside others."""
        load = Counter(self.place.values())
        host = min(self.pending, key=lambda name: load[name])
        self.carry_out(self.ask(State.PREPARE_MAINTENANCE, self.on_host(host)))

    def host_by_host(self) -> None:
        self.start()
        while self.pending:
            self.plan(self.pending[0])
            self.start()

    def start(self) -> None:
        """Maintain every host that is empty by now."""
        self.enter(State.START_MAINTENANCE)
        self.pending = [host for host in self.pending if host not in self.empty_hosts()]

    def plan(self, host: str) -> None:
        self.carry_out(self.ask(State.PLANNED_MAINTENANCE, self.on_host(host)))

    def complete(self) -> None:
        self.ask(State.MAINTENANCE_COMPLETE, self.everything())

    # ---- asking

    def ask(self, state: State, asked: Mapping[str, tuple[str, ...]]) -> Question:
        """Tell the projects, wait for their replies and judge them; the question that was asked is returned."""
        told = frozenset(project for project in asked if self.cloud.courier.is_managed(project))
        if len(told) < len(asked) and self.manners.unmanaged == "fail":
            raise Failed(f"a project without a manager in {state}")
        question = Question(state, asked, told, self.deadline())
        with self.changed:
            self.state, self.question = state, question
            self.changed.notify_all()
        for number, project in enumerate(project for project in asked if project in told):
            if number and self.manners.alarm_gap:
                self.pause(self.manners.alarm_gap)
            self.tell(project, question)
        self.wait_for_replies(question)
        with self.changed:
            question.is_open = False
            self.judge(question)
        return question

    def wait_for_replies(self, question: Question) -> None:
        self.wait(lambda: self.is_answered(question), (question.deadline - datetime.now(UTC)).total_seconds())

    def is_answered(self, question: Question) -> bool:
        if question.spoiled or (self.is_nacked(question) and self.manners.nack == "at-once"):
            return True
        return not self.is_nacked(question) and self.have_all_replied(question)

    def have_all_replied(self, question: Question) -> bool:
        return question.told <= question.replies.keys()

    def is_nacked(self, question: Question) -> bool:
        return any(reply.word.startswith(ReplyPrefix.NACK) for reply in question.replies.values())

    def judge(self, question: Question) -> None:
        """Go on, or fail."""
        if question.spoiled or self.is_nacked(question):
            raise Failed(question.spoiled or f"NACK in {question.state}")
        if not self.have_all_replied(question) and self.manners.silence == "fail":
            raise Failed(f"silence in {question.state}")

    def deadline(self) -> datetime:
        moment = datetime.now(UTC) + timedelta(seconds=self.cloud.window)
        return moment if self.manners.microseconds else datetime.fromtimestamp(math.ceil(moment.timestamp()), UTC)

    def tell(self, project: str, question: Question) -> None:
        self.notify(project, self.payload(project, question))

    def notify(self, project: str, payload: Mapping[str, Any]) -> None:
        self.cloud.courier.notify(project, payload)

    def payload(self, project: str, question: Question) -> dict[str, Any]:
        """What the alarm to a project says; None drops the trait."""
        actions = plain(self.manners.actions) if question.state in ACTION_STATES else []
        return self.words(project, str(question.state)) | {
            "allowed_actions": actions,
            "actions_at": self.maintenance_at if question.state == State.MAINTENANCE else question.deadline,
            "reply_at": question.deadline,
        }

    def words(self, project: str, state: str) -> dict[str, Any]:
        """What every alarm has, whatever the state."""
        url = self.cloud.project_url(self.session_id, project)
        return {
            "state": state, "session_id": self.session_id, "project_id": project, "instance_ids": url,
            "reply_url": url, "allowed_actions": [], "metadata": self.metadata,
        }  # fmt: skip

    # ---- acting

    def carry_out(self, question: Question) -> None:
        """Move what was asked about, as the replies say; without a reply the action is MIGRATE."""
        for project, instances in question.asked.items():
            reply = question.replies.get(project)
            for instance in instances:
                action = reply.actions.get(instance, Action.MIGRATE) if reply else Action.MIGRATE
                self.act(project, instance, action)

    def act(self, project: str, instance: str, action: str) -> None:
        self.move(instance)
        if action != Action.OWN_ACTION and project in self.question.told:
            self.report(project, instance)

    def move(self, instance: str) -> None:
        """To the host with the fewest instances that is not (or no longer) to be maintained; in PREPARE, any other."""
        with self.changed:
            here = self.place[instance]
            load = Counter(self.place.values())
            targets = [host for host in self.hosts if host not in self.pending] or self.pending
            self.place[instance] = min((host for host in targets if host != here), key=lambda host: load[host])

    def report(self, project: str, instance: str) -> None:
        text = instance if self.manners.bare_id else [instance]
        self.notify(project, self.words(project, str(AlarmState.INSTANCE_ACTION_DONE)) | {"instance_ids": text})

    # ---- what the project's URL gives and takes

    def listing(self, project: str) -> list[str]:
        """The ids of the project's instances that belong to the current state."""
        with self.changed:
            if self.state in ACTION_STATES and not (
                self.manners.after_reply == "all" and project in self.question.replies
            ):
                return list(self.question.asked.get(project, ()))
            return [instance for instance, owner in self.owner.items() if owner == project]

    def reply(self, project: str, body: Mapping[str, Any]) -> None:
        """Take a reply; raises Refused with 422 (not the contract's form) or 409 (not awaited)."""
        reply = self.read(body)
        with self.changed:
            question = self.question
            try:
                self.check(project, reply, question)
            except Refused as refused:
                if self.manners.wrong_reply == "refuse":
                    raise
                if self.manners.wrong_reply == "fail" and question.is_open:
                    question.spoiled = str(refused)
                    self.changed.notify_all()
                return
            self.record(project, reply, question)
            self.changed.notify_all()

    def read(self, body: Mapping[str, Any]) -> Reply:
        word, actions = self.word(body), body.get("instance_actions", {})
        if not isinstance(word, str):
            raise Refused(422, "state is to be a text")
        if not isinstance(actions, dict) or not all(isinstance(action, str) for action in actions.values()):
            raise Refused(422, "instance_actions is to be an object of texts")
        return Reply(word, actions)

    def word(self, body: Mapping[str, Any]) -> Any:
        return body.get("state")

    def check(self, project: str, reply: Reply, question: Question) -> None:
        """Refuse what does not answer the question, and a second, different answer."""
        if reply.word not in WORDS:
            raise Refused(422, f"{reply.word!r} is no reply")
        expected = {f"{prefix}{question.state}" for prefix in ReplyPrefix}
        if not question.is_open or project not in question.told or reply.word not in expected:
            raise Refused(409, f"{reply.word} is not awaited")
        if reply.word.startswith(ReplyPrefix.ACK) and question.state in ACTION_STATES:
            self.check_actions(reply.actions, question.asked[project])
        earlier = question.replies.get(project)
        if earlier is not None and earlier != reply and self.manners.second_reply == "refuse":
            raise Refused(409, "another reply was given already")

    def check_actions(self, actions: Mapping[str, str], instances: Sequence[str]) -> None:
        missing, foreign = set(instances) - set(actions), set(actions) - set(instances)
        if missing or (foreign and self.manners.foreign == "refuse"):
            raise Refused(422, f"one action is to be given for each of {sorted(instances)} and for no other")
        if not {actions[instance] for instance in instances} <= set(self.manners.actions):
            raise Refused(422, f"the actions are {', '.join(self.manners.actions)}")

    def record(self, project: str, reply: Reply, question: Question) -> None:
        question.replies[project] = reply

    # ---- helpers

    def everything(self) -> dict[str, tuple[str, ...]]:
        return {project: tuple(i for i, owner in self.owner.items() if owner == project) for project in self.projects}

    def on_host(self, host: str) -> dict[str, tuple[str, ...]]:
        """Project to its instances there, without the projects that have none."""
        asked: dict[str, tuple[str, ...]] = {}
        for instance, place in self.place.items():
            if place == host:
                asked[self.owner[instance]] = (*asked.get(self.owner[instance], ()), instance)
        return asked

    def empty_hosts(self) -> set[str]:
        return set(self.pending) - set(self.place.values())

    def enter(self, state: State) -> None:
        with self.changed:
            self.state = state
            self.changed.notify_all()

    def wait(self, is_over: Callable[[], bool], seconds: float) -> None:
        """Until it is so, at most for so long; raises Gone when the session has no more reason to be."""
        with self.changed:
            self.changed.wait_for(lambda: self.is_gone or is_over(), min(max(0.0, seconds), threading.TIMEOUT_MAX))
            if self.is_gone:
                raise Gone

    def pause(self, seconds: float) -> None:
        self.wait(lambda: False, seconds)

    def leave(self) -> None:
        with self.changed:
            self.is_gone = True
            self.changed.notify_all()
