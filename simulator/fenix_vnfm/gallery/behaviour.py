"""What a behaviour is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from fenix_vnfm.conduct import Conduct
from fenix_vnfm.policy import Policy

Adapt = Callable[[Policy], Policy]


def as_it_is(policy: Policy) -> Policy:
    """The policy that was asked for."""
    return policy


def policy_with(**changes: Any) -> Adapt:
    """Changes a policy in these members."""
    return lambda policy: replace(policy, **changes)


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A way to behave: ``statement`` says in a line what such a manager does, ``adapt`` changes the policy asked for,
    ``conduct`` handles the alarms.

    ``breaks`` are ids of requirements of a VNFM: the first is the one that it must fail, the others may fall with it;
    a fair behaviour has none. ``shown_by`` names bundled scenarios in which it shows.
    """

    name: str
    statement: str
    conduct: type[Conduct] = Conduct
    adapt: Adapt = as_it_is
    breaks: tuple[str, ...] = ()
    shown_by: tuple[str, ...] = ()

    @property
    def is_fair(self) -> bool:
        """Whether it keeps every rule."""
        return not self.breaks
