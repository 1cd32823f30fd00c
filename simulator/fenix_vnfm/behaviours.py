"""The manners that ``--misbehave`` chooses from, by name: each is a policy and a conduct."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from fenix_vnfm.conduct import Conduct
from fenix_vnfm.policy import Policy


def _as_it_is(policy: Policy) -> Policy:
    return policy


@dataclass(frozen=True, slots=True)
class Behaviour:
    """A way to behave: ``statement`` says in a line what such a manager does, ``adapt`` changes the policy asked for,
    ``conduct`` handles the alarms."""

    name: str
    statement: str
    conduct: type[Conduct] = Conduct
    adapt: Callable[[Policy], Policy] = _as_it_is


class UnknownBehaviour(ValueError):
    """No behaviour has that name; the message lists those there are."""


HONEST = Behaviour("honest", "keeps every rule")

#: Every behaviour by its name.
BEHAVIOURS: dict[str, Behaviour] = {HONEST.name: HONEST}


def behaviour(name: str) -> Behaviour:
    """The behaviour of that name. Raises UnknownBehaviour."""
    found = BEHAVIOURS.get(name)
    if found is None:
        raise UnknownBehaviour(f"no behaviour is named {name!r}; there are: {', '.join(sorted(BEHAVIOURS))}")
    return found
