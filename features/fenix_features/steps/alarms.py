"""When alarms come again or out of nowhere; Then, what the alarms of a session said, and in which order."""

from __future__ import annotations

import json
import uuid
from collections import Counter
from typing import Any

from pytest_bdd import parsers, then, when

from fenix_contract.vocabulary import ACTION_STATES, Action, AlarmState
from fenix_features.record import NEXT, asks, first_entered, left_to_fenix, replies, reported, to_be_moved
from fenix_features.stage import Stage
from fenix_vnfm import EventKind, ReceivedAlarm, listed_instances

#: Aodh's limit for a text.
_LONGEST_TEXT = 255


@when(parsers.parse("the alarm of {state:w} comes to the {project:w} manager again"))
def alarm_again(stage: Stage, state: str, project: str) -> None:
    """The very same bytes."""
    _deliver(stage, project, _alarm(stage, project, state).body)


@when(parsers.parse("an alarm like that of {state:w} comes late to the {project:w} manager"))
def alarm_late(stage: Stage, state: str, project: str) -> None:
    """As a repetition that Aodh itself would not make: the same, with an id of its own."""
    body = json.loads(_alarm(stage, project, state).body)
    body["reason_data"]["event"]["message_id"] = str(uuid.uuid4())
    stage.mark = stage.manager(project).event_count
    _deliver(stage, project, json.dumps(body).encode())


@when(parsers.parse("an alarm of the state {state:w} comes to the {project:w} manager"))
def alarm_of_the_future(stage: Stage, state: str, project: str) -> None:
    """With a trait that nobody knows."""
    body = json.loads(_alarm(stage, project, "").body)
    event: dict[str, Any] = body["reason_data"]["event"]
    event["message_id"] = str(uuid.uuid4())
    event["traits"] = [[name, dtype, state if name == "state" else value] for name, dtype, value in event["traits"]]
    event["traits"].append(["change_ticket", 1, "CHG-20417"])
    _deliver(stage, project, json.dumps(body).encode())


@then(parsers.parse("the {project:w} manager took the alarm of {state:w} as a duplicate"))
def taken_as_duplicate(stage: Stage, project: str, state: str) -> None:
    stage.manager(project).wait_for(
        lambda event: event.kind is EventKind.DUPLICATE and event.state == state, stage.patience
    )


@then(parsers.parse("the {project:w} manager left the alarm of {state:w} alone"))
def left_alone(stage: Stage, project: str, state: str) -> None:
    stage.manager(project).wait_for(
        lambda event: event.kind is EventKind.IGNORED and event.state == state, stage.patience
    )


@then(parsers.parse("the {project:w} manager is done with the late alarm"))
def done_with_late_alarm(stage: Stage, project: str) -> None:
    """However it ended: as a duplicate, refused, or taken."""
    alarm = stage.manager(project).wait_for(
        lambda event: event.kind in (EventKind.ALARM, EventKind.DUPLICATE), stage.patience, after=stage.mark
    )
    stage.manager(project).wait_for_outcome(alarm.state, stage.patience, after=stage.mark)


@then(parsers.parse("every manager was told {state:w} first, and once"))
def told_first(stage: Stage, state: str) -> None:
    for manager in stage.managers:
        told = asks(stage.heard_by(manager))
        assert told[:1] == [state], told
        assert told.count(state) == 1, told


@then(parsers.parse("every manager was told {state:w} last, and once"))
def told_last(stage: Stage, state: str) -> None:
    for manager in stage.managers:
        told = [alarm.state for alarm in stage.heard_by(manager)]
        assert told[-1:] == [state], told
        assert told.count(state) == 1, told


@then(parsers.re(r"every manager was told (?P<state>\w+) (?P<count>\d+) times?"))
def told_times(stage: Stage, state: str, count: str) -> None:
    for manager in stage.managers:
        told = asks(stage.heard_by(manager))
        assert told.count(state) == int(count), told


@then(parsers.parse("the {project:w} manager was told nothing"))
def told_nothing(stage: Stage, project: str) -> None:
    assert stage.heard(project) == []


@then(parsers.re(r"the states told were (?P<states>[\w, ]+)"))
def states_told(stage: Stage, states: str) -> None:
    """In the order in which they were first entered, to each manager."""
    expected = states.split(", ")
    for manager in stage.managers:
        assert first_entered(asks(stage.heard_by(manager))) == expected


@then(parsers.parse("the last state that {project:w} was told is {state:w}"))
def last_state_told(stage: Stage, project: str, state: str) -> None:
    assert asks(stage.heard(project))[-1:] == [state]


@then(parsers.parse("nobody was told of a state that follows {state:w}"))
def nobody_told_after(stage: Stage, state: str) -> None:
    """What may follow a state, and is not the state again."""
    later = _after(state)
    for manager in stage.managers:
        told = asks(stage.heard_by(manager))
        assert not later.intersection(told), told


@then("the alarms of every manager followed the workflow")
def followed_the_workflow(stage: Stage) -> None:
    for manager in stage.managers:
        _follows(asks(stage.heard_by(manager)))


@then("in both sessions the alarms of every manager followed the workflow")
def followed_the_workflow_in_both(stage: Stage) -> None:
    for session_id in stage.sessions:
        for manager in stage.managers:
            told = asks(stage.heard_by(manager, session_id))
            assert told, f"nothing was told about session {session_id}"
            _follows(told)


@then("every alarm named its session and its project")
def named_session_and_project(stage: Stage) -> None:
    for name in stage.managed_names():
        path = stage.path(name)
        for alarm in (alarm for alarm in stage.receiver.alarms if alarm.path == path):
            assert alarm.session_id in stage.sessions, alarm.body
            assert alarm.project_id == stage.project_id(name), alarm.body


@then("every alarm that asks for a reply linked to the list and to the place of the reply")
def linked(stage: Stage) -> None:
    for manager in stage.managers:
        alarms = [alarm for alarm in stage.heard_by(manager) if alarm.state != AlarmState.INSTANCE_ACTION_DONE]
        assert alarms
        for alarm in alarms:
            assert alarm.message is not None
            assert alarm.message.reply_url.startswith("http"), alarm.message.reply_url
            assert alarm.message.list_url is not None, alarm.message.instance_ids
            answer = stage.fenix.client.list_instances(alarm.message.list_url)
            assert listed_instances(answer) is not None, answer


@then(parsers.parse("the alarms of {state:w} named the actions to choose from"))
def named_actions(stage: Stage, state: str) -> None:
    assert state in ACTION_STATES
    alarms = [alarm for manager in stage.managers for alarm in stage.heard_by(manager) if alarm.state == state]
    assert alarms, f"nobody was told {state}"
    for alarm in alarms:
        assert alarm.message is not None
        allowed = alarm.message.allowed_actions
        assert allowed
        assert set(allowed) <= {str(action) for action in Action}, allowed


@then("no text in an alarm was longer than 255 characters")
def texts_are_short(stage: Stage) -> None:
    for alarm in stage.receiver.alarms:
        assert alarm.message is not None, alarm.error
        for name, value in alarm.message.traits.items():
            assert len(str(value)) <= _LONGEST_TEXT, name


@then("each instance that was left to Fenix was reported INSTANCE_ACTION_DONE once for each move")
def reported_once(stage: Stage) -> None:
    for manager in stage.managers:
        wanted = to_be_moved(manager, stage.session_id)
        stage.wait_until(
            lambda manager=manager, wanted=wanted: reported(stage.heard_by(manager)).total() >= wanted.total(),  # type: ignore[misc]
            f"{wanted.total()} moves to be reported",
        )
        assert reported(stage.heard_by(manager)) == wanted


@then("every manager heard of the instances that were moved before it was asked again")
def reported_between(stage: Stage) -> None:
    """After the alarm that asked about them, and before the next one that asks."""
    for manager in stage.managers:
        rounds: list[Counter[str]] = []
        for alarm in stage.heard_by(manager):
            if alarm.state != AlarmState.INSTANCE_ACTION_DONE:
                rounds.append(Counter())
            else:
                rounds[-1].update(reported([alarm]))
        stage.wait_until(
            lambda manager=manager, count=len(rounds): len(list(replies(manager, stage.session_id))) >= count,  # type: ignore[misc]
            f"{len(rounds)} replies to be taken",
        )
        assert rounds == [Counter(left_to_fenix(reply)) for reply in replies(manager, stage.session_id)]


@then("no INSTANCE_ACTION_DONE was told")
def none_reported(stage: Stage) -> None:
    for manager in stage.managers:
        assert not reported(stage.heard_by(manager))


def _alarm(stage: Stage, project: str, state: str) -> ReceivedAlarm:
    """The first alarm of a state ("" any) that the project's manager took."""
    return next(alarm for alarm in stage.heard(project) if state in ("", alarm.state))


def _deliver(stage: Stage, project: str, body: bytes) -> None:
    exchange = stage.fenix.client.request("POST", stage.manager(project).alarm_url, body)
    assert exchange.accepted, exchange


def _after(state: str) -> frozenset[str]:
    """The states that come after this one and never before it or with it."""
    found: set[str] = set()
    ahead = set(NEXT[state])
    while ahead:
        one = ahead.pop()
        if one != state and one not in found:
            found.add(one)
            ahead |= NEXT[one]
    return frozenset(found - {state})


def _follows(told: list[str]) -> None:
    before = ""
    for state in told:
        assert state in NEXT[before], f"{before or 'the begin'} → {state} in {told}"
        before = state
