"""Whether the reply is about what is asked: the list was fetched, and in this state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.course import Course
from fenix_conformance.vnfm.exchanges import Request
from fenix_conformance.vnfm.finding import Finding, Rule, about
from fenix_conformance.vnfm.rules.actions import foreign, missing

#: Whoever tries more often than this has tried.
FEW_TRIES: Final = 2
#: So much of the window has to be left for another try to be expected.
ROOM_TO_RETRY: Final = timedelta(seconds=1)


def _is_linked(ask: Ask) -> bool:
    """Whether the alarm linked to a list; in the per-instance dialect it may name the instance itself."""
    message = ask.told.message if ask.told is not None else None
    return message is not None and message.list_url is not None


def _fetched_before(ask: Ask, reply: Request) -> list[Request]:
    return [one for one in ask.listings if one.began <= reply.began]


def _is_wrong(ask: Ask, reply: Request) -> bool:
    return ask.wants_actions and reply.is_ack and bool(missing(ask, reply) or foreign(ask, reply))


def _fetched(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        if not _is_linked(ask):
            continue
        given_up = gave_up_after_fault(ask)
        if given_up is not None:
            yield about(
                ask,
                Outcome.WARN,
                "its list could not be had at first, and was not asked for again",
                given_up.entry,
                expected="the list is asked for again after a pause",
                actual=f"one GET, answered {given_up.status or 'not at all'}, and no acknowledgement",
            )
        if not ask.replies:
            continue
        first = ask.replies[0]
        tries = _fetched_before(ask, first)
        if tries:
            yield about(ask, Outcome.PASS, "the list was fetched before the reply", tries[-1].entry, first.entry)
        else:
            wrong = _is_wrong(ask, first)
            yield about(
                ask,
                Outcome.FAIL if wrong else Outcome.WARN,
                f"{first.state or 'a reply'} was sent without the list being fetched"
                + (", and its actions are not those that were asked for" if wrong else ""),
                first.entry,
                expected="a GET of the alarm's instance_ids URL between the alarm and the reply",
            )


def gave_up_after_fault(ask: Ask) -> Request | None:
    """The last list that it asked for, where faults took every answer away and no acknowledgement followed."""
    lost = [one for one in ask.listings if _may_be_lost(one)]
    if not lost or len(lost) < len(ask.listings) or any(reply.is_ack for reply in ask.replies):
        return None
    return lost[-1]


def tried_again(ask: Ask) -> bool:
    """Whether faults took its list away however often it asked, or left no time to ask once more: that excuses a
    silence. Whoever gives up sooner can still say NACK."""
    given_up = gave_up_after_fault(ask)
    if given_up is None:
        return False
    return len(ask.listings) > FEW_TRIES or (ask.deadline is not None and given_up.ended + ROOM_TO_RETRY > ask.deadline)


def _may_be_lost(listing: Request) -> bool:
    """Whether a fault took the answer away, or held it up so that the client may have gone meanwhile."""
    return bool(listing.effect) and (listing.failed_for_now or bool({"delay", "drip"} & set(listing.effect)))


def _fresh(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        reply = next((one for one in ask.replies if one.is_ack), None)
        if not ask.wants_actions or reply is None or not _is_linked(ask):
            continue
        tries = _fetched_before(ask, reply)
        if any(one.accepted or not one.effect for one in tries):
            yield about(ask, Outcome.PASS, "the list of this state was fetched", tries[-1].entry, reply.entry)
        elif not tries or _is_wrong(ask, reply):
            older = _older_list(course, ask)
            remembered = "an older list was used" if older is not None else "it never fetched one"
            yield about(
                ask,
                Outcome.FAIL,
                f"{reply.state} was sent without the list of this state: {remembered}",
                older.entry if older is not None else None,
                reply.entry,
                expected="a GET of the list in each state that asks for actions: it differs from state to state",
            )


def _older_list(course: Course, ask: Ask) -> Request | None:
    session = course.sessions[ask.session_id]
    older = [
        one
        for other in session.asks_of(ask.project_id)
        if other.number < ask.number
        for one in other.listings
        if one.accepted
    ]
    return older[-1] if older else None


RULES = (
    Rule("list-fetched", _fetched, "no alarm with a link to a list was replied to"),
    Rule("list-fresh", _fresh, "no PREPARE_MAINTENANCE or PLANNED_MAINTENANCE with a list was acknowledged"),
)
