"""Trying again, in bounds of number and time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenix_vnfm import CloudError, Exchange, Policy
from fenix_vnfm.persistence import Persistence


def exchange(status, retry_after=None):
    headers = {} if retry_after is None else {"retry-after": str(retry_after)}
    return Exchange("PUT", "u", None, 0, {}, b"", status, headers, error=None if status else "no answer in time")


@pytest.fixture
def persist(clock):
    """Sends until lasting, over a list of answers (the last one repeats); tries and pauses are kept."""

    def run(policy, answers, window, clock=clock):
        given_times, told = [], []
        answers = list(answers)

        def send(limit):
            given_times.append(limit)
            return exchange(answers.pop(0) if len(answers) > 1 else answers[0])

        keep = Persistence(policy, clock.now, clock.pause, lambda *retry: told.append(retry))
        last, tries = keep.send(send, clock.now() + window)
        return last, tries, given_times, told

    return run


def test_the_pauses_double_up_to_the_longest(persist, clock):
    policy = Policy(tries=9, longest_pause=timedelta(seconds=2))
    last, tries, _, told = persist(policy, [503], timedelta(hours=1))
    assert (last.status, tries) == (503, 9)
    assert [pause.total_seconds() for pause in clock.pauses] == [0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, 2]
    assert [number for _, number, _ in told] == list(range(1, 9))


def test_the_first_try_is_made_however_late_it_is(persist, clock):
    _, tries, times, _ = persist(Policy(), [200], timedelta(seconds=-5))
    assert tries == 1
    assert times[0] > timedelta()


def test_one_try_may_not_use_up_the_window(persist):
    _, _, times, _ = persist(Policy(), [None, 200], timedelta(seconds=6))
    assert times[0] == timedelta(seconds=2)
    _, _, times, _ = persist(Policy(), [200], timedelta(hours=1))
    assert times == [Policy().request_timeout]


def test_a_retry_after_beyond_the_window_ends_it(clock):
    keep = Persistence(Policy(), clock.now, clock.pause, lambda *_: None)
    last, tries = keep.send(lambda _: exchange(503, retry_after=60), clock.now() + timedelta(seconds=20))
    assert (last.status, tries, clock.pauses) == (503, 1, [])


def test_a_pause_that_was_cut_short_is_the_end(clock):
    keep = Persistence(Policy(), clock.now, lambda _: True, lambda *_: None)
    assert keep.send(lambda _: exchange(503), clock.now() + timedelta(seconds=20))[1] == 1


@settings(max_examples=100, deadline=None)
@given(
    answers=st.lists(st.sampled_from([None, 503, 500, 429, 409, 404, 200]), min_size=1, max_size=12),
    tries=st.integers(1, 8),
    window=st.floats(0, 60),
)
def test_it_ends_within_its_bounds_with_the_first_lasting_answer(answers, tries, window):
    start = datetime(2026, 1, 1, tzinfo=UTC)
    now = [start]

    def pause(length):
        now[0] += length
        return False

    left = list(answers)
    sent = []

    def send(_):
        assert now[0] <= start + timedelta(seconds=window)
        sent.append(left.pop(0) if len(left) > 1 else left[0])
        return exchange(sent[-1])

    keep = Persistence(Policy(tries=tries), lambda: now[0], pause, lambda *_: None)
    last, count = keep.send(send, start + timedelta(seconds=window))
    assert count == len(sent) <= tries
    assert last.status == sent[-1]
    assert all(exchange(status).may_pass for status in sent[:-1])


def test_a_call_is_repeated_where_its_error_may_be(clock):
    keep = Persistence(Policy(tries=3), clock.now, clock.pause, lambda *_: None)
    calls = []

    def fail():
        calls.append(1)
        raise CloudError(exchange(503))

    deadline = clock.now() + timedelta(seconds=20)
    with pytest.raises(CloudError):
        keep.call(fail, deadline, lambda _: True)
    assert len(calls) == 3
    with pytest.raises(CloudError):
        keep.call(fail, deadline, lambda _: False)
    assert len(calls) == 4
    assert keep.call(lambda: "done", deadline, lambda _: False) == "done"
