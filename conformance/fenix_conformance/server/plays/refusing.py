"""Sessions in which one project refuses, or says nothing, in a given state."""

from __future__ import annotations

import time

from fenix_conformance.server.lab import Lab
from fenix_conformance.server.play import Play, Turn
from fenix_conformance.server.trace import Trace
from fenix_contract.vocabulary import ACTION_STATES, State


def _watch(turn: Turn) -> None:
    """Keep still until the session moves or its window has ended and a grace is over."""
    window = turn.ask.deadline - turn.ask.at
    grace = min(turn.lab.options.max_wait, max(5.0, window))
    turn.trace.wait_until(lambda: turn.has_moved, turn.ask.deadline + grace)


def refused(lab: Lab, state: str) -> Trace:
    """One project refuses ``state``, all others acknowledge it.

    In MAINTENANCE and PREPARE_MAINTENANCE it does so after the others, else before them. In MAINTENANCE it is the last
    project, in states that ask for actions whoever is asked first, else the first.
    """
    is_last = state in (State.MAINTENANCE, State.PREPARE_MAINTENANCE)

    def script(turn: Turn) -> None:
        if turn.state != state:
            turn.behave()
            return
        chosen = turn.project if state in ACTION_STATES else lab.projects[-1 if is_last else 0]
        with turn.trace.changed:
            refuser = turn.trace.marks.setdefault("refuser", chosen)
        if turn.project != refuser:
            turn.list()
            if not is_last:
                turn.trace.wait_until(
                    lambda: turn.is_over or "refused" in turn.trace.marks, min(turn.latest, time.monotonic() + 0.8)
                )
            if not turn.is_over:
                turn.ack()
            return
        turn.trace.mark("held", turn.ask)
        if is_last:
            turn.wait_for_others(0.8)
        turn.nack()
        turn.trace.mark("refused", True)
        _watch(turn)
        turn.stop()

    return Play(lab, f"refused-{state.lower()}", script).run()


def silent(lab: Lab, state: str) -> Trace:
    """The last project says nothing to ``state``, all others acknowledge it."""

    def script(turn: Turn) -> None:
        if turn.project != lab.projects[-1] or turn.state != state:
            if turn.state != State.MAINTENANCE:
                turn.list()
            turn.ack()
            return
        # The list is only read: what is asked about has to be known to see that it was moved unasked.
        if turn.state != State.MAINTENANCE:
            turn.list()
        turn.trace.mark("held", turn.ask)
        _watch(turn)
        turn.stop()

    return Play(lab, f"silent-{state.lower()}", script).run()


def all_silent(lab: Lab, state: str) -> Trace:
    """Nobody says anything to ``state``; in MAINTENANCE nobody reads anything either."""

    def script(turn: Turn) -> None:
        if turn.state != State.MAINTENANCE:
            turn.list()
        if turn.state != state:
            turn.ack()
            return
        with turn.trace.changed:
            turn.trace.marks.setdefault("held", turn.ask)
        _watch(turn)
        turn.stop()

    return Play(lab, f"all-silent-{state.lower()}", script).run()
