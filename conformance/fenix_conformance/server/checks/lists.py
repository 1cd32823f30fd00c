"""Checks of GET on the project's URL."""

from __future__ import annotations

from collections.abc import Iterator

from fenix_conformance.results import Evidence
from fenix_conformance.server.exchange import Exchange
from fenix_conformance.server.judging import Case, Judgement, check, failed, passed, untestable, worst
from fenix_conformance.server.play import read_ids
from fenix_conformance.server.trace import Ask, Trace
from fenix_contract.vocabulary import ACTION_STATES, Action, State

#: Seconds within which a list is to be answered.
PROMPT = 5.0


def answered_lists(case: Case) -> Iterator[tuple[str, Exchange]]:
    """Every GET of a list that had to be answered, with whose it is; links that led nowhere are not among them."""
    for trace in case.traces.values():
        for ask, listing in trace.listings:
            if listing.ids is not None or not any(one.ids is not None for one in ask.listings):
                yield listing.project, listing.exchange
        yield from trace.marks.get("bystanders", ())
    yield from case.probes.get("lists", ())


def what_is_wrong(exchange: Exchange) -> str:
    """What is wrong with a list's answer, "" when nothing is."""
    if exchange.status != 200:
        return f"it was answered {exchange.outcome}"
    try:
        document = exchange.json()
    except ValueError:
        return "its body is not JSON"
    if not isinstance(document, dict):
        return f"its body is {_kind(document)}, not an object"
    if "instance_ids" not in document:
        return "its object has no instance_ids"
    ids = document["instance_ids"]
    if not isinstance(ids, list):
        return f"instance_ids is {_kind(ids)}, not a list"
    if not all(isinstance(one, str) for one in ids):
        return "instance_ids has members that are no strings"
    if len(set(ids)) < len(ids):
        return "instance_ids has an id more than once"
    return ""


def _kind(value: object) -> str:
    names = {dict: "an object", list: "a list", str: "a text", bool: "a boolean"}
    return "null" if value is None else names.get(type(value), "a number")


@check("list-shape", "happy", "reads")
def list_shape(case: Case) -> Judgement:
    """GET answers 200 with an object whose instance_ids is a list of distinct strings, never null."""
    seen = list(answered_lists(case))
    if not seen:
        return case.why("happy", "reads")
    wrong = [(project, exchange, fault) for project, exchange in seen if (fault := what_is_wrong(exchange))]
    if wrong:
        project, _, fault = wrong[0]
        return failed(
            "200 with an object whose instance_ids is a list of distinct strings",
            f"the list of {project}: {fault}",
            [one.evidence for _, one, _ in wrong],
        )
    return passed(f"{len(seen)} lists", [seen[0][1].evidence])


@check("list-json", "happy", "reads")
def list_json(case: Case) -> Judgement:
    """The list comes as application/json (parameters allowed)."""
    seen = [exchange for _, exchange in answered_lists(case) if exchange.status == 200]
    if not seen:
        return untestable("no list was answered 200") if case.traces else case.why("happy", "reads")
    for exchange in seen:
        if exchange.content_type != "application/json":
            return failed(
                "Content-Type: application/json",
                f"Content-Type: {exchange.header('content-type') or '(none)'}",
                [exchange.evidence],
            )
    return passed(f"{len(seen)} lists", [seen[0].evidence])


@check("list-scoped", "happy")
def list_scoped(case: Case) -> Judgement:
    """The list has that project's instances only; two projects' lists are disjoint."""
    owner: dict[str, tuple[str, Evidence]] = {}
    counted: set[str] = set()
    for trace in case.traces.values():
        for _, listing in trace.listings:
            for one in listing.ids or ():
                first, evidence = owner.setdefault(one, (listing.project, listing.exchange.evidence))
                if first != listing.project:
                    return failed(
                        "the lists of two projects have no instance in common",
                        f"{one} is in the lists of {first} and of {listing.project}",
                        [evidence, listing.exchange.evidence],
                    )
            counted.update({listing.project} if listing.ids else ())
    if len(counted) < 2:
        return untestable("the lists of two projects are needed, and both must have instances")
    return passed(
        f"{len(owner)} instances of {len(counted)} projects", [evidence for _, evidence in owner.values()][:2]
    )


@check("list-current-state", "happy")
def list_current_state(case: Case) -> Judgement:
    """Before the project's own reply in PREPARE/PLANNED the list has just the instances now asked about; one that was
    moved in an earlier PLANNED round never comes again.
    """
    if case.has_failed("list-stable"):
        return untestable("the list does not stay the same in one state: see list-stable")
    if case.has_failed("reply-needed", "reply-all"):
        return untestable("the session goes on before the list is fetched: see reply-needed and reply-all")
    judgements = [
        judgement for trace in (case.trace("happy"),) if trace is not None for judgement in _current_state(trace)
    ]
    return worst(judgements) if judgements else case.why("happy")


def _current_state(trace: Trace) -> Iterator[Judgement]:
    asks = [ask for ask in trace.asks if ask.state in ACTION_STATES and not ask.is_ambiguous]
    if not asks:
        yield untestable("the session asked about no actions", trace.story())
        return
    for ask in asks:
        if ask.listed is not None:
            yield _one_list(trace, ask)
    planned = [ask for ask in asks if ask.state == State.PLANNED_MAINTENANCE]
    if not planned or any(ask.listed is None for ask in planned):
        yield untestable("the session did not get through PLANNED_MAINTENANCE with readable lists", trace.story())


def _one_list(trace: Trace, ask: Ask) -> Judgement:
    listed = set(ask.listed or ())
    evidence = [*ask.evidence[:2]]
    if not listed:
        return failed(
            f"the instances of {ask.project} that the alarm {ask.state} is about",
            "the list is empty although the project was told",
            evidence,
        )
    if ask.state == State.PLANNED_MAINTENANCE:
        for earlier in trace.asks_of(ask.project, State.PLANNED_MAINTENANCE):
            if earlier.number < ask.number and not earlier.is_ambiguous and listed & set(earlier.listed or ()):
                again = sorted(listed & set(earlier.listed or ()))[0]
                return failed(
                    "an instance is listed in one round of PLANNED_MAINTENANCE only",
                    f"{again} of {ask.project} is listed in rounds {earlier.number} and {ask.number}",
                    [*earlier.evidence[:2], *evidence],
                )
    if _lists_everything(trace, ask) and _moves_only_some(trace, ask):
        return failed(
            "just the instances on the host that is to be emptied",
            f"the list has all of the project's instances, but only some were moved when {ask.project} acknowledged",
            [*ask.evidence, *(one.evidence for one in trace.reports)],
        )
    if _lists_everything(trace, ask) and _is_refused_by_its_own_list(trace, ask):
        return failed(
            "just the instances on the host that is to be emptied",
            "the list has all of the project's instances, and a reply with an action for each of them is refused",
            ask.evidence,
        )
    return passed(f"{ask.state} of {ask.project}: {len(listed)} instances", evidence)


def everything_of(trace: Trace, project: str) -> set[str]:
    """All instances of a project, as its list in MAINTENANCE has them."""
    return {one for ask in trace.asks_of(project, State.MAINTENANCE) for one in ask.listed or ()}


def _lists_everything(trace: Trace, ask: Ask) -> bool:
    everything = everything_of(trace, ask.project)
    return len(everything) > 1 and set(ask.listed or ()) >= everything


def unreported(trace: Trace, ask: Ask) -> set[str]:
    """Listed instances that an accepted reply left to the server and that were not reported as moved before the
    project was asked again.
    """
    if ask.accepted is None:
        return set()
    until = min((other.at for other in trace.asks_of(ask.project) if other.at > ask.at), default=float("inf"))
    moved = {
        one
        for report in trace.reports
        if report.project == ask.project and ask.at < report.at < until
        for one in report.message.instance_id_list
    }
    left = {one for one, action in ask.accepted.actions.items() if action != Action.OWN_ACTION}
    return (left & set(ask.listed or ())) - moved


def _moves_only_some(trace: Trace, ask: Ask) -> bool:
    """Whether some of the listed instances were moved and some were not, and reports are not what is at fault.

    Where a list that is plainly a part of the project's instances has reports missing too, the reports are.
    """
    missing = unreported(trace, ask)
    if not missing or missing >= set(ask.listed or ()) or trace.progress(ask) is None:
        return False
    return not any(
        unreported(trace, other)
        for other in trace.asks
        if other.state in ACTION_STATES and trace.progress(other) is not None and not _lists_everything(trace, other)
    )


def _is_refused_by_its_own_list(trace: Trace, ask: Ask) -> bool:
    """Whether an acknowledgement made of the list was refused, and only where the list was everything."""
    refused = [other for other in trace.asks if other.state == ask.state and is_refused(other)]
    return ask in refused and all(_lists_everything(trace, other) for other in refused)


def is_refused(ask: Ask) -> bool:
    """Whether the project acknowledged this ask as it should and was refused."""
    return ask.accepted is None and any(sent.word == ask.ack_word and sent.exchange.is_refused for sent in ask.replies)


@check("list-stable", "happy", "reads", "solo")
def list_stable(case: Case) -> Judgement:
    """GET is safe: repeating it changes nothing, and the list stays while the state does."""
    judgements = []
    for trace in (case.trace("reads"), case.trace("happy")):
        if trace is not None:
            judgements += [_stays_the_same(trace, ask) for ask in trace.asks if not ask.is_ambiguous]
    reads = case.trace("reads")
    if reads is None:
        return worst([*judgements, case.why("reads")])
    return worst([*judgements, _changes_nothing(case, reads)])


def _stays_the_same(trace: Trace, ask: Ask) -> Judgement:
    # A session that goes on before it should has another list: that is not the list's fault.
    progress = trace.progress(ask)
    until = float("inf") if progress is None else progress.at - 0.2
    lists = [one for one in ask.listings if one.before_reply and one.ids is not None and one.exchange.answered < until]
    for one in lists[1:]:
        if set(one.ids or ()) != set(lists[0].ids or ()):
            return failed(
                f"the list of {ask.project} stays the same while the session stays in {ask.state}",
                f"it had {len(lists[0].ids or ())} instances, then {len(one.ids or ())}",
                [lists[0].exchange.evidence, one.exchange.evidence],
            )
    broken = [
        one
        for one in ask.listings
        if one.before_reply and one.ids is None and one.is_own_link and one.exchange.answered < until
    ]
    if lists and broken and lists[0].exchange.sent < broken[0].exchange.sent:
        return failed(
            "the same GET is answered the same again",
            f"at first it listed, then it was answered {broken[0].exchange.outcome}",
            [lists[0].exchange.evidence, broken[0].exchange.evidence],
        )
    return passed("", [one.exchange.evidence for one in lists[:2]])


def _changes_nothing(case: Case, trace: Trace) -> Judgement:
    ask = next(iter(trace.asks_of(case.projects[0], State.MAINTENANCE)), None) if case.projects else None
    if ask is None or not any(one.ids is not None for one in ask.listings):
        return untestable("no list could be read in MAINTENANCE", trace.story())
    went_on = trace.progress(ask)
    if went_on is not None and (ask.first_sent is None or went_on.at < ask.first_sent):
        solo = case.trace("solo")
        if solo is None or went_on.at - ask.at > steady_for(solo):
            return untestable("the session went on, but so it may without GETs: see reply-needed and reply-all")
        return failed(
            "GETs alone change nothing",
            f"the session went on while {ask.project} had only fetched its list: {went_on.text}",
            [*ask.evidence, went_on.evidence, *trace.story()],
        )
    return passed("repeated lists are the same and change nothing")


def steady_for(solo: Trace) -> float:
    """For how many seconds a session on its own, in which nobody fetched anything, was seen to wait for replies."""
    for ask in solo.asks_of(state=State.MAINTENANCE):
        progress = solo.progress(ask)
        if progress is not None and (ask.first_sent is None or progress.at < ask.first_sent):
            return 0.0
    return min((ask.first_sent - ask.at for ask in solo.asks if ask.first_sent is not None), default=0.0)


@check("list-both-paths", "reads")
def list_both_paths(case: Case) -> Judgement:
    """The published path with its slash, and the alarm's URL without, both lead to the list."""
    trace = case.trace("reads")
    forms = (
        list(trace.marks.get("forms", ())) if trace is not None else [one for _, one in case.probes.get("forms", ())]
    )
    if not forms:
        return case.why("reads")
    if case.has_failed("list-stable"):
        return untestable("the list changes by being fetched: see list-stable")
    good = [one for one in forms if read_ids(one) is not None]
    if not good:
        return untestable("no form of the path leads to a list: see list-shape", [one.evidence for one in forms])
    for one in forms:
        ids = read_ids(one)
        if ids is None or set(ids) != set(read_ids(good[0]) or ()):
            return failed(
                "both forms of the path lead to the list, directly or by a redirect",
                f"GET {one.url} was answered {one.outcome}" + ("" if ids is None else ", with another list"),
                [one.evidence, good[0].evidence],
            )
    return passed("with and without the slash", [one.evidence for one in forms])


@check("list-unknown", "strangers")
def list_unknown(case: Case) -> Judgement:
    """The list of an unknown session or project is 4xx, never 2xx, never 5xx."""
    return judge_unknown(case, "get unknown", "GET")


def judge_unknown(case: Case, mark: str, method: str) -> Judgement:
    """Whether each of the probes of places that do not exist was refused."""
    trace = case.trace("strangers")
    probes = list(trace.marks.get(mark, ())) if trace is not None else case.probes.get(mark, [])
    if not probes:
        return case.why("strangers")
    for kind, exchange in probes:
        if exchange.is_busy:
            return untestable(f"the server was busy ({exchange.outcome}): see reply-concurrent", [exchange.evidence])
        if not exchange.is_refused:
            return failed("4xx", f"{method} of an {kind} was answered {exchange.outcome}", [exchange.evidence])
    return passed(f"{len(probes)} places that do not exist", [exchange.evidence for _, exchange in probes])


@check("list-prompt", "happy", "reads")
def list_prompt(case: Case) -> Judgement:
    """GET answers within 5 s."""
    seen = [exchange for trace in case.traces.values() for _, one in trace.listings for exchange in (one.exchange,)]
    seen += [exchange for _, exchange in case.probes.get("lists", ())]
    if not seen:
        return case.why("happy", "reads")
    slowest = max(seen, key=lambda exchange: exchange.seconds)
    if slowest.seconds > PROMPT:
        return failed(f"an answer within {PROMPT:g} s", f"it took {slowest.seconds:.1f} s", [slowest.evidence])
    if not any(exchange.status == 200 for exchange in seen):
        return untestable("no list was answered 200")
    return passed(f"the slowest of {len(seen)} took {slowest.seconds * 1000:.0f} ms", [slowest.evidence])
