"""How a mutant is written down: a class that overrides one method of the reference, decorated with what it breaks."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TypeVar

from fenix_conformance.selftest.courier import Courier
from fenix_conformance.selftest.manners import Manners
from fenix_conformance.selftest.reference import Session
from fenix_conformance.selftest.reference_api import Api
from fenix_conformance.selftest.subject import Subject

#: Name to mutant, in the order of definition.
MUTANTS: dict[str, Subject] = {}

#: What fails as well when no session gets through to its end.
STUCK = (
    "reply-advances", "flow-complete", "flow-every-instance", "action-done", "default-behaviour", "ids-opaque",
    "reply-concurrent", "reply-repeat", "reply-200",
)  # fmt: skip

#: What fails as well when no manager can make sense of the list.
UNLISTED = (
    "list-shape", "list-scoped", "list-current-state", "list-stable", "list-both-paths", "alarm-link", *STUCK,
)  # fmt: skip

#: What fails as well when no manager can make sense of an alarm.
UNTOLD = ("alarm-traits", "alarm-link", "alarm-actions", "alarm-length", "flow-order", "flow-once", *UNLISTED)

Part = TypeVar("Part", bound=type[Session] | type[Courier] | type[Api])


def mutant(
    breaks: str,
    *also: str,
    manners: Manners = Manners(),
    courier: type[Courier] = Courier,
    least_window: float = 0.0,
) -> Callable[[Part], Part]:
    """Register the decorated class as a mutant named after it, described by its docstring.

    ``breaks`` is the requirement that must fail, ``also`` those that may because of it. ``manners`` are those that the
    fault needs in order to show, ``courier`` a second part that goes with a session.
    """

    def register(part: Part) -> Part:
        name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[a-z])(?=[0-9])", "-", part.__name__).lower()
        MUTANTS[name] = Subject(
            name,
            (part.__doc__ or "").strip().rstrip("."),
            tuple(dict.fromkeys((breaks, *also))),
            manners,
            session=part if issubclass(part, Session) else Session,
            courier=part if issubclass(part, Courier) else courier,
            api=part if issubclass(part, Api) else Api,
            least_window=least_window,
        )
        return part

    return register
