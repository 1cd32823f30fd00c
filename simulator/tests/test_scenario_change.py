"""What the command line puts in the place of a scenario's members: ids, windows, the path before the API."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_simulator.alarms import AlarmBuilder
from fenix_simulator.scenario import Scenario, ScenarioError, load, loads
from fenix_simulator.scenario_change import changed, resized
from fenix_simulator.scenario_types import MAX_BASE_PATH, parse_base_path

GENERATED = "version: 1\ninventory: {hosts: 4, projects: 3, instances_per_project: 2}\n"
LISTED = """
version: 1
inventory:
  hosts: [{name: h, vcpus: 8}]
  projects: [{name: first, project_id: one}, {name: second}]
  instances:
    - {name: a, project: first, host: h, vcpus: 1}
    - {name: b, project: 2, host: h, vcpus: 1}
"""
ID = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}", fullmatch=True).filter(lambda one: one != "admin")


def _read(text: str) -> Scenario:
    return loads(text.encode(), "mine.yaml")


def _ids(scenario: Scenario) -> list[str]:
    return [project.project_id for project in scenario.build_inventory().projects]


# -- projects' ids ---------------------------------------------------------------------------------------------------


@given(st.lists(ID, min_size=1, max_size=3, unique=True))
def test_the_first_projects_have_the_ids_that_are_given(ids: list[str]) -> None:
    """Everything else about the cloud stays: names, hosts, instances, and the ids of the other projects."""
    plain = _read(GENERATED)
    given_ids = resized(plain, project_ids=ids)
    before, after = plain.build_inventory(), given_ids.build_inventory()
    assert _ids(given_ids) == [*ids, *_ids(plain)[len(ids) :]]
    assert [project.name for project in after.projects] == [project.name for project in before.projects]
    assert after.hosts == before.hosts
    assert [one.instance_id for one in after.instances] == [one.instance_id for one in before.instances]
    assert {one.project_id for one in after.instances} == set(_ids(given_ids))


def test_ids_are_members_of_the_scenario_too() -> None:
    """So a journal knows them, and a saved scenario is the whole of it."""
    scenario = _read(GENERATED.replace("2}", "2, project_ids: [mine]}"))
    assert scenario == resized(_read(GENERATED), project_ids=["mine"])
    assert loads(scenario.model_dump_json().encode(), "mine.yaml") == scenario
    assert scenario.managers(scenario.build_inventory().projects)["mine"]


def test_a_listed_project_gets_another_id() -> None:
    scenario = resized(_read(LISTED), project_ids=["mine", "other"])
    assert _ids(scenario) == ["mine", "other"]
    assert [one.project_id for one in scenario.build_inventory().instances] == ["mine", "other"]
    assert _ids(resized(_read(LISTED), project_ids=["mine"]))[0] == "mine"


def test_sizes_and_ids_go_together() -> None:
    assert _ids(resized(_read(GENERATED), projects=4, seed=9, project_ids=list("abcd"))) == list("abcd")


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (["a", "b", "a"], "inventory.project_ids.2: 'a' is the id of project 1 already"),
        (["a", "b", "c", "d"], "4 ids are too many: there are 3 projects"),
        (["a/b"], "project_ids.0: 'a/b' is no id of a project: at most 128 letters, digits"),
        ([""], "'' is no id of a project"),
        (["-a"], "is no id of a project"),
        (["ä"], "is no id of a project"),
        (["a\n"], "is no id of a project"),
        (["a" * 129], "is no id of a project"),
        (["admin"], "'admin' is how alarms name the administrator"),
    ],
)
def test_wrong_ids_are_one_line(ids: list[str], said: str) -> None:
    with pytest.raises(ValueError, match="id") as caught:
        resized(_read(GENERATED), project_ids=ids)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_id_of_another_project_is_refused() -> None:
    """Of the seed's ids, too: project 1 cannot have the one of project 2."""
    plain = _read(GENERATED)
    with pytest.raises(ValueError, match="is the id of project 2 already"):
        resized(plain, project_ids=[_ids(plain)[1]])
    assert _ids(resized(plain, project_ids=_ids(plain)[:2])) == _ids(plain)
    with pytest.raises(ValueError, match="is there twice"):
        resized(_read(LISTED), project_ids=["x", "x"])
    with pytest.raises(ValueError, match="3 ids are too many: the scenario lists 2 projects"):
        resized(_read(LISTED), project_ids=["x", "y", "z"])


@pytest.mark.parametrize(
    ("member", "said"),
    [
        ("project_ids: [1]", "project_ids[0]: must be text, not 1: put it in quotes"),
        ("project_ids: [null]", "project_ids[0]: must be text, not null"),
        ("project_ids: one", "project_ids: must be a list, not 'one'"),
        ("project_ids: [a, a]", "project_ids[1]: 'a' is the id of project 1 already"),
    ],
)
def test_wrong_ids_in_a_file_are_one_line_with_its_place(member: str, said: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        _read(GENERATED.replace("2}", f"2, {member}}}"))
    assert str(caught.value) == f"mine.yaml:2: inventory.{said}"


# -- the path before the API -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/a", "/maintenance/7f3a", "/v1", "/a.b/~c/_d-e", "/" + "x" * (MAX_BASE_PATH - 1)])
def test_a_path_is_taken_as_it_is(path: str) -> None:
    assert changed(load("happy-path"), base_path=path).base_path == path
    assert _read(f"{GENERATED}base_path: {path}\n").base_path == path


@pytest.mark.parametrize(
    "path",
    ["", "/", "a", "a/b", "/a/", "//a", "/a//b", "/a?b=c", "/a#b", "/a b", "/ä", "/../a", "/a/.", "/%41", "/a\n"],
)
def test_what_is_no_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="is no path like /maintenance/7f3a") as caught:
        changed(load("happy-path"), base_path=path)
    assert "\n" not in str(caught.value)


def test_a_path_that_is_too_long_is_refused() -> None:
    with pytest.raises(ScenarioError, match=r"mine\.yaml:3: base_path: must not be longer than 48 characters"):
        _read(f"{GENERATED}base_path: /{'x' * MAX_BASE_PATH}\n")
    with pytest.raises(ScenarioError, match=r"base_path: must be a path like /maintenance/7f3a, not 7"):
        _read(f"{GENERATED}base_path: 7\n")


@given(ID, st.from_regex(r"(/[A-Za-z0-9_~-]{1,20})+", fullmatch=True).filter(lambda path: len(path) <= MAX_BASE_PATH))
def test_every_good_path_and_id_fit_into_a_trait(project_id: str, path: str) -> None:
    namespace = uuid.uuid5(uuid.NAMESPACE_URL, "urn:test")
    builder = AlarmBuilder(f"http://127.0.0.1:65535{parse_base_path(path)}", namespace=namespace)
    builder.check(str(namespace), project_id)
    assert builder.project_url("s", "p") == f"http://127.0.0.1:65535{path}/v1/maintenance/s/p"


# -- windows ---------------------------------------------------------------------------------------------------------


def test_the_window_of_own_actions_is_one_of_its_own() -> None:
    scenario = load("own-action")
    both = changed(scenario, own_action_window=timedelta(seconds=3), reply_window=timedelta(seconds=5))
    assert both.rules().own_action_window == timedelta(seconds=3)
    assert set(both.rules().windows.values()) == {timedelta(seconds=5)}
    alone = changed(scenario, own_action_window=timedelta(seconds=3))
    assert alone.rules().windows == scenario.rules().windows
    assert changed(scenario) == scenario
