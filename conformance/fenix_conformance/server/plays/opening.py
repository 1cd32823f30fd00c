"""The first sessions of a run: one on its own, then three beside each other.

They come before all others because the rest rests on them: a server that does not wait for replies, or mixes sessions
up, would make every later observation point at the wrong requirement.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor

from fenix_conformance.server.lab import Lab
from fenix_conformance.server.play import Play, Turn
from fenix_conformance.server.trace import Trace
from fenix_contract.vocabulary import State

#: How long the first project may take to be told, and the others after it, in seconds.
_FIRST = 30.0
_FURTHER = 1.0


def discover(lab: Lab) -> tuple[str, ...]:
    """The projects that a session over every host tells, found by one subscription for all of them."""

    def found() -> tuple[str, ...]:
        told = (sighting.message.project_id or (sighting.link_ids or ("", ""))[1] for sighting in tuple(lab.sightings))
        return tuple(dict.fromkeys(name for name in told if name))

    lab.subscribe(None)
    try:
        trace = lab.start("discover")
        trace.wait_until(lambda: bool(found()), time.monotonic() + min(lab.options.max_wait, _FIRST))
        trace.wait_until(lambda: False, time.monotonic() + _FURTHER)
        lab.finish(trace)
        return found()
    finally:
        lab.unsubscribe(None)


def solo(lab: Lab) -> Trace:
    """Nobody replies for a while, then all but one, then that one. Nobody fetches a list: GETs are judged elsewhere."""

    def script(turn: Turn) -> None:
        trace = turn.trace
        if turn.state != State.MAINTENANCE:
            return
        if turn.project != _last(lab, trace):
            trace.wait_until(lambda: "open" in trace.marks or turn.is_over, turn.latest)
            if not turn.is_over:
                turn.ack()
            return
        trace.mark("held", turn.ask)
        # As long as later sessions are made to wait: what they do then has to be compared with this one.
        if turn.hold(
            max(0.6, turn.ask.at + min(0.62 * turn.window, 3.5) - max(time.monotonic(), trace.maintenance_due))
        ):
            trace.mark("open", time.monotonic())
            turn.wait_for_others()
            if turn.hold(0.4):
                turn.ack()
                acknowledged = max(time.monotonic(), trace.maintenance_due)
                went_on = turn.wait_for_progress(lab.patience)
                lab.is_stuck = not went_on
                if went_on:
                    lab.pace = max(lab.pace, time.monotonic() - acknowledged)
        turn.stop()

    return Play(lab, "solo", script).run()


def _last(lab: Lab, trace: Trace) -> str:
    """The project that replies last: the first one of the run's that was told, once all have had time to be told."""
    trace.wait_until(lambda: len(trace.asks_of(state=State.MAINTENANCE)) >= len(lab.projects), trace.opened + 1.0)
    told = {ask.project for ask in trace.asks_of(state=State.MAINTENANCE)}
    return next((project for project in lab.projects if project in told), "")


def side_by_side(lab: Lab) -> dict[str, Trace]:
    """Four sessions: ``waiting`` is there when ``acknowledged`` and ``refused`` get their replies, ``newcomer`` comes
    after them. Neither of these two may notice anything.
    """
    told, replied, over = threading.Event(), _Both(), threading.Event()
    first = lab.projects[0]

    def wait(turn: Turn) -> None:
        """Reply when the others have had theirs; the first project last."""
        if turn.state != State.MAINTENANCE:
            return
        if turn.project == first:
            told.set()
            turn.trace.wait_until(lambda: replied.is_set() or turn.is_over, turn.latest)
            turn.trace.mark("held", turn.ask)
            turn.trace.mark("stayed", turn.hold(max(0.4, lab.pace)))
        turn.trace.wait_until(lambda: "stayed" in turn.trace.marks or turn.is_over, turn.latest)
        if not turn.is_over:
            turn.ack()
        if turn.project == first:
            turn.wait_for_progress(lab.patience)
            turn.stop()

    def acknowledge(turn: Turn) -> None:
        if turn.state != State.MAINTENANCE:
            return
        told.wait(2)
        turn.ack()
        if turn.project == first:
            turn.wait_for_others()
            turn.wait_for_progress(turn.latest - time.monotonic())
            replied.add("acknowledged")
            turn.trace.wait_until(over.is_set, turn.ask.deadline + lab.patience)
            turn.stop()

    def refuse(turn: Turn) -> None:
        if turn.state != State.MAINTENANCE:
            return
        told.wait(2)
        if turn.project != first:
            turn.ack()
            return
        turn.nack()
        turn.trace.wait_until(lambda: turn.is_over, time.monotonic() + 0.4)
        replied.add("refused")
        # The play itself ends with the session: that it was refused must stay known while the others look.
        turn.trace.wait_until(over.is_set, turn.ask.deadline)
        turn.stop()

    others = Play(lab, "acknowledged", acknowledge), Play(lab, "refused", refuse, stay=over.is_set)
    with ThreadPoolExecutor(4) as pool:
        try:
            waiting = pool.submit(Play(lab, "waiting", wait).run)
            running = [pool.submit(play.run) for play in others]
            replied.wait(lab.options.max_wait)
            newcomer = Play(lab, "newcomer", wait).run()
            traces = {"waiting": waiting.result(), "newcomer": newcomer}
        finally:
            over.set()
            told.set()
            replied.set()
            for play in others:
                play.stop()
        traces.update(zip(("acknowledged", "refused"), (one.result() for one in running), strict=True))
        return traces


class _Both(threading.Event):
    """Set when two parties have come to their point."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: set[str] = set()

    def add(self, name: str) -> None:
        self._seen.add(name)
        if len(self._seen) == 2:
            self.set()
