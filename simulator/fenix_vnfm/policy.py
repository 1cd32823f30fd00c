"""How a project manager behaves: one frozen value that tests and commands compose."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

from fenix_contract.alarm import AlarmMessage
from fenix_contract.vocabulary import REPLY_STATES, Action

#: Chooses the action for an instance that an alarm asks about.
ActionChoice = Callable[[str, AlarmMessage], Action]


@dataclass(frozen=True, slots=True)
class Policy:
    """What a manager wants; what an alarm does not allow it does not get (see ``decide``).

    ``action``: for every instance, per instance id (MIGRATE for those not named), or a function of id and alarm.
    ``delay``: a wait before each reply, cut short so that the reply is in time unless ``may_be_late``.
    ``nack`` and ``silent``: states that are refused, or not answered at all.
    ``scale_in_share`` of the project's vCPUs is given up at SCALE_IN, but never so much that fewer than
    ``scale_in_minimum`` instances are left; ``nack_when_unable`` refuses where nothing can be given up instead of
    acknowledging. ``scale_out``: what was given up is added again after the maintenance.
    ``fetch_list``: the list is fetched in every state and not only where the reply needs it.
    ``inline``: the alarm is answered after the work.
    A request without a lasting answer is tried ``tries`` times, with pauses that double from ``first_pause`` to
    ``longest_pause``; each try may take ``request_timeout``. ``window`` is the time for a reply where the alarm names
    none that is still to come. Raises ValueError for what cannot be meant.
    """

    action: Action | Mapping[str, Action] | ActionChoice = Action.MIGRATE
    delay: timedelta = timedelta()
    may_be_late: bool = False
    nack: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()
    scale_in_share: float = 1 / 3
    scale_in_minimum: int = 1
    nack_when_unable: bool = False
    scale_out: bool = True
    fetch_list: bool = True
    inline: bool = False
    tries: int = 10
    first_pause: timedelta = timedelta(seconds=0.1)
    longest_pause: timedelta = timedelta(seconds=5)
    request_timeout: timedelta = timedelta(seconds=5)
    window: timedelta = timedelta(seconds=20)

    def __post_init__(self) -> None:
        for name, states in (("nack", self.nack), ("silent", self.silent)):
            if unknown := sorted(set(states) - set(REPLY_STATES)):
                raise ValueError(f"{name}: {unknown[0]} awaits no reply; states that do: {', '.join(REPLY_STATES)}")
        if both := sorted(set(self.nack) & set(self.silent)):
            raise ValueError(f"{both[0]} can be refused or left unanswered, not both")
        if not 0 <= self.scale_in_share <= 1:
            raise ValueError("scale_in_share is a share between 0 and 1")
        if self.scale_in_minimum < 0 or self.tries < 1:
            raise ValueError("scale_in_minimum cannot be negative, tries not less than 1")
        if min(self.delay, self.first_pause, self.longest_pause, self.request_timeout, self.window) < timedelta():
            raise ValueError("a duration cannot be negative")

    def wanted(self, instance_id: str, alarm: AlarmMessage) -> Action:
        """The action wanted for an instance."""
        if callable(self.action):
            return self.action(instance_id, alarm)
        if isinstance(self.action, Mapping):
            return self.action.get(instance_id, Action.MIGRATE)
        return self.action

    def pause_after(self, attempt: int) -> timedelta:
        """The pause after a try that failed; ``attempt`` counts from 1."""
        return min(self.first_pause * (1 << min(attempt - 1, 32)), self.longest_pause)
