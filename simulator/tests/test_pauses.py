"""Requests that are kept waiting: threads come and go with them."""

from __future__ import annotations

import threading

from fenix_simulator.adapters.pauses import Pauses

BOUND = 10


class RecordingDispatcher:
    """Keeps the numbers of threads that it was told to have."""

    def __init__(self) -> None:
        self.told: list[int] = []

    def set_thread_count(self, count: int) -> None:
        self.told.append(count)


def test_a_pause_has_a_thread_in_its_place_while_it_lasts():
    dispatcher, stopping = RecordingDispatcher(), threading.Event()
    pauses = Pauses(dispatcher, 4, stopping)
    pauses.pause(0.0)
    assert dispatcher.told == [5, 4]


def test_too_many_are_not_kept_waiting_and_all_end_with_the_server():
    begun = threading.Semaphore(0)

    class Told(RecordingDispatcher):
        def set_thread_count(self, count: int) -> None:
            super().set_thread_count(count)
            begun.release()

    dispatcher, stopping = Told(), threading.Event()
    pauses = Pauses(dispatcher, 4, stopping, limit=2)
    waiting = [threading.Thread(target=pauses.pause, args=(3600.0,)) for _ in range(2)]
    for thread in waiting:
        thread.start()
    assert all(begun.acquire(timeout=BOUND) for _ in waiting)
    pauses.pause(3600.0)
    assert dispatcher.told == [5, 6], "the third is not kept"
    pauses.close()
    stopping.set()
    for thread in waiting:
        thread.join(BOUND)
        assert not thread.is_alive()
    assert dispatcher.told == [5, 6], "a dispatcher that is being shut down gets no new threads"
