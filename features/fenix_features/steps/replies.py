"""When managers reply, or steps in their name; Then, what became of the replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_bdd import parsers, then, when

from fenix_contract.vocabulary import Action, AlarmState, ReplyPrefix, State
from fenix_features.managers import Hold
from fenix_features.record import events, listed, replies
from fenix_features.stage import Stage
from fenix_vnfm import EventKind

_ACK = ReplyPrefix.ACK


@when(parsers.parse("the {project:w} manager has replied to {state:w}"))
def has_replied(stage: Stage, project: str, state: str) -> None:
    stage.manager(project).wait_for(
        lambda event: event.kind is EventKind.REPLY and event.state == state and event.session_id == stage.session_id,
        stage.patience,
    )


@when(parsers.parse("the {project:w} manager sends the reply that it held back"))
@when(parsers.parse("the {project:w} manager goes on"))
def lets_go(stage: Stage, project: str) -> None:
    stage.part(project).release_all()


@when(parsers.parse("{project:w} sends its reply to {state:w} again"))
def sends_again(stage: Stage, project: str, state: str) -> None:
    """The same body to the same place; a session that goes on meanwhile cannot make it another reply."""
    sent = next(iter(events(stage.manager(project), EventKind.REPLY, stage.session_id, state)))
    stage.send(project, sent.detail["reply"])


@when(parsers.parse("{project:w} sends {reply_state:w} by hand"))
def sends_by_hand(stage: Stage, project: str, reply_state: str) -> None:
    stage.send(project, {"state": reply_state})


@when(parsers.parse("{project:w} sends a reply that names the instances of {other:w} as well"))
def sends_for_others(stage: Stage, project: str, other: str) -> None:
    others = stage.wait_until(
        lambda: listed(stage.manager(other), stage.session_id, State.MAINTENANCE), f"{other} to fetch its list"
    )
    reply = _held_reply(stage, project)
    stage.send(project, _with_actions(reply, dict.fromkeys(others[0], Action.MIGRATE)))


@when(parsers.re(r"(?P<project>\w+) sends a reply that (?P<mistake>(?!names the instances).+)"))
def sends_wrong(stage: Stage, project: str, mistake: str) -> None:
    stage.send(project, _MISTAKES[mistake](stage, _held_reply(stage, project)))


@then("it is answered 200")
def answered_200(stage: Stage) -> None:
    exchange = stage.by_hand[-1].exchange
    assert exchange.status == 200, exchange


@then(parsers.parse("it is refused with {status:d}, and told what was awaited"))
def refused_by_hand(stage: Stage, status: int) -> None:
    """By a problem document that says what is wrong and what would have worked."""
    exchange = stage.by_hand[-1].exchange
    problem = exchange.json()
    assert exchange.status == status, (exchange, problem)
    assert exchange.headers["content-type"].startswith("application/problem+json")
    assert problem["detail"]
    assert problem["expected"], problem


@then(parsers.parse("the reply of the {project:w} manager to {state:w} is refused with {status:d}"))
def refused(stage: Stage, project: str, state: str, status: int) -> None:
    event = stage.manager(project).wait_for(
        lambda event: event.kind is EventKind.REFUSED and event.state == state, stage.patience
    )
    assert event.detail["status"] == status, event


@then("every reply was taken")
def every_reply_taken(stage: Stage) -> None:
    """As many as alarms that asked, each answered 200."""
    for name in stage.managed_names():
        asked = [alarm for alarm in stage.heard(name) if alarm.state != AlarmState.INSTANCE_ACTION_DONE]
        manager = stage.manager(name)
        stage.wait_until(
            lambda manager=manager, count=len(asked): len(list(replies(manager, stage.session_id))) >= count,  # type: ignore[misc]
            f"{len(asked)} replies of {name} to be taken",
        )
        taken = events(manager, EventKind.REPLY, stage.session_id)
        assert [event.state for event in taken] == [alarm.state for alarm in asked]
        assert {event.detail["status"] for event in taken} == {200}


@then("every reply was taken before its alarm's reply_at")
def taken_in_time(stage: Stage) -> None:
    for manager in stage.managers:
        taken = events(manager, EventKind.REPLY, stage.session_id)
        assert taken
        for event in taken:
            margin = event.detail["margin"]
            assert margin is not None, f"the reply_at of {event.state} had passed when the alarm came"
            assert margin >= 0, event


@then("nobody replied to INSTANCE_ACTION_DONE")
def nobody_replied_to_reports(stage: Stage) -> None:
    for manager in stage.managers:
        states = {reply["state"] for reply in replies(manager, stage.session_id)}
        assert _ACK + AlarmState.INSTANCE_ACTION_DONE not in states


@then(parsers.parse("the {project:w} manager replied to {state:w} once"))
def replied_once(stage: Stage, project: str, state: str) -> None:
    """It sent one reply that was taken, and no other. The session may be over before the manager has the answer."""
    manager = stage.manager(project)

    def outcomes() -> list[EventKind]:
        kinds = (EventKind.REPLY, EventKind.REFUSED, EventKind.GAVE_UP)
        return [event.kind for kind in kinds for event in events(manager, kind, stage.session_id, state)]

    assert stage.wait_until(outcomes, f"an answer to the reply of {project} to {state}") == [EventKind.REPLY]


@then("every reply went to the session that had asked")
def replies_kept_apart(stage: Stage) -> None:
    for manager in stage.managers:
        for session_id in stage.sessions:
            taken = events(manager, EventKind.REPLY, session_id)
            assert taken
            for event in taken:
                assert session_id in event.detail["url"], event
        assert not [event for event in manager.events if event.kind is EventKind.REFUSED]


@then(parsers.parse("{project:w} chose {action:w} wherever its alarms allowed it"))
def chose_where_allowed(stage: Stage, project: str, action: str) -> None:
    allowed = [
        action in alarm.message.allowed_actions
        for alarm in stage.heard(project)
        if alarm.message is not None and alarm.message.allowed_actions
    ]
    chosen = [
        set(reply["instance_actions"].values()) == {action}
        for reply in replies(stage.manager(project), stage.session_id)
        if reply.get("instance_actions")
    ]
    assert allowed
    assert chosen == allowed


def _held_reply(stage: Stage, project: str) -> Mapping[str, Any]:
    """The reply that the manager is about to send."""
    reached: list[Hold] = [hold for hold in stage.part(project).holds if hold.reply is not None]
    assert reached, f"the {project} manager holds no reply back"
    assert reached[-1].reply is not None
    return reached[-1].reply


def _with_actions(reply: Mapping[str, Any], more: Mapping[str, str]) -> dict[str, Any]:
    return {**reply, "instance_actions": {**reply["instance_actions"], **more}}


def _without_one(reply: Mapping[str, Any]) -> dict[str, Any]:
    actions = dict(reply["instance_actions"])
    actions.popitem()
    return {**reply, "instance_actions": actions}


def _one_of(stage: Stage, project: str) -> dict[str, str]:
    instance = stage.control.instances(stage.project_id(project))[0]
    return {instance.instance_id: Action.MIGRATE}


#: What can be wrong with a reply to PLANNED_MAINTENANCE: words of the feature → the body, made from the right one.
_MISTAKES: Mapping[str, Callable[[Stage, Mapping[str, Any]], object]] = {
    "acknowledges MAINTENANCE once more": lambda _, __: {"state": _ACK + State.MAINTENANCE},
    "acknowledges SCALE_IN": lambda _, __: {"state": _ACK + State.SCALE_IN},
    "names the bare state": lambda _, right: {**right, "state": str(State.PLANNED_MAINTENANCE)},
    "names no actions": lambda _, right: {"state": right["state"]},
    "leaves a listed instance out": lambda _, right: _without_one(right),
    "names an instance of IMS": lambda stage, right: _with_actions(right, _one_of(stage, "IMS")),
    "names an instance that nobody has": lambda _, right: _with_actions(right, {"nobody-1": Action.MIGRATE}),
    "chooses the action REBOOT": lambda _, right: {
        **right,
        "instance_actions": dict.fromkeys(right["instance_actions"], "REBOOT"),
    },
    "is not JSON": lambda _, right: f"state={right['state']}".encode(),
}
