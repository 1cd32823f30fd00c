"""Managers that an alarm misleads when it comes again."""

from __future__ import annotations

from fenix_contract.vocabulary import ReplyPrefix, State
from fenix_vnfm.conduct import Conduct, Task
from fenix_vnfm.gallery.behaviour import Behaviour
from fenix_vnfm.gallery.notes import NoteTaking


class DifferentOnDuplicate(Conduct):
    """Takes a repeated alarm for a question about its first answer, and withdraws that."""

    def repeated(self, task: Task) -> None:
        super().repeated(task)
        refusal = {"state": ReplyPrefix.NACK + task.message.state}
        self.put_reply(task, self.reply_url(task), refusal, self.policy.request_timeout)


class ScalesTwice(Conduct):
    """Gives up instances for each alarm that asks to scale in, also for the same one."""

    def repeated(self, task: Task) -> None:
        super().repeated(task)
        if task.message.state == State.SCALE_IN:
            task.memory.removed.extend(self.make_room(task))


class LateAlarmActs(NoteTaking):
    """Takes an alarm of a state that is over for the state of the moment: it does it all again."""

    def repeated(self, task: Task) -> None:
        super().repeated(task)
        states = self.notes(task).states
        reply = task.memory.decided(task.message)
        if reply is None or not states or states[-1] == task.message.state:
            return
        if task.message.state == State.SCALE_IN:
            task.memory.removed.extend(self.make_room(task))
        self.put_reply(task, self.reply_url(task), reply, self.policy.request_timeout)


BEHAVIOURS = (
    Behaviour(
        "different-on-duplicate",
        "sends a NACK when an alarm comes that it has acknowledged already",
        DifferentOnDuplicate,
        breaks=("duplicate-alarm", "reply-once", "late-alarm"),
        shown_by=("duplicate-alarms",),
    ),
    Behaviour(
        "scales-twice",
        "gives up instances again when SCALE_IN's alarm comes again",
        ScalesTwice,
        breaks=("duplicate-alarm", "late-alarm"),
        shown_by=("duplicate-alarms",),
    ),
    Behaviour(
        "late-alarm-acts",
        "replies again to an alarm of a state that is over",
        LateAlarmActs,
        breaks=("late-alarm", "reply-state", "duplicate-alarm"),
        shown_by=("late-alarms",),
    ),
)
