"""The other projects of a scenario: their managers are the suite's, on one shared receiver."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from urllib.parse import quote

from fenix_conformance.vnfm.casting import Manners
from fenix_contract.vocabulary import REPLY_STATES, Action, EventType
from fenix_vnfm import AlarmReceiver, Policy, ProjectManager
from fenix_vnfm.durations import parse_duration

#: What a manager remembers of its own doings: nobody asks.
_KEPT = 50


@contextmanager
def company(receiver: AlarmReceiver, others: Mapping[str, Manners], url: str, room: str) -> Iterator[None]:
    """A manager for each of ``others`` that is subscribed, at the simulator at ``url``, until the block is left.

    ``room`` keeps their paths on the receiver apart from other scenarios'. Raises SubscriptionError.
    """
    with ExitStack() as leaving:
        for project_id, manners in others.items():
            if not manners.subscribed:
                continue
            manager = leaving.enter_context(
                ProjectManager(
                    project_id,
                    policy(manners),
                    receiver=receiver,
                    path=f"/{quote(room, safe='')}/{quote(project_id, safe='')}",
                    control_url=url,
                    keep=_KEPT,
                )
            )
            manager.subscribe(url, (EventType.SCHEDULED,))
        yield


def policy(manners: Manners) -> Policy:
    """How a sample manager behaves that has these manners. Raises ValueError."""
    return Policy(
        action=Action(manners.action),
        delay=parse_duration(manners.delay),
        nack=frozenset() if manners.nack is None else frozenset({manners.nack}),
        silent=frozenset(map(str, REPLY_STATES)) if manners.silent else frozenset(),
    )
