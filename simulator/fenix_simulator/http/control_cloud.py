"""The control API, second part: the simulated cloud and the sessions in whole.

A project's token opens the project's own instances here: that is how a project manager scales in and out.
"""

from __future__ import annotations

from itertools import dropwhile, islice
from typing import Annotated
from urllib.parse import quote

import msgspec
from flask import Blueprint, Response, request

from fenix_simulator.http import auth, bodies, faults
from fenix_simulator.http.control import PREFIX
from fenix_simulator.http.problems import Problem
from fenix_simulator.http.queries import whole_number
from fenix_simulator.http.web import Web, answer, nothing
from fenix_simulator.views import InstanceView

PAGE = 1_000
MAX_PAGE = 10_000

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class NewInstance(msgspec.Struct):
    """An instance to be added; where nothing is said it is like the project's others."""

    project_id: Name
    #: Whole, but 2.0 is an integer to JSON schema.
    vcpus: Annotated[float, msgspec.Meta(ge=1, le=4096, multiple_of=1)] | None = None
    name: Name | None = None
    flavor: Name | None = None
    instance_id: Name | None = None
    floating_ip: bool = False


def sessions_blueprint(web: Web) -> Blueprint:
    """Sessions in whole, hosts and projects: the administrator's view."""
    surface = Blueprint("control_sessions", __name__, url_prefix=PREFIX)
    surface.before_request(auth.require_admin)
    service = web.service

    @surface.get("/sessions")
    def sessions() -> Response:
        return answer({"sessions": [service.session_view(session_id) for session_id in service.list_sessions()]})

    @surface.post("/sessions")
    def start() -> Response:
        bodies.none("POST /v1/maintenance takes hosts and begins one session")
        return answer({"session_ids": service.start_sessions()}, 201)

    @surface.get("/sessions/<session_id>")
    def session(session_id: str) -> Response:
        return answer(service.session_view(session_id))

    @surface.post("/sessions/<session_id>/pause")
    def pause(session_id: str) -> Response:
        service.pause_session(session_id)
        return answer(service.session_view(session_id))

    @surface.post("/sessions/<session_id>/resume")
    def resume(session_id: str) -> Response:
        service.resume_session(session_id)
        return answer(service.session_view(session_id))

    @surface.post("/sessions/<session_id>/step")
    def step(session_id: str) -> Response:
        service.step_session(session_id)
        return answer(service.session_view(session_id))

    @surface.post("/sessions/<session_id>/reset")
    def reset(session_id: str) -> Response:
        service.reset_session(session_id)
        return answer(service.session_view(session_id))

    @surface.get("/hosts")
    def hosts() -> Response:
        return answer({"hosts": service.hosts()})

    @surface.get("/projects")
    def projects() -> Response:
        return answer({"projects": service.projects()})

    return surface


def instances_blueprint(web: Web) -> Blueprint:
    """Instances: the administrator's all, a project's its own."""
    surface = Blueprint("control_instances", __name__, url_prefix=PREFIX)
    faults.inject_control(surface, web)
    service = web.service

    def own(instance_id: str) -> InstanceView:
        view = service.instance(instance_id)
        auth.require_project(view.project_id)
        return view

    @surface.get("/instances")
    def instances() -> Response:
        asked = request.args
        project_id = asked.get("project_id", auth.current().project_id)
        auth.require_project(project_id)
        found = service.instances(project_id, asked.get("host"), asked.get("session_id"))
        marker = asked.get("marker")
        if marker:
            found = dropwhile(lambda view: view.instance_id != marker, found)
            if next(found, None) is None:
                raise Problem(
                    404,
                    f"the marker {marker!r} is no instance of this list",
                    expected="the `next` of the page before",
                    hint="an instance that was removed in between is no marker any more: start again",
                )
        limit = whole_number(asked, "limit", at_least=1, at_most=MAX_PAGE) or PAGE
        page = list(islice(found, limit))
        more = next(found, None) is not None
        return answer({"instances": page, "next": page[-1].instance_id if more else None})

    @surface.post("/instances")
    def add() -> Response:
        given = bodies.typed(NewInstance)
        auth.require_project(given.project_id)
        vcpus = None if given.vcpus is None else int(given.vcpus)
        added = service.add_instance(
            given.project_id, vcpus, given.name, given.flavor, given.instance_id, given.floating_ip
        )
        return answer(added, 201, {"Location": f"{PREFIX}/instances/{quote(added.instance_id, safe='')}"})

    @surface.get("/instances/<plain_id:instance_id>")
    def instance(instance_id: str) -> Response:
        return answer(own(instance_id))

    @surface.delete("/instances/<plain_id:instance_id>")
    def remove(instance_id: str) -> Response:
        own(instance_id)
        service.remove_instance(instance_id)
        return nothing()

    @surface.post("/instances/<id:instance_id>/move")
    def move(instance_id: str) -> Response:
        own(instance_id)
        return answer(service.move_instance(instance_id))

    return surface
