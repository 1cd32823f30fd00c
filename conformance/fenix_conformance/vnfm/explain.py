"""One alarm explained: what it asked, which reply it awaited, what the VNFM sent, and where the two differ.

Pure functions over a course. What is wrong is said twice on purpose: member by member, for whoever looks at the
request, and by the rules, as the verdict has it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.course import Course, SessionCourse
from fenix_conformance.vnfm.exchanges import Delivery, Request
from fenix_conformance.vnfm.finding import seconds
from fenix_conformance.vnfm.journal import Entry
from fenix_conformance.vnfm.rules import RULES
from fenix_conformance.vnfm.rules.actions import chosen, foreign, listed_for, missing
from fenix_contract.vocabulary import Action, AlarmState

JSON: Final = "application/json"


class NoSuchAlarm(LookupError):
    """No alarm of the journal has to do with that entry; the message is one line for people."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One member of the reply (or a fact about it): what was awaited and what came. ``is_met`` says they agree."""

    member: str
    expected: str
    actual: str
    is_met: bool


@dataclass(frozen=True, slots=True)
class Expected:
    """The reply that would have been right: ``body`` has the real instance ids, with the first action allowed for each.

    ``url`` is absolute where the alarm told one. ``until`` is when the window ended, None where no one told.
    """

    method: str
    url: str
    headers: dict[str, str]
    body: dict[str, Any]
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that the VNFM did: ``after`` is how many seconds after the alarm it came, ``status`` the answer to it.

    ``what`` is ``list``, ``reply`` or ``other``; ``fault`` names what a fault did to the answer.
    """

    entry: int
    what: str
    after: float
    method: str
    path: str
    status: int | None
    content_type: str
    body: str
    answer: str
    fault: str


@dataclass(frozen=True, slots=True)
class Attempt:
    """One delivery of the alarm: ``after`` is how many seconds after the question it was sent."""

    entry: int
    url: str
    after: float
    latency: float
    status: int | None
    error: str
    fault: str


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that is not kept here."""

    rule: str
    outcome: Outcome
    message: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All about one alarm.

    ``entry`` is the question's entry (of a report: the delivery's). ``instance_ids`` are those that the alarm was about
    as the VNFM could know it: the newest list it got, else those asked about; empty where it is about all the project
    has. ``expected`` is None where no reply is asked.
    """

    scenario: str
    entry: int
    at: datetime
    state: str
    session_id: str
    project_id: str
    instance_ids: tuple[str, ...]
    allowed_actions: tuple[str, ...]
    reply_at: datetime | None
    deliveries: tuple[Attempt, ...]
    expected: Expected | None
    steps: tuple[Step, ...]
    differences: tuple[Difference, ...]
    broken: tuple[Broken, ...]

    @property
    def outcome(self) -> str:
        """One line: what came of it."""
        wrong = [one.member for one in self.differences if not one.is_met]
        rules = list(dict.fromkeys(one.rule for one in self.broken))
        told = [f"differs in {_and(wrong)}"] if wrong else []
        told += [f"breaks {_and(rules)}"] if rules else []
        return "; ".join(told) or "as expected"


def explain(course: Course, number: int) -> Explanation:
    """Explain the alarm that the entry ``number`` is, or belongs to. Raises NoSuchAlarm."""
    for one in _all(course):
        if number in _numbers(course, one):
            return _explained(course, one, _broken(course))
    raise NoSuchAlarm(
        f"entry {number} of {course.scenario} has to do with no alarm to a project: the number of a question, of a "
        "delivery or of a VNFM's request is awaited; without --entry the alarms are listed"
    )


def explain_all(course: Course) -> tuple[Explanation, ...]:
    """Every alarm of the course in the order in which they were put, explained."""
    broken = _broken(course)
    return tuple(_explained(course, one, broken) for one in sorted(_all(course), key=lambda one: one.entry.number))


# -- which alarms there are -------------------------------------------------------------------------------------------


def _all(course: Course) -> Iterator[Ask | Delivery]:
    for session in course.sessions.values():
        yield from session.asks
        yield from session.reports


def _numbers(course: Course, one: Ask | Delivery) -> set[int]:
    """The entries that belong to an alarm."""
    if isinstance(one, Delivery):
        return {one.entry.number, *(entry.number for entry in _notified(course, one))}
    exchanges: list[Delivery | Request] = [*one.deliveries, *one.listings, *one.replies]
    return {one.entry.number, *(each.entry.number for each in exchanges)}


def _notified(course: Course, report: Delivery) -> Iterator[Entry]:
    """The entry that says that the report was to be sent."""
    session_id, _, number = report.notification.rpartition("/")
    session = course.sessions.get(session_id)
    for entry in session.events["ProjectNotified"] if session is not None else ():
        if str(entry.data.get("notification")) == number:
            yield entry


def _broken(course: Course) -> dict[int, list[Broken]]:
    """What the rules find, by the entries that it rests on."""
    found: dict[int, list[Broken]] = {}
    for rule in RULES.values():
        for finding in rule.judge(course, (course,)):
            if finding.is_bad:
                for entry in finding.entries:
                    found.setdefault(entry.number, []).append(Broken(rule.id, finding.outcome, finding.message))
    return found


# -- one alarm --------------------------------------------------------------------------------------------------------


def _explained(course: Course, one: Ask | Delivery, broken: dict[int, list[Broken]]) -> Explanation:
    # A finding rests on the question or the delivery that it is about; another question's may rest on a reply to this.
    alarms = (one.entry, *(each.entry for each in one.deliveries)) if isinstance(one, Ask) else (one.entry,)
    rules = tuple(dict.fromkeys(each for entry in alarms for each in broken.get(entry.number, ())))
    return _ask(course, one, rules) if isinstance(one, Ask) else _report(course, one, rules)


def _ask(course: Course, ask: Ask, broken: tuple[Broken, ...]) -> Explanation:
    message = ask.told.message if ask.told is not None else None
    reply = ask.final or (ask.replies[-1] if ask.replies else None)
    instances = _instances(ask, reply)
    began = ask.told.began if ask.told is not None else ask.at
    steps = sorted((*ask.listings, *ask.replies), key=lambda one: one.began)
    return Explanation(
        scenario=course.scenario,
        entry=ask.entry.number,
        at=ask.at,
        state=ask.state,
        session_id=ask.session_id,
        project_id=ask.project_id,
        instance_ids=instances,
        allowed_actions=_allowed(ask) if ask.wants_actions else (),
        reply_at=message.reply_at if message is not None else None,
        deliveries=tuple(_attempt(one, ask.at) for one in ask.deliveries),
        expected=Expected(
            method="PUT",
            url=message.reply_url if message is not None else "",
            headers={"Content-Type": JSON},
            body=_body(ask, instances),
            until=ask.deadline,
        ),
        steps=tuple(_step(one, began, "list" if one.method == "GET" else "reply") for one in steps),
        differences=tuple(_differences(ask, reply, began)),
        broken=broken,
    )


def _report(course: Course, report: Delivery, broken: tuple[Broken, ...]) -> Explanation:
    session = course.sessions[str(report.entry.session_id)]
    sent = list(_sent_for(session, report))
    message = report.message
    return Explanation(
        scenario=course.scenario,
        entry=report.entry.number,
        at=report.entry.at,
        state=report.state,
        session_id=session.session_id,
        project_id=str(report.entry.project_id),
        instance_ids=message.instance_id_list if message is not None else (),
        allowed_actions=(),
        reply_at=None,
        deliveries=(_attempt(report, report.began),),
        expected=None,
        steps=tuple(_step(one, report.began, "other") for one in sent),
        differences=(
            _taken(report),
            Difference("reply", "none", ", ".join(one.state or "a PUT" for one in sent) or "none", not sent),
        ),
        broken=broken,
    )


def _sent_for(session: SessionCourse, report: Delivery) -> Iterator[Request]:
    """The PUTs that answer a report: those that name its state, from this report until the project's next one."""
    following = [one.began for one in session.reports if one.began > report.began and _project(one) == _project(report)]
    until = min(following, default=None)
    for one in session.others:
        names = {one.state, one.named_state}
        is_its = report.state in names or AlarmState.INSTANCE_ACTION_DONE in names
        is_then = one.began >= report.began and (until is None or one.began < until)
        if is_its and is_then and one.entry.project_id == _project(report):
            yield one


def _project(delivery: Delivery) -> str | None:
    return delivery.entry.project_id


def _instances(ask: Ask, reply: Request | None) -> tuple[str, ...]:
    """The instances that the alarm is about, as the VNFM could know."""
    if reply is not None:
        listed, seen = listed_for(ask, reply)
        return seen.listed if seen is not None and seen.listed is not None else tuple(sorted(listed))
    lists = [one.listed for one in ask.listings if one.listed is not None]
    return lists[-1] if lists else tuple(sorted(ask.asked))


def _allowed(ask: Ask) -> tuple[str, ...]:
    message = ask.told.message if ask.told is not None else None
    return (message.allowed_actions if message is not None else ()) or tuple(Action)


def _body(ask: Ask, instances: Iterable[str]) -> dict[str, Any]:
    """The reply that agrees."""
    state = ask.words[0]
    if not ask.wants_actions:
        return {"state": state}
    action = _allowed(ask)[0]
    if ask.instance_id is not None:
        return {"state": state, "instance_action": action}
    return {"state": state, "instance_actions": dict.fromkeys(instances, action)}


def _attempt(delivery: Delivery, since: datetime) -> Attempt:
    return Attempt(
        entry=delivery.entry.number,
        url=str(delivery.entry.data.get("url")),
        after=(delivery.began - since).total_seconds(),
        latency=delivery.latency,
        status=delivery.status,
        error=delivery.error,
        fault=", ".join(delivery.effect),
    )


def _step(request: Request, since: datetime, what: str) -> Step:
    return Step(
        entry=request.entry.number,
        what=what,
        after=(request.began - since).total_seconds(),
        method=request.method,
        path=request.path,
        status=request.status,
        content_type=request.content_type,
        body=request.body,
        answer=str(request.entry.data.get("response_body") or ""),
        fault=", ".join(request.effect),
    )


# -- the difference ---------------------------------------------------------------------------------------------------


def _differences(ask: Ask, reply: Request | None, began: datetime) -> Iterator[Difference]:
    if ask.deliveries:
        yield _taken(ask.told or ask.deliveries[0])
    awaited = " or ".join(ask.words)
    if reply is None:
        yield Difference("reply", awaited, "none", is_met=False)
        return
    yield from _list(ask, reply)
    place = ask.reply_path or "the alarm's reply_url"
    yield Difference("url", f"PUT {place}", f"{reply.method} {reply.path}", _is_same_place(ask, reply))
    yield Difference("content type", JSON, reply.content_type or "none", reply.content_type == JSON)
    if not isinstance(reply.document, dict):
        if not reply.is_cut:
            yield Difference("body", "a JSON object", reply.body or "nothing", is_met=False)
    else:
        shown = reply.document.get("state", "none")
        yield Difference("state", awaited, str(shown), reply.state in ask.words)
        if ask.wants_actions and not reply.is_nack:
            yield from _actions(ask, reply)
    yield _time(ask, reply, began)
    others = {one.content for one in ask.replies if one.accepted} - {reply.content}
    if others:
        yield Difference("other replies", "none, or the same one again", "; ".join(sorted(others)), is_met=False)


def _taken(delivery: Delivery) -> Difference:
    said = f"{delivery.status}" if delivery.arrived else f"no answer: {delivery.error or 'the connection was closed'}"
    return Difference("alarm's answer", "2xx", f"{said} after {seconds(delivery.latency)}", delivery.accepted)


def _list(ask: Ask, reply: Request) -> Iterator[Difference]:
    message = ask.told.message if ask.told is not None else None
    if message is None or message.list_url is None:
        return
    seen = ask.seen_before(reply)
    actual = f"GET {seen.path} ({len(seen.listed or ())} listed)" if seen is not None else "not fetched"
    yield Difference("list", f"GET {urlsplit(message.list_url).path} before the reply", actual, seen is not None)


def _is_same_place(ask: Ask, reply: Request) -> bool:
    return not ask.reply_path or reply.place == ask.reply_path


def _actions(ask: Ask, reply: Request) -> Iterator[Difference]:
    """Each instance that is left out, that does not belong there, or whose action was not allowed; else one line."""
    allowed = " or ".join(_allowed(ask))
    given = chosen(ask, reply)
    left_out, strangers = missing(ask, reply), set(foreign(ask, reply))
    wrong = [(one, action) for one, action in given.items() if one not in strangers and action not in ask.allowed]
    for one in left_out:
        yield Difference(f"instance_actions, {one}", allowed, "missing", is_met=False)
    for one in strangers:
        yield Difference(f"instance_actions, {one}", "no action: it was not listed", str(given[one]), is_met=False)
    for one, action in wrong:
        yield Difference(f"instance_actions, {one}", allowed, str(action), is_met=False)
    if not (left_out or strangers or wrong):
        words = ", ".join(sorted({str(action) for action in given.values()})) or "none needed"
        yield Difference("instance_actions", f"{allowed} for each instance", f"{len(given)}: {words}", is_met=True)


def _time(ask: Ask, reply: Request, began: datetime) -> Difference:
    took = f"{seconds((reply.began - began).total_seconds())} after the alarm"
    if ask.deadline is None:
        return Difference("time", "within the window", took, is_met=True)
    window = f"within {seconds((ask.deadline - began).total_seconds())}"
    late = (reply.began - ask.deadline).total_seconds()
    return Difference("time", window, f"{took}, late by {seconds(late)}" if late > 0 else took, late <= 0)


def _and(names: list[str]) -> str:
    few = names[:3]
    return ", ".join(few) + (f" and {len(names) - len(few)} more" if len(names) > len(few) else "")
