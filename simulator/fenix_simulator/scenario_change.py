"""A scenario with what the command line says in the place of what the file says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import ValidationError

from fenix_simulator.domain.rules import Behaviour, Default, Dialect
from fenix_simulator.scenario import Scenario
from fenix_simulator.scenario_inventory import AnyInventory, GeneratedInventory, ListedInventory
from fenix_simulator.scenario_types import parse_base_path

_Inventory = TypeVar("_Inventory", GeneratedInventory, ListedInventory)


def resized(
    scenario: Scenario,
    *,
    seed: int | None = None,
    hosts: int | None = None,
    projects: int | None = None,
    instances: int | None = None,
    project_ids: Sequence[str] = (),
) -> Scenario:
    """The scenario with another seed, or another cloud of the same kind; ``instances`` is their number in all.

    Hosts grow where their vCPUs would no longer suffice. ``project_ids`` are the first projects' ids, in their order.
    Raises ValueError where the numbers do not fit, or an id.
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
        inventory = _checked(inventory, given)
        if any(inventory.problems(seed)):
            inventory = inventory.model_copy(update={"vcpus": None})
    if project_ids:
        inventory = _identified(inventory, project_ids)
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
    own_action_window: timedelta | None = None,
    base_path: str | None = None,
) -> Scenario:
    """The scenario with other manners; ``reply_window`` is for every state. ValueError for a ``base_path`` that is
    none."""
    update: dict[str, Any] = {}
    if behaviour is not None:
        update["behaviour"] = Behaviour(behaviour)
    if dialect is not None:
        update["dialect"] = Dialect(dialect)
    if default is not None:
        update["projects"] = scenario.projects.model_copy(update={"default": Default(default)})
    timing: dict[str, Any] = {}
    if reply_window is not None:
        timing |= {"reply_window": reply_window, "windows": {}}
    if own_action_window is not None:
        timing["own_action_window"] = own_action_window
    if timing:
        update["timing"] = scenario.timing.model_copy(update=timing)
    if base_path is not None:
        update["base_path"] = parse_base_path(base_path)
    return scenario.model_copy(update=update)


def _identified(inventory: AnyInventory, project_ids: Sequence[str]) -> AnyInventory:
    if not isinstance(inventory, ListedInventory):
        return _checked(inventory, {"project_ids": tuple(project_ids)})
    listed = inventory.projects
    if len(project_ids) > len(listed):
        raise ValueError(f"{len(project_ids)} ids are too many: the scenario lists {len(listed)} projects")
    named = [{**one.model_dump(), "project_id": given} for one, given in zip(listed, project_ids, strict=False)]
    return _checked(inventory, {"projects": (*named, *(one.model_dump() for one in listed[len(named) :]))})


def _checked(inventory: _Inventory, given: Mapping[str, Any]) -> _Inventory:
    """The inventory with these members; ValueError where one does not fit."""
    try:
        return inventory.model_validate({**inventory.model_dump(), **given})
    except ValidationError as error:
        said = [(".".join(map(str, one["loc"])), one.get("ctx", {}).get("error", one["msg"])) for one in error.errors()]
        raise ValueError("; ".join(f"{place}: {sentence}" for place, sentence in said)) from None
