"""The manners that ``--misbehave`` and ``--manner`` choose from, by name: each is a policy and a conduct."""

from __future__ import annotations

from itertools import chain

from fenix_vnfm.gallery import actions, alarms, endings, fair, forms, lists, persistence, repeats, replies, sessions
from fenix_vnfm.gallery.behaviour import Behaviour
from fenix_vnfm.gallery.fair import HONEST

__all__ = ["BEHAVIOURS", "HONEST", "Behaviour", "UnknownBehaviour", "behaviour"]


class UnknownBehaviour(ValueError):
    """No behaviour has that name; the message lists those there are."""


_THEMES = (fair, alarms, lists, replies, forms, actions, sessions, repeats, persistence, endings)

#: Every behaviour by its name.
BEHAVIOURS: dict[str, Behaviour] = {one.name: one for one in chain.from_iterable(theme.BEHAVIOURS for theme in _THEMES)}


def behaviour(name: str, *, fair: bool | None = None) -> Behaviour:
    """The behaviour of that name, a fair or a wrong one where ``fair`` says which. Raises UnknownBehaviour."""
    found = BEHAVIOURS.get(name)
    if found is not None and fair in (None, found.is_fair):
        return found
    names = ", ".join(sorted(one.name for one in BEHAVIOURS.values() if fair in (None, one.is_fair)))
    if found is None:
        raise UnknownBehaviour(f"no behaviour is named {name!r}; there are: {names}")
    kind, other = ("a fair", "a wrong") if found.is_fair else ("a wrong", "a fair")
    raise UnknownBehaviour(f"{name!r} is {kind} behaviour, and {other} one is wanted; there are: {names}")
