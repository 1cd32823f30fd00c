"""The reference server's cloud: four hosts, three projects, a dozen instances. Nothing is random."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

#: Keystone's form of an id. The last one is meant to be left without a manager where a check needs such a project.
PROJECTS = (
    "5b1f0c9e6d3a4c7f8e2d1a0b9c8d7e6f",
    "a7c3e9514f2b4d8893e6f0d1c2b3a495",
    "e04d8b6a71c24f35b9a8d7c6e5f40312",
)

# One letter per instance and project. Project A has seven, so that their ids do not fit into a trait of 255
# characters; project C is missing on host-2, so that a round passes without it.
_LAYOUTS = {
    "spare": {"host-1": "AAABC", "host-2": "AABB", "host-3": "AABC", "host-4": ""},
    "prepare": {"host-1": "AAABC", "host-2": "AABB", "host-3": "AABC", "host-4": "AB"},
    "apart": {"host-1": "AAAA", "host-2": "BBB", "host-3": "CC", "host-4": ""},
}

# Ids as other clouds form them: upper case, a slash, a colon, a dot, a space, an umlaut, and a plain number.
_OPAQUE = ("i-0ABC{0}", "web/pod-{0}", "urn:vm:{0}", "Db.{0}.Local", "instance {0}", "vä-{0}", "{0}")


@dataclass(frozen=True, slots=True)
class Inventory:
    """``hosts`` in order; ``owner`` and ``place`` map an instance id to its project and to its host."""

    hosts: tuple[str, ...]
    owner: Mapping[str, str]
    place: Mapping[str, str]


def build(layout: Literal["spare", "prepare", "apart"], *, opaque_ids: bool) -> Inventory:
    """The same inventory at every call."""
    owner: dict[str, str] = {}
    place: dict[str, str] = {}
    for host, letters in _LAYOUTS[layout].items():
        for letter in letters:
            number = len(owner)
            instance = uuid.uuid5(uuid.NAMESPACE_OID, f"reference instance {number}")
            instance_id = _OPAQUE[number % len(_OPAQUE)].format(number + 1) if opaque_ids else str(instance)
            owner[instance_id] = PROJECTS["ABC".index(letter)]
            place[instance_id] = host
    return Inventory(tuple(_LAYOUTS[layout]), owner, place)
