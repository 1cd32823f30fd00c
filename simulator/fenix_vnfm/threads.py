"""One thread per key that has work: jobs of a key run in order, those of different keys never wait for each other."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

_log = logging.getLogger("fenix_vnfm.threads")
Job = TypeVar("Job")


class KeyedThreads(Generic[Job]):
    """Runs ``run(job)`` for each job submitted.

    A thread ends when its key had no work for ``linger`` seconds. When ``most`` keys have a thread, further ones share
    one: whoever invents sessions must not have a thread for each.
    """

    _SHARED: Hashable = object()

    def __init__(self, run: Callable[[Job], None], *, linger: float = 5.0, most: int = 256) -> None:
        self._run = run
        self._linger = linger
        self._most = most
        self._lock = threading.Lock()
        self._queues: dict[Hashable, queue.SimpleQueue[Job | None]] = {}
        self._threads: set[threading.Thread] = set()
        self._closed = False

    def submit(self, key: Hashable, job: Job) -> bool:
        """Run the job after those of its key; False when closed."""
        with self._lock:
            if self._closed:
                return False
            if key not in self._queues and len(self._queues) >= self._most:
                key = self._SHARED
            jobs = self._queues.get(key)
            if jobs is None:
                jobs = queue.SimpleQueue()
                thread = threading.Thread(target=self._work, args=(key, jobs), name=f"session {key}", daemon=True)
                thread.start()
                self._queues[key] = jobs
                self._threads.add(thread)
            jobs.put(job)
        return True

    def close(self, timeout: float = 5.0) -> None:
        """Take no more jobs and wait for those that wait or run, at most ``timeout`` seconds for each thread."""
        with self._lock:
            self._closed = True
            threads = list(self._threads)
            for jobs in self._queues.values():
                jobs.put(None)
        for thread in threads:
            if thread is not threading.current_thread():
                thread.join(timeout)

    def _work(self, key: Hashable, jobs: queue.SimpleQueue[Job | None]) -> None:
        while (job := self._next(key, jobs)) is not None:
            try:
                self._run(job)
            except Exception:
                _log.exception("a job of %s failed", key)

    def _next(self, key: Hashable, jobs: queue.SimpleQueue[Job | None]) -> Job | None:
        while True:
            try:
                job = jobs.get(timeout=self._linger)
            except queue.Empty:
                job = None
            if job is not None:
                return job
            with self._lock:
                if jobs.empty():
                    self._queues.pop(key, None)
                    self._threads.discard(threading.current_thread())
                    return None
