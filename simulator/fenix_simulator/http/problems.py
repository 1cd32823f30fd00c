"""Every error answer: RFC 9457 problem documents, and which error becomes which status.

``{"type", "title", "status", "detail"}`` plus, where there is something to say, ``expected`` (what was awaited),
``hint`` (what would have worked) and ``errors`` (what is wrong with the body, one sentence each).
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Flask, Response, g, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed

from fenix_simulator.domain.errors import MaintenanceError

PROBLEM = "application/problem+json"

_log = logging.getLogger("fenix_simulator.http")

#: Error class → status. By name, because adapters have errors too and http does not import adapters.
STATUS: Mapping[str, int] = {
    "UnknownSession": 404,
    "UnknownProject": 404,
    "UnknownInstance": 404,
    "UnknownAlarm": 404,
    "UnknownFault": 404,
    "UnknownDelivery": 404,
    "NoDelivery": 409,
    "UnknownHost": 422,
    "ReplyInvalid": 422,
    "TargetRefused": 422,
    "StateInvalid": 409,
    "ReplyNotAwaited": 409,
    "NoCapacity": 409,
    "LimitReached": 409,
    "AlreadyExists": 409,
    "SessionOver": 409,
    "NotPaused": 409,
    "NothingDue": 409,
    "WrongClock": 409,
    "JournalError": 503,
    "MaintenanceError": 422,
}

_SERVED = (
    "served are /v1/maintenance/<session_id>/<project_id>, /v1/maintenance, /v2/alarms, /simulator/v1/… and /metrics; "
    "GET /simulator/v1/openapi.json describes the control API"
)

#: What is said of statuses that come from routing and parsing; werkzeug's own sentences speak to browsers' users.
_DETAILS: Mapping[int, tuple[str, str]] = {
    404: ("nothing is served at {path}", _SERVED),
    405: ("{path} has no method {method}", "the Allow header names the methods"),
    413: ("the body is too long", "the longest body taken here has {limit} bytes"),
}


class Problem(Exception):
    """An answer that says what is wrong, raised by a view or by what it calls."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        expected: str = "",
        hint: str = "",
        errors: Sequence[str] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.expected = expected
        self.hint = hint
        self.errors = errors
        self.headers = headers or {}


def problem(
    status: int,
    detail: str,
    *,
    kind: str = "",
    expected: str = "",
    hint: str = "",
    errors: Sequence[str] = (),
    headers: Iterable[tuple[str, str]] = (),
) -> Response:
    """A problem document as an answer; ``kind`` names the error class, where there is one."""
    document: dict[str, Any] = {
        "type": f"urn:fenix-harness:problem:{kind}" if kind else "about:blank",
        "title": _phrase(status),
        "status": status,
        "detail": detail,
    }
    if expected:
        document["expected"] = expected
    if hint:
        document["hint"] = hint
    if errors:
        document["errors"] = list(errors)
    # json, not msgspec: whatever text a client sent and an error repeats, it must go out.
    response = Response(json.dumps(document) + "\n", status, content_type=PROBLEM)
    response.headers.extend(headers)
    return response


def status_of(error: MaintenanceError) -> int:
    """The status of an error: that of its class, or of the nearest class above it that has one."""
    return next(STATUS[cls.__name__] for cls in type(error).__mro__ if cls.__name__ in STATUS)


def register(app: Flask, redact: Callable[[str], str]) -> None:
    """Make every error of ``app`` a problem document; ``redact`` takes secrets out of what it repeats of a request."""
    app.register_error_handler(MaintenanceError, _refused)
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, of_http)
    app.register_error_handler(Exception, _unexpected)

    @app.after_request
    def redacted(response: Response) -> Response:
        if response.mimetype == PROBLEM:
            response.set_data(redact(response.get_data(as_text=True)))
        return response


def answer_to(error: Exception) -> Response:
    """The answer to an error that no handler of Flask's can see any more."""
    return _refused(error) if isinstance(error, MaintenanceError) else _unexpected(error)


def of_http(error: HTTPException) -> Response:
    """The problem document of an error that Flask or werkzeug raised; 405 keeps ``Allow``."""
    status = error.code or 500
    words = {"path": request.path, "method": request.method, "limit": request.max_content_length}
    detail, hint = _DETAILS.get(status, (error.description or HTTPStatus(status).phrase, ""))
    response = problem(status, _filled(detail, words), hint=_filled(hint, words))
    if isinstance(error, MethodNotAllowed):
        response.allow.update(error.valid_methods or ())
    return response


def _refused(error: MaintenanceError) -> Response:
    kind = re.sub(r"(?<!^)(?=[A-Z])", "-", type(error).__name__).lower()
    status = status_of(error)
    if status >= 500:
        _log.error("%s %r: %s", request.method, g.get("shown_path", ""), error.message)
    return problem(status, error.message, kind=kind, expected=error.expected, hint=error.hint)


def _problem(error: Problem) -> Response:
    return problem(
        error.status,
        error.detail,
        expected=error.expected,
        hint=error.hint,
        errors=error.errors,
        headers=error.headers.items(),
    )


def _unexpected(error: Exception) -> Response:
    """A fault of ours: told to whoever runs the server, not to the client."""
    _log.error("%s %r failed", request.method, g.get("shown_path", ""), exc_info=error)
    return problem(500, "the simulator failed on this request", hint="its log on stderr says where; please report it")


def _phrase(status: int) -> str:
    """The status in words; a number that means nothing in particular counts as the first of its hundred."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return HTTPStatus(status // 100 * 100).phrase


def _filled(text: str, words: Mapping[str, object]) -> str:
    """``text`` with {path}, {method}, {limit} replaced; other braces stand for themselves."""
    return re.sub(r"\{(path|method|limit)\}", lambda match: str(words[match[1]]), text)
