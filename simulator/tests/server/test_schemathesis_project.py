"""schemathesis, all phases, over the project API of a running server, by the contract.

Twice: with the ids of a live session and project (random ones would be answered 404 and show nothing), and with valid
ids that are nobody's, where nothing may succeed.
"""

from __future__ import annotations

import copy

import pytest

from fenix_contract.contract import document

#: Nobody listens there; the port is never served.
NOBODY = "http://127.0.0.1:1/maintenance"


@pytest.fixture
def contract():
    """The contract without its webhooks, which schemathesis cannot test."""
    contract = copy.deepcopy(document())
    del contract["webhooks"]
    return contract


@pytest.fixture
def simulator(serve):
    """A server whose projects are told, so that their replies are awaited; its time stands still."""
    return serve(alarm_urls=((None, NOBODY),))


class Pinned:
    """Puts the ids of a session that awaits the project's reply to MAINTENANCE into every case.

    Each accepted reply would make a different one wrong (409), so a session is used for one case only.
    """

    def __init__(self, simulator) -> None:
        self.service = simulator.service
        self.project_id = simulator.inventory.projects[0].project_id
        self.example = self.service.create_session()

    def __call__(self, case) -> None:
        oldest, *younger = self.service.list_sessions()[1:] or [""]
        if len(younger) > 900:
            self.service.delete_session(oldest)
        case.path_parameters = {"session_id": self.service.create_session(), "project_id": self.project_id}
        body = case.body
        # Narrowed to the session's state, or 409s drown what there is to be seen. Wrong states stay wrong.
        if isinstance(body, dict) and isinstance(body.get("state"), str):
            prefix, known, _ = body["state"].partition("ACK_")
            if known and prefix in ("", "N"):
                case.body = {**body, "state": f"{prefix}ACK_MAINTENANCE"}


def test_nothing_is_wrong_with_a_live_session_s_project(simulator, contract, errors, schemathesis_judges):
    pinned = Pinned(simulator)
    parameters = contract["components"]["parameters"]
    for name, value in (("session_id", pinned.example), ("project_id", pinned.project_id)):
        parameters[name]["example"] = value
    judged = schemathesis_judges(contract, simulator.url, pinned, examples=25)
    assert judged.found == []
    assert errors == []
    assert {"EXAMPLES", "COVERAGE", "FUZZING", "STATEFUL_TESTING"} <= judged.phases.keys()
    assert judged.share("GET", 200) > 0.95
    # What is left are the wrong ones that schemathesis makes on purpose.
    assert judged.share("PUT", 200) > 0.4
    assert judged.share("PUT", 404, 409) < 0.2


def test_nothing_succeeds_with_ids_of_nobody(simulator, contract, errors, schemathesis_judges):
    simulator.service.create_session()
    before = simulator.journal.last
    judged = schemathesis_judges(contract, simulator.url, lambda case: None, examples=25)
    assert judged.found == []
    assert errors == []
    assert judged.phases["FUZZING"] == "success"
    succeeded = {key for key in judged.answers if key[2] < 400}
    assert {method for _, method, _ in succeeded} <= {"OPTIONS"}
    assert judged.share("PUT", 404) > 0.9
    # The session's first alarms may still be on their way.
    assert {entry.kind for entry in simulator.journal.read(before, 10_000)} - {"delivery"} == {"request"}
