"""The manners of the public Fenix server of 2019: what it answered when it was asked, status by status.

Recorded from the real server (``simulator/tests/reference/upstream_http.json``). It knows no trailing slash, answers a
list of an unknown session by 200 and ``null``, every reply that it cannot read by 500 in ``text/html``, and takes
whatever else it can read, whatever it says. What was not recorded (how a session that cannot be started is refused)
is answered as in ``strict``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from enum import Enum, auto
from typing import Any, NamedTuple

from flask import Blueprint, Flask, Response, request
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from fenix_simulator.domain.errors import MaintenanceError, UnknownProject, UnknownSession
from fenix_simulator.http import admin, auth, faults, problems, project, recording
from fenix_simulator.http.web import Web

_JSON = "application/json"
_HTML = "text/html; charset=utf-8"

#: The order in which upstream names the methods of a project's URL.
_ALLOW = "OPTIONS, GET, PUT, HEAD"


class Case(Enum):
    """What upstream answers in a way of its own."""

    NO_SUCH_PATH = auto()
    NO_SUCH_METHOD = auto()
    BODY_WITH_GET = auto()
    LIST_OF_UNKNOWN_SESSION = auto()
    LIST_OF_UNKNOWN_PROJECT = auto()
    UNKNOWN_SESSION = auto()
    REPLY_UNREADABLE = auto()
    REPLY_TO_UNKNOWN = auto()


class Given(NamedTuple):
    """Status, content type and body."""

    status: int
    content_type: str
    body: str


_NOT_FOUND = (
    "The requested URL was not found on the server. If you entered the URL manually please check your spelling and "
    "try again."
)
_BROKEN = Given(500, _HTML, '{"status": 500, "message": "Unknown Error"}')

ANSWERS: Mapping[Case, Given] = {
    Case.NO_SUCH_PATH: Given(404, _JSON, f'{{"message": "{_NOT_FOUND}"}}'),
    Case.NO_SUCH_METHOD: Given(405, _JSON, '{"message": "The method is not allowed for the requested URL."}'),
    Case.BODY_WITH_GET: Given(400, _JSON, "{}"),
    Case.LIST_OF_UNKNOWN_SESSION: Given(200, _JSON, "null"),
    Case.LIST_OF_UNKNOWN_PROJECT: _BROKEN,
    Case.UNKNOWN_SESSION: Given(404, _JSON, '{"error": "Invalid session"}'),
    Case.REPLY_UNREADABLE: _BROKEN,
    Case.REPLY_TO_UNKNOWN: _BROKEN,
}

#: Flask gives a body of these types no bytes to whoever reads it as JSON, as upstream did.
_FORMS = frozenset({"application/x-www-form-urlencoded", "multipart/form-data"})


def blueprint(web: Web) -> Blueprint:
    """The project's two endpoints and the admin API, as upstream serves them."""
    surface = Blueprint("upstream", __name__)
    service = web.service

    def instance_list(session_id: str, project_id: str) -> Response:
        if request.get_data():
            return _given(Case.BODY_WITH_GET)
        try:
            return _dumped({"instance_ids": list(service.instance_ids(session_id, project_id))})
        except UnknownSession:
            return _given(Case.LIST_OF_UNKNOWN_SESSION)
        except UnknownProject:
            return _given(Case.LIST_OF_UNKNOWN_PROJECT)

    def reply(session_id: str, project_id: str) -> Response:
        document = _reply()
        if document is None:
            return _given(Case.REPLY_UNREADABLE)
        try:
            service.reply(session_id, project_id, document["state"], document.get("instance_actions"))
        except MaintenanceError:
            return _given(Case.REPLY_TO_UNKNOWN)
        return _dumped(document)

    def sessions() -> Response:
        return _dumped({"sessions": service.list_sessions()})

    def session(session_id: str) -> Response:
        try:
            return _dumped({"session_id": session_id, "state": service.session_state(session_id)})
        except UnknownSession:
            return _given(Case.UNKNOWN_SESSION)

    def start() -> Response:
        return _dumped({"session_id": admin.start_session(service)})

    def delete(session_id: str) -> Response:
        try:
            service.delete_session(session_id)
        except UnknownSession:
            return _given(Case.UNKNOWN_SESSION)
        return _dumped({})

    def guard() -> None:
        if "project_id" in (request.view_args or {}):
            project.own_project()
        else:
            auth.require_admin()

    surface.before_request(guard)
    faults.inject(surface, web)
    surface.add_url_rule(project.PATH, view_func=instance_list, methods=["GET"])
    surface.add_url_rule(project.PATH, view_func=reply, methods=["PUT"])
    surface.add_url_rule(admin.LIST, view_func=sessions, methods=["GET"])
    surface.add_url_rule(admin.LIST, view_func=start, methods=["POST"])
    surface.add_url_rule(admin.ONE, view_func=session, methods=["GET"])
    surface.add_url_rule(admin.ONE, view_func=delete, methods=["DELETE"])
    return surface


def register_errors(app: Flask) -> None:
    """Answer unknown paths and methods of Fenix's own surfaces as upstream does; ours stay problems."""

    @app.errorhandler(NotFound)
    @app.errorhandler(MethodNotAllowed)
    def unrouted(error: HTTPException) -> Response:
        surface, *_ = recording.surface_of(request.path)
        if surface not in ("project", "admin", "other"):
            return problems.of_http(error)
        if not isinstance(error, MethodNotAllowed):
            return _given(Case.NO_SUCH_PATH)
        response = _given(Case.NO_SUCH_METHOD)
        response.allow.update(error.valid_methods or ())
        return response


def allow_order(method: str) -> tuple[int, str]:
    """Where a method stands in ``Allow``: upstream's order was recorded for the project's URL."""
    return _ALLOW.find(method), method


def _reply() -> dict[str, Any] | None:
    """The reply in the body; None where upstream falls over it."""
    if request.mimetype in _FORMS:
        return None
    try:
        document = json.loads(request.get_data())
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or not isinstance(document.get("state"), str):
        return None
    actions = document.get("instance_actions", {})
    if not isinstance(actions, dict) or not all(isinstance(action, str) for action in actions.values()):
        return None
    return document


def _dumped(document: object) -> Response:
    return Response(json.dumps(document) + "\n", content_type=_JSON)


def _given(case: Case) -> Response:
    given = ANSWERS[case]
    return Response(given.body + "\n", given.status, content_type=given.content_type)
