"""The control API, third part: the journal, read in pages or followed by a long poll; its deliveries, sent again."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from contextlib import nullcontext

from flask import Blueprint, Response, request

from fenix_simulator.http import auth
from fenix_simulator.http.control import PREFIX
from fenix_simulator.http.limits import Waiters
from fenix_simulator.http.problems import Problem
from fenix_simulator.http.queries import seconds, whole_number, words
from fenix_simulator.http.web import Web, answer
from fenix_simulator.ports import Filter, Journal, Recorded

PAGE = 1_000
MAX_PAGE = 10_000
MAX_WAIT = 60.0
MAX_NUMBER = 2**53

#: The journal wakes a waiting reader at each entry; this often the reader also looks whether the server is stopping.
_LOOK_UP = 1.0

#: Set in a request's environment by the server, where it can tell (``adapters.wsgi``): an Event set when it stops.
STOPPING = "fenix_simulator.stopping"


def blueprint(web: Web) -> Blueprint:
    """The surface. At most half of the server's threads wait; a reader too many is answered at once."""
    surface = Blueprint("control_journal", __name__, url_prefix=PREFIX)
    surface.before_request(auth.require_admin)
    waiters = Waiters(web.config.server_threads // 2)

    @surface.get("/journal")
    def journal() -> Response:
        asked = request.args
        only = Filter(words(asked, "kind"), words(asked, "type"), asked.get("session_id"), asked.get("project_id"))
        after = whole_number(asked, "after", at_least=0, at_most=MAX_NUMBER) or 0
        limit = whole_number(asked, "limit", at_least=1, at_most=MAX_PAGE) or PAGE
        wait = seconds(asked, "wait", at_most=MAX_WAIT)
        headers: Mapping[str, str] = {}
        with waiters.seat() if wait else nullcontext(False) as seated:
            if wait and not seated:
                headers = {"Retry-After": "1"}
            stopping = request.environ.get(STOPPING)
            found, position = follow(web.service.journal, after, limit, only, wait if seated else 0.0, stopping)
        kept = web.service.journal
        return answer({"entries": found, "next": position, "first": kept.first, "last": kept.last}, 200, headers)

    @surface.post("/deliveries/<int:number>/resend")
    def resend(number: int) -> Response:
        if number > MAX_NUMBER:
            raise Problem(404, f"the journal has no entry {number}", expected="the number of a delivery")
        return answer(web.service.resend(number), 202)

    return surface


def follow(
    journal: Journal, after: int, limit: int, only: Filter, wait: float, stopping: threading.Event | None = None
) -> tuple[list[Recorded], int]:
    """The entries after ``after`` that fit, waiting up to ``wait`` seconds for the first; and where to go on from.

    The position moves on over entries that do not fit, so that they are not looked at again.
    """
    deadline = time.monotonic() + wait
    while True:
        # Before reading: an entry that comes while we read is not passed over.
        last = journal.last
        found = journal.read(after, limit, only)
        if found:
            return found, found[-1].number if len(found) == limit else max(found[-1].number, last)
        after = max(after, last)
        now = time.monotonic()
        if now >= deadline or (stopping is not None and stopping.is_set()):
            return [], after
        timeout = min(deadline - now, _LOOK_UP)
        if not journal.wait(after, timeout) and time.monotonic() - now < timeout / 2:
            # A wait that ends early with nothing: the journal is closed, and nothing will come.
            return [], after
