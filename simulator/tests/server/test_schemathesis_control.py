"""schemathesis, all phases, over the control API of a running server, by the document that the server itself serves."""

from __future__ import annotations

import itertools

import pytest

from fenix_simulator.ports import Filter

#: Operations that take the ground from under the others; they are judged on a server of their own.
DESTROYING = ["reset", "importState"]

NOBODY = "http://127.0.0.1:1/maintenance"


@pytest.fixture
def simulator(serve):
    """A server with a session and room for more instances; its time is moved by the control API only."""
    simulator = serve(alarm_urls=((None, NOBODY),))
    simulator.service.create_session()
    return simulator


class Acquainted:
    """Two of three cases name a session, a project and an instance that there are, and no case waits for long.

    Without that nearly all answers would be 404. A session or instance that a case took away is replaced.
    """

    def __init__(self, simulator) -> None:
        self.service = simulator.service
        self.project_id = simulator.inventory.projects[0].project_id
        self.turns = itertools.count()

    def __call__(self, case) -> None:
        if not self.service.list_sessions():
            self.service.create_session()
        # The journal's long poll does what it says; there is no time for it here.
        query = case.query
        if query and isinstance(query.get("wait"), int | float | str):
            case.query = {**query, "wait": _shorter(query["wait"])}
        if next(self.turns) % 3 == 0:
            return
        known = self._known()
        parameters = case.path_parameters or {}
        case.path_parameters = {name: known.get(name, value) for name, value in parameters.items()}
        if isinstance(case.body, dict) and isinstance(case.body.get("project_id"), str):
            case.body = {**case.body, "project_id": self.project_id}

    def _known(self) -> dict[str, str | int]:
        instance = next(self.service.instances(self.project_id), None) or self.service.add_instance(self.project_id)
        sent = self.service.journal.read(0, 1, Filter(kinds=frozenset({"delivery"})))
        return {
            "session_id": self.service.list_sessions()[-1],
            "instance_id": instance.instance_id,
            "number": sent[0].number if sent else 1,
        }


def _shorter(wait):
    """A wait that is one, made a thousandth; what is no number stays wrong."""
    try:
        seconds = float(wait)
    except ValueError:
        return wait
    return type(wait)(seconds / 1000) if 0 <= seconds <= 60 and not isinstance(wait, bool) else wait


def test_nothing_is_wrong_with_the_control_api(simulator, client, errors, schemathesis_judges):
    document = client(simulator)("GET", "/simulator/v1/openapi.json").json()
    judged = schemathesis_judges(document, simulator.url, Acquainted(simulator), examples=8, exclude=DESTROYING)
    assert judged.found == []
    assert errors == []
    assert {"EXAMPLES", "COVERAGE", "FUZZING", "STATEFUL_TESTING"} <= judged.phases.keys()
    assert judged.share("GET", 200) > 0.5
    # Most of what is generated is wrong on purpose; these shares show that not all of it is.
    assert judged.share("POST", 200, 201) > 0.05
    assert judged.share("DELETE", 204) > 0.05


def test_nothing_is_wrong_with_what_puts_a_server_back(simulator, client, errors, schemathesis_judges):
    """``reset`` and the import of a state; every valid document stands for the one that the server exported."""
    document = client(simulator)("GET", "/simulator/v1/openapi.json").json()
    exported = client(simulator)("GET", "/simulator/v1/state").json()

    def give_back(case) -> None:
        if isinstance(case.body, dict) and isinstance(case.body.get("entries"), list):
            case.body = {**case.body, **exported}

    judged = schemathesis_judges(document, simulator.url, give_back, examples=12, include=DESTROYING)
    assert judged.found == []
    assert errors == []
    assert judged.share("PUT", 204) > 0.2
    assert judged.share("POST", 204) > 0.5
