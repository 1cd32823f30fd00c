"""Fenix's admin API: start a maintenance session, look at it, take it away (upstream's published documents)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from flask import Blueprint, Response

from fenix_simulator.http import auth, bodies
from fenix_simulator.http.instants import instant, require_usual
from fenix_simulator.http.needs import Service
from fenix_simulator.http.paths import both_slashes
from fenix_simulator.http.web import Web, answer

LIST = "/v1/maintenance"
ONE = f"{LIST}/<session_id>"

HostName = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
MetadataText = Annotated[str, msgspec.Meta(max_length=1024)]


class NewSession(msgspec.Struct):
    """The body that starts a session; no hosts means all of them. Other members are tolerated.

    ``download`` and ``actions`` are what Fenix's plug-ins would do on a host: there is none here to do anything to.
    """

    state: Literal["MAINTENANCE"] = "MAINTENANCE"
    hosts: Annotated[list[HostName], msgspec.Meta(max_length=100_000)] = []
    maintenance_at: str | None = None
    metadata: Annotated[dict[MetadataText, MetadataText], msgspec.Meta(max_length=64)] = {}
    workflow: Literal["default"] = "default"
    download: list[Any] = []
    actions: list[Any] = []


def blueprint(web: Web) -> Blueprint:
    """The surface."""
    surface = Blueprint("admin", __name__)
    service = web.service

    def start() -> Response:
        return answer({"session_id": start_session(service)})

    def sessions() -> Response:
        return answer({"session_id": service.list_sessions()})

    def session(session_id: str) -> Response:
        return answer({"session_id": session_id, "state": service.session_state(session_id)})

    def delete(session_id: str) -> Response:
        service.delete_session(session_id)
        return answer({})

    surface.before_request(auth.require_admin)
    both_slashes(surface, LIST, start, "POST")
    both_slashes(surface, LIST, sessions, "GET")
    both_slashes(surface, ONE, session, "GET")
    both_slashes(surface, ONE, delete, "DELETE")
    return surface


def start_session(service: Service) -> str:
    """Start the session that the request's body describes, and return its id."""
    given = bodies.typed(NewSession)
    at = None
    if given.maintenance_at is not None:
        at = require_usual(instant(given.maintenance_at, "maintenance_at"), "maintenance_at")
    return service.create_session(given.hosts, at, given.metadata)
