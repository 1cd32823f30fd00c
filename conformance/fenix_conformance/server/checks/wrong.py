"""Checks of what must not count as a reply, of the same reply again, and of what is not served."""

from __future__ import annotations

from collections.abc import Iterator

from fenix_conformance.server.checks.lists import judge_unknown
from fenix_conformance.server.checks.replies import held_asks, went_on_early
from fenix_conformance.server.judging import Case, Judgement, check, failed, passed, untestable, worst
from fenix_conformance.server.plays.holding import WRONG_KINDS
from fenix_conformance.server.trace import Ask, Intent, Progress, Sent, Trace
from fenix_contract.vocabulary import State

#: Where these are broken, a session that goes on says nothing about what was sent to it.
_BASICS = ("reply-needed", "reply-all", "list-stable", "sessions-independent")


def _unsteady(case: Case) -> Judgement | None:
    broken = [requirement for requirement in _BASICS if case.has_failed(requirement)]
    return untestable(f"sessions go on for other reasons: see {', '.join(broken)}") if broken else None


@check("reply-other-state", "wrong", "silent-end")
def reply_other_state(case: Case) -> Judgement:
    """A reply to another state, or with an unknown prefix or no state, does not count as an ACK."""
    if unsteady := _unsteady(case):
        return unsteady
    judgements = []
    tried: dict[str, set[str]] = {}
    plays = [*case.traces_of("wrong-"), *case.traces_of("silent-end")]
    for trace, ask in held_asks(plays):
        sent = [one for one in ask.replies if one.intent is Intent.WRONG]
        if not sent:
            continue
        progress = went_on_early(case, trace, ask)
        if progress is not None and progress.at < sent[0].exchange.sent:
            continue
        if progress is not None:
            return _counted(trace, ask, sent, progress)
        tried.setdefault(ask.state, set()).update(one.kind for one in sent)
        judgements.append(passed("", [one.exchange.evidence for one in sent]))
    if not tried:
        return case.why("wrong-maintenance-1")
    judgements += [
        untestable(f"{state} could not be held for: {', '.join(sorted(left))}")
        for state in (State.MAINTENANCE, State.PLANNED_MAINTENANCE)
        if (left := set(WRONG_KINDS) - tried.get(state, set()))
    ]
    kinds = ", ".join(WRONG_KINDS)
    return worst([passed(f"in {', '.join(tried)}: {kinds}"), *judgements])


def _counted(trace: Trace, ask: Ask, sent: list[Sent], progress: Progress) -> Judgement:
    before = [one for one in sent if one.exchange.sent < progress.at]
    # What was answered 2xx was the last one that was sent; among refused ones nobody can tell.
    counted = [one for one in before if one.exchange.is_accepted] or before
    return failed(
        f"only ACK_{ask.state} makes the session go on from {ask.state}",
        f"it went on after {' or '.join(repr(one.word) for one in counted)} ({counted[-1].kind}): {progress.text}",
        [ask.sighting.evidence, *(one.exchange.evidence for one in counted), progress.evidence, *trace.story()],
    )


@check("reply-malformed", "malformed")
def reply_malformed(case: Case) -> Judgement:
    """A malformed body (not JSON, not an object, wrong types) is 4xx and changes nothing."""
    probes = case.sent("malformed")
    if not probes:
        return case.why("malformed")
    for kind, exchange in probes:
        if exchange.is_busy:
            return untestable(f"the server was busy ({exchange.outcome}): see reply-concurrent", [exchange.evidence])
        if not exchange.is_refused:
            return failed(
                "4xx", f"a body that is malformed ({kind}) was answered {exchange.outcome}", [exchange.evidence]
            )
    if not case.traces_of("malformed-"):
        return untestable(
            "malformed bodies are refused; that they change nothing can only be seen in a session of the suite's own",
            [exchange.evidence for _, exchange in probes][:3],
        )
    return worst(_unchanged(case, trace, "malformed bodies") for trace in case.traces_of("malformed-"))


def _unchanged(case: Case, trace: Trace, what: str) -> Judgement:
    """Whether the session is where it was, and its list, and the genuine reply still counts."""
    probes = trace.marks.get("probes", [])
    evidence = [exchange.evidence for _, exchange in probes][:3]
    ask = next((one for one in trace.asks_of(state=State.MAINTENANCE) if one.project == case.projects[0]), None)
    if ask is None:
        return untestable("the session could not be held in MAINTENANCE", trace.story())
    if unsteady := _unsteady(case):
        return unsteady
    lists = [one for one in ask.listings if one.ids is not None and one.before_reply]
    if len({frozenset(one.ids or ()) for one in lists}) > 1:
        return failed(f"{what} change nothing", "the list is another one afterwards", [*evidence, *trace.story()])
    genuine = [one for one in ask.replies if one.intent is Intent.ACK]
    progress = went_on_early(case, trace, ask, genuine[0].exchange.sent if genuine else None)
    if progress is not None:
        return failed(f"{what} change nothing", f"the session went on: {progress.text}", [*evidence, *trace.story()])
    if not genuine:
        ended = trace.failed_at()
        if ended is not None and ended < ask.deadline - 0.5:
            return failed(f"{what} change nothing", "the session failed", [*evidence, *trace.story()])
        return untestable("the window ended before the genuine reply", trace.story())
    if genuine[0].exchange.is_busy:
        return untestable("the server was busy when the genuine reply came: see reply-concurrent")
    if genuine[0].exchange.answered > ask.deadline:
        return untestable("the genuine reply came too late", trace.story())
    if trace.progress(ask) is None:
        if case.has_failed("reply-200", "reply-advances") or any(
            other.accepted is None for other in trace.asks_of(state=ask.state)
        ):
            return untestable("the session does not go on for other reasons", trace.story())
        return failed(
            f"after {what} the genuine acknowledgement counts",
            f"it was answered {genuine[0].exchange.outcome} and the session did not go on",
            [*evidence, genuine[0].exchange.evidence, *trace.story()],
        )
    return passed(f"{len(probes)} requests were refused and changed nothing", evidence)


@check("reply-unknown", "strangers")
def reply_unknown(case: Case) -> Judgement:
    """PUT to an unknown session or project is 4xx."""
    return judge_unknown(case, "put unknown", "PUT")


@check("methods", "methods")
def methods(case: Case) -> Judgement:
    """Other methods are 405 with Allow, never 5xx."""
    exchanges = [exchange for _, exchange in case.sent("methods")]
    if not exchanges:
        return case.why("methods")
    for exchange in exchanges:
        if exchange.method in ("OPTIONS", "HEAD"):
            if exchange.status is None or exchange.status >= 500:
                return failed("no 5xx", f"{exchange.method} was answered {exchange.outcome}", [exchange.evidence])
        elif exchange.status != 405 or not exchange.header("allow"):
            actual = f"{exchange.method} was answered {exchange.outcome}"
            if exchange.status == 405:
                actual += " without Allow"
            return failed("405 with Allow", actual, [exchange.evidence])
    traces = case.traces_of("methods-")
    if not traces:
        return passed(f"{len(exchanges)} methods", [one.evidence for one in exchanges])
    return worst(_unchanged(case, trace, "other methods") for trace in traces)


@check("reply-repeat", "repeated", "happy")
def reply_repeat(case: Case) -> Judgement:
    """The same reply again, while the state still waits for another project, is 200 and has one effect."""
    trace = case.trace("repeated")
    if trace is None:
        return case.why("repeated")
    if unsteady := _unsteady(case):
        return unsteady
    judgements = []
    for ask in trace.asks:
        repeats = [sent for sent in ask.replies if sent.intent is Intent.REPEAT]
        if repeats and ask.accepted is not None:
            judgements.append(_repeated(case, trace, ask, repeats))
    if not judgements:
        return untestable("no reply could be repeated while another project had not replied", trace.story())
    return worst(judgements)


def _repeated(case: Case, trace: Trace, ask: Ask, repeats: list[Sent]) -> Judgement:
    first = ask.replies[0].exchange
    for sent in repeats:
        if not any(True for _ in _open_at(trace, ask, sent)):
            continue  # Nobody was waited for any more: the state may have been over.
        if sent.exchange.status != 200 and sent.exchange.status != first.status:
            return failed(
                "200, as the first time",
                f"{sent.word} again was answered {sent.exchange.outcome}",
                [first.evidence, sent.exchange.evidence],
            )
    for other in _open_at(trace, ask, repeats[0]):
        progress = went_on_early(case, trace, other, other.first_sent)
        if progress is not None and progress.at > repeats[0].exchange.sent:
            return failed(
                f"{ask.ack_word} of one project, sent twice, counts for that project only",
                f"the session went on although {other.project} had not replied: {progress.text}",
                [*ask.evidence, progress.evidence, *trace.story()],
            )
    twice = sorted(
        (reported_twice(trace, ask.project) - reported_twice(case.trace("happy"), ask.project))
        & set(repeats[0].actions)
    )
    if twice:
        return failed(
            "a reply that is sent twice has its actions carried out once",
            f"INSTANCE_ACTION_DONE came more than once for {twice[0]}",
            [*(sent.exchange.evidence for sent in ask.replies), *(one.evidence for one in trace.reports)],
        )
    return passed(f"in {ask.state}", [first.evidence, repeats[0].exchange.evidence])


def _open_at(trace: Trace, ask: Ask, repeat: Sent) -> Iterator[Ask]:
    for other in trace.asks_of(state=ask.state):
        if other.project != ask.project and (other.first_sent is None or other.first_sent > repeat.exchange.answered):
            yield other


def reported_twice(trace: Trace | None, project: str) -> set[str]:
    """Instances of a project that were reported by more than one INSTANCE_ACTION_DONE."""
    reported = [
        one
        for report in (trace.reports if trace is not None else ())
        if report.project == project
        for one in report.message.instance_id_list
    ]
    return {one for one in reported if reported.count(one) > 1}


@check("reply-extra-members", "repeated")
def reply_extra_members(case: Case) -> Judgement:
    """Members that are not known (session_id, instance_ids) are tolerated."""
    trace = case.trace("repeated")
    if trace is None:
        return case.why("repeated")
    for ask in trace.asks:
        extra = next((sent for sent in ask.replies if sent.intent is Intent.EXTRA), None)
        if extra is None:
            continue
        if not extra.exchange.is_accepted:
            if case.has_failed("reply-200", "reply-repeat") or _unsteady(case):
                return untestable("valid replies are refused as well, or the session went on", ask.evidence)
            return failed(
                "200, as without the members",
                f"a reply with session_id, instance_ids and an unknown member was answered {extra.exchange.outcome}",
                [extra.exchange.evidence],
            )
        plain = [sent for sent in ask.replies if sent.intent is Intent.ACK]
        progress = trace.progress(ask)
        if progress is None:
            return untestable("the session did not go on afterwards", [extra.exchange.evidence, *trace.story()])
        if plain and progress.at > plain[0].exchange.sent:
            others = [other for other in trace.asks_of(state=ask.state) if other is not ask]
            was_last = all((other.acknowledged_at or float("inf")) < extra.exchange.sent for other in others)
            if not was_last or _unsteady(case) or case.has_failed("reply-repeat"):
                return untestable("another reply was missing as well", [extra.exchange.evidence, *trace.story()])
            return failed(
                "a reply with more members counts like one without",
                "the session went on only after it was sent again without them",
                [extra.exchange.evidence, plain[0].exchange.evidence, *trace.story()],
            )
        return passed("session_id, instance_ids and an unknown member", [extra.exchange.evidence])
    return untestable("the session could not be held in MAINTENANCE", trace.story())
