"""Sessions that are played to their end: the happy one, one with replies at once, one with a silent end, one in which
a project has no manager.
"""

from __future__ import annotations

import time

from fenix_conformance.server.lab import Lab
from fenix_conformance.server.play import Play, Turn, project_url, read_ids
from fenix_conformance.server.plays.holding import quiet_time, wrong_word
from fenix_conformance.server.trace import Intent, Listing, Trace
from fenix_contract.vocabulary import ACTION_STATES, Action, State

#: How long everybody, and then the last project again, holds its reply back in each state (seconds): long enough to see
#: a session that does not wait, short enough for every window.
_HOLD_BACK = 0.35
#: A cloud of many hosts has many rounds of PLANNED_MAINTENANCE: in those after these nobody dallies.
_DALLYING_ROUNDS = 5


def happy(lab: Lab) -> Trace:
    """Every state acknowledged by all, one project after another, each time with another one as the last.

    Each looks at its list before and after its reply; who is not asked about a host looks at it as well.
    """

    def script(turn: Turn) -> None:
        turn.list()
        number = max(ask.number for ask in turn.trace.asks_of(state=turn.state))
        if number > _DALLYING_ROUNDS:
            turn.ack(at_once=True)
            return
        turn.hold(_HOLD_BACK)
        last = lab.projects[_last_index(turn.state, number) % len(lab.projects)]
        if turn.project == last and len(lab.projects) > 1:
            _look_at_bystanders(turn)
            turn.wait_for_others(0.8)
            if not turn.is_over and time.monotonic() < turn.latest:
                turn.list()
            turn.hold(_HOLD_BACK)
        if not turn.is_over:
            turn.ack()
        if not turn.is_over:
            turn.list()

    trace = Play(lab, "happy", script).run()
    trace.mark("instances of the untold", _untold(lab, trace))
    told = [ask.at for ask in trace.asks_of(state=State.MAINTENANCE)]
    lab.spread = max(told, default=0.0) - min(told, default=0.0)
    return trace


def _last_index(state: str, number: int) -> int:
    """Which project replies last: the second one at first, then another each time."""
    return {State.MAINTENANCE: 1, State.MAINTENANCE_COMPLETE: -1}.get(State(state), number - 1)


def _look_at_bystanders(turn: Turn) -> None:
    """Projects that are not asked about this host have a list as well."""
    if turn.state not in ACTION_STATES:
        return
    asked = {ask.project for ask in turn.trace.asks_of(state=turn.state) if not ask.replies}
    for project in turn.lab.projects:
        if project not in asked and time.monotonic() < turn.latest:
            url = project_url(turn.lab.options.root, turn.trace.session_id, project)
            exchange = turn.lab.client.send("GET", url, note=f"list of {project}, which is not asked in {turn.state}")
            with turn.trace.changed:
                turn.trace.marks.setdefault("bystanders", []).append((project, exchange))


def _untold(lab: Lab, trace: Trace) -> dict[str, Listing]:
    """What the list of each project says that was subscribed and yet told nothing."""
    listings = {}
    for project in lab.options.projects:
        if project not in trace.projects:
            url = project_url(lab.options.root, trace.session_id, project)
            exchange = lab.client.send("GET", url, note=f"list of {project}, which was told nothing")
            listings[project] = Listing(project, exchange, read_ids(exchange), is_own_link=False, before_reply=True)
    return listings


def concurrent(lab: Lab) -> Trace:
    """In every state all projects reply at the same moment; the last state is refused by the first project."""

    def script(turn: Turn) -> None:
        trace = turn.trace
        turn.list()
        if turn.ask.number > _DALLYING_ROUNDS:
            turn.ack(at_once=True)
            return
        name = f"gate {turn.state} {turn.ask.number if turn.state not in ACTION_STATES else ''}"
        with trace.changed:
            # The first one that is ready opens the gate in a moment, for all that come meanwhile.
            opens = trace.marks.get(name, 0.0)
            if opens < time.monotonic():
                opens = min(time.monotonic() + 0.25 + turn.stagger, turn.latest)
                trace.mark(name, opens)
        trace.wait_until(lambda: turn.is_over, opens)
        if turn.is_over:
            return
        if turn.state == State.MAINTENANCE_COMPLETE and turn.project == lab.projects[0]:
            turn.nack()
        else:
            turn.ack(at_once=True)

    return Play(lab, "concurrent", script).run()


def silent_end(lab: Lab) -> Trace:
    """Instances are moved while they run. At the end nobody replies at first; then all but the first project do, which
    repeats an old reply and says nothing more.
    """

    def script(turn: Turn) -> None:
        trace, is_end = turn.trace, turn.state == State.MAINTENANCE_COMPLETE
        turn.list()
        if not is_end:
            turn.ack(turn.actions((Action.LIVE_MIGRATE, Action.MIGRATE)))
            return
        if turn.project != lab.projects[0]:
            trace.wait_until(lambda: "open" in trace.marks or turn.is_over, turn.latest)
            turn.ack()
            return
        trace.mark("held", turn.ask)
        # At first nobody replies.
        if turn.hold((turn.latest - time.monotonic()) / 2 if len(lab.projects) > 1 else 0.0):
            trace.mark("open", time.monotonic())
            turn.wait_for_others()
            turn.reply(wrong_word("another state", turn.state), {}, intent=Intent.WRONG, kind="another state")
            trace.mark("stayed", turn.hold(quiet_time(lab)))

    return Play(lab, "silent-end", script).run()


def unmanaged(lab: Lab) -> Trace:
    """The last project has no manager: nobody is subscribed for it any more."""
    without = lab.projects[-1]
    lab.unsubscribe(without)
    try:
        trace = Play(lab, "unmanaged").run()
        trace.mark("without", without)
        return trace
    finally:
        lab.subscribe(without)
