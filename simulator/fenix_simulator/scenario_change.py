"""A scenario with what the command line says in the place of what the file says."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import ValidationError

from fenix_simulator.domain.rules import Behaviour, Default, Dialect
from fenix_simulator.scenario import Scenario
from fenix_simulator.scenario_inventory import GeneratedInventory


def resized(
    scenario: Scenario,
    *,
    seed: int | None = None,
    hosts: int | None = None,
    projects: int | None = None,
    instances: int | None = None,
) -> Scenario:
    """The scenario with another seed, or another cloud of the same kind; ``instances`` is their number in all.

    Hosts grow where their vCPUs would no longer suffice. Raises ValueError where the numbers do not fit.
    """
    seed = scenario.seed if seed is None else seed
    sizes = {"hosts": hosts, "projects": projects}
    given = {name: size for name, size in sizes.items() if size is not None}
    inventory = scenario.inventory
    if given or instances is not None:
        if not isinstance(inventory, GeneratedInventory):
            raise ValueError("the scenario lists its hosts and instances one by one: their numbers cannot be changed")
        if instances is not None:
            given["instances_per_project"] = -(-instances // given.get("projects", inventory.projects))
        try:
            inventory = GeneratedInventory.model_validate({**inventory.model_dump(), **given})
        except ValidationError as error:
            raise ValueError("; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())) from None
        if any(inventory.problems(seed)):
            inventory = inventory.model_copy(update={"vcpus": None})
    changed = scenario.model_copy(update={"seed": seed, "inventory": inventory})
    for place, message, *_ in changed.problems():
        raise ValueError(f"{'.'.join(map(str, place))}: {message}")
    return changed


def changed(
    scenario: Scenario,
    *,
    behaviour: str | None = None,
    dialect: str | None = None,
    default: str | None = None,
    reply_window: timedelta | None = None,
) -> Scenario:
    """The scenario with other manners; ``reply_window`` is for every state."""
    update: dict[str, Any] = {}
    if behaviour is not None:
        update["behaviour"] = Behaviour(behaviour)
    if dialect is not None:
        update["dialect"] = Dialect(dialect)
    if default is not None:
        update["projects"] = scenario.projects.model_copy(update={"default": Default(default)})
    if reply_window is not None:
        update["timing"] = scenario.timing.model_copy(update={"reply_window": reply_window, "windows": {}})
    return scenario.model_copy(update=update)
