"""Threads that work for many keys at once, and for one key never twice at the same time."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

#: Turns a key may take in a row while others wait for a thread.
_TURNS = 64


class KeyedWorkers:
    """Calls ``run(key)`` for every key that was woken, again and again until it returns False.

    Threads are started as they are needed, ``limit`` at most: a key that is slow keeps one thread, and the others go
    on. A key that is woken while it runs is run once more afterwards, on the same thread: work that makes more work
    for its own key costs no change of threads.
    """

    def __init__(self, run: Callable[[str], bool], *, limit: int = 32, name: str = "worker") -> None:
        """``run`` must not raise."""
        self._run = run
        self._limit = limit
        self._name = name
        self._ready = threading.Condition(threading.Lock())
        self._queue: deque[str] = deque()
        # The keys that are queued or run, and whether they were woken again meanwhile.
        self._again: dict[str, bool] = {}
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def wake(self, key: str) -> None:
        """See to it that ``run(key)`` is called after this."""
        with self._ready:
            if key in self._again:
                self._again[key] = True
                return
            if self._closed:
                return
            self._again[key] = False
            self._queue.append(key)
            if self._idle:
                # Counted here and not by the thread that wakes up, or the next key would count on it as well.
                self._idle -= 1
                self._ready.notify()
            elif len(self._threads) < self._limit:
                name = f"{self._name}-{len(self._threads) + 1}"
                thread = threading.Thread(target=self._work, name=name, daemon=True)
                self._threads.append(thread)
                thread.start()

    def close(self, timeout: float = 5.0) -> None:
        """Start nothing more, and wait up to ``timeout`` seconds for what runs."""
        with self._ready:
            self._closed = True
            self._queue.clear()
            self._ready.notify_all()
        end = time.monotonic() + timeout
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(max(0.0, end - time.monotonic()))

    def _work(self) -> None:
        while (key := self._next()) is not None:
            turns = 1
            while self._goes_on(key, self._run(key), turns):
                turns += 1

    def _next(self) -> str | None:
        with self._ready:
            while not self._queue and not self._closed:
                self._idle += 1
                self._ready.wait()
            return None if self._closed else self._queue.popleft()

    def _goes_on(self, key: str, more: bool, turns: int) -> bool:
        with self._ready:
            if self._closed or not (more or self._again[key]):
                del self._again[key]
                return False
            self._again[key] = False
            if turns >= _TURNS and self._queue:
                self._queue.append(key)
                return False
            return True
