"""The newer dialect: one alarm and one reply per instance, and constraints that a project states beforehand.

Served with ``--dialect per-instance``. Constraints are kept and given back, and change nothing else. Both PUT and
DELETE answer exactly 200, because the VNFM of OpenStack Tacker repeats whatever was answered by another status.
"""

from __future__ import annotations

import threading
from typing import Annotated, Any

import msgspec
from flask import Blueprint, Response

from fenix_contract.vocabulary import Action
from fenix_simulator.domain.replies import ACK_ACTION_DONE
from fenix_simulator.http import auth, bodies, faults
from fenix_simulator.http.paths import both_slashes
from fenix_simulator.http.problems import Problem
from fenix_simulator.http.project import PATH, Validator, own_project
from fenix_simulator.http.web import Web, answer

_MAX_CONSTRAINTS = 10_000
#: Of one item's.
_MAX_BYTES = 16 * 1024

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=255)]


class InstanceReply(msgspec.Struct, omit_defaults=True):
    """A reply about one instance; other members are tolerated.

    Whether the state is awaited and needs an action is the session's to judge: Tacker acknowledges even the report
    that an instance was moved.
    """

    state: Annotated[str, msgspec.Meta(pattern="^N?ACK_[A-Z_]{1,64}$")]
    instance_action: Action | None = None


class Constraints(msgspec.Struct):
    """The members of a constraint that are looked at; whatever else it says is kept as it is."""

    project_id: Text | None = None


def blueprint(web: Web) -> Blueprint:
    """The surface."""
    surface = Blueprint("per_instance", __name__)
    service = web.service

    def instance_list(session_id: str, project_id: str, instance_id: str) -> Response:
        if instance_id not in service.instance_ids(session_id, project_id):
            raise Problem(
                404,
                f"instance {instance_id!r} is not among those that project {project_id} is asked about",
                expected="the URL of an alarm, as it was given",
            )
        return answer({"instance_ids": [instance_id]})

    def reply(session_id: str, project_id: str, instance_id: str) -> Response:
        service.instance_list_json(session_id, project_id)
        given = bodies.typed(InstanceReply)
        actions = {instance_id: given.instance_action} if given.instance_action else None
        service.reply(session_id, project_id, given.state, actions, instance_id)
        return answer(given)

    surface.before_request(own_project)
    faults.inject(surface, web)
    both_slashes(surface, f"{PATH}/<id:instance_id>", instance_list, "GET")
    both_slashes(surface, f"{PATH}/<id:instance_id>", reply, "PUT")
    return surface


class ReplyValidator:
    """The schema of a project's reply in this dialect: the contract's, and the acknowledgement of a report."""

    def __init__(self, replies: Validator) -> None:
        """``replies`` is the validator of the contract's Reply."""
        self._replies = replies

    def is_valid(self, instance: Any) -> bool:
        """Whether the document is such a reply."""
        return instance.get("state") == ACK_ACTION_DONE or self._replies.is_valid(instance)

    def iter_errors(self, instance: Any) -> Any:
        """What the contract finds wrong with it."""
        return self._replies.iter_errors(instance)


def constraints_blueprint() -> Blueprint:
    """The constraints of instances and of groups of instances."""
    surface = Blueprint("constraints", __name__)
    store = ConstraintStore(_MAX_CONSTRAINTS)

    def show(kind: str, item_id: str) -> Response:
        return answer(store.get(kind, item_id))

    def put(kind: str, item_id: str) -> Response:
        document = bodies.json_object(_MAX_BYTES)
        owner = bodies.converted(document, Constraints).project_id or auth.current().project_id
        auth.require_project(owner)
        store.put(kind, item_id, owner, document)
        return answer(document)

    def delete(kind: str, item_id: str) -> Response:
        store.delete(kind, item_id)
        return answer({})

    path = "/v1/<any(instance, instance_group):kind>/<id:item_id>"
    both_slashes(surface, path, show, "GET")
    both_slashes(surface, path, put, "PUT")
    both_slashes(surface, path, delete, "DELETE")
    return surface


class ConstraintStore:
    """Constraints by kind and id, with the project they belong to; safe to use from any thread."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[str | None, dict[str, Any]]] = {}

    def get(self, kind: str, item_id: str) -> dict[str, Any]:
        """What was put. Problems: 404 unknown, 403 another project's."""
        found = self._kept.get((kind, item_id))
        if found is None:
            raise Problem(404, f"there are no constraints for {kind} {item_id}", hint="PUT states them")
        auth.require_project(found[0])
        return found[1]

    def put(self, kind: str, item_id: str, owner: str | None, document: dict[str, Any]) -> None:
        """Keep the document. Problems: 403 another project's, 409 too many."""
        with self._lock:
            known = self._kept.get((kind, item_id))
            if known is not None:
                auth.require_project(known[0])
            elif len(self._kept) >= self._limit:
                raise Problem(409, f"there are constraints for {self._limit} items already", hint="DELETE some")
            self._kept[kind, item_id] = (owner, document)

    def delete(self, kind: str, item_id: str) -> None:
        """Forget what was put. Problems: 404 unknown, 403 another project's."""
        with self._lock:
            self.get(kind, item_id)
            del self._kept[kind, item_id]
