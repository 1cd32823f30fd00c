"""The two endpoints of the published project API: the list of instances, and the reply.

A path's session and project are looked at first, so that a client with a wrong URL hears that and not of its body's
faults; then 413, 415, 400 and 422 of the body, and last what only the session can judge: 409, or 422 for actions that
do not fit what was asked. A refused reply has changed nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from flask import Blueprint, Response, g, request

from fenix_simulator.http import auth, bodies, faults, recording
from fenix_simulator.http.bodies import JSON
from fenix_simulator.http.paths import both_slashes
from fenix_simulator.http.problems import Problem
from fenix_simulator.http.web import Web, answer

PATH = "/v1/maintenance/<session_id>/<project_id>"

#: How many of a body's faults are told.
_MAX_ERRORS = 10


class Fault(Protocol):
    """What jsonschema_rs says of one place in a document."""

    @property
    def message(self) -> str: ...

    @property
    def instance_path(self) -> list[str | int]: ...


class Validator(Protocol):
    """A compiled JSON schema."""

    def is_valid(self, instance: Any) -> bool: ...

    def iter_errors(self, instance: Any) -> Any: ...


def blueprint(web: Web, validator: Validator) -> Blueprint:
    """The surface; ``validator`` is that of the contract's Reply."""
    surface = Blueprint("project", __name__)
    service = web.service

    def instance_list(session_id: str, project_id: str) -> Response:
        return Response(service.instance_list_json(session_id, project_id), content_type=JSON)

    def reply(session_id: str, project_id: str) -> Response:
        service.instance_list_json(session_id, project_id)
        document = bodies.json_object()
        check(validator, document)
        accepted = {name: document[name] for name in ("instance_actions", "state") if name in document}
        response = answer(accepted)
        # A fault may still change the answer.
        answered = recording.entry(web.recorder, response) if faults.number() is None else None
        g.recorded = service.reply(
            session_id, project_id, document["state"], document.get("instance_actions"), answered=answered
        )
        return response

    surface.before_request(own_project)
    faults.inject(surface, web)
    both_slashes(surface, PATH, instance_list, "GET")
    both_slashes(surface, PATH, reply, "PUT")
    return surface


def own_project() -> None:
    """Problem 403 for a token that is not that of the path's project."""
    auth.require_project((request.view_args or {}).get("project_id"))


def check(validator: Validator, document: Mapping[str, Any]) -> None:
    """Problem 422 with what is wrong where, unless the document fits the schema."""
    if validator.is_valid(document):
        return
    faults: list[str] = []
    for fault in validator.iter_errors(document):
        faults.append(f"{_place(fault.instance_path)}: {fault.message}")
        if len(faults) == _MAX_ERRORS:
            break
    raise Problem(
        422,
        "the body does not fit the schema",
        expected='{"instance_actions": {instance_id: action}, "state": "ACK_<STATE>" or "NACK_<STATE>"}',
        errors=faults,
    )


def _place(path: list[str | int]) -> str:
    return "/".join(("$", *(str(part) for part in path)))
