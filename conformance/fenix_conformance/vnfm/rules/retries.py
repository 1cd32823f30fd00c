"""A reply that fails for the time being: sent again in the window, with pauses, and not without end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Final

from fenix_conformance.results import Outcome
from fenix_conformance.vnfm.asks import Ask
from fenix_conformance.vnfm.course import Course
from fenix_conformance.vnfm.exchanges import Request
from fenix_conformance.vnfm.finding import Finding, Rule, about, seconds
from fenix_conformance.vnfm.rules.lists import FEW_TRIES, ROOM_TO_RETRY

#: Less than this between an answer and the next try is no pause. One try at once is forgiven (so begin many libraries).
_NO_PAUSE: Final = timedelta(milliseconds=20)
_AT_ONCE: Final = 2
#: A try is in flight when the window ends; so many that begin later are a client that does not stop.
_GRACE: Final = timedelta(milliseconds=500)
_STILL_TRYING: Final = 3


def _retry(course: Course, _all: Sequence[Course]) -> Iterator[Finding]:
    for ask in course.asks:
        failed = [one for one in ask.replies if one.failed_for_now]
        if not failed or ask.deadline is None:
            continue
        problem = _without_pause(ask) or _without_end(ask) or _not_sent_again(course, ask)
        if problem is not None:
            yield problem
        elif failed[0] is not ask.replies[-1]:
            again = next(one for one in ask.replies if one.began > failed[0].began)
            pause = seconds((again.began - failed[0].ended).total_seconds())
            said = f"sent again after {pause}, {len(ask.replies)} times in all"
            yield about(ask, Outcome.PASS, said, failed[0].entry, again.entry)


def _not_sent_again(course: Course, ask: Ask) -> Finding | None:
    """The last try of the window failed, there was time for another one, and none came before the window was over."""
    tries = [one for one in ask.replies if ask.deadline is None or one.began < ask.deadline]
    failed = tries[-1] if tries and tries[-1].failed_for_now else None
    if failed is None or ask.deadline is None or failed.ended + ROOM_TO_RETRY > ask.deadline:
        return None
    if ask.until is not None and not ask.is_over_by(ask.until):
        return None  # the session went on: the reply had counted, and the next alarm said so
    if course.last is None or not ask.is_over_by(course.last):
        return None
    if len(tries) > FEW_TRIES:
        return None  # it tried, in bounds of its own
    answer = f"answered {failed.status}" if failed.answered else "not answered"
    late = next((one for one in ask.replies if one.began >= ask.deadline), None)
    return about(
        ask,
        Outcome.FAIL,
        f"a reply to {ask.state} that was {answer} was not sent again" + (" in its window" if late else ""),
        failed.entry,
        late.entry if late is not None else None,
        expected="the same reply again after a pause, while the window lasts",
        actual=f"{len(ask.replies)} tries in all"
        + (f", the next one {seconds((late.began - ask.deadline).total_seconds())} after its end" if late else ""),
    )


def _without_pause(ask: Ask) -> Finding | None:
    row: list[Request] = []
    for one, after in zip(ask.replies, ask.replies[1:], strict=False):
        if one.failed_for_now and after.began - one.ended < _NO_PAUSE:
            row = [*(row or [one]), after]
            if len(row) > _AT_ONCE:
                return about(
                    ask,
                    Outcome.FAIL,
                    f"the reply to {ask.state} was sent {len(row)} times within "
                    f"{seconds((row[-1].began - row[0].began).total_seconds())}",
                    *(each.entry for each in row[:4]),
                    expected="a pause before each further try",
                    actual=f"{len(ask.replies)} tries in all",
                )
        else:
            row = []
    return None


def _without_end(ask: Ask) -> Finding | None:
    if ask.deadline is None:
        return None
    after = [one for one in ask.replies if one.began > ask.deadline + _GRACE and one.failed_for_now]
    if len(after) < _STILL_TRYING:
        return None
    return about(
        ask,
        Outcome.FAIL,
        f"the reply to {ask.state} was still sent again when its window was over",
        after[0].entry,
        after[-1].entry,
        expected="tries within the window, of a bounded number",
        actual=f"{len(after)} tries after the window's end, {len(ask.replies)} in all",
    )


RULES = (Rule("retry", _retry, "no reply failed for the time being"),)
