"""What was asked and answered goes into the journal, before the answer is sent."""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Flask, Request, Response, g, request
from werkzeug.exceptions import HTTPException

from fenix_simulator.http import faults, problems
from fenix_simulator.http.needs import Service
from fenix_simulator.http.recorder import Recorder
from fenix_simulator.ports import Entry

#: Called with surface, method and status (None: no answer) of each request.
Count = Callable[[str, str, int | None], None]

#: Surfaces that are about the simulator itself: counted, not recorded unless a fault touched the request.
_UNRECORDED = frozenset({"control", "metrics"})


def surface_of(path: str) -> tuple[str, str | None, str | None]:
    """The surface a path belongs to, and the session and project it names; ``other`` for a path of no surface.

    By the path and not by the route that matched, so that a reply sent to a wrong place is recorded as one.
    """
    parts = path.strip("/").split("/")
    match parts:
        case ["v1", "maintenance"]:
            return "admin", None, None
        case ["v1", "maintenance", session_id]:
            return "admin", session_id, None
        case ["v1", "maintenance", session_id, project_id, *_]:
            return "project", session_id, project_id
        case ["v1", "instance" | "instance_group", *_]:
            return "project", None, None
        case ["v2", *_]:
            return "alarms", None, None
        case ["simulator", *_]:
            return "control", None, None
        case ["metrics"]:
            return "metrics", None, None
        case _:
            return "other", None, None


def register(app: Flask, service: Service, recorder: Recorder, count: Count) -> None:
    """Record and count every request that ``app`` answers, also those that no route takes."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()
        query = request.query_string.decode("utf-8", "backslashreplace")
        g.shown_path = recorder.shown(request.root_path + request.path, query)

    @app.after_request
    def record(response: Response) -> Response:
        response = faults.spoiled(response, service)
        surface, *_ = surface_of(request.path)
        count(surface, request.method, None if faults.is_hung_up() else response.status_code)
        is_wanted = surface not in _UNRECORDED or faults.number() is not None
        if is_wanted and not g.get("recorded"):
            try:
                service.journal.append([entry(recorder, response)], service.clock.now())
            except Exception as error:
                return problems.answer_to(error)
        return response


def entry(recorder: Recorder, response: Response) -> Entry:
    """What the journal says of the present request, answered like that.

    A view that has it written with what it does to a session, in one commit, sets ``g.recorded``.
    """
    surface, session_id, project_id = surface_of(request.path)
    return recorder.entry(
        request.method,
        g.shown_path,
        None if faults.is_hung_up() else response.status_code,
        g.started,
        _asked_body(request),
        _answered_body(response),
        request.headers.get("Content-Type", ""),
        surface,
        session_id,
        project_id,
        faults.number(),
    )


def _asked_body(asked: Request) -> bytes:
    """The body as it was sent; empty where it was too long to be read."""
    try:
        return asked.get_data()
    except HTTPException:
        return b""


def _answered_body(response: Response) -> bytes:
    return b"" if request.method == "HEAD" or faults.is_hung_up() else response.get_data()
