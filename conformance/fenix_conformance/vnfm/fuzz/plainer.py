"""Plainer versions of a scenario document: one thing less, or one number smaller, the weightiest first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fenix_conformance.vnfm.fuzz.drawing import Document, fitted, has_a_way_out

#: The plainest value of each member of an inventory, in the order in which it is tried.
_PLAINEST = (("ids", None), ("spare_hosts", 1), ("projects", 1), ("instances_per_project", 1), ("hosts", 2))


def plainer(document: Document) -> Iterator[Document]:
    """Documents that differ from this one in one thing that they have less of. All of them are valid."""
    for member in ("sessions", "base_path"):
        if member in document:
            yield {name: value for name, value in document.items() if name != member}
    faults = document.get("faults", [])
    for position in range(len(faults)):
        yield _with_faults(document, [*faults[:position], *faults[position + 1 :]])
    for name, plain in _PLAINEST:
        if (name, "sessions" in document) != ("hosts", True):  # the sessions name hosts by their numbers
            yield from _with_less(document, name, plain)
    if document["seed"] != 1:
        yield {**document, "seed": 1}
    for position, fault in enumerate(faults):
        for simpler in _simpler(fault):
            yield _with_faults(document, [*faults[:position], simpler, *faults[position + 1 :]])


def _with_less(document: Document, name: str, plain: int | None) -> Iterator[Document]:
    inventory = document["inventory"]
    if inventory.get(name) == plain:
        return
    values = [plain] if plain is None or name == "spare_hosts" else [plain, inventory[name] - 1]
    for value in dict.fromkeys(values):
        changed = {member: told for member, told in {**inventory, name: value}.items() if told is not None}
        refitted = fitted(changed)
        if has_a_way_out(refitted):
            yield {**document, "inventory": refitted}


def _with_faults(document: Document, faults: list[Any]) -> Document:
    rest = {name: value for name, value in document.items() if name != "faults"}
    return {**rest, "faults": faults} if faults else rest


def _simpler(fault: dict[str, Any]) -> Iterator[dict[str, Any]]:
    when, then = fault["when"], fault["then"]
    if fault.get("times", 1) > 1:
        yield {**fault, "times": 1}
    if when.get("nth", 1) > 1:
        yield {**fault, "when": {**when, "nth": 1}}
    for name in ("duplicate", "hold_back"):
        if then.get(name, 1) > 1:
            yield {**fault, "then": {**then, name: 1}}
