"""Checks of the actions in a reply: for foreign instances, and such as are not allowed."""

from __future__ import annotations

from fenix_conformance.server.checks.replies import held_asks, went_on_early
from fenix_conformance.server.judging import Case, Judgement, check, failed, passed, untestable, worst
from fenix_conformance.server.trace import Ask, Intent, Trace
from fenix_contract.vocabulary import Action


@check("reply-foreign-instance", "foreign")
def reply_foreign_instance(case: Case) -> Judgement:
    """An action for another project's instance has no effect on it."""
    trace = case.trace("foreign")
    if trace is None:
        return case.why("foreign")
    if case.has_failed("reply-needed", "reply-all", "list-scoped", "list-stable"):
        return untestable("lists or sessions change for other reasons: see reply-needed, reply-all, list-*")
    ask, victims = trace.marks.get("held"), trace.marks.get("victims")
    if not isinstance(ask, Ask) or not victims:
        return untestable("no session asked for actions while another project's instances were known", trace.story())
    sent = next((one for one in ask.replies if one.intent is Intent.WRONG), None)
    if sent is None:
        return untestable("the session was over before the reply", trace.story())
    for report in trace.reports:
        for one in set(report.message.instance_id_list) & set(victims):
            if report.at > sent.exchange.sent and not _left_to_server(trace, one, victims[one], report.at):
                return failed(
                    f"what {ask.project} says about {one} of {victims[one]} has no effect",
                    f"INSTANCE_ACTION_DONE came for it to {report.project}",
                    [sent.exchange.evidence, report.evidence, *trace.story()],
                )
    for other in trace.asks_of(state=ask.state):
        lists = [one for one in other.listings if one.before_reply and one.ids is not None]
        for later in lists[1:]:
            lost = (set(lists[0].ids or ()) & set(victims)) - set(later.ids or ())
            if lost and other.project != ask.project and later.exchange.answered > sent.exchange.sent:
                return failed(
                    f"the list of {other.project} stays as it was",
                    f"{min(lost)} is gone from it since {ask.project} named an action for it",
                    [lists[0].exchange.evidence, sent.exchange.evidence, later.exchange.evidence],
                )
    return passed(
        f"{len(victims)} instances of others; the reply was answered {sent.exchange.outcome}", [sent.exchange.evidence]
    )


def _left_to_server(trace: Trace, instance: str, project: str, moment: float) -> bool:
    """Whether its own project asked the server to move it before that moment."""
    return any(
        sent.exchange.sent < moment
        and sent.intent is not Intent.WRONG
        and sent.actions.get(instance) in (Action.MIGRATE, Action.LIVE_MIGRATE)
        for ask in trace.asks_of(project)
        for sent in ask.replies
    )


@check("reply-action-allowed", "disallowed")
def reply_action_allowed(case: Case) -> Judgement:
    """An action outside allowed_actions is not carried out as if it were allowed."""
    traces = case.traces_of("disallowed-")
    if not traces:
        return case.why("disallowed")
    if case.has_failed("reply-needed", "reply-all", "list-stable", "list-scoped"):
        return untestable("sessions or lists are wrong: see reply-needed, reply-all, list-stable and list-scoped")
    judgements = []
    for trace, ask in held_asks(traces):
        sent = [one for one in ask.replies if one.intent is Intent.WRONG]
        if not sent:
            judgements.append(untestable("the project had no instance to choose for", trace.story()))
            continue
        victim = trace.marks["victim"]
        words = " or ".join(one.kind for one in sent if one.exchange.is_accepted) or sent[-1].kind
        for report in trace.reports:
            if victim in report.message.instance_id_list and report.at > sent[0].exchange.sent:
                return failed(
                    f"{words} for {victim} is refused, or fails",
                    "it was carried out: INSTANCE_ACTION_DONE came for it",
                    [ask.sighting.evidence, *(one.exchange.evidence for one in sent), report.evidence],
                )
        # The allowed actions of the same reply may have been carried out: their reports prove nothing.
        progress = went_on_early(case, trace, ask, by_report=False)
        if progress is not None and progress.at > sent[0].exchange.sent:
            return failed(
                f"{words} for {victim} is refused, or fails",
                f"the session went on as if it were allowed: {progress.text}",
                [ask.sighting.evidence, *(one.exchange.evidence for one in sent), progress.evidence, *trace.story()],
            )
        judgements.append(passed(", ".join(one.kind for one in sent), [one.exchange.evidence for one in sent]))
    if not judgements:
        return untestable("no session asked for actions", traces[0].story())
    return worst(judgements)
