"""Aodh's alarm API, as far as event alarms go: this is how a project subscribes, with Aodh's own client.

``project_id`` in the body names the project, as an administrator may in Aodh. Where tokens are on it is the token's
project. With neither the alarm matches every project. What is wrong with a body is answered 400, as by Aodh.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import uuid4

from flask import Blueprint, Response, request

from fenix_simulator.http import alarm_queries, auth, bodies
from fenix_simulator.http.alarm_bodies import AlarmBody, AlarmState, ComplexQuery, representation, subscription
from fenix_simulator.http.paths import both_slashes
from fenix_simulator.http.web import Web, answer, nothing
from fenix_simulator.subscriptions import Subscription, UnknownAlarm

LIST = "/v2/alarms"
ONE = f"{LIST}/<alarm_id>"
STATE = f"{ONE}/state"


def blueprint(web: Web) -> Blueprint:
    """The surface."""
    surface = Blueprint("alarms", __name__)
    kept = web.service.subscriptions

    def now() -> datetime:
        return web.service.clock.now()

    def create() -> Response:
        body = bodies.converted(bodies.json_object(), AlarmBody, status=400)
        project_id = _project_of(body, auth.current().project_id)
        created = subscription(body, str(uuid4()), project_id, now())
        _check_targets(web, created)
        kept.add(created)
        return answer(representation(created), 201, {"Location": f"{LIST}/{created.alarm_id}"})

    def alarms() -> Response:
        return answer(alarm_queries.select(_visible(web), request.args))

    def query() -> Response:
        asked = bodies.converted(bodies.json_object(), ComplexQuery, status=400)
        return answer(alarm_queries.complex_select(_visible(web), asked))

    def show(alarm_id: str) -> Response:
        return answer(representation(_own(web, alarm_id)))

    def update(alarm_id: str) -> Response:
        known = _own(web, alarm_id)
        body = bodies.converted(bodies.json_object(), AlarmBody, status=400)
        project_id = _project_of(body, known.project_id)
        changed = subscription(body, alarm_id, project_id, now(), otherwise_in=known.state)
        changed = replace(changed, trusted=known.trusted and changed.alarm_actions == known.alarm_actions)
        _check_targets(web, changed)
        kept.replace(changed)
        return answer(representation(changed))

    def delete(alarm_id: str) -> Response:
        _own(web, alarm_id)
        kept.delete(alarm_id)
        return nothing()

    def state(alarm_id: str) -> Response:
        return answer(_own(web, alarm_id).state)

    def set_state(alarm_id: str) -> Response:
        known = _own(web, alarm_id)
        given = bodies.converted(bodies.json_value(), AlarmState, status=400)
        kept.replace(replace(known, state=given.value, timestamp=now()))
        return answer(given)

    def capabilities() -> Response:
        return answer(_CAPABILITIES)

    both_slashes(surface, LIST, create, "POST")
    both_slashes(surface, LIST, alarms, "GET")
    both_slashes(surface, "/v2/query/alarms", query, "POST")
    both_slashes(surface, ONE, show, "GET")
    both_slashes(surface, ONE, update, "PUT")
    both_slashes(surface, ONE, delete, "DELETE")
    both_slashes(surface, STATE, state, "GET")
    both_slashes(surface, STATE, set_state, "PUT")
    both_slashes(surface, "/v2/capabilities", capabilities, "GET")
    return surface


#: What aodhclient's ``capabilities list`` prints of a server like this one.
_CAPABILITIES: Mapping[str, Mapping[str, bool]] = {
    "api": {"alarms:query:simple": True, "alarms:query:complex": True, "alarms:history:query:simple": False},
    "alarm_storage": {"storage:production_ready": False},
}


def _visible(web: Web) -> Sequence[Subscription]:
    """The alarms that the caller may see, oldest first."""
    return web.service.subscriptions.list(auth.current().project_id)


def _own(web: Web, alarm_id: str) -> Subscription:
    """The caller's alarm; another's is unknown to it (404), as in Aodh."""
    known = web.service.subscriptions.get(alarm_id)
    if not auth.current().may_act_for(known.project_id):
        raise UnknownAlarm(f"there is no alarm {alarm_id}", hint="GET /v2/alarms lists yours")
    return known


def _project_of(body: AlarmBody, otherwise: str | None) -> str | None:
    """The project the alarm is for: the one the body names, where the caller may act for it."""
    project_id = body.project_id or otherwise
    auth.require_project(project_id)
    return project_id


def _check_targets(web: Web, given: Subscription) -> None:
    """Refuse URLs that the server must not be made to call; those given on the command line were trusted then."""
    if given.trusted:
        return
    for url in given.alarm_actions:
        web.config.check_target(url)
