"""Which request answers which question.

A PUT belongs to the question of its session and project that was open when it came: the newest one asked before. Two
things make that less plain. A reply that is sent again because its answer was lost may come when the next question is
open already; it belongs to the question that it names, provided that the newer one has an answer of its own. And a
reply may go to a wrong place, which is what has to be found out: it is then taken for the answer to the open question
whose state it names, or else to the one that waits.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Protocol

from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.exchanges import Request
from fenix_contract.vocabulary import AlarmState

if TYPE_CHECKING:
    from fenix_conformance.vnfm.course import SessionCourse

#: Surfaces that a reply is never meant for.
_ELSEWHERE = frozenset({"admin", "alarms", "control", "metrics"})


class Places(Protocol):
    """What attribution needs of a course."""

    @property
    def sessions(self) -> Mapping[str, SessionCourse]: ...

    @property
    def projects(self) -> frozenset[str]: ...

    @property
    def strays(self) -> list[Request]: ...


class _Line:
    """The asks of one project in one session (about one instance, in the per-instance dialect), in order."""

    def __init__(self) -> None:
        self.asks: list[Ask] = []
        self.window: dict[int, list[Request]] = defaultdict(list)

    def open_at(self, request: Request) -> int | None:
        """The position of the newest ask before the request."""
        position = bisect_right(self.asks, request.began, key=lambda ask: ask.at) - 1
        return position if position >= 0 else None


def attribute(requests: Iterable[Request], course: Places) -> None:
    """Give each ask its listings and replies, each session its PUTs that answer nothing, the course its strays."""
    lines = _lines(course)
    strays = []
    for request in requests:
        entry = request.entry
        if entry.data.get("surface") in _ELSEWHERE:
            continue
        line = _line_of(request, lines)
        if line is None:
            if request.method == "PUT" and (entry.project_id is None or entry.project_id in course.projects):
                strays.append(request)
            continue
        position = line.open_at(request)
        if request.method != "PUT":
            if position is not None:
                open_ask = line.asks[position]
                (open_ask.listings if request.method == "GET" else open_ask.odd).append(request)
        elif position is None or request.named_state == AlarmState.INSTANCE_ACTION_DONE or _is_bare_report(request):
            course.sessions[str(entry.session_id)].others.append(request)
        else:
            line.window[position].append(request)
    for line in lines.values():
        _share_out(line)
    for request in strays:
        ask = _meant(request, course)
        if ask is None:
            course.strays.append(request)
        else:
            ask.replies.append(request)
    for session in course.sessions.values():
        for ask in session.asks:
            ask.replies.sort(key=lambda reply: reply.began)


def _lines(course: Places) -> dict[tuple[str, str, str | None], _Line]:
    lines: dict[tuple[str, str, str | None], _Line] = defaultdict(_Line)
    for session in course.sessions.values():
        for ask in session.asks:
            one = ask.instance_id if ask.wants_actions else None
            lines[session.session_id, ask.project_id, one].asks.append(ask)
    return dict(lines)


def _line_of(request: Request, lines: Mapping[tuple[str, str, str | None], _Line]) -> _Line | None:
    entry = request.entry
    if entry.session_id is None or entry.project_id is None:
        return None
    last = request.place.rpartition("/")[2]
    return lines.get((entry.session_id, entry.project_id, last)) or lines.get(
        (entry.session_id, entry.project_id, None)
    )


def _is_bare_report(request: Request) -> bool:
    return request.state == AlarmState.INSTANCE_ACTION_DONE


def _share_out(line: _Line) -> None:
    """Keep what answers the ask in whose time it came; give what repeats an older answer back to the older ask."""
    for position, window in line.window.items():
        ask = line.asks[position]
        earlier = line.asks[:position]
        mine = []
        for one in window:
            lost = _lost_before(one, ask, earlier)
            if lost is not None:
                lost.replies.append(one)
            else:
                mine.append(one)
        proper = [one for one in mine if one.state in ask.words]
        fresh = [one for one in proper if _said_before(one, earlier) is None]
        for one in mine:
            is_right = one.state in ask.words
            is_repeat = bool(proper) and (not is_right or (bool(fresh) and one not in fresh))
            older = _older(one, earlier) if is_repeat else None
            (older or ask).replies.append(one)


def _lost_before(request: Request, ask: Ask, earlier: list[Ask]) -> Ask | None:
    """The older ask to which the same was said and had no lasting answer: then this is a further try.

    A reply with the state of the open ask may be its own answer, though it says the same: it is a further try only
    where the last one is still without an answer.
    """
    older = _said_before(request, earlier)
    if older is None:
        return None
    same = [reply for reply in older.replies if reply.content == request.content]
    tries = same[-1:] if request.state in ask.words else same
    return older if any(reply.failed_for_now for reply in tries) else None


def _said_before(request: Request, earlier: list[Ask]) -> Ask | None:
    """The newest older ask to which the same was said already."""
    for ask in reversed(earlier):
        if request.state in ask.words and any(request.content == reply.content for reply in ask.replies):
            return ask
    return None


def _older(request: Request, earlier: list[Ask]) -> Ask | None:
    """The older ask that it answers: one to which the same was said, else the newest that it names."""
    named = next((ask for ask in reversed(earlier) if request.state in ask.words), None)
    return _said_before(request, earlier) or named


def _meant(request: Request, course: Places) -> Ask | None:
    """The open ask that a reply to a wrong place is meant for: one that its state names, else one without a reply."""
    open_asks = [
        ask
        for session in course.sessions.values()
        for ask in session.asks
        if ask.at <= request.began and (ask.until is None or request.began <= ask.until)
    ]
    named = [ask for ask in open_asks if request.state in ask.words]
    candidates = named or open_asks
    unanswered = [ask for ask in candidates if not ask.replies]
    return (unanswered or candidates)[-1] if candidates else None
