"""The actions of a reply: one for each listed instance, for no other, and one that was allowed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.course import Course
from fenix_conformance.vnfm.exchanges import Request
from fenix_conformance.vnfm.finding import Finding, Rule, about, some
from fenix_conformance.vnfm.journal import Entry
from fenix_contract.vocabulary import Action


def listed_for(ask: Ask, reply: Request) -> tuple[frozenset[str], Request | None]:
    """The instances that the reply has to be about, and the list that told them.

    That is what the VNFM was shown last before it replied; where that is not known, what it was asked about.
    """
    seen = ask.seen_before(reply)
    if seen is not None and seen.listed is not None:
        return frozenset(seen.listed), seen
    return ask.asked, seen


def chosen(ask: Ask, reply: Request) -> dict[str, object]:
    """The actions of a reply by instance; of a reply about a single instance that one's."""
    if ask.instance_id is not None and reply.actions is None and isinstance(reply.document, dict):
        action = reply.document.get("instance_action")
        return {} if action is None else {ask.instance_id: action}
    return dict(reply.actions or {})


def missing(ask: Ask, reply: Request) -> list[str]:
    """The listed instances that the reply leaves out."""
    given = chosen(ask, reply)
    return [one for one in sorted(listed_for(ask, reply)[0]) if one not in given]


def foreign(ask: Ask, reply: Request) -> list[str]:
    """The instances in the reply that were neither listed nor asked about."""
    listed, _ = listed_for(ask, reply)
    return [one for one in chosen(ask, reply) if one not in listed and one not in ask.asked]


def _readable(ask: Ask, reply: Request) -> bool:
    return reply.is_ack and reply.document is not None and not reply.is_cut and ask.wants_actions


def _cover(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        reply = ask.final
        if reply is None or not _readable(ask, reply):
            continue
        session = course.sessions[ask.session_id]
        listed, source = listed_for(ask, reply)
        gone = {one for one in listed if _was_removed(session.events["InstanceRemoved"], one, reply.began)}
        left_out = [one for one in missing(ask, reply) if one not in gone]
        if not left_out:
            yield about(ask, Outcome.PASS, f"an action for each of {len(listed)} instances", reply.entry)
            continue
        what = "no instance_actions" if reply.actions is None and ask.instance_id is None else "no action"
        yield about(
            ask,
            Outcome.FAIL,
            f"{reply.state} has {what} for {len(left_out)} of {len(listed)} listed instances",
            source.entry if source is not None else None,
            reply.entry,
            expected=f"instance_actions with an action for each of {some(sorted(listed))}",
            actual=f"left out: {some(left_out)}",
        )


def _was_removed(removals: Sequence[Entry], instance_id: str, before: datetime) -> bool:
    return any(entry.data.get("instance_id") == instance_id and entry.at <= before for entry in removals)


def _own(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        for reply in _distinct(ask):
            if not _readable(ask, reply) or not chosen(ask, reply):
                continue
            others = foreign(ask, reply)
            if not others:
                yield about(ask, Outcome.PASS, "only listed instances are named", reply.entry)
                continue
            listed, source = listed_for(ask, reply)
            yield about(
                ask,
                Outcome.FAIL,
                f"{reply.state} names {len(others)} instances that are not asked about",
                source.entry if source is not None else None,
                reply.entry,
                expected=f"only the listed instances: {some(sorted(listed))}",
                actual=f"not listed: {some(others)}",
            )


def _allowed(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        for reply in _distinct(ask):
            words = [action for action in chosen(ask, reply).values() if isinstance(action, str)]
            if not _readable(ask, reply) or not words:
                continue
            allowed = ask.allowed
            wrong = sorted(set(words) - allowed)
            if not wrong:
                yield about(ask, Outcome.PASS, f"{some(sorted(set(words)))}: allowed", reply.entry)
                continue
            yield about(
                ask,
                Outcome.FAIL,
                f"{reply.state} chooses {some(wrong)}, which the alarm does not allow",
                reply.entry,
                expected=f"one of {', '.join(sorted(allowed))}",
                actual=some(wrong),
            )


def _distinct(ask: Ask) -> Iterator[Request]:
    """The replies to the ask, each content once."""
    said = set()
    for reply in ask.proper:
        if reply.content not in said:
            said.add(reply.content)
            yield reply


def _own_action_done(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        counted = ask.counted
        if not ask.wants_actions or counted is None:
            continue
        promised = [one for one, action in counted.actions.items() if action == Action.OWN_ACTION]
        promised = [one for one in promised if one in ask.asked or not ask.asked]
        if not promised:
            continue
        session = course.sessions[ask.session_id]
        stayed = [one for one in promised if session.left(one, ask.at) is None]
        if not stayed:
            yield about(ask, Outcome.PASS, f"{len(promised)} instances left their host", counted.entry)
            continue
        expired = {entry.data.get("timer") for entry in session.events["TimerExpired"] if entry.at >= ask.at}
        windows = [
            entry
            for entry in session.events["TimerStarted"]
            if entry.data.get("purpose") == "own_actions" and entry.at >= ask.at and entry.data.get("timer") in expired
        ]
        if windows:
            yield about(
                ask,
                Outcome.FAIL,
                f"{len(stayed)} instances with OWN_ACTION were still on their host in the end",
                counted.entry,
                windows[-1],
                expected="an instance with OWN_ACTION is moved, re-created elsewhere or removed by the project",
                actual=f"still there: {some(stayed)}",
            )


RULES = (
    Rule("actions-cover", _cover, "no PREPARE_MAINTENANCE or PLANNED_MAINTENANCE was acknowledged"),
    Rule("actions-allowed", _allowed, "no action was chosen"),
    Rule("actions-own", _own, "no action was chosen"),
    Rule("own-action-done", _own_action_done, "OWN_ACTION was not chosen"),
)
