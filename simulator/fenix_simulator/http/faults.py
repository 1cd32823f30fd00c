"""What a fault makes of a request to the project API or to the control API's instances: another answer, a late one,
a broken one, or none.

A request meets its fault after the token was looked at and before anything else of it is. What is in the journal is
what was really answered: no status where the connection ended without an answer, the bytes that were sent.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, g, request

from fenix_simulator.domain.errors import MaintenanceError
from fenix_simulator.http import auth, problems
from fenix_simulator.http.bodies import JSON
from fenix_simulator.http.earlier_lists import earlier_list
from fenix_simulator.http.needs import Effect, Faults, Happening, Service
from fenix_simulator.http.web import Web, answer

#: Set in a request's environment here, for the server (``adapters.wsgi``): how the answer goes wrong on its connection,
#: ``{"end": "close", "reset" or "cut", "drip": seconds}``, both of which may be absent.
MISHAP = "fenix_simulator.mishap"

#: Set in a request's environment by the server: a call that waits for a number of seconds, and costs the others no
#: thread.
PAUSE = "fenix_simulator.pause"

_OPERATIONS = {"GET": "list", "PUT": "reply"}
_CONTROLLING = frozenset({"GET", "POST", "DELETE"})

#: Statuses that tell a client to come back, and when: soon, for a fault is over when it has been counted.
_LATER = frozenset({429, 503})


def inject(surface: Blueprint, web: Web) -> None:
    """Let the service's faults, where it has any to inject, happen to lists and replies on ``surface``."""
    faults: Faults | None = getattr(web.service, "faults", None)
    if faults is None:
        return

    @surface.before_request
    def meet() -> Response | None:
        operation = _OPERATIONS.get(request.method)
        if operation is None or not faults.touches(operation):
            return None
        named = request.view_args or {}
        if "project_id" not in named:
            return None
        session_id = named["session_id"]
        met = faults.request(operation, named["project_id"], session_id, _state(web, session_id))
        return None if met is None else _happen(met)


def inject_control(surface: Blueprint, web: Web) -> None:
    """Let the service's faults, where it has any to inject, happen to what managers do on ``surface``."""
    faults: Faults | None = getattr(web.service, "faults", None)
    if faults is None:
        return

    @surface.before_request
    def meet() -> Response | None:
        if not faults.touches("control") or request.method not in _CONTROLLING:
            return None
        met = faults.request("control", _owner(web))
        return None if met is None else _happen(met)


def spoiled(response: Response, service: Service) -> Response:
    """The answer as the present request's fault leaves it. It comes last, when nobody looks into the body any more:
    no secret may be taken for harmless because it is cut in two."""
    met: Happening | None = g.get("fault")
    if met is not None:
        _spoil(response, met.effect, service)
    return response


def number() -> int | None:
    """The number of the fault that the present request met."""
    met: Happening | None = g.get("fault")
    return None if met is None else met.fault


def is_hung_up() -> bool:
    """Whether the client gets no answer to the present request."""
    met: Happening | None = g.get("fault")
    return met is not None and _end(met.effect) in ("close", "reset")


def _state(web: Web, session_id: str) -> str | None:
    try:
        return web.service.session_state(session_id)
    except MaintenanceError:
        return None


def _owner(web: Web) -> str | None:
    """The project that a request about instances is for: that of the token, else the one that it speaks of."""
    if not auth.current().is_admin:
        return auth.current().project_id
    instance_id = (request.view_args or {}).get("instance_id")
    if instance_id is not None:
        try:
            return web.service.instance(instance_id).project_id
        except MaintenanceError:
            return None
    document = request.get_json(silent=True) if request.method == "POST" else request.args
    project_id = document.get("project_id") if isinstance(document, Mapping) else None
    return project_id if isinstance(project_id, str) else None


def _happen(met: Happening) -> Response | None:
    """Do what can be done before the request is looked at; the answer where it never is."""
    effect = met.effect
    g.fault = met
    if effect.delay:
        pause: Callable[[float], object] = request.environ.get(PAUSE, threading.Event().wait)
        pause(effect.delay.total_seconds())
    mishap: dict[str, Any] = {"end": _end(effect), "drip": effect.drip and effect.drip.total_seconds()}
    if any(mishap.values()):
        request.environ[MISHAP] = mishap
    if effect.drop:
        return Response(status=500)  # where the server cannot close the connection
    return None if effect.status is None else _answer(effect.status)


def _end(effect: Effect) -> str | None:
    """How the connection ends, where it does."""
    if effect.drop or effect.close:
        return "close"
    return "reset" if effect.reset else "cut" if effect.truncate else None


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


def _spoil(response: Response, effect: Effect, service: Service) -> None:
    """Give the answer another body or content type; an answer without a body gets one that can be broken."""
    if effect.stale and response.status_code == 200:
        named = request.view_args or {}
        earlier = earlier_list(service, named["session_id"], named["project_id"])
        if earlier is not None:
            response.set_data(earlier)
    if effect.malformed or effect.truncate:
        body = response.get_data().strip()
        if not body:
            body, response.status_code, response.content_type = b"{}", 200, JSON
        if effect.malformed:
            body = body[:-1]  # the bracket that ends it
        if effect.truncate:
            response.set_data(body[: (len(body) + 1) // 2])
            response.headers["Content-Length"] = str(max(2, len(body)))
        else:
            response.set_data(body)
    if effect.content_type:
        response.headers["Content-Type"] = effect.content_type
