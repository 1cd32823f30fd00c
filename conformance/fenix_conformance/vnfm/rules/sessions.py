"""Two sessions at once: both are answered, and neither gets what belongs to the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.course import Course, SessionCourse
from fenix_conformance.vnfm.exchanges import Request
from fenix_conformance.vnfm.finding import Finding, Rule, about, in_session, some
from fenix_conformance.vnfm.rules.actions import chosen, foreign
from fenix_conformance.vnfm.rules.replies import was_left_open


def _apart(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for project in sorted(course.projects):
        sessions = [one for one in course.sessions.values() if one.asks_of(project)]
        for one, other in combinations(sessions, 2):
            if not _overlap(one, other):
                continue
            found = [*_mixed_up(project, one, other), *_mixed_up(project, other, one)]
            found += _one_only(course, project, one, other) + _one_only(course, project, other, one)
            yield from found
            if not found and all(any(ask.replies for ask in each.asks_of(project)) for each in (one, other)):
                first = one.asks_of(project)[0]
                yield in_session(
                    course,
                    one,
                    Outcome.PASS,
                    f"answered beside session {other.session_id}",
                    first.entry,
                    project_id=project,
                )


def _overlap(one: SessionCourse, other: SessionCourse) -> bool:
    return (one.ended is None or one.ended > other.began) and (other.ended is None or other.ended > one.began)


def _one_only(course: Course, project: str, silent: SessionCourse, answered: SessionCourse) -> list[Finding]:
    """An ask of one session was left open while the other one, at that time, was answered."""
    for ask in silent.asks_of(project):
        if not was_left_open(course, ask):
            continue
        replies = [reply for one in answered.asks_of(project) for reply in one.replies]
        meanwhile = [reply for reply in replies if ask.until is None or reply.began <= ask.until]
        if meanwhile and not any(was_left_open(course, one) for one in answered.asks_of(project)):
            return [
                about(
                    ask,
                    Outcome.FAIL,
                    f"{ask.state} of this session was not answered, while session {answered.session_id} was",
                    meanwhile[-1].entry,
                    expected="a reply to each session's alarms, to that session's reply_url",
                )
            ]
    return []


def _mixed_up(project: str, one: SessionCourse, other: SessionCourse) -> Iterator[Finding]:
    """What belongs to the other session was sent to this one's URL."""
    for ask in one.asks_of(project):
        for reply in ask.replies:
            strangers = [name for name in foreign(ask, reply) if _is_asked(other, project, name, reply)]
            meant = _meant_for(ask, reply, other, project)
            if strangers or meant is not None:
                what = f"instances of session {other.session_id}" if strangers else f"its state {reply.named_state}"
                yield about(
                    ask,
                    Outcome.FAIL,
                    f"the reply has {what}, but went to this session's URL",
                    reply.entry,
                    meant.entry if meant is not None else None,
                    expected="each reply goes to the reply_url of the alarm that it answers",
                    actual=f"{reply.state}: {some(strangers or chosen(ask, reply))}",
                )
                return


def _is_asked(session: SessionCourse, project: str, instance_id: str, reply: Request) -> bool:
    """Whether the session had asked about that instance, by the time of the reply."""
    return any(instance_id in ask.asked for ask in session.asks_of(project) if ask.at <= reply.began)


def _meant_for(ask: Ask, reply: Request, other: SessionCourse, project: str) -> Ask | None:
    """The open and unanswered ask of the other session that a reply with a state not asked here names."""
    if reply.state is None or reply.state in ask.words:
        return None
    for one in other.asks_of(project):
        is_open = one.at <= reply.began and (one.until is None or reply.began <= one.until)
        if is_open and reply.state in one.words and not one.proper:
            return one
    return None


RULES = (Rule("sessions-apart", _apart, "there were no two sessions at once"),)
