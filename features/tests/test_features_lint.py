"""The feature files themselves: titles, tags and steps."""

from __future__ import annotations

import ast
import importlib
import inspect
from collections import Counter
from importlib.util import find_spec
from pathlib import Path
from types import FunctionType

import pytest
import yaml
from pytest_bdd.parser import Step
from pytest_bdd.steps import StepFunctionContext, step_function_context_registry

import fenix_features
from fenix_features.catalogue import Entry, catalogue
from fenix_features.steps import MODULES
from fenix_features.tags import NEEDS, REQUIREMENTS, SERVER, TWO_PROJECTS, VNFM

SCENARIOS = list(catalogue())
SOURCES = sorted(Path(fenix_features.__file__).parent.rglob("*.py"))

#: Steps that lay out a cloud where there is one to lay out, and leave another server's as it is.
PORTABLE = {"cloud_with_spare_host", "shortest_reply_window"}


def contexts() -> list[StepFunctionContext]:
    """Every step definition of the flows."""
    for name in MODULES:
        importlib.import_module(name)
    return [one for one in step_function_context_registry.values() if one.step_func.__module__ in MODULES]


def definitions_of(step: Step) -> list[StepFunctionContext]:
    """The definitions that a step of a feature file matches."""
    return [one for one in contexts() if one.type in (None, step.type) and one.parser.is_matching(step.name)]


def names_used(scenario: Entry) -> set[str]:
    """The names in the code of the scenario's steps, but for those of the portable ones."""
    used: set[str] = set()
    for step in scenario.steps:
        for one in definitions_of(step):
            function = one.step_func
            if isinstance(function, FunctionType) and function.__name__ not in PORTABLE:
                used |= set(function.__code__.co_names)
    return used


def by_title(scenario: Entry) -> str:
    return scenario.title


def test_there_are_scenarios() -> None:
    assert len(SCENARIOS) > 40


def test_titles_are_unique() -> None:
    twice = [title for title, count in Counter(scenario.title for scenario in SCENARIOS).items() if count > 1]
    assert not twice


@pytest.mark.parametrize("scenario", SCENARIOS, ids=by_title)
def test_a_scenario_names_the_requirements_that_it_is_about(scenario: Entry) -> None:
    assert scenario.tags & REQUIREMENTS


@pytest.mark.parametrize("scenario", SCENARIOS, ids=by_title)
def test_every_tag_is_known(scenario: Entry) -> None:
    assert scenario.tags <= REQUIREMENTS | set(NEEDS) | {TWO_PROJECTS}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=by_title)
def test_every_step_is_defined_once(scenario: Entry) -> None:
    for step in scenario.steps:
        found = [one.step_func.__name__ for one in definitions_of(step)]
        assert len(found) == 1, f"{step.keyword} {step.name}: {found}"


def test_the_requirements_are_those_of_the_conformance_suite() -> None:
    """Read as the data that they are: the suite's code is not imported here."""
    spec = find_spec("fenix_conformance")
    assert spec is not None
    assert spec.origin is not None
    rows = yaml.safe_load(Path(spec.origin).with_name("requirements.yaml").read_text("utf-8"))
    assert {row["id"] for row in rows if row["role"] == "server"} == SERVER
    assert {row["id"] for row in rows if row["role"] == "vnfm"} == VNFM


def test_every_step_definition_is_used() -> None:
    used = {id(one) for scenario in SCENARIOS for step in scenario.steps for one in definitions_of(step)}
    unused = [f"{one.step_func.__module__}.{one.step_func.__name__}" for one in contexts() if id(one) not in used]
    assert not unused


def test_no_step_is_asynchronous() -> None:
    assert not [one.step_func.__name__ for one in contexts() if inspect.iscoroutinefunction(one.step_func)]


@pytest.mark.parametrize("scenario", SCENARIOS, ids=by_title)
def test_a_scenario_says_what_it_needs_beside_a_fenix_server(scenario: Entry) -> None:
    """By its tags: they decide whether it is played on a server of somebody else's."""
    used = names_used(scenario)
    promised = any("OWN_ACTION" in step.name for step in scenario.steps)
    assert ("plan" in used) == ("own-cloud" in scenario.tags)
    assert not ({"control", "reason"} & used or promised) or "control-api" in scenario.tags
    assert ("server" in used) == ("restart" in scenario.tags)
    if "own-cloud" not in scenario.tags:
        assert any("IMS" in step.name for step in scenario.steps) <= (TWO_PROJECTS in scenario.tags)


def test_nothing_sleeps() -> None:
    """Waits end with what they wait for."""
    for source in SOURCES:
        names = [node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Attribute)]
        assert "sleep" not in {node.attr for node in names}, source


def test_the_flows_speak_http_to_the_server() -> None:
    """They import neither the simulator nor the conformance suite, whose errors they would share."""
    for source in SOURCES:
        imported = {
            name
            for node in ast.walk(ast.parse(source.read_text()))
            for name in (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
        }
        own = {name.partition(".")[0] for name in imported if name.startswith("fenix_")}
        assert own <= {"fenix_features", "fenix_contract", "fenix_vnfm"}, source
