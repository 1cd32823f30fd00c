"""The control API, first part: the server itself (health, version, state, reset), its clock and its faults.

What belongs to no Fenix: tests and project managers look into the simulated infrastructure here, and change it. It is
described by ``control.openapi.yaml``, which the server also serves.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
from flask import Blueprint, Response

from fenix_simulator.durations import parse_duration
from fenix_simulator.http import auth, bodies
from fenix_simulator.http.bodies import JSON
from fenix_simulator.http.instants import LATEST, instant
from fenix_simulator.http.needs import Faults
from fenix_simulator.http.problems import Problem
from fenix_simulator.http.web import Web, answer, nothing

PREFIX = "/simulator/v1"


class Advance(msgspec.Struct):
    """How far the manual clock is to go: by a duration, to an instant, or to the next thing that would happen."""

    by: str | None = None
    to: str | None = None
    next: bool = False


def health_blueprint(web: Web) -> Blueprint:
    """Whether the server runs, and whether it can be used: told to everybody, for those who start and watch it."""
    surface = Blueprint("health", __name__, url_prefix=PREFIX)

    @surface.get("/health")
    def health() -> Response:
        return answer({"status": "ok"})

    @surface.get("/ready")
    def ready() -> Response:
        if not web.config.is_ready():
            raise Problem(503, "the server is still starting, or already stopping", headers={"Retry-After": "1"})
        return answer({"status": "ready"})

    return surface


def blueprint(web: Web) -> Blueprint:
    """The server, its state, its clock and its faults."""
    surface = Blueprint("control", __name__, url_prefix=PREFIX)
    surface.before_request(auth.require_admin)
    service = web.service

    @surface.get("/version")
    def version() -> Response:
        return answer({"version": web.config.version, "behaviour": service.behaviour, "dialect": service.dialect})

    @surface.get("/openapi.json")
    def openapi() -> Response:
        return Response(described(web.config.version), content_type=JSON)

    @surface.get("/state")
    def export_state() -> Response:
        return answer(service.export_state())

    @surface.put("/state")
    def import_state() -> Response:
        service.import_state(bodies.json_object(web.config.max_state_bytes))
        return nothing()

    @surface.post("/reset")
    def reset() -> Response:
        service.reset()
        return nothing()

    @surface.get("/clock")
    def clock() -> Response:
        return answer(service.clock_view())

    @surface.post("/clock/advance")
    def advance() -> Response:
        by, to, next_event = _goal(bodies.typed(Advance))
        left = LATEST - service.clock.now()
        if (by is not None and by > left) or (to is not None and to > LATEST):
            raise Problem(409, "the clock ends with the year 2999")
        try:
            return answer(service.advance(by, to, next_event))
        except ValueError as error:
            raise Problem(409, str(error), hint="time does not go back") from None

    @surface.get("/faults")
    def faults() -> Response:
        return answer({"faults": _faults(web).list()})

    @surface.post("/faults")
    def add_fault() -> Response:
        return answer(_faults(web).add(bodies.json_object()), 201)

    @surface.delete("/faults")
    def clear_faults() -> Response:
        _faults(web).clear()
        return nothing()

    @surface.delete("/faults/<int:number>")
    def remove_fault(number: int) -> Response:
        _faults(web).remove(number)
        return nothing()

    return surface


@cache
def document() -> dict[str, Any]:
    """``control.openapi.yaml`` as it is packaged; parsed when it is first asked for."""
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    text = files("fenix_simulator.http").joinpath("control.openapi.yaml").read_text("utf-8")
    parsed: dict[str, Any] = yaml.load(text, Loader=loader)  # noqa: S506 (both loaders are safe ones)
    return parsed


@cache
def described(version: str) -> bytes:
    """The control API's document, with the server's version in it."""
    return json.dumps({**document(), "info": {**document()["info"], "version": version}}).encode()


def _goal(given: Advance) -> tuple[timedelta | None, datetime | None, bool]:
    if [given.by is not None, given.to is not None, given.next].count(True) != 1:
        raise Problem(422, "the body does not say how far", expected='{"by": "90s"}, {"to": instant} or {"next": true}')
    if given.to is not None:
        return None, instant(given.to, "to"), False
    if given.by is None:
        return None, None, True
    try:
        return parse_duration(given.by), None, False
    except ValueError as error:
        raise Problem(422, "the body does not fit", errors=[f"$.by: {error}"]) from None


def _faults(web: Web) -> Faults:
    faults: Faults | None = getattr(web.service, "faults", None)
    if faults is None:
        raise Problem(404, "this server injects no faults")
    return faults
