"""The check that instance ids are taken as they are."""

from __future__ import annotations

from collections.abc import Iterator

from fenix_conformance.server.checks.lists import everything_of, is_refused
from fenix_conformance.server.judging import Case, Judgement, check, failed, not_applicable, passed, untestable
from fenix_conformance.server.sighting import is_uuid
from fenix_conformance.server.trace import Trace
from fenix_contract.vocabulary import ACTION_STATES, State


def _plain(one: str) -> str:
    """An id without what a careless server may change in it."""
    return "".join(character for character in one.lower() if character.isalnum())


@check("ids-opaque", "happy")
def ids_opaque(case: Case) -> Judgement:
    """Instance ids need not be UUIDs (checked where the server's inventory has such)."""
    trace = case.trace("happy")
    if trace is None:
        return case.why("happy")
    known = {one for project in trace.projects for one in everything_of(trace, project)}
    known |= {one for _, listing in trace.listings for one in listing.ids or ()}
    if not known:
        return untestable("no list could be read", trace.story())
    opaque = sorted(one for one in known if not is_uuid(one))
    if not opaque:
        return not_applicable(f"all of the server's {len(known)} instance ids are UUIDs")
    fault = next(_faults(trace, opaque), None)
    if fault is not None:
        return fault
    if not trace.reached(State.MAINTENANCE_COMPLETE):
        return untestable("the session did not get to MAINTENANCE_COMPLETE", trace.story())
    return passed(f"{len(opaque)} ids such as {opaque[0]!r}")


def _faults(trace: Trace, opaque: list[str]) -> Iterator[Judgement]:
    expected = "an id is any text, and comes and goes unchanged"
    for ask in trace.asks:
        everything = everything_of(trace, ask.project)
        if ask.state not in ACTION_STATES or not set(opaque) & everything:
            continue
        if ask.listed is None and ask.listings:
            exchange = ask.listings[0].exchange
            yield failed(
                expected,
                f"the list in {ask.state}, of ids that are no UUIDs, was answered {exchange.outcome}",
                [exchange.evidence],
            )
        for one in sorted(set(ask.listed or ()) - everything):
            if any(_plain(one) == _plain(other) for other in everything):
                yield failed(expected, f"{ask.state} lists {one!r}, which MAINTENANCE did not", ask.evidence)
        if is_refused(ask) and set(opaque) & set(ask.listed or ()):
            others = [other for other in trace.asks if other.state == ask.state and other.accepted is not None]
            if not any(set(opaque) & set(other.listed or ()) for other in others):
                yield failed(expected, "a reply that names ids that are no UUIDs is refused", ask.evidence)
    asked = {one for ask in trace.asks if ask.state in ACTION_STATES for one in ask.listed or ()}
    for report in trace.reports:
        for one in report.message.instance_id_list:
            if one not in asked and any(_plain(one) == _plain(other) for other in asked):
                yield failed(
                    expected, f"INSTANCE_ACTION_DONE names {one!r}, which was not asked about", [report.evidence]
                )
