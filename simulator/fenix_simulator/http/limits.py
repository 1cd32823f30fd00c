"""How large a request may be, and how many may wait at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from flask import Request

from fenix_simulator.http.config import HttpConfig
from fenix_simulator.http.problems import Problem


def check(asked: Request, config: HttpConfig) -> None:
    """Refuse what is larger than any client needs: Problem 414 (path and query), 431 (number of headers)."""
    length = len(asked.path) + len(asked.query_string)
    if length > config.max_url_chars:
        raise Problem(414, f"the URL has {length} characters", expected=f"at most {config.max_url_chars}")
    # The environment holds the headers and some twenty other things: counting is for those who come near the limit.
    if len(asked.environ) > config.max_headers:
        headers = sum(1 for name in asked.environ if name.startswith("HTTP_"))
        if headers > config.max_headers:
            raise Problem(431, f"the request has {headers} headers", expected=f"at most {config.max_headers}")


class Waiters:
    """Lets a number of requests wait at once; whoever comes next is not let in, and does not wait for it either."""

    def __init__(self, limit: int) -> None:
        self._free = threading.BoundedSemaphore(max(1, limit))

    @contextmanager
    def seat(self) -> Iterator[bool]:
        """Whether there is a seat; where there is, it is held until the end of the block."""
        if not self._free.acquire(blocking=False):
            yield False
            return
        try:
            yield True
        finally:
            self._free.release()
