"""Workers by key: never twice at once for one key, nobody behind a slow one, threads only as needed."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from queue import Queue

import pytest

from fenix_simulator.adapters.workers import KeyedWorkers

BOUND = 10.0

Make = Callable[..., KeyedWorkers]


@pytest.fixture
def make() -> Iterator[Make]:
    """Makes workers and closes them at the end."""
    made: list[KeyedWorkers] = []

    def make_one(run: Callable[[str], bool], **settings: int) -> KeyedWorkers:
        made.append(KeyedWorkers(run, **settings))  # type: ignore[arg-type]
        return made[-1]

    yield make_one
    for one in made:
        one.close()


def test_a_key_runs_until_there_is_no_more(make: Make) -> None:
    """``run`` is called again while it returns True."""
    left = Counter(a=3)
    done = threading.Event()

    def run(key: str) -> bool:
        left[key] -= 1
        if not left[key]:
            done.set()
        return left[key] > 0

    make(run).wake("a")
    assert done.wait(BOUND)
    assert left["a"] == 0


def test_a_key_never_runs_twice_at_once_and_no_wake_is_lost(make: Make) -> None:
    """Four threads wake three keys at random: each call is alone for its key, and one follows the last wake."""
    running = {key: threading.Lock() for key in "abc"}
    overlaps: list[str] = []
    wanted: Counter[str] = Counter()
    seen: dict[str, int] = {}
    changed = threading.Condition()

    def run(key: str) -> bool:
        if not running[key].acquire(blocking=False):
            overlaps.append(key)
            return False
        with changed:
            seen[key] = wanted[key]
            changed.notify_all()
        running[key].release()
        return False

    workers = make(run)

    def wake(offset: int) -> None:
        for number in range(300):
            key = "abc"[(number + offset) % 3]
            with changed:
                wanted[key] += 1
            workers.wake(key)

    threads = [threading.Thread(target=wake, args=(offset,)) for offset in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)
    with changed:
        assert changed.wait_for(lambda: all(seen.get(key) == wanted[key] for key in "abc"), BOUND)
    assert not overlaps


def test_a_slow_key_delays_no_other(make: Make) -> None:
    """While one key hangs the others are served."""
    ran: Queue[str] = Queue()
    hang = threading.Event()

    def run(key: str) -> bool:
        if key == "slow":
            hang.wait(BOUND)
        ran.put(key)
        return False

    workers = make(run)
    workers.wake("slow")
    for key in "abc":
        workers.wake(key)
    assert {ran.get(timeout=BOUND) for _ in "abc"} == set("abc")
    hang.set()
    assert ran.get(timeout=BOUND) == "slow"


def test_a_busy_key_lets_others_have_a_turn(make: Make) -> None:
    """With a single thread, a key that always has more still lets another in."""
    other = threading.Event()
    started = threading.Event()

    def run(key: str) -> bool:
        if key == "other":
            other.set()
            return False
        started.set()
        return not other.is_set()

    workers = make(run, limit=1)
    workers.wake("busy")
    assert started.wait(BOUND)
    workers.wake("other")
    assert other.wait(BOUND)


def test_work_that_makes_work_stays_on_its_thread(make: Make) -> None:
    """A key woken by its own run goes on without a second thread."""
    threads: set[int] = set()
    done = threading.Event()
    left = [1000]

    def run(key: str) -> bool:
        threads.add(threading.get_ident())
        left[0] -= 1
        if left[0]:
            workers.wake(key)
        else:
            done.set()
        return False

    workers = make(run)
    workers.wake("a")
    assert done.wait(BOUND)
    assert len(threads) == 1


def test_nothing_runs_once_closed(make: Make) -> None:
    """``close`` waits for what runs and drops what is queued; a later wake does nothing."""
    entered, leave = threading.Event(), threading.Event()
    ran: list[str] = []

    def run(key: str) -> bool:
        entered.set()
        leave.wait(BOUND)
        ran.append(key)
        return True

    workers = make(run, limit=1)
    workers.wake("a")
    workers.wake("b")
    assert entered.wait(BOUND)
    closer = threading.Thread(target=workers.close)
    closer.start()
    leave.set()
    closer.join(BOUND)
    workers.wake("c")
    assert set(ran) <= {"a"}
