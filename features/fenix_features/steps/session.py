"""When sessions start, servers are killed, and managers come to where they are held; Then, where a session is."""

from __future__ import annotations

from datetime import timedelta

from pytest_bdd import parsers, then, when

from fenix_contract.vocabulary import FINAL_STATES
from fenix_features.record import asks
from fenix_features.stage import Stage
from fenix_vnfm import EventKind

#: The clocks of a timer and of an alarm's reply_at are not the same.
_CLOCKS_DIFFER = timedelta(seconds=0.1)


@when("a maintenance of all hosts starts")
@when("another maintenance of all hosts starts")
def maintenance_starts(stage: Stage) -> None:
    stage.begin()


@when("a maintenance of all hosts starts, with metadata longer than 255 characters")
def maintenance_with_long_metadata_starts(stage: Stage) -> None:
    stage.begin(metadata={"release_notes": "long " * 60})


@when(parsers.parse("a maintenance of the hosts in zone {zone:w} starts"))
def maintenance_of_zone_starts(stage: Stage, zone: str) -> None:
    stage.begin(stage.plan.hosts_of(zone))


@when(parsers.parse("the {project:w} manager is asked for {state:w}"))
def manager_is_asked(stage: Stage, project: str, state: str) -> None:
    """It has come to where it was to be held."""
    stage.wait_for_hold(project, state)


@when("Fenix is killed")
def fenix_is_killed(stage: Stage) -> None:
    stage.server.kill()


@when("Fenix starts again")
def fenix_starts_again(stage: Stage) -> None:
    stage.server.start()


@when(parsers.parse("the {project:w} manager has tried in vain"))
def has_tried_in_vain(stage: Stage, project: str) -> None:
    stage.manager(project).wait_for(lambda event: event.kind is EventKind.RETRY, stage.patience)


@then(parsers.parse("the session ends in {state:w}"))
def session_ends_in(stage: Stage, state: str) -> None:
    _ends_in(stage, 0, state)


@then(parsers.parse("the second session ends in {state:w}"))
def second_session_ends_in(stage: Stage, state: str) -> None:
    _ends_in(stage, 1, state)


@then(parsers.parse("both sessions end in {state:w}"))
def both_sessions_end_in(stage: Stage, state: str) -> None:
    assert len(stage.sessions) == 2
    for position in range(2):
        _ends_in(stage, position, state)


@then("the session ends")
def session_ends(stage: Stage) -> None:
    stage.wait_for_end(stage.session_id)


@then(parsers.parse("the session stays in {state:w}"))
def session_stays(stage: Stage, state: str) -> None:
    """It is there, nobody is asked for anything further in a quiet while, and it is there still."""
    before = _all_asks(stage)
    assert stage.fenix.state(stage.session_id) == state
    stage.stay_quiet()
    assert _all_asks(stage) == before, "somebody was asked for more"
    assert stage.fenix.state(stage.session_id) == state


@then(parsers.parse("the session waits in {state:w}, and {project:w} is told nothing more"))
def session_waits(stage: Stage, state: str, project: str) -> None:
    """The others may still be told of the same."""
    before = len(stage.heard(project))
    stage.stay_quiet()
    assert len(stage.heard(project)) == before, f"{project} was told more"
    assert stage.fenix.state(stage.session_id) == state


@then(parsers.parse("the session is not in {state:w}"))
def session_is_not_in(stage: Stage, state: str) -> None:
    """Nor does it come there in a quiet while."""
    stage.stay_quiet()
    assert stage.fenix.state(stage.session_id) != state


@then(parsers.parse("the session awaits {project:w} only"))
def session_awaits_only(stage: Stage, project: str) -> None:
    session = stage.control.session(stage.session_id)
    assert session["awaiting"] == [stage.project_id(project)], session


@then(parsers.parse("the session still awaits {project:w} in {state:w}"))
def session_still_awaits(stage: Stage, project: str, state: str) -> None:
    session = stage.control.session(stage.session_id)
    assert session["state"] == state, session
    assert stage.project_id(project) in session["awaiting"], session


@then(parsers.parse("it did not end before the reply window of {state:w} was over"))
def ended_after_window(stage: Stage, state: str) -> None:
    ended = stage.ended[stage.session_id]
    alarms = [alarm for name in stage.cast for alarm in stage.heard(name) if alarm.state == state]
    windows = [alarm.message.reply_at for alarm in alarms if alarm.message is not None]
    assert windows, f"nobody was told {state}"
    for window in windows:
        assert window is not None
        assert ended >= window - _CLOCKS_DIFFER, f"it ended at {ended}, replies were awaited until {window}"


@then(parsers.parse("the session fails or goes on once the reply window of {state:w} is over"))
def session_does_not_hang(stage: Stage, state: str) -> None:
    """By its end, or by asking the silent project for something else."""
    (silent,) = (part.name for part in stage.cast.values() if state in part.policy.silent)
    stage.wait_until(lambda: state in asks(stage.heard(silent)), f"{silent} to be told {state}")

    def has_gone_on() -> bool:
        told = asks(stage.heard(silent))
        return told.index(state) < len(told) - 1 or stage.fenix.state(stage.session_id) in FINAL_STATES

    stage.wait_until(has_gone_on, f"the session to fail or to go on without {silent}")


def _ends_in(stage: Stage, position: int, state: str) -> None:
    session_id = stage.sessions[position]
    assert stage.wait_for_end(session_id) == state, stage.reason(session_id)


def _all_asks(stage: Stage) -> dict[str, list[str]]:
    return {manager.alarm_url: asks(stage.heard_by(manager, stage.session_id)) for manager in stage.managers}
