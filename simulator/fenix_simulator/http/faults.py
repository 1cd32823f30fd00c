"""What a fault makes of a request to the project API: another answer, a late one, or none.

A request meets its fault after the token was looked at and before anything else of it is. What is in the journal is
what was really answered: no status where the connection was closed.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from flask import Blueprint, Response, request

from fenix_simulator.http import problems
from fenix_simulator.http.needs import Effect, Faults
from fenix_simulator.http.web import Web, answer

#: Set in a request's environment here, for the server (``adapters.wsgi``): close the connection, send nothing.
HANG_UP = "fenix_simulator.hang_up"

#: Set in a request's environment by the server: a call that waits for a number of seconds, and costs the others no
#: thread.
PAUSE = "fenix_simulator.pause"

_OPERATIONS = {"GET": "list", "PUT": "reply"}

#: Statuses that tell a client to come back, and when: soon, for a fault is over when it has been counted.
_LATER = frozenset({429, 503})


def inject(surface: Blueprint, web: Web) -> None:
    """Let the service's faults, where it has any to inject, happen on ``surface``."""
    faults: Faults | None = getattr(web.service, "faults", None)
    if faults is None:
        return

    @surface.before_request
    def meet() -> Response | None:
        named = request.view_args or {}
        operation = _OPERATIONS.get(request.method)
        if operation is None or "project_id" not in named:
            return None
        effect = faults.request(operation, named["project_id"], named["session_id"])
        return None if effect is None else _happen(effect)


def is_hung_up() -> bool:
    """Whether the client gets no answer to the present request."""
    return HANG_UP in request.environ


def _happen(effect: Effect) -> Response | None:
    """Do what can be done before the request is looked at; the answer where it never is."""
    if effect.delay:
        pause: Callable[[float], object] = request.environ.get(PAUSE, threading.Event().wait)
        pause(effect.delay.total_seconds())
    if effect.drop or effect.close:
        request.environ[HANG_UP] = True
    if effect.drop:
        return Response(status=500)  # where the server cannot close the connection
    return None if effect.status is None else _answer(effect.status)


def _answer(status: int) -> Response:
    if status < 300 and status not in (204, 205):
        return answer({}, status)
    if status < 400:
        return Response(status=status)
    return problems.problem(
        status,
        "a fault was asked for: this request was not looked at",
        kind="fault",
        hint="send it again, after a pause",
        headers=[("Retry-After", "1")] if status in _LATER else (),
    )
