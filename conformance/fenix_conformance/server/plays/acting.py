"""Sessions in which the actions of a reply are what matters: for foreign instances, not allowed, given twice."""

from __future__ import annotations

import time
from typing import Final

from fenix_conformance.server.lab import Lab
from fenix_conformance.server.play import Play, Turn
from fenix_conformance.server.plays.holding import quiet_time
from fenix_conformance.server.trace import Intent, Trace
from fenix_contract.vocabulary import ACTION_STATES, Action, State

#: An action that no server offers.
UNKNOWN_ACTION: Final = "EVACUATE_TO_NOWHERE"


def foreign(lab: Lab) -> Trace:
    """With the first question about actions a project names instances of another project too.

    The other project chooses to move its own instances itself, where it may, so that nobody else has a reason to.
    """

    def script(turn: Turn) -> None:
        trace = turn.trace
        if turn.state not in ACTION_STATES:
            turn.behave()
            return
        if "intruded" in trace.marks:
            turn.behave()
            return
        with trace.changed:
            intruder = trace.marks.setdefault("intruder", turn.project)
        turn.list()
        if turn.project != intruder:
            trace.wait_until(lambda: "intruded" in trace.marks or turn.is_over, turn.latest)
            # What the list says now shows whether it lost an instance.
            turn.list()
            if not turn.is_over and trace.marks.get("accepted"):
                turn.ack(turn.actions((Action.OWN_ACTION, Action.MIGRATE)))
            return
        # Whoever else is told in this round is told by now.
        trace.wait_until(lambda: turn.is_over, min(turn.latest, time.monotonic() + 0.4))
        victims = _instances_of_others(turn)
        trace.mark("victims", victims)
        trace.mark("held", turn.ask)
        actions = turn.actions()
        sent = turn.reply(
            turn.ask.ack_word,
            {**dict.fromkeys(victims, Action.MIGRATE), **actions},
            intent=Intent.WRONG,
            kind="instances of another project",
        )
        trace.mark("accepted", sent.exchange.is_accepted)
        trace.mark("intruded", time.monotonic())
        trace.wait_until(lambda: turn.is_over, min(turn.latest, time.monotonic() + quiet_time(lab)))
        turn.stop()

    return Play(lab, "foreign", script).run()


def _instances_of_others(turn: Turn) -> dict[str, str]:
    """Instance to project: what the other projects listed in this session, one asked about now and one not."""
    victims: dict[str, str] = {}
    for project in turn.lab.projects:
        if project == turn.project:
            continue
        asks = turn.trace.asks_of(project)
        now = [one for ask in asks if ask.state == turn.state for one in ask.listed or ()]
        all_of_it = [one for ask in asks for one in ask.listed or ()]
        later = [one for one in all_of_it if one not in now]
        for one in (*now[:1], *later[:1]):
            victims[one] = project
    return {one: project for one, project in victims.items() if one not in (turn.ask.listed or ())}


def disallowed(lab: Lab, choices: tuple[str, ...] = (), number: int = 1) -> Trace:
    """With the first question about actions the first project that is told chooses one that is not allowed.

    ``choices`` are the actions to try (in the first session: whatever is not offered); the mark ``left`` has those that
    were not tried.
    """

    def script(turn: Turn) -> None:
        trace = turn.trace
        if turn.state not in ACTION_STATES:
            turn.behave()
            return
        with trace.changed:
            chooser = trace.marks.setdefault("chooser", turn.project)
        turn.list()
        if turn.project != chooser:
            turn.ack()
            return
        turn.wait_for_others(0.6)
        trace.mark("held", turn.ask)
        trace.mark(
            "left", _choose(turn, choices if number > 1 else not_allowed(turn.ask.sighting.message.allowed_actions))
        )
        turn.trace.wait_until(
            lambda: turn.is_over or _is_reported(turn), min(turn.latest, time.monotonic() + quiet_time(lab))
        )
        turn.stop()

    return Play(lab, f"disallowed-{number}", script).run()


def not_allowed(allowed: tuple[str, ...]) -> tuple[str, ...]:
    """Actions that are not offered: known ones first, then one that is nearly allowed, then one that nobody knows."""
    unoffered = [str(action) for action in Action if allowed and action not in allowed]
    return (*unoffered, *(action.lower() for action in allowed[:1]), UNKNOWN_ACTION)


def _choose(turn: Turn, choices: tuple[str, ...]) -> tuple[str, ...]:
    """Send one choice after another until one is answered 2xx; the choices that were not sent."""
    actions = turn.actions()
    victim = next(iter(actions), None)
    if victim is None:
        return ()
    turn.trace.mark("victim", victim)
    for index, choice in enumerate(choices):
        sent = turn.reply(turn.ask.ack_word, {**actions, victim: choice}, intent=Intent.WRONG, kind=f"action {choice}")
        if sent.exchange.is_accepted or turn.has_moved:
            return choices[index + 1 :]
    return ()


def _is_reported(turn: Turn) -> bool:
    victim = turn.trace.marks.get("victim")
    return any(victim in report.message.instance_id_list for report in turn.trace.reports)


def repeated(lab: Lab) -> Trace:
    """The first project acknowledges again and again while others have not replied yet; in MAINTENANCE the reply of the
    last one has members that are not known.
    """

    def script(turn: Turn) -> None:
        if turn.project == lab.projects[0]:
            _repeat(turn)
        if turn.project == lab.projects[-1] and turn.state == State.MAINTENANCE:
            _reply_with_more(turn)
        elif turn.project != lab.projects[0]:
            _reply_late(turn)

    return Play(lab, "repeated", script).run()


def _repeat(turn: Turn) -> None:
    trace, lab = turn.trace, turn.lab
    if turn.state in ACTION_STATES:
        turn.list()
    if len(lab.projects) == 1 and turn.state == State.MAINTENANCE:
        return
    if f"repeated {turn.state}" in trace.marks:
        # A later round: the others do not wait any more.
        turn.ack()
        return
    # Wait for the others to be told: the repetition has to come while one of them has not replied.
    trace.wait_until(
        lambda: turn.is_over or _open_others(turn) > 0, min(turn.latest, time.monotonic() + 0.5 + turn.stagger)
    )
    turn.ack()
    if not _open_others(turn) or turn.has_moved:
        trace.mark(f"repeated {turn.state}", False)
        return
    # As often as there are others: a server that counts replies takes it for all of them.
    for _ in lab.projects[1:6]:
        if time.monotonic() + 2 * lab.slowest > turn.latest:
            break
        turn.reply(turn.ask.ack_word, turn.actions(), intent=Intent.REPEAT)
    if turn.state == State.MAINTENANCE:
        turn.hold(min(0.8, quiet_time(lab)))
    trace.mark(f"repeated {turn.state}", True)
    if turn.state in ACTION_STATES:
        turn.wait_for_progress(lab.patience)
        _wait_for_next(turn)
        turn.stop()


def _open_others(turn: Turn) -> int:
    return sum(1 for ask in turn.trace.asks_of(state=turn.state) if ask.project != turn.project and not ask.replies)


def _wait_for_next(turn: Turn) -> None:
    """Until the round is over: the next ask of any project after this one's own actions."""
    asks = len(turn.trace.asks)
    turn.trace.wait_until(
        lambda: turn.is_over or len(turn.trace.asks) > asks, time.monotonic() + min(2.0, turn.lab.options.max_wait)
    )
    turn.trace.wait_until(lambda: turn.is_over, time.monotonic() + 0.3)


def _wait_for_repetition(turn: Turn) -> None:
    trace, name, first = turn.trace, f"repeated {turn.state}", turn.lab.projects[0]
    # In PLANNED nobody says who else is told in this round: give the first project a moment to be.
    patience = min(turn.latest, time.monotonic() + 0.6 + turn.stagger)
    trace.wait_until(
        lambda: (
            turn.is_over
            or name in trace.marks
            or (time.monotonic() > patience and not trace.asks_of(first, turn.state))
        ),
        turn.latest,
    )


def _reply_late(turn: Turn) -> None:
    if turn.state in ACTION_STATES:
        turn.list()
    _wait_for_repetition(turn)
    if not turn.is_over:
        turn.ack()


def _reply_with_more(turn: Turn) -> None:
    """Acknowledge with members that are not known, and plainly afterwards if that did not count."""
    if len(turn.lab.projects) > 1:
        _wait_for_repetition(turn)
        turn.wait_for_others()
    if turn.is_over:
        return
    more = {"session_id": turn.trace.session_id, "instance_ids": ["an-instance"], "a_member_not_known": {"a": 1}}
    sent = turn.reply(turn.ask.ack_word, {}, intent=Intent.EXTRA, more=more)
    if sent.exchange.is_accepted:
        enough = max(time.monotonic(), turn.trace.maintenance_due) + max(1.0, 2 * turn.lab.pace + 0.3)
        # Too late to send it again: only wait.
        until = enough if enough < turn.latest else turn.ask.deadline
        turn.trace.wait_until(lambda: turn.has_moved, until)
    if not turn.has_moved and time.monotonic() < turn.latest:
        turn.ack()
