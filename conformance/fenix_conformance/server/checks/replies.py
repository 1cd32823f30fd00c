"""Checks of what valid replies, refusals and silence lead to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from fenix_conformance.server.judging import Case, Judgement, check, failed, passed, untestable, worst
from fenix_conformance.server.trace import Ask, Intent, Progress, Sent, Trace
from fenix_contract.vocabulary import ACTION_STATES, REPLY_STATES, State


def early_limit(case: Case, ask: Ask) -> float:
    """Until when a session that goes on without this project's reply does so too early.

    A deadline on whole seconds may have been rounded. Where neither the alarm nor the user tells the window, only the
    first seconds are surely within it.
    """
    window = ask.deadline - ask.at
    due = ask.sighting.message.reply_at
    if not _is_told_window(case, ask):
        return ask.at + min(3.0, window)
    rounded = due is not None and due.microsecond == 0 and window > 2.0
    return ask.deadline - (1.0 if rounded else min(0.25, window / 4))


def _is_told_window(case: Case, ask: Ask) -> bool:
    return ask.sighting.message.reply_at is not None or case.options.reply_window is not None


def went_on_early(
    case: Case, trace: Trace, ask: Ask, until: float | None = None, *, by_report: bool = True
) -> Progress | None:
    """The proof that the session went on from ``ask`` within its window and before ``until``; None: it did not."""
    progress = trace.progress(ask, by_report=by_report)
    if progress is None or progress.at >= early_limit(case, ask):
        return None
    return progress if until is None or progress.at < until else None


def held_asks(traces: Iterable[Trace]) -> Iterator[tuple[Trace, Ask]]:
    """The ask at which each of these plays did what it is for."""
    for trace in traces:
        ask = trace.marks.get("held")
        if isinstance(ask, Ask):
            yield trace, ask


def replied_before(trace: Trace, ask: Ask, moment: float) -> set[str]:
    """The other projects that replied before that moment in the round of ``ask``."""

    def is_of_the_round(other: Ask) -> bool:
        # Who was asked in an earlier round has gone on from there by the time of this one.
        progress = trace.progress(other)
        return progress is None or progress.at > ask.at

    return {
        other.project
        for other in trace.asks_of(state=ask.state)
        if other.project != ask.project
        and other.first_sent is not None
        and other.first_sent < moment
        and is_of_the_round(other)
    }


#: Plays in which replies are what a good manager sends, in good time.
_ORDERLY = frozenset({"solo", "happy", "waiting", "acknowledged", "concurrent", "silent-end", "reads"})


def _genuine(case: Case) -> Iterator[tuple[Trace, Ask, Sent]]:
    """Every valid reply that was sent in time to a session that awaited it."""
    for trace in case.traces.values():
        if trace.name not in _ORDERLY and not trace.name.startswith("refused-"):
            continue
        for ask, sent in trace.sents:
            if sent.intent in (Intent.ACK, Intent.NACK) and _is_awaited(trace, ask, sent):
                yield trace, ask, sent


def _is_awaited(trace: Trace, ask: Ask, sent: Sent) -> bool:
    if ask.is_ambiguous or sent is not ask.replies[0]:
        return False
    answered = sent.exchange.answered
    progress, ended = trace.progress(ask), trace.final_at
    if (progress is not None and progress.at < sent.exchange.sent) or (ended is not None and ended < answered):
        return False
    for other in trace.asks_of(state=ask.state):
        # A refusal by somebody else, or his silence, may have ended the session already.
        if other is not ask and any(
            one.intent in (Intent.NACK, Intent.WRONG) and one.exchange.sent < answered for one in other.replies
        ):
            return False
        if other.deadline - 0.05 < answered and other.at <= sent.exchange.sent and trace.progress(other) is None:
            return False
    return answered < ask.deadline - 0.05


#: Where these are broken, a valid reply may be refused because of them.
_ELSEWHERE = ("list-current-state", "list-scoped", "reply-needed", "reply-all", "list-stable")


@check("reply-200", "happy", "concurrent", "solo", "reads")
def reply_200(case: Case) -> Judgement:
    """A valid reply is answered exactly 200."""
    seen = 0
    for trace, ask, sent in _genuine(case):
        is_crowded = trace.name == "concurrent" and not sent.exchange.is_accepted
        if is_crowded or sent.exchange.is_busy:
            continue  # That is what reply-concurrent is about.
        seen += 1
        if sent.exchange.status == 200:
            continue
        if sent.exchange.is_refused and case.has_failed(*_ELSEWHERE):
            continue
        if trace.name not in ("solo", "happy") and case.has_failed("sessions-independent"):
            continue
        return failed(
            "200",
            f"{sent.word} of {ask.project} was answered {sent.exchange.outcome}",
            [sent.exchange.evidence, ask.sighting.evidence],
        )
    happy = case.trace("happy")
    if happy is None or not happy.reached(State.MAINTENANCE_COMPLETE):
        return untestable("not every state that asks for a reply was reached", happy.story() if happy else ())
    return passed(f"{seen} replies", [sent.exchange.evidence for _, _, sent in _genuine(case)][:3])


@dataclass(frozen=True, slots=True)
class _Breach:
    """The first time that a session went on too early: from which ask, and who else had replied by then."""

    trace: Trace
    ask: Ask
    progress: Progress
    others: frozenset[str]

    def fail(self, expected: str, actual: str) -> Judgement:
        return failed(
            expected,
            f"{actual}: {self.progress.text}",
            [self.ask.sighting.evidence, self.progress.evidence, *self.trace.story()],
        )


def _breaches(case: Case) -> Iterator[_Breach]:
    """The first breach of each session; what follows it is its consequence."""
    for trace, asks in _watched(case):
        found = []
        for ask in asks:
            progress = went_on_early(case, trace, ask, ask.first_sent)
            if progress is not None:
                others = frozenset(replied_before(trace, ask, progress.at))
                found.append(_Breach(trace, ask, progress, others))
        if found:
            yield min(found, key=lambda breach: breach.progress.at)


def _watched(case: Case) -> Iterator[tuple[Trace, list[Ask]]]:
    """Sessions, and the asks in them, to which somebody did not reply at once on purpose."""
    solo = case.trace("solo")
    if solo is not None:
        yield solo, solo.asks_of(state=State.MAINTENANCE)
    if case.has_failed("sessions-independent"):
        return
    names = ["all-silent-maintenance", "silent-maintenance"]
    if not case.has_failed("list-stable"):
        # In all others lists were fetched.
        names += [name for name in case.traces if name.startswith(("all-silent-", "silent-")) and name not in names]
        happy = case.trace("happy")
        if happy is not None:
            yield happy, [ask for ask in happy.asks if not ask.is_ambiguous]
    for trace, ask in held_asks(trace for name in names if (trace := case.trace(name)) is not None):
        yield trace, [ask]


@check("reply-needed", "solo", "all-silent", "happy", "silent-end")
def reply_needed(case: Case) -> Judgement:
    """The session does not go on before the projects that were told have replied."""
    for breach in _breaches(case):
        if not breach.others:
            late = breach.progress.at - breach.ask.at
            return breach.fail(
                f"the session stays in {breach.ask.state} until the projects that were told have replied",
                f"it went on {late:.2f} s after the alarm, and nobody had replied",
            )
    held = [ask for trace, asks in _watched(case) if trace.name.startswith(("solo", "all-silent")) for ask in asks]
    if not held:
        return case.why("solo", "all-silent")
    judgements = [passed(f"{ask.state} waits", ask.evidence[:1]) for ask in held]
    if not any(ask.state in ACTION_STATES for ask in held):
        judgements.append(untestable("no state that asks for actions could be held"))
    return worst(judgements)


@check("reply-all", "solo", "silent", "happy", "silent-end")
def reply_all(case: Case) -> Judgement:
    """The session does not go on before all of the projects that were told have replied."""
    if case.has_failed("reply-needed"):
        return untestable("the session does not wait for any reply: see reply-needed")
    for breach in _breaches(case):
        if breach.others:
            return breach.fail(
                f"the session stays in {breach.ask.state} until {breach.ask.project} has replied too",
                f"it went on when {', '.join(sorted(breach.others))} had",
            )
    judgements = [
        passed(f"{ask.state} waits for {ask.project}", ask.evidence[:1])
        for trace, asks in _watched(case)
        for ask in asks
        if replied_before(trace, ask, ask.first_sent or float("inf"))
    ]
    if judgements:
        return worst(judgements)
    return untestable("two projects are needed") if len(case.projects) < 2 else case.why("solo", "silent")


@check("reply-advances", "solo", "happy", "silent-end")
def reply_advances(case: Case) -> Judgement:
    """Once all have acknowledged, the session goes on."""
    if case.has_failed("reply-needed"):
        return untestable("the session goes on without replies: see reply-needed")
    judgements = []
    for name in ("solo", "happy"):
        trace = case.trace(name)
        if trace is None:
            judgements.append(case.why(name))
            continue
        stuck = _stuck_at(trace)
        if stuck is not None:
            judgements.append(_why_stuck(case, trace, stuck))
    happy = case.trace("happy")
    if happy is not None and not judgements:
        live = case.trace("silent-end")
        if not happy.reached(State.MAINTENANCE_COMPLETE):
            judgements.append(untestable("the session did not get to MAINTENANCE_COMPLETE", happy.story()))
        elif live is not None and (stuck := _stuck_at(live)) and stuck[0].state in ACTION_STATES:
            # The same session with another action that the server offers.
            judgements.append(_why_stuck(case, live, stuck))
        else:
            states = [state for state in REPLY_STATES if happy.asks_of(state=state)]
            judgements.append(passed(f"it went on from {', '.join(states[:-1])}", happy.story()))
    return worst(judgements)


def _stuck_at(trace: Trace) -> list[Ask] | None:
    """The asks of the state that the session did not go on from, None when it did; the last state is another's.

    The first session of a run is left as soon as it has gone on from MAINTENANCE.
    """
    if not trace.asks:
        return None
    state = State.MAINTENANCE if trace.name == "solo" else trace.asks[-1].state
    if state == State.MAINTENANCE_COMPLETE:
        return None
    asks = [ask for ask in trace.asks_of(state=state) if not ask.is_ambiguous and trace.progress(ask) is None]
    return asks or None


def _why_stuck(case: Case, trace: Trace, asks: list[Ask]) -> Judgement:
    state = asks[0].state
    unheard = [ask for ask in asks if ask.accepted is None]
    if unheard:
        ask = unheard[0]
        refused = [sent.exchange.outcome for sent in ask.replies if sent.word == ask.ack_word]
        words = f"its acknowledgement was answered {refused[0]}" if refused else "it could not reply"
        return untestable(f"{ask.project} could not acknowledge {state}: {words}", ask.evidence)
    if state == State.SCALE_IN:
        return untestable(
            "the session asks for scale-in; the server's inventory needs room for one host", trace.story()
        )
    late = [ask for ask in asks if ask.accepted is not None and ask.accepted.exchange.answered > ask.deadline]
    if late:
        return untestable(f"the acknowledgement of {late[0].project} came too late", late[0].evidence)
    if _was_simultaneous(asks):
        return untestable("the replies came at the same moment: see reply-concurrent", trace.story())
    if case.has_failed("list-current-state", "list-scoped", "list-stable"):
        return untestable(f"the session did not go on from {state}, but its lists were wrong", trace.story())
    words = "failed" if trace.final == State.MAINTENANCE_FAILED else "did not go on"
    actions = {str(action) for ask in asks for action in (ask.accepted.actions.values() if ask.accepted else ())}
    chosen = f", with {', '.join(sorted(actions))} as it had offered" if actions else ""
    return failed(
        f"the session goes on from {state} once all projects have acknowledged",
        f"it {words} although {', '.join(dict.fromkeys(ask.project for ask in asks))} acknowledged{chosen}",
        [*(sent.exchange.evidence for ask in asks for sent in ask.replies), *trace.story()],
    )


def _was_simultaneous(asks: list[Ask]) -> bool:
    moments = sorted(ask.acknowledged_at for ask in asks if ask.acknowledged_at is not None)
    return any(later - earlier < 0.05 for earlier, later in pairwise(moments))


@check("reply-nack", "refused", "concurrent")
def reply_nack(case: Case) -> Judgement:
    """NACK is no ACK: the session does not go on as if it had been acknowledged."""
    if case.has_failed("reply-needed", "reply-all", "sessions-independent"):
        return untestable("the session goes on without replies: see reply-needed, reply-all and sessions-independent")
    judgements: list[Judgement] = []
    traces = case.traces_of("refused-")
    concurrent = case.trace("concurrent")
    if concurrent is not None:
        traces.append(concurrent)
    for trace in traces:
        for ask in trace.asks:
            nacks = [sent for sent in ask.replies if sent.intent is Intent.NACK]
            if nacks:
                judgements.append(_after_nack(case, trace, ask, nacks[0]))
    if not any(trace.reached(State.PLANNED_MAINTENANCE) for trace in traces):
        judgements.append(untestable("PLANNED_MAINTENANCE was not reached"))
    return worst(judgements) if traces else case.why("refused-maintenance")


def _after_nack(case: Case, trace: Trace, ask: Ask, nack: Sent) -> Judgement:
    progress = went_on_early(case, trace, ask)
    if progress is not None and progress.at > nack.exchange.sent:
        return failed(
            f"NACK_{ask.state} does not make the session go on",
            f"it went on after {ask.project} had refused: {progress.text}",
            [nack.exchange.evidence, progress.evidence, *trace.story()],
        )
    if progress is not None:
        return untestable(f"the session went on before {ask.project} had refused", trace.story())
    if nack.exchange.status is None:
        return untestable(f"NACK_{ask.state} was not answered: {nack.exchange.error}", [nack.exchange.evidence])
    return passed(f"{ask.state} was not acknowledged by it", [nack.exchange.evidence])


#: So long behind the end of a window a server may take to act on it, in seconds.
_GRACE = 1.0


def _silent_with(trace: Trace, ask: Ask) -> list[Ask]:
    """The asks of that state to which nobody replied: what is done about one of them shows that the wait is over."""
    return [ask, *(one for one in trace.asks_of(state=ask.state) if one is not ask and not one.replies)]


@check("reply-silence", "silent", "all-silent", "silent-end")
def reply_silence(case: Case) -> Judgement:
    """When a project stays silent past the window the session does not hang: a default behaviour or a failure
    follows.
    """
    if case.has_failed("reply-needed", "reply-all"):
        return untestable("the session goes on without replies: see reply-needed and reply-all")
    if case.has_failed("sessions-independent"):
        return untestable("sessions influence each other: see sessions-independent")
    judgements = []
    plays = [*case.traces_of("silent-"), *case.traces_of("all-silent")]
    for trace, ask in held_asks(plays):
        silent = _silent_with(trace, ask)
        ended, limit = trace.final_at, min(early_limit(case, one) for one in silent)
        is_told = all(_is_told_window(case, one) for one in silent)
        # A refusal, or a reply that was wrong on purpose, may end a session at once.
        is_plain = all(sent.intent is Intent.ACK for _, sent in trace.sents)
        if ended is not None and ended < limit and is_told and is_plain:
            return failed(
                f"replies to {ask.state} are waited for until {ask.sighting.message.reply_at or 'the window is over'}",
                f"the session is in {trace.final} {ended - ask.at:.1f} s after the alarm",
                [ask.sighting.evidence, *trace.story()],
            )
        if any(trace.progress(one) for one in silent):
            judgements.append(passed(f"{ask.state}: a default behaviour follows", trace.story()))
        elif trace.final:
            judgements.append(passed(f"{ask.state}: {trace.final} follows", trace.story()))
        elif trace.last_look < ask.deadline + _GRACE:
            judgements.append(untestable(f"{ask.state} was not watched to the end of its window", trace.story()))
        else:
            return failed(
                f"when the window of {ask.state} is over the session goes on or fails",
                f"{trace.last_look - ask.deadline:.1f} s after the end of the window it still waits for {ask.project}",
                [ask.sighting.evidence, *trace.story()],
            )
    if not judgements:
        return case.why("silent-maintenance", "all-silent-maintenance")
    if not any(ask.state == State.PLANNED_MAINTENANCE for _, ask in held_asks(plays)):
        judgements.append(untestable("PLANNED_MAINTENANCE was not reached"))
    return worst(judgements)


@check("reply-concurrent", "concurrent", "happy")
def reply_concurrent(case: Case) -> Judgement:
    """Replies that arrive at once all count."""
    trace = case.trace("concurrent")
    if trace is None:
        return case.why("concurrent")
    together = [ask for ask in trace.asks if _has_company(trace, ask) and ask.state != State.MAINTENANCE_COMPLETE]
    if not together:
        return untestable("no two projects could be made to reply at the same moment", trace.story())
    happy = case.trace("happy")
    for ask in together:
        sent = ask.replies[0]
        if sent.exchange.status != 200 and not sent.exchange.is_accepted:
            if case.has_failed("reply-200", "list-current-state", "list-scoped"):
                return untestable("valid replies are refused even one by one: see reply-200", ask.evidence)
            return failed(
                "each of the replies that arrive at once is answered 200",
                f"{sent.word} of {ask.project} was answered {sent.exchange.outcome}",
                [*ask.evidence, *trace.story()],
            )
        if trace.progress(ask) is None:
            if happy is None or not all(happy.progress(other) for other in happy.asks_of(state=ask.state)):
                return untestable(f"the session does not go on from {ask.state} otherwise either", trace.story())
            return failed(
                "replies that arrive at once all count, and the session goes on",
                f"it did not go on from {ask.state} although all were answered 200",
                [*(one.replies[0].exchange.evidence for one in together if one.state == ask.state), *trace.story()],
            )
    states = dict.fromkeys(ask.state for ask in together)
    if State.PLANNED_MAINTENANCE not in states and not (happy is not None and _has_nobody_in_common(happy)):
        return untestable("no two projects were asked at once in PLANNED_MAINTENANCE", trace.story())
    return passed(f"at once in {', '.join(states)}", [ask.replies[0].exchange.evidence for ask in together][:4])


def _has_nobody_in_common(trace: Trace) -> bool:
    """Whether a session that came to its last state asked no two projects about the same host: then none can reply at
    once."""
    asks = sorted(trace.asks_of(state=State.PLANNED_MAINTENANCE), key=lambda ask: ask.at)
    # Of asks that overlap there are two that follow each other.
    apart = all(
        one.project == other.project or other.at >= (one.acknowledged_at or one.deadline)
        for one, other in pairwise(asks)
    )
    return apart and trace.reached(State.MAINTENANCE_COMPLETE)


def _has_company(trace: Trace, ask: Ask) -> bool:
    """Whether another project's reply to the same state was sent in the same moment."""
    if not ask.replies:
        return False
    sent = ask.replies[0].exchange.sent
    return any(
        other.project != ask.project and other.replies and abs(other.replies[0].exchange.sent - sent) < 0.1
        for other in trace.asks_of(state=ask.state)
    )
