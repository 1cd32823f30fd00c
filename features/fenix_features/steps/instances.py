"""When instances are re-created; Then, which instances were listed, asked about, moved and given up."""

from __future__ import annotations

from collections.abc import Sequence

from pytest_bdd import parsers, then, when

from fenix_contract.vocabulary import ACTION_STATES, State
from fenix_features.record import asked_about, events, listed, replies, reported, to_be_moved
from fenix_features.stage import Stage
from fenix_vnfm import EventKind, ManagerEvent


@when(parsers.parse("{project:w} re-creates an instance of the host that is to be emptied"))
def recreates(stage: Stage, project: str) -> None:
    """Removes it, and adds one like it under another id."""
    host = stage.control.session(stage.session_id)["current_host"]
    project_id = stage.project_id(project)
    before = stage.control.instances(project_id)
    old = next(instance for instance in before if instance.host == host)
    stage.control.cloud.remove(old.instance_id)
    stage.control.cloud.add(project_id, name=old.name, vcpus=old.vcpus)
    known = {instance.instance_id for instance in before}
    (new,) = (one for one in stage.control.instances(project_id) if one.instance_id not in known)
    stage.recreated = old.instance_id, new.instance_id


@then(parsers.parse("every instance that {state:w} listed was asked about"))
def all_asked_about(stage: Stage, state: str) -> None:
    for manager in stage.managers:
        (ids,) = listed(manager, stage.session_id, state)
        assert ids, "the project has no instances"
        assert set(ids) <= set(asked_about(manager, stage.session_id))


@then(parsers.parse("no instance was asked about twice in {state:w}"))
def asked_about_once(stage: Stage, state: str) -> None:
    for manager in stage.managers:
        twice = {one: count for one, count in asked_about(manager, stage.session_id, state).items() if count > 1}
        assert not twice


@then(parsers.parse("the instances that {first:w} moved were asked about again in {second:w}"))
def asked_about_again(stage: Stage, first: str, second: str) -> None:
    for manager in stage.managers:
        moved = set(asked_about(manager, stage.session_id, first))
        assert moved
        assert moved <= set(asked_about(manager, stage.session_id, second))


@then("every manager fetched a list for each alarm that asked it")
def fetched_for_each(stage: Stage) -> None:
    for manager in stage.managers:
        asked = [event.state for event in events(manager, EventKind.ALARM, stage.session_id)]
        fetched = [event.state for event in events(manager, EventKind.LIST, stage.session_id)]
        assert fetched == asked


@then(
    parsers.re(
        r"(?P<one>\w+) was asked about (?P<ones>\d+) instances in (?P<state>\w+), (?P<other>\w+) about (?P<others>\d+)"
    )
)
def asked_about_so_many(stage: Stage, one: str, ones: str, state: str, other: str, others: str) -> None:
    for project, count in ((one, ones), (other, others)):
        assert asked_about(stage.manager(project), stage.session_id, state).total() == int(count)


@then(parsers.re(r"no list of (?P<project>\w+) had an instance of (?P<other>\w+)(?P<rest>, .+)?"))
def lists_are_apart(stage: Stage, project: str, other: str) -> None:
    own, foreign = _ever_listed(stage, project), _ever_listed(stage, other)
    assert own
    assert foreign
    assert not own & foreign


@then("neither the instance that is gone nor the new one was asked about")
def recreated_not_asked_about(stage: Stage) -> None:
    for manager in stage.managers:
        assert not set(stage.recreated) & set(asked_about(manager, stage.session_id))


@then("the instance that is gone was not reported INSTANCE_ACTION_DONE")
def gone_not_reported(stage: Stage) -> None:
    for manager in stage.managers:
        assert stage.recreated[0] not in reported(stage.heard_by(manager))


@then(parsers.parse("no instance of {project:w} is moved unless {project_too:w} has replied so"))
def not_moved_without_reply(stage: Stage, project: str, project_too: str) -> None:
    """Not while its manager is held, nor when everybody goes on and the session comes to its end."""
    assert project == project_too
    manager = stage.manager(project)
    stage.stay_quiet()
    assert reported(stage.heard(project)) <= to_be_moved(manager, stage.session_id)
    for part in stage.cast.values():
        part.release_all()
    stage.wait_for_end(stage.session_id)
    assert reported(stage.heard(project)) <= to_be_moved(manager, stage.session_id)


@then(parsers.parse("nobody but {project:w} was told of a move of an instance of {project_too:w}"))
def moves_told_to_owner(stage: Stage, project: str, project_too: str) -> None:
    assert project == project_too
    own = _ever_listed(stage, project)
    assert own
    for name in stage.managed_names():
        if name != project:
            assert not own & set(reported(stage.heard(name)))


@then(parsers.parse("{project:w} moved its {count:d} instances itself"))
def moved_itself(stage: Stage, project: str, count: int) -> None:
    """Each at least once: in one that PREPARE moved it is asked about again."""
    moved = [
        instance
        for event in events(stage.manager(project), EventKind.OWN_ACTION, stage.session_id)
        for instance in event.detail["instance_ids"]
    ]
    assert len(set(moved)) == count, moved
    asked = [
        instance
        for reply in replies(stage.manager(project), stage.session_id)
        for instance in reply.get("instance_actions") or {}
    ]
    assert sorted(moved) == sorted(asked)


@then(parsers.re(r"every manager gave up (?P<count>\d+) instances"))
def gave_up_so_many(stage: Stage, count: str) -> None:
    for manager in stage.managers:
        given = _names(events(manager, EventKind.SCALE_IN, stage.session_id))
        assert len(given) == int(count), given


@then("every manager added again what it gave up")
def added_again(stage: Stage) -> None:
    for manager in stage.managers:
        given = _names(events(manager, EventKind.SCALE_IN, stage.session_id))
        assert given
        event = manager.wait_for(lambda event: event.kind is EventKind.SCALE_OUT, stage.patience)
        assert sorted(event.detail["names"]) == sorted(given)


@then("no instance that was given up was asked about")
def given_up_not_asked_about(stage: Stage) -> None:
    for manager in stage.managers:
        given = {
            instance
            for event in events(manager, EventKind.SCALE_IN, stage.session_id)
            for instance in event.detail["instance_ids"]
        }
        assert given
        assert not given & set(asked_about(manager, stage.session_id))


def _ever_listed(stage: Stage, project: str) -> set[str]:
    """What the project's lists had; one without a manager has what the cloud says."""
    if stage.part(project).is_managed:
        states = (State.MAINTENANCE, State.SCALE_IN, *ACTION_STATES, State.MAINTENANCE_COMPLETE)
        return {one for ids in listed(stage.manager(project), stage.session_id, *states) for one in ids}
    return {instance.instance_id for instance in stage.control.instances(stage.project_id(project))}


def _names(found: Sequence[ManagerEvent]) -> list[str]:
    return [name for event in found for name in event.detail["names"]]
