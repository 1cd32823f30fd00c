"""Then: what the simulated infrastructure looks like, and what the simulator says of a session."""

from __future__ import annotations

from pytest_bdd import parsers, then

from fenix_features.clouds import PROJECTS
from fenix_features.stage import Stage


@then("every host was maintained")
def every_host_maintained(stage: Stage) -> None:
    session = stage.control.session(stage.session_id)
    assert set(session["host_states"]) == {host.name for host in stage.plan.hosts}
    assert set(session["host_states"].values()) == {"maintained"}, session["host_states"]


@then(parsers.re(r"(?P<counts>[A-Z]+ has its \d+ instances(, [A-Z]+ has its \d+ instances)*)"))
def has_its_instances(stage: Stage, counts: str) -> None:
    """Every one of them on a host that exists."""
    hosts = {host.name for host in stage.plan.hosts}
    for part in counts.split(", "):
        project, _, _, count, _ = part.split()
        assert project in PROJECTS
        instances = stage.control.instances(stage.project_id(project))
        assert len(instances) == int(count), instances
        assert {instance.host for instance in instances} <= hosts


@then(parsers.parse("at least {vcpus:d} vCPUs are free in the cloud"))
def free_vcpus(stage: Stage, vcpus: int) -> None:
    assert sum(host["free_vcpus"] for host in stage.control.hosts()) >= vcpus


@then("no instance was moved")
def nothing_moved(stage: Stage) -> None:
    assert not stage.control.journal(stage.session_id, "InstanceMoved")


@then(parsers.parse("Fenix carried out {action:w} for each of the {count:d} instances of {project:w}"))
def carried_out(stage: Stage, action: str, count: int, project: str) -> None:
    own = {instance.instance_id for instance in stage.control.instances(stage.project_id(project))}
    assert len(own) == count
    started = [one for one in stage.control.journal(stage.session_id, "ActionStarted") if one["instance_id"] in own]
    assert {one["instance_id"] for one in started} == own
    assert {one["action"] for one in started} == {action}


@then(parsers.parse("the reason names {project:w}"))
def reason_names(stage: Stage, project: str) -> None:
    assert stage.project_id(project) in stage.reason(stage.session_id)


@then("the reason says that there is no room")
def reason_no_room(stage: Stage) -> None:
    assert "no room" in stage.reason(stage.session_id)


@then("the reason says that the host was not emptied in time")
def reason_not_emptied(stage: Stage) -> None:
    assert "was not emptied in time" in stage.reason(stage.session_id)
