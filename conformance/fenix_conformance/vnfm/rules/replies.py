"""The reply itself: sent, in time, with the right state, to the right place, readable, and once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.course import Course
from fenix_conformance.vnfm.exchanges import Request
from fenix_conformance.vnfm.finding import Finding, Rule, about, seconds, some
from fenix_conformance.vnfm.rules.lists import gave_up_after_fault, tried_again

JSON = "application/json"


def was_left_open(course: Course, ask: Ask) -> bool:
    """Whether the VNFM had the whole window and let it pass: told in time, no reply, and the window's end recorded."""
    if ask.replies or not ask.is_fairly_told or ask.deadline is None:
        return False
    end = ask.until or course.last
    return end is not None and ask.is_over_by(end)


def _sent(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        if ask.replies and ask.told is not None:
            yield about(ask, Outcome.PASS, f"{ask.replies[0].state or 'a reply'} was sent", ask.replies[0].entry)
        elif was_left_open(course, ask) and not tried_again(ask):
            given_up = gave_up_after_fault(ask)
            why = "" if given_up is None else ", and its list, which could not be had at first, not asked for again"
            yield about(
                ask,
                Outcome.FAIL,
                f"{ask.state} was not answered{why}",
                *(one.entry for one in (*ask.listings[:3], *ask.odd[:3])),
                expected=f"{' or '.join(ask.words)} as a PUT to the alarm's reply_url within the window",
                actual=", ".join(f"{one.method} {one.path}, answered {one.status}" for one in ask.odd[:3]) or "no PUT",
            )


def _in_time(_course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in _course.asks:
        if not ask.replies or not ask.is_fairly_told or ask.deadline is None:
            continue
        first = ask.replies[0]
        margin = (ask.deadline - first.began).total_seconds()
        took = seconds((first.began - ask.at).total_seconds())
        if margin >= 0:
            yield about(ask, Outcome.PASS, f"after {took}, {seconds(margin)} before reply_at", first.entry)
        else:
            yield about(
                ask,
                Outcome.FAIL,
                f"{first.state or 'the reply'} came {seconds(-margin)} after reply_at",
                first.entry,
                expected="the reply before reply_at",
                actual=f"{took} after the question",
            )


def _state(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        # A body that is no JSON object says nothing: that is reply-valid's matter.
        said = [one for one in ask.replies if isinstance(one.document, dict)]
        wrong = [one for one in said if one.state not in ask.words]
        if not said:
            continue
        if not wrong:
            yield about(ask, Outcome.PASS, f"{said[0].state}", said[0].entry)
            continue
        shown = wrong[0].document.get("state", "no state at all")
        yield about(
            ask,
            Outcome.FAIL,
            f"{ask.state} was answered with {shown!r}",
            wrong[0].entry,
            expected=" or ".join(ask.words),
            actual=repr(shown),
        )


def _url(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        if not ask.replies or not ask.reply_path:
            continue
        astray = [one for one in ask.replies if one.place != ask.reply_path]
        if not astray:
            yield about(ask, Outcome.PASS, "sent to the alarm's reply_url", ask.replies[0].entry)
            continue
        yield about(
            ask,
            Outcome.FAIL,
            f"the reply to {ask.state} went to {astray[0].path}",
            astray[0].entry,
            expected=f"PUT {ask.reply_path}, the path of the alarm's reply_url, as it was given",
            actual=f"PUT {astray[0].path}, answered {astray[0].status}",
        )


def _valid(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        for reply in ask.replies[:1] + [one for one in ask.replies[1:] if one.content != ask.replies[0].content]:
            problem = _problem(ask, reply)
            if problem is None:
                yield about(ask, Outcome.PASS, "valid JSON", reply.entry)
            else:
                yield about(
                    ask,
                    Outcome.FAIL,
                    f"the reply to {ask.state} cannot be read: {problem}",
                    reply.entry,
                    expected=f'{JSON}: {{"instance_actions": {{instance_id: action}}, "state": "{ask.words[0]}"}}',
                    actual=problem,
                )


def _problem(ask: Ask, reply: Request) -> str | None:
    """What is wrong with the form of a reply. Wrong words and missing actions are other rules' matters."""
    if reply.content_type != JSON:
        return f"Content-Type is {reply.content_type or 'not given'}"
    if reply.is_cut:
        return None
    if reply.document is None:
        return "the body is no JSON"
    if not isinstance(reply.document, dict):
        return f"the body is {_kind(reply.document)}, not an object"
    if "state" in reply.document and reply.state is None:
        return f"state is {_kind(reply.document['state'])}, not text"
    actions = reply.document.get("instance_actions")
    if actions is not None and not isinstance(actions, dict):
        return f"instance_actions is {_kind(actions)}, not an object"
    strange = [name for name, value in (actions or {}).items() if not isinstance(value, str)]
    if strange:
        return f"the action for {some(strange)} is not text"
    if reply.state not in ask.words:
        return None
    return _by_contract(ask, reply)


def _by_contract(ask: Ask, reply: Request) -> str | None:
    """What the contract's schema says, beside the actions. The per-instance dialect is not the published API's."""
    if ask.instance_id is not None:
        return None
    found = next(iter(_validator().iter_errors({**reply.document, "instance_actions": {}})), None)
    return None if found is None else str(found.message)


@cache
def _validator() -> Any:
    from fenix_contract.contract import validator

    return validator("Reply")


def _kind(value: object) -> str:
    names = {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")


def _once(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        if not ask.proper:
            continue
        pair = contradiction(ask)
        if pair is None:
            again = f", {len(ask.proper)} times the same" if len(ask.proper) > 1 else ""
            yield about(ask, Outcome.PASS, f"one reply{again}", ask.proper[0].entry)
            continue
        first, second = pair
        yield about(
            ask,
            Outcome.FAIL,
            f"after {first.state} was accepted, another reply to {ask.state} followed",
            first.entry,
            second.entry,
            expected="one reply to a state, or the same one again",
            actual=f"{first.content}, then {second.content}",
        )


def contradiction(ask: Ask) -> tuple[Request, Request] | None:
    """A reply that was accepted, and a different one after it; None where there is no such pair.

    What was refused or got no answer may be said otherwise the next time: it did not count, as far as anybody knew.
    """
    accepted: Request | None = None
    for reply in ask.proper:
        if accepted is not None and reply.content != accepted.content and not reply.is_cut:
            return accepted, reply
        if accepted is None and reply.accepted and not reply.is_cut:
            accepted = reply
    return None


def _nack_honest(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        refusal = next((one for one in ask.proper if one.is_nack), None)
        if refusal is not None:
            yield about(ask, Outcome.PASS, f"{refusal.state} was sent rather than nothing", refusal.entry)


RULES = (
    Rule("reply-sent", _sent, "no alarm that asks for a reply reached the VNFM and had its whole window"),
    Rule("reply-in-time", _in_time, "no reply was sent"),
    Rule("reply-state", _state, "no reply with a JSON object was sent"),
    Rule("reply-url", _url, "no reply was sent"),
    Rule("reply-valid", _valid, "no reply was sent"),
    Rule("reply-once", _once, "no reply with a right state was sent"),
    Rule("nack-honest", _nack_honest, "nothing was refused"),
)
