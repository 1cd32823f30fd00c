"""What becomes of the project's size: room is made at SCALE_IN, and taken back when all is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.course import Course, SessionCourse
from fenix_conformance.vnfm.finding import Finding, Rule, about
from fenix_conformance.vnfm.journal import Entry
from fenix_contract.vocabulary import ReplyPrefix, State

ACK = ReplyPrefix.ACK + State.SCALE_IN


def removals(session: SessionCourse, ask: Ask) -> list[Entry]:
    """What the project removed for an ask: from the question on, until the session decided what comes next."""
    return [
        entry
        for entry in session.events["InstanceRemoved"]
        if entry.data.get("project_id") == ask.project_id
        and entry.at >= ask.at
        and (ask.until is None or entry.at <= ask.until)
    ]


def _scale_in_done(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        counted = ask.counted
        if ask.state != State.SCALE_IN or counted is None or counted.state != ACK:
            continue
        session = course.sessions[ask.session_id]
        next_state = _next_state(session, ask)
        removed = removals(session, ask)
        added = [
            entry
            for at, by, entry in course.sizes(ask.project_id)
            if by > 0 and at >= ask.at and (ask.until is None or at <= ask.until)
        ]
        fewer = len(removed) > len(added)
        if fewer or next_state not in (None, State.SCALE_IN, State.MAINTENANCE_FAILED):
            what = f"{len(removed)} instances were removed" if fewer else "there was room"
            yield about(ask, Outcome.PASS, what, counted.entry, *removed[:3])
        elif next_state is not None and not _failed_for_others(session, ask):
            yield about(
                ask,
                Outcome.FAIL,
                f"SCALE_IN was acknowledged, {'nothing was removed' if not removed else 'the project is no smaller'}, "
                "and there is no room",
                counted.entry,
                *removed[:2],
                *added[:2],
                expected="instances are removed before ACK_SCALE_IN, or NACK_SCALE_IN is sent",
                actual=f"{len(removed)} removed, {len(added)} added, and the session is in {next_state}"
                + (" again" if next_state == State.SCALE_IN else ""),
            )


def _next_state(session: SessionCourse, ask: Ask) -> str | None:
    """The state that the session entered after the ask."""
    return next((str(one.data["state"]) for one in session.events["StateEntered"] if one.at > ask.at), None)


def _failed_for_others(session: SessionCourse, ask: Ask) -> bool:
    """Whether what came next is no word on room: another project refused or kept silent."""
    return session.ended == ask.until and session.failed_by not in (None, ask.project_id)


def _scale_out(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for project in sorted(course.projects):
        changes = course.sizes(project)
        for session in course.sessions.values():
            ask = next((one for one in session.asks_of(project) if one.state == State.MAINTENANCE_COMPLETE), None)
            if ask is None or not ask.acknowledged:
                continue
            lost = -sum(by for at, by, _ in changes if session.began <= at <= ask.at)
            if lost <= 0:
                continue
            left = -sum(by for at, by, _ in changes if at >= session.began)
            entries = [entry for at, by, entry in changes if at > ask.at and by > 0]
            reply = ask.final
            proof = reply.entry if reply is not None else None
            if left <= 0:
                yield about(ask, Outcome.PASS, f"{lost} instances were added again", proof, *entries[:3])
            elif not session.is_beside_scale_in(project, course.sessions.values()):
                yield about(
                    ask,
                    Outcome.WARN,
                    f"{left} of {lost} instances that were given up were not added again",
                    proof,
                    expected="the project is back at its size after MAINTENANCE_COMPLETE",
                )


RULES = (
    Rule("scale-in-done", _scale_in_done, "SCALE_IN was not acknowledged"),
    Rule("scale-out", _scale_out, "no session in which the project had scaled in came to MAINTENANCE_COMPLETE"),
)
