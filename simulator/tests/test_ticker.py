"""The ticker in wall time, scaled and by jumps: what ends when, on whose thread, and what cannot stop it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from queue import Empty, Queue

import pytest

from fenix_simulator.adapters.clock import SystemClock, TimeMode
from fenix_simulator.adapters.lane import Lane
from fenix_simulator.adapters.ticker import ClockNotManual, Ticker
from fenix_simulator.domain.messages import TimerKind

BOUND = 10.0
WINDOW = TimerKind.WINDOW
INFRASTRUCTURE = TimerKind.INFRASTRUCTURE
MOMENT = timedelta(milliseconds=20)
DAYS = timedelta(days=30)
NEVER = timedelta(hours=1)

Fire = tuple[str, int]
Make = Callable[..., Ticker]


@pytest.fixture
def fired() -> Queue[Fire]:
    """What was fired, in order."""
    return Queue()


@pytest.fixture
def make(fired: Queue[Fire]) -> Iterator[Make]:
    """Makes tickers that put their fires into ``fired``, or call what they are given; closes them at the end."""
    made: list[Ticker] = []

    def make_one(
        mode: str = "auto", fire: Callable[[str, int], None] | None = None, patience: timedelta = NEVER
    ) -> Ticker:
        def put(session_id: str, timer: int) -> None:
            fired.put((session_id, timer))

        made.append(Ticker(TimeMode.parse(mode), SystemClock(), fire or put, patience=patience))
        return made[-1]

    yield make_one
    for ticker in made:
        ticker.close()


@pytest.mark.parametrize("mode", ["real", "scaled:100000", "auto"])
def test_windows_run_in_wall_time(make: Make, fired: Queue[Fire], mode: str) -> None:
    """A window granted to projects is never shortened, whatever the infrastructure does."""
    ticker = make(mode)
    began = time.monotonic()
    ticker.start("s", 1, WINDOW, MOMENT)
    assert fired.get(timeout=BOUND) == ("s", 1)
    assert time.monotonic() - began >= MOMENT.total_seconds()


@pytest.mark.parametrize(("mode", "duration"), [("real", MOMENT), ("scaled:100000000", DAYS), ("auto", DAYS)])
def test_infrastructure_runs_at_the_modes_pace(make: Make, fired: Queue[Fire], mode: str, duration: timedelta) -> None:
    """In wall time when real, N times faster when scaled, at once in auto."""
    make(mode).start("s", 1, INFRASTRUCTURE, duration)
    assert fired.get(timeout=BOUND) == ("s", 1)


def test_scaled_infrastructure_takes_its_duration_divided(make: Make, fired: Queue[Fire]) -> None:
    """20 s at 1000 times the pace are 20 ms, not less."""
    began = time.monotonic()
    make("scaled:1000").start("s", 1, INFRASTRUCTURE, timedelta(seconds=20))
    fired.get(timeout=BOUND)
    assert time.monotonic() - began >= 0.02


def test_waits_end_in_order_of_their_ends(make: Make, fired: Queue[Fire]) -> None:
    """Not in the order in which they were started; one without duration, or less, ends at once."""
    ticker = make("real")
    ticker.start("s", 1, WINDOW, MOMENT * 3)
    ticker.start("s", 2, WINDOW, MOMENT)
    ticker.start("s", 3, WINDOW, timedelta())
    ticker.start("s", 4, WINDOW, timedelta(seconds=-5))
    fires = [fired.get(timeout=BOUND) for _ in range(4)]
    assert fires[2:] == [("s", 2), ("s", 1)]


@pytest.mark.parametrize("end", ["stop", "forget", "replace"])
def test_a_wait_that_is_over_does_not_fire(make: Make, fired: Queue[Fire], end: str) -> None:
    """Stopped, forgotten with its session, or replaced by a new wait of its number."""
    ticker = make("real")
    ticker.start("s", 1, WINDOW, MOMENT)
    if end == "stop":
        ticker.stop("s", 1)
    elif end == "forget":
        ticker.forget("s")
    else:
        ticker.start("s", 1, WINDOW, NEVER)
    ticker.start("t", 2, WINDOW, MOMENT * 2)
    assert fired.get(timeout=BOUND) == ("t", 2)


def test_what_does_not_run_is_passed_over(make: Make) -> None:
    """Stopping, forgetting and releasing what is not there is no error."""
    ticker = make()
    ticker.stop("s", 1)
    ticker.forget("s")
    ticker.release("s")
    assert ticker.due() == []


def test_no_jump_while_a_delivery_is_in_flight(make: Make, fired: Queue[Fire]) -> None:
    """Holds are counted: only when the last delivery has ended does the session go on. Others do not wait."""
    ticker = make()
    ticker.hold("s")
    ticker.hold("s")
    ticker.start("s", 1, INFRASTRUCTURE, DAYS)
    ticker.release("s")
    ticker.start("t", 2, INFRASTRUCTURE, DAYS)
    assert fired.get(timeout=BOUND) == ("t", 2)
    assert [timer.due for timer in ticker.due("s")] == [None]
    ticker.release("s")
    assert fired.get(timeout=BOUND) == ("s", 1)


def test_windows_do_not_wait_for_deliveries(make: Make, fired: Queue[Fire]) -> None:
    """A subscriber that hangs does not lengthen the window of the others."""
    ticker = make()
    ticker.hold("s")
    ticker.start("s", 1, WINDOW, MOMENT)
    assert fired.get(timeout=BOUND) == ("s", 1)


def test_a_delivery_that_hangs_holds_only_for_the_patience(make: Make, fired: Queue[Fire]) -> None:
    """The session goes on without a release."""
    ticker = make(patience=MOMENT)
    ticker.hold("s")
    ticker.start("s", 1, INFRASTRUCTURE, DAYS)
    assert fired.get(timeout=BOUND) == ("s", 1)


def test_a_delivery_out_of_patience_holds_nothing_any_more() -> None:
    """The one that hangs costs its patience once; deliveries that begin and end after it hold as usual."""
    lane = Lane(patience=1.0)
    assert lane.held_until(now=100.0) is None
    lane.hold(now=100.0)
    assert lane.held_until(now=100.5) == 101.0
    assert lane.held_until(now=101.0) is None
    lane.hold(now=105.0)
    assert lane.held_until(now=105.5) == 106.0
    lane.release()
    assert lane.held_until(now=105.5) is None
    lane.release()
    lane.release()
    assert lane.is_empty()


def test_jumps_are_made_in_simulated_order(make: Make, fired: Queue[Fire]) -> None:
    """Of two waits that were held, the shorter ends first, whichever was started first."""
    ticker = make()
    ticker.hold("s")
    ticker.start("s", 1, INFRASTRUCTURE, timedelta(minutes=20))
    ticker.start("s", 2, INFRASTRUCTURE, timedelta(seconds=90))
    ticker.release("s")
    assert [fired.get(timeout=BOUND) for _ in range(2)] == [("s", 2), ("s", 1)]


@pytest.mark.parametrize("end", ["stop", "forget"])
def test_a_held_wait_can_be_given_up(make: Make, fired: Queue[Fire], end: str) -> None:
    """After that neither the release nor the end of the patience brings it up."""
    ticker = make(patience=MOMENT)
    ticker.hold("s")
    ticker.start("s", 1, INFRASTRUCTURE, DAYS)
    if end == "stop":
        ticker.stop("s", 1)
    else:
        ticker.forget("s")
    ticker.release("s")
    ticker.start("t", 2, WINDOW, MOMENT * 2)
    assert fired.get(timeout=BOUND) == ("t", 2)
    assert ticker.due() == []


def test_a_slow_session_delays_no_other(make: Make, fired: Queue[Fire]) -> None:
    """While ten sessions' fires hang, another's window ends in time."""
    hang = threading.Event()

    def fire(session_id: str, timer: int) -> None:
        if session_id.startswith("slow"):
            hang.wait(BOUND)
        fired.put((session_id, timer))

    ticker = make("real", fire)
    for number in range(10):
        ticker.start(f"slow-{number}", 1, WINDOW, timedelta())
    ticker.start("prompt", 1, WINDOW, MOMENT)
    assert fired.get(timeout=BOUND) == ("prompt", 1)
    hang.set()
    assert len({fired.get(timeout=BOUND) for _ in range(10)}) == 10


def test_fires_of_one_session_never_overlap(make: Make, fired: Queue[Fire]) -> None:
    """Fifty waits that end together are fired one after the other."""
    alone = threading.Lock()

    def fire(session_id: str, timer: int) -> None:
        with_nobody = alone.acquire(blocking=False)
        fired.put((session_id, timer if with_nobody else -1))
        if with_nobody:
            alone.release()

    ticker = make("real", fire)
    for timer in range(50):
        ticker.start("s", timer, WINDOW, MOMENT)
    assert {fired.get(timeout=BOUND) for _ in range(50)} == {("s", timer) for timer in range(50)}


def test_a_fire_that_raises_is_logged_and_the_rest_goes_on(
    make: Make, fired: Queue[Fire], caplog: pytest.LogCaptureFixture
) -> None:
    """The log names the timer; the same session's next wait still ends."""

    def fire(session_id: str, timer: int) -> None:
        if timer == 1:
            raise RuntimeError("broken on purpose")
        fired.put((session_id, timer))

    ticker = make("auto", fire)
    ticker.start("s", 1, INFRASTRUCTURE, DAYS)
    ticker.start("s", 2, WINDOW, MOMENT)
    assert fired.get(timeout=BOUND) == ("s", 2)
    assert "timer 1 of session s could not be fired" in caplog.text
    assert "broken on purpose" in caplog.text


def test_a_long_chain_of_jumps_runs_on_one_thread(make: Make) -> None:
    """Each fire starts the next wait, ten thousand times: nothing is handed from thread to thread."""
    threads: set[int] = set()
    done = threading.Event()

    def fire(session_id: str, timer: int) -> None:
        threads.add(threading.get_ident())
        if timer == 10_000:
            done.set()
        else:
            ticker.start(session_id, timer + 1, INFRASTRUCTURE, DAYS)

    ticker = make("auto", fire)
    ticker.start("s", 1, INFRASTRUCTURE, DAYS)
    assert done.wait(BOUND)
    assert len(threads) == 1


def test_sessions_that_have_ended_leave_nothing(make: Make, fired: Queue[Fire]) -> None:
    """After a thousand sessions nothing runs and nothing is kept."""
    ticker = make()
    for number in range(1000):
        ticker.start(f"s{number}", 1, INFRASTRUCTURE, DAYS)
        ticker.start(f"s{number}", 2, WINDOW, NEVER)
    for _ in range(1000):
        fired.get(timeout=BOUND)
    for number in range(1000):
        ticker.forget(f"s{number}")
    assert ticker.due() == []
    assert len(ticker._lanes) == 0


def test_due_tells_what_runs_and_when_it_ends(make: Make) -> None:
    """Those that end first are at the front; an instant is aware UTC."""
    ticker = make("real")
    ticker.start("s", 1, WINDOW, timedelta(hours=2))
    ticker.start("t", 7, INFRASTRUCTURE, timedelta(hours=1))
    before = datetime.now(UTC)
    first, second = ticker.due()
    assert (first.session_id, first.timer, first.kind) == ("t", 7, INFRASTRUCTURE)
    assert (second.session_id, second.timer, second.kind) == ("s", 1, WINDOW)
    assert first.due is not None
    assert abs(first.due - (before + timedelta(hours=1))) < timedelta(minutes=1)
    assert [timer.timer for timer in ticker.due("s")] == [1]
    assert ticker.due("unknown") == []


def test_a_wait_of_centuries_is_no_error(make: Make, fired: Queue[Fire]) -> None:
    """The longest duration there is can be waited for, shown and stopped."""
    ticker = make("real")
    ticker.start("s", 1, WINDOW, timedelta.max)
    ticker.start("t", 1, WINDOW, MOMENT)
    assert fired.get(timeout=BOUND) == ("t", 1)
    (timer,) = ticker.due("s")
    assert timer.due == datetime.max.replace(tzinfo=UTC)
    ticker.stop("s", 1)


def test_nothing_fires_once_closed(make: Make, fired: Queue[Fire]) -> None:
    """Waits that ran are dropped, new ones are not taken."""
    ticker = make("real")
    ticker.start("s", 1, WINDOW, NEVER)
    ticker.close()
    ticker.start("s", 2, WINDOW, timedelta())
    assert ticker.due() == []
    with pytest.raises(Empty):
        fired.get_nowait()


def test_a_fire_may_close_the_ticker(make: Make) -> None:
    """It does not wait for itself."""
    done = threading.Event()

    def fire(session_id: str, timer: int) -> None:
        ticker.close()
        done.set()

    ticker = make("auto", fire)
    ticker.start("s", 1, INFRASTRUCTURE, DAYS)
    assert done.wait(BOUND)


@pytest.mark.parametrize("mode", ["real", "scaled:2", "auto"])
def test_only_a_manual_clock_can_be_advanced(make: Make, mode: str) -> None:
    """The error names the mode and the one that it takes."""
    ticker = make(mode)
    with pytest.raises(ClockNotManual, match=mode) as caught:
        ticker.advance(MOMENT)
    assert "manual" in caught.value.hint
