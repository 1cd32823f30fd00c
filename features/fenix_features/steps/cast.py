"""Given: the projects' managers, and in what each differs from one that acknowledges everything."""

from __future__ import annotations

from pytest_bdd import given, parsers

from fenix_contract.vocabulary import Action
from fenix_features.managers import Point
from fenix_features.stage import Stage
from fenix_vnfm import Policy

#: More instances than any project has: as a minimum it means that none can be spared.
_ALL_NEEDED = 1_000_000
#: A share so small that one instance is enough for it.
_SMALLEST_SHARE = 0.01


@given("every project has a manager that acknowledges everything")
def everybody_acknowledges(stage: Stage) -> None:
    for part in stage.cast.values():
        part.policy = Policy()


@given(parsers.parse("{project:w} has no manager"))
def no_manager(stage: Stage, project: str) -> None:
    stage.part(project).is_managed = False


@given(parsers.parse("the {project:w} manager answers {state:w} with NACK"))
def refuses(stage: Stage, project: str, state: str) -> None:
    stage.wish(project, nack=frozenset({state}))


@given(parsers.parse("the {project:w} manager leaves {state:w} unanswered"))
def is_silent(stage: Stage, project: str, state: str) -> None:
    stage.wish(project, silent=frozenset({state}))


@given(parsers.re(r"the (?P<project>\w+) manager chooses (?P<action>\w+)"))
def chooses(stage: Stage, project: str, action: str) -> None:
    stage.wish(project, action=Action(action))


@given(parsers.parse("the {project:w} manager chooses OWN_ACTION and then moves nothing"))
def breaks_its_word(stage: Stage, project: str) -> None:
    stage.wish(project, action=Action.OWN_ACTION)
    stage.part(project).moves_its_own = False


@given("every manager gives up one instance at each SCALE_IN")
def gives_up_one(stage: Stage) -> None:
    for name in stage.cast:
        stage.wish(name, scale_in_share=_SMALLEST_SHARE)


@given("every manager gives up nothing at SCALE_IN")
def gives_up_nothing(stage: Stage) -> None:
    for name in stage.cast:
        stage.wish(name, scale_in_minimum=_ALL_NEEDED)


@given(parsers.parse("the {project:w} manager refuses SCALE_IN because it can spare nothing"))
def refuses_to_scale_in(stage: Stage, project: str) -> None:
    stage.wish(project, scale_in_minimum=_ALL_NEEDED, nack_when_unable=True)


@given("every manager answers an alarm only after its own requests")
def answers_afterwards(stage: Stage) -> None:
    for name in stage.cast:
        stage.wish(name, inline=True)


@given(parsers.parse("the {project:w} manager holds back its reply to {state:w}"))
def holds_back(stage: Stage, project: str, state: str) -> None:
    """To its next alarm for the state; it has fetched the list by then."""
    stage.part(project).hold(state, Point.REPLY)


@given(parsers.parse("the {project:w} manager is slow to take up {state:w}"))
def is_slow(stage: Stage, project: str, state: str) -> None:
    """Its next alarm for the state lies about; nothing is fetched yet."""
    stage.part(project).hold(state, Point.ALARM)
