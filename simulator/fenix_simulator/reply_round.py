"""Replies of many projects that have come at once, taken with one commit to the journal.

Only what has nobody to wait for is taken: a session that somebody else is at, or that the reply would lead on to its
next step, is left to those who may wait. Until the commit nothing is applied, so a commit that fails changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from fenix_simulator.domain import messages as m
from fenix_simulator.domain.errors import MaintenanceError
from fenix_simulator.ports import Clock, Entry, Journal
from fenix_simulator.running import Running, session_entry


@dataclass(frozen=True, slots=True)
class GivenReply:
    """A project's reply, and what the journal is to say of the request that brought it."""

    session_id: str
    project_id: str
    state: str
    instance_actions: Mapping[str, str] | None
    answered: Entry


def take_together(
    given: Sequence[GivenReply],
    along: Sequence[Entry],
    *,
    sessions: Mapping[str, Running],
    journal: Journal,
    clock: Clock,
    apply: Callable[[Running, m.Event], None],
) -> list[bool]:
    """Take those that can be taken at once, write ``along`` with them, and tell of each whether it was taken.

    Raises what ``journal`` raises, and has then changed nothing.
    """
    taken = []
    entries = list(along)
    with ExitStack() as locks:
        held: set[str] = set()
        decided: dict[tuple[str, str], tuple[Running, m.ReplyAccepted]] = {}
        ahead: Counter[str] = Counter()
        for one in given:
            running = sessions.get(one.session_id)
            place = one.session_id, one.project_id
            # A second reply of the project has to wait until the first is in the journal.
            if running is None or place in decided:
                taken.append(False)
                continue
            if one.session_id not in held:
                if not running.lock.acquire(blocking=False):
                    taken.append(False)
                    continue
                locks.callback(running.lock.release)
                if sessions.get(one.session_id) is not running:  # it ended, or began anew, meanwhile
                    taken.append(False)
                    continue
                held.add(one.session_id)
            try:
                accepted = running.session.decide_reply(m.Reply(one.project_id, one.state, one.instance_actions))
            except MaintenanceError:
                taken.append(False)
                continue
            if accepted is not None:
                if not running.session.waits_after(accepted, ahead[one.session_id]):
                    taken.append(False)
                    continue
                decided[place] = running, accepted
                ahead[one.session_id] += 1
                entries.append(session_entry(one.session_id, accepted))
            entries.append(one.answered)
            taken.append(True)
        if entries:
            journal.append(entries, clock.now())
        for running, accepted in decided.values():
            apply(running, accepted)
    return taken
