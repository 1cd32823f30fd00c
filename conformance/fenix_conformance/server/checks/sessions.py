"""Checks of sessions beside each other, and of projects without a manager."""

from __future__ import annotations

from fenix_conformance.server.checks.lists import steady_for
from fenix_conformance.server.judging import Case, Judgement, check, failed, passed, untestable, worst
from fenix_conformance.server.trace import Ask, Trace
from fenix_contract.vocabulary import State


@check("sessions-independent", "solo", "side-by-side")
def sessions_independent(case: Case) -> Judgement:
    """A reply in one session has no effect on another."""
    waiting, newcomer = case.trace("waiting"), case.trace("newcomer")
    if waiting is None or newcomer is None:
        return case.why("side-by-side")
    solo = case.trace("solo")
    watched = 0.0 if solo is None else steady_for(solo)
    if not watched:
        return untestable("a session on its own goes on or fails without replies: see reply-needed and reply-all")
    return worst([_unmoved(waiting, watched), _unmoved(newcomer, watched)])


def _unmoved(trace: Trace, watched: float) -> Judgement:
    """Whether a session stayed in MAINTENANCE until its own replies, whatever was replied in others.

    ``watched`` is for how many seconds a session on its own is known to stay there.
    """
    asks = trace.asks_of(state=State.MAINTENANCE)
    if not asks:
        return untestable(f"the session {trace.name} was not announced", trace.story())
    for ask in asks:
        progress = trace.progress(ask)
        if progress is not None and (ask.first_sent is None or progress.at < ask.first_sent):
            if progress.at - ask.at > watched:
                return untestable("it went on without replies, later than one on its own was watched", trace.story())
            return failed(
                "the session waits for its own replies",
                f"it went on before {ask.project} had replied in it, after replies in another one: {progress.text}",
                [*ask.evidence, progress.evidence, *trace.story()],
            )
    ended = trace.failed_at()
    if ended is not None and ended - asks[0].at < watched + 0.3 and _replied_in_vain(asks, ended):
        return failed(
            "the session waits for its own replies",
            "it failed within its window after replies in another session",
            [*asks[0].evidence, *trace.story()],
        )
    if "stayed" not in trace.marks:
        return untestable(f"the session {trace.name} was not watched long enough", trace.story())
    return passed(f"the session {trace.name} did not notice", trace.story())


def _replied_in_vain(asks: list[Ask], ended: float) -> bool:
    """Whether it ended without, or in spite of, acknowledgements only."""
    return all(sent.word == ask.ack_word for ask in asks for sent in ask.replies if sent.exchange.sent < ended)


@check("default-behaviour", "unmanaged", "happy")
def default_behaviour(case: Case) -> Judgement:
    """A project without a manager does not make the session hang."""
    trace = case.trace("unmanaged")
    if trace is None:
        return case.why("unmanaged")
    without = trace.marks["without"]
    if any(sighting.project == without for sighting in trace.sightings):
        return untestable(f"{without} is still told although nobody is subscribed for it", trace.story())
    if trace.final:
        return passed(f"without a manager for {without} the session ended in {trace.final}", trace.story())
    if not trace.states:
        if trace.reached(State.MAINTENANCE_COMPLETE):
            return passed("the session got to MAINTENANCE_COMPLETE", trace.story())
        return untestable("the admin API does not tell the session's state", trace.story())
    happy = case.trace("happy")
    last = trace.states[-1].state
    if happy is None or not happy.final:
        return untestable("sessions do not come to an end otherwise either", trace.story())
    if any(ask.accepted is None for ask in trace.asks):
        return untestable("another project could not acknowledge", trace.story())
    return failed(
        "the session migrates the project's instances unasked, or fails",
        f"it stays in {last}; {trace.last_look - trace.last_change:.1f} s after the last thing that happened it was "
        f"still there",
        trace.story(),
    )
