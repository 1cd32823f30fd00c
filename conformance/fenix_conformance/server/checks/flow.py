"""Checks of a whole session: the order of its states, and that each instance is asked about, moved and reported."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final

from fenix_conformance.server.checks.lists import everything_of, unreported
from fenix_conformance.server.judging import Case, Judgement, check, failed, passed, untestable, worst
from fenix_conformance.server.sighting import Sighting
from fenix_conformance.server.trace import Ask, Trace
from fenix_contract.vocabulary import ACTION_STATES, Action, AlarmState, State

_FIRST: Final = "the session's first alarm"

#: What a project may be told after what; a project is not told of states that do not concern it.
FOLLOWS: Final[dict[str, frozenset[str]]] = {
    _FIRST: frozenset({State.MAINTENANCE}),
    State.MAINTENANCE: frozenset(
        {State.SCALE_IN, State.PREPARE_MAINTENANCE, State.PLANNED_MAINTENANCE, State.MAINTENANCE_COMPLETE}
    ),
    State.SCALE_IN: frozenset(
        {State.SCALE_IN, State.PREPARE_MAINTENANCE, State.PLANNED_MAINTENANCE, State.MAINTENANCE_COMPLETE}
    ),
    State.PREPARE_MAINTENANCE: frozenset(
        {
            State.SCALE_IN, State.PREPARE_MAINTENANCE, State.PLANNED_MAINTENANCE, State.MAINTENANCE_COMPLETE,
            AlarmState.INSTANCE_ACTION_DONE,
        }
    ),
    State.PLANNED_MAINTENANCE: frozenset(
        {State.PLANNED_MAINTENANCE, State.MAINTENANCE_COMPLETE, AlarmState.INSTANCE_ACTION_DONE}
    ),
    State.MAINTENANCE_COMPLETE: frozenset(),
}  # fmt: skip


def _happy(case: Case) -> Trace | Judgement:
    trace = case.trace("happy")
    if trace is None:
        return case.why("happy")
    if not trace.sightings:
        return untestable("the session told nobody anything", trace.story())
    return trace


def _unfinished(trace: Trace) -> Judgement:
    return untestable("the session did not get to MAINTENANCE_COMPLETE", trace.story())


def _order(trace: Trace, project: str) -> list[Sighting]:
    """What a project was told, without what was told twice; a report does not change the state that it belongs to."""
    return [
        one for one in trace.sightings if one.project == project and (one.asks or one.reports) and not one.is_of_another
    ]


@check("flow-order", "happy")
def flow_order(case: Case) -> Judgement:
    """Alarms follow the table of states."""
    trace = _happy(case)
    if isinstance(trace, Judgement):
        return trace
    repeating = repeats_alarms(trace)
    for project in trace.projects:
        state: str = _FIRST
        before: Sighting | None = None
        for one in _order(trace, project):
            if one.reports:
                if state not in ACTION_STATES and not (state != _FIRST and _is_late(trace, one)):
                    return _out_of_order(trace, state, one, before)
                continue
            is_again = before is not None and before.signature == one.signature and state not in (
                State.SCALE_IN, State.PLANNED_MAINTENANCE)  # fmt: skip
            if is_again and repeating:
                continue
            if one.state not in FOLLOWS[state]:
                if state == one.state == State.MAINTENANCE_COMPLETE:
                    continue  # That it comes once is for flow-complete.
                return _out_of_order(trace, state, one, before)
            state, before = one.state, one
    if not trace.reached(State.MAINTENANCE_COMPLETE):
        return _unfinished(trace)
    return passed(f"{len(trace.sightings)} alarms", trace.story())


def _out_of_order(trace: Trace, state: str, one: Sighting, before: Sighting | None) -> Judgement:
    allowed = ", ".join(sorted(FOLLOWS[state])) or "nothing"
    evidence = [one.evidence] if before is None else [before.evidence, one.evidence]
    return failed(
        f"after {state} {one.project} is told {allowed}", f"it was told {one.state}", [*evidence, *trace.story()]
    )


def _is_late(trace: Trace, report: Sighting) -> bool:
    """Whether it reports an action that was asked for: when it comes is for action-done."""
    asked = {one for ask in trace.asks_of(report.project) for one in ask.listed or ()}
    return bool(set(report.message.instance_id_list) & asked)


def repeats_alarms(trace: Trace) -> bool:
    """Whether this server sends most of its alarms more than once, each time as a new notification.

    A repeated delivery of one notification is no matter; this is about notifications that say the same.
    """
    asked = Counter((one.project, one.signature) for one in (*trace.sightings, *trace.repeats) if one.asks)
    return bool(asked) and sum(1 for count in asked.values() if count > 1) > len(asked) / 2


@check("flow-every-instance", "happy")
def flow_every_instance(case: Case) -> Judgement:
    """Every instance on a host to be maintained is asked about before MAINTENANCE_COMPLETE."""
    trace = _happy(case)
    if isinstance(trace, Judgement):
        return trace
    untold = trace.marks.get("instances of the untold", {})
    for project, listing in untold.items():
        if listing.ids:
            return failed(
                f"{project} has instances, so it is asked about them",
                "it was told nothing",
                [listing.exchange.evidence, *trace.story()],
            )
    if case.has_failed("list-current-state", "list-scoped", "list-stable", "ids-opaque"):
        return untestable("the lists are wrong: see list-current-state, list-scoped, list-stable and ids-opaque")
    if not any(everything_of(trace, project) for project in trace.projects):
        return untestable("no list could be read in MAINTENANCE", trace.story())
    for project in trace.projects:
        missing = _never_asked(trace, project)
        complete = trace.asks_of(project, State.MAINTENANCE_COMPLETE)
        if missing and (complete or trace.final == State.MAINTENANCE_DONE):
            return failed(
                f"each instance of {project} is listed in PREPARE_MAINTENANCE or PLANNED_MAINTENANCE",
                f"{', '.join(sorted(missing))} was never asked about",
                [*(piece for ask in trace.asks_of(project) for piece in ask.evidence[:2]), *trace.story()],
            )
    if not trace.reached(State.MAINTENANCE_COMPLETE) and trace.final != State.MAINTENANCE_DONE:
        return _unfinished(trace)
    return passed(f"{sum(len(everything_of(trace, project)) for project in trace.projects)} instances", trace.story())


def _never_asked(trace: Trace, project: str) -> set[str]:
    """What was there at the beginning and at the end and was not asked about in between."""
    end = trace.asks_of(project, State.MAINTENANCE_COMPLETE)
    remaining = set(end[0].listed) if end and end[0].listed is not None else everything_of(trace, project)
    asked = {
        one
        for ask in trace.asks_of(project)
        if ask.state in ACTION_STATES and not (end and ask.at > end[0].at)
        for one in ask.listed or ()
    }
    return (everything_of(trace, project) & remaining) - asked


@check("flow-once", "happy")
def flow_once(case: Case) -> Judgement:
    """No instance is asked about twice in PLANNED."""
    trace = _happy(case)
    if isinstance(trace, Judgement):
        return trace
    if case.has_failed("list-stable", "reply-needed", "reply-all"):
        return untestable("lists or sessions are wrong: see list-stable, reply-needed and reply-all")
    planned = [ask for ask in trace.asks_of(state=State.PLANNED_MAINTENANCE) if ask.listed is not None]
    for project in dict.fromkeys(ask.project for ask in planned):
        rounds = [ask for ask in planned if ask.project == project]
        everything = everything_of(trace, project)
        if len(rounds) > 1 and len(everything) > 1 and all(set(ask.listed or ()) >= everything for ask in rounds):
            return untestable("the lists have all instances in each round: see list-current-state")
        seen: dict[str, Ask] = {}
        for ask in rounds:
            for one in ask.listed or ():
                if one in seen and not (ask.is_ambiguous and one not in _reported_twice(trace, project)):
                    return failed(
                        "each instance is asked about in one round of PLANNED_MAINTENANCE",
                        f"{one} of {project} was asked about in rounds {seen[one].number} and {ask.number}",
                        [*seen[one].evidence[:2], *ask.evidence[:2], *trace.story()],
                    )
                seen.setdefault(one, ask)
    if not trace.reached(State.MAINTENANCE_COMPLETE):
        return _unfinished(trace)
    if not planned:
        return untestable("PLANNED_MAINTENANCE was not reached with readable lists", trace.story())
    return passed(f"{len({one for ask in planned for one in ask.listed or ()})} instances", trace.story())


def _reported_twice(trace: Trace, project: str) -> set[str]:
    counts = Counter(
        one for report in trace.reports if report.project == project for one in report.message.instance_id_list
    )
    return {one for one, count in counts.items() if count > 1}


@check("flow-complete", "happy")
def flow_complete(case: Case) -> Judgement:
    """Each project gets MAINTENANCE_COMPLETE, once, after the last host; then the session is done."""
    trace = _happy(case)
    if isinstance(trace, Judgement):
        return trace
    ends = trace.asks_of(state=State.MAINTENANCE_COMPLETE)
    if not ends and trace.final != State.MAINTENANCE_DONE:
        return _unfinished(trace)
    return worst([*_completions(trace), _done(case, trace, ends)])


def _completions(trace: Trace) -> Iterator[Judgement]:
    for project in trace.projects:
        told = trace.asks_of(project, State.MAINTENANCE_COMPLETE)
        heard = [one for one in trace.repeats if one.project == project and one.state == State.MAINTENANCE_COMPLETE]
        own = [one for one in heard if told and one.message.message_id != told[0].sighting.message.message_id]
        if not told:
            yield failed("every project is told MAINTENANCE_COMPLETE", f"{project} was not", trace.story())
        elif len(told) > 1 or (own and not repeats_alarms(trace)):
            second = told[1].sighting if len(told) > 1 else own[0]
            yield failed(
                f"{project} is told MAINTENANCE_COMPLETE once",
                "it was told by two notifications",
                [told[0].sighting.evidence, second.evidence, *trace.story()],
            )
        else:
            later = [ask for ask in trace.asks if ask.state in ACTION_STATES and ask.at > told[0].at]
            if later and later[0].project == project:
                yield failed(
                    "MAINTENANCE_COMPLETE comes after the last host",
                    f"{later[0].state} came after it",
                    [told[0].sighting.evidence, later[0].sighting.evidence, *trace.story()],
                )
            yield passed("")


def _done(case: Case, trace: Trace, ends: list[Ask]) -> Judgement:
    if trace.final == State.MAINTENANCE_DONE:
        return passed("every project was told once, and the session is done", trace.story())
    if any(ask.accepted is None for ask in ends) or case.has_failed("reply-nack", "reply-needed"):
        return untestable("not every project could acknowledge MAINTENANCE_COMPLETE", trace.story())
    if not trace.states:
        return untestable("the admin API does not tell the session's state", trace.story())
    return failed(
        "when all have acknowledged MAINTENANCE_COMPLETE the session is in MAINTENANCE_DONE",
        f"it is in {trace.states[-1].state}",
        [*(sent.exchange.evidence for ask in ends for sent in ask.replies), *trace.story()],
    )


@check("action-done", "happy")
def action_done(case: Case) -> Judgement:
    """Each instance that Fenix moved is reported once by INSTANCE_ACTION_DONE, with its id, after the reply and before
    the next host.
    """
    trace = _happy(case)
    if isinstance(trace, Judgement):
        return trace
    moved = [ask for ask in trace.asks if ask.state in ACTION_STATES and ask.accepted is not None]
    moved = [ask for ask in moved if not ask.is_ambiguous]
    if not moved:
        return untestable("no reply that chose actions was accepted", trace.story())
    if case.has_failed("list-current-state", "list-scoped", "list-stable"):
        return untestable("the lists are wrong: see list-current-state, list-scoped and list-stable")
    judgements = [judgement for ask in moved for judgement in _reports_of(trace, ask)]
    judgements += list(_strange_reports(trace))
    if not trace.reached(State.MAINTENANCE_COMPLETE):
        judgements.append(_unfinished(trace))
    return worst(judgements)


def _reports_of(trace: Trace, ask: Ask) -> Iterator[Judgement]:
    """What was reported of the instances that one reply left to the server."""
    accepted = ask.accepted
    if accepted is None:
        return
    left = [one for one, action in accepted.actions.items() if action != Action.OWN_ACTION]
    # For one reply there is one report; a later PREPARE or PLANNED may ask for the same instance again.
    following = [other for other in trace.asks_of(ask.project) if other.at > ask.at and other.state in ACTION_STATES]
    for one in left:
        reports = [
            report
            for report in trace.reports
            if report.project == ask.project and one in report.message.instance_id_list and report.at > ask.at
        ]
        if following and any(one in (other.listed or ()) for other in following):
            until = next(other.at for other in following if one in (other.listed or ()))
            reports = [report for report in reports if report.at < until]
        if not reports:
            if trace.progress(ask, by_report=False) is not None:
                yield failed(
                    f"INSTANCE_ACTION_DONE for {one} after {ask.state}",
                    f"none came, and the session went on; {len(unreported(trace, ask))} of {len(left)} are missing",
                    [*ask.evidence, *trace.story()],
                )
            continue
        yield _one_report(trace, ask, one, reports)


def _one_report(trace: Trace, ask: Ask, one: str, reports: list[Sighting]) -> Judgement:
    if len(reports) > 1 and not repeats_alarms(trace):
        return failed(
            f"{one} is reported once",
            f"{len(reports)} notifications INSTANCE_ACTION_DONE came for it",
            [report.evidence for report in reports],
        )
    report = reports[0]
    if ask.acknowledged_at is not None and report.at < ask.acknowledged_at:
        return failed(
            f"{one} is reported after the reply",
            "INSTANCE_ACTION_DONE came before it",
            [report.evidence, *trace.story()],
        )
    for other in trace.asks_of(ask.project):
        if ask.at < other.at < report.at and _is_made_later(report, other.sighting):
            return failed(
                f"{one} is reported before the next host",
                f"INSTANCE_ACTION_DONE came after the alarm {other.state}",
                [other.sighting.evidence, report.evidence, *trace.story()],
            )
    return passed(f"{ask.state} of {ask.project}", [report.evidence])


def _is_made_later(report: Sighting, other: Sighting) -> bool:
    """Whether it was made later too, where both say when: deliveries may overtake each other."""
    if report.generated is None or other.generated is None:
        return True
    return report.generated > other.generated


def _strange_reports(trace: Trace) -> Iterator[Judgement]:
    """Reports of what was not asked about."""
    for report in trace.reports:
        asked = {one for ask in trace.asks_of(report.project) if ask.state in ACTION_STATES for one in ask.listed or ()}
        ids = report.message.instance_id_list
        if not ids:
            yield failed(
                "INSTANCE_ACTION_DONE has the instance's id in instance_ids",
                f"it is {report.message.instance_ids!r}",
                [report.evidence],
            )
        elif not set(ids) <= asked and asked and not _was_hidden(trace, report.project, ids):
            strange = sorted(set(ids) - asked)[0]
            yield failed(
                f"INSTANCE_ACTION_DONE names instances that {report.project} was asked about",
                f"it names {strange!r}",
                [report.evidence, *trace.story()],
            )


def _was_hidden(trace: Trace, project: str, ids: tuple[str, ...]) -> bool:
    """Whether it is the project's own instance, which was moved without being asked about: see flow-every-instance."""
    return set(ids) <= everything_of(trace, project)
