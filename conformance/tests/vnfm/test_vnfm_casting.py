"""Which project is the VNFM's, and how the suite plays the others."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fenix_conformance.vnfm.casting import Cast, Manners, cast
from fenix_conformance.vnfm.company import policy

PROJECTS = [("id-1", "web"), ("id-2", "db"), ("id-3", "core")]


def parts(*managers: dict[str, Any]) -> Cast:
    return cast({"projects": {"default": "migrate", "managers": list(managers)}}, PROJECTS)


FIRST = {
    "nobody has manners": ([], "id-1", 0),
    "all act alike": ([{"projects": "all", "action": "OWN_ACTION"}], "id-1", 0),
    "the first is silent": ([{"projects": [1], "silent": True}], "id-2", 1),
    "the first refuses, by name": ([{"projects": ["web"], "nack": "PLANNED_MAINTENANCE"}], "id-2", 1),
    "two do not take part, by id": ([{"projects": ["id-1", 2], "subscribed": False}], "id-3", 2),
    "a later one is silent": ([{"projects": [3], "silent": True}], "id-1", 0),
    "the first entry counts": ([{"projects": [1]}, {"projects": "all", "silent": True}], "id-1", 0),
    "nobody takes part": ([{"projects": "all", "subscribed": False}], "id-1", 0),
}


@pytest.mark.parametrize(("managers", "own", "position"), FIRST.values(), ids=FIRST)
def test_the_vnfm_gets_the_first_project_that_takes_part(managers, own, position):
    chosen = parts(*managers)
    assert (chosen.own, chosen.position) == (own, position)
    assert set(chosen.others) == {project for project, _ in PROJECTS} - {own}


def test_the_others_have_the_manners_that_the_scenario_says():
    chosen = parts(
        {
            "projects": [2],
            "action": "LIVE_MIGRATE",
            "nack": None,
            "silent": False,
            "subscribed": True,
            "delay": "500ms",
        },
        {"projects": ["core"], "silent": True},
    )
    assert chosen.others == {"id-2": Manners("LIVE_MIGRATE", delay="500ms"), "id-3": Manners(silent=True)}
    assert chosen.silent == {"id-3"}


def test_a_scenario_without_projects_has_no_part_for_the_vnfm():
    with pytest.raises(ValueError, match="no project"):
        cast({}, [])


def test_manners_are_a_sample_managers_policy():
    held = policy(Manners("OWN_ACTION", nack="SCALE_IN", delay="1m30s"))
    assert (held.action, held.nack, held.delay) == ("OWN_ACTION", {"SCALE_IN"}, timedelta(seconds=90))
    assert "MAINTENANCE_COMPLETE" in policy(Manners(silent=True)).silent
