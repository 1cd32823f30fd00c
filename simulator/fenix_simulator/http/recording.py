"""What was asked and answered goes into the journal, before the answer is sent."""

from __future__ import annotations

import time
from collections.abc import Callable

from flask import Flask, Request, Response, g, request
from werkzeug.exceptions import HTTPException

from fenix_simulator.http import faults, problems
from fenix_simulator.http.config import HttpConfig
from fenix_simulator.http.needs import Service
from fenix_simulator.http.redaction import Redactor
from fenix_simulator.ports import Answered, Entry

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


def register(app: Flask, service: Service, config: HttpConfig, redactor: Redactor, count: Count) -> None:
    """Record and count every request that ``app`` answers, also those that no route takes."""

    @app.before_request
    def start() -> None:
        g.started = time.perf_counter()
        query = request.query_string.decode("utf-8", "backslashreplace")
        g.shown_path = _cut(redactor.url(request.root_path + request.path, query), config.max_recorded_chars)

    @app.after_request
    def record(response: Response) -> Response:
        response = faults.spoiled(response, service)
        surface, session_id, project_id = surface_of(request.path)
        status = None if faults.is_hung_up() else response.status_code
        count(surface, request.method, status)
        fault = faults.number()
        if surface not in _UNRECORDED or fault is not None:
            answered = Answered(
                method=redactor.text(request.method),
                path=g.shown_path,
                status=status,
                latency=time.perf_counter() - g.started,
                request_body=_text(_asked_body(request), redactor, config.max_recorded_chars),
                response_body=_text(_answered_body(response), redactor, config.max_recorded_chars),
                content_type=redactor.text(request.headers.get("Content-Type", "")),
                surface=surface,
                fault=fault,
            )
            named = [None if one is None else redactor.text(one) for one in (session_id, project_id)]
            entry = Entry("request", "RequestAnswered", answered, *named)
            try:
                service.journal.append([entry], service.clock.now())
            except Exception as error:
                return problems.answer_to(error)
        return response


def _asked_body(asked: Request) -> bytes:
    """The body as it was sent; empty where it was too long to be read."""
    try:
        return asked.get_data()
    except HTTPException:
        return b""


def _answered_body(response: Response) -> bytes:
    return b"" if request.method == "HEAD" or faults.is_hung_up() else response.get_data()


def _text(body: bytes, redactor: Redactor, limit: int) -> str:
    if not body:
        return ""
    # Cut before it is worked on, with room for a secret that the cut would have split.
    near = body[: 4 * limit + 4096].decode("utf-8", "backslashreplace")
    return _cut(redactor.text(near), limit, len(body))


def _cut(text: str, limit: int, of_bytes: int | None = None) -> str:
    if len(text) <= limit:
        return text
    size = f", {of_bytes} bytes in all" if of_bytes is not None else ""
    return f"{text[:limit]}… (cut{size})"
