"""Jobs of a key run in order, those of different keys never wait for each other."""

from __future__ import annotations

import queue
import threading

import pytest

from fenix_vnfm.threads import KeyedThreads


@pytest.fixture
def threads():
    """Starts sets of threads that run functions; they are closed at the end."""
    made = []

    def start(**options):
        made.append(KeyedThreads(lambda job: job(), **options))
        return made[-1]

    yield start
    for one in made:
        one.close()


def test_the_jobs_of_a_key_run_in_order(threads):
    keyed, done, all_done = threads(), [], threading.Event()
    for number in range(200):
        keyed.submit("a", lambda number=number: done.append(number))
    keyed.submit("a", all_done.set)
    assert all_done.wait(5)
    assert done == list(range(200))


def test_a_key_does_not_wait_for_another(threads):
    keyed, go, done = threads(), threading.Event(), threading.Event()
    keyed.submit("a", lambda: go.wait(10))
    keyed.submit("b", done.set)
    assert done.wait(5)
    go.set()


def test_more_keys_than_threads_share_one(threads):
    keyed, names = threads(most=2), queue.SimpleQueue()
    go = threading.Event()
    for key in range(2):
        keyed.submit(key, lambda: go.wait(10))
    for key in range(2, 10):
        keyed.submit(key, lambda: names.put(threading.current_thread()))
    assert len({names.get(timeout=5) for _ in range(8)}) == 1
    go.set()


def test_a_thread_without_work_ends_and_the_key_gets_another(threads):
    keyed, seen = threads(linger=0.01), queue.SimpleQueue()
    keyed.submit("a", lambda: seen.put(threading.current_thread()))
    first = seen.get(timeout=5)
    first.join(5)
    assert not first.is_alive()
    keyed.submit("a", lambda: seen.put(threading.current_thread()))
    assert seen.get(timeout=5) is not first


def test_a_job_that_fails_does_not_stop_the_next(threads):
    keyed, done = threads(), threading.Event()
    keyed.submit("a", lambda: 1 / 0)
    keyed.submit("a", done.set)
    assert done.wait(5)


def test_closing_runs_what_was_submitted_and_takes_no_more(threads):
    keyed, done = threads(), []
    for number in range(10):
        keyed.submit("a", lambda number=number: done.append(number))
    keyed.close()
    assert done == list(range(10))
    assert keyed.submit("a", list) is False
