"""What is sent, kept and counted has a limit, and whoever meets it hears of it."""

from __future__ import annotations

import functools
import json
import socket

import pytest

from fenix_simulator import bootstrap
from fenix_simulator.adapters import journal_sqlite
from fenix_simulator.adapters.journal_memory import MemoryJournal
from fenix_simulator.control import SimulatorService

SOON = 30.0
JSON = {"Content-Type": "application/json"}
ALARM = {"name": "a", "type": "event", "alarm_actions": ["http://127.0.0.1:9/"]}


def of_length(size: int) -> bytes:
    """A JSON object of so many bytes."""
    return b'{"state": "' + b"x" * (size - 13) + b'"}'


def is_problem(answer, status: int) -> bool:
    """Whether the answer is a problem document of that status that says what would have been taken."""
    document = answer.json()
    assert (answer.status, document["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    return bool(document["detail"] and (document.get("expected") or document.get("hint")))


@pytest.fixture
def simulator(serve):
    """A server with a session that asks nobody."""
    simulator = serve()
    simulator.service.create_session()
    return simulator


@pytest.fixture
def project(simulator):
    """The URL's path of a project in the session."""
    return f"/v1/maintenance/{simulator.service.list_sessions()[0]}/{simulator.inventory.projects[0].project_id}"


def test_a_body_of_a_mebibyte_is_read_and_a_longer_one_is_not(simulator, client, project):
    ask = client(simulator)
    assert ask("PUT", project, body=of_length(2**20), headers=JSON).status == 422
    for path in (project, "/v1/maintenance", "/v2/alarms", "/simulator/v1/instances"):
        method = "PUT" if path is project else "POST"
        assert is_problem(ask(method, path, body=of_length(2**20 + 1), headers=JSON), 413)


def test_a_body_in_chunks_is_measured_as_it_comes(simulator, client, project):
    """There is no length to be believed, or not."""

    def chunks():
        for _ in range(40):
            yield b"x" * 65536

    assert is_problem(client(simulator)("PUT", project, body=chunks(), headers=JSON), 413)


@pytest.mark.parametrize("begin", [b"", b"5;", b"5;x=", b"0\r\n", b"0\r\nX: "])
def test_a_line_between_chunks_that_does_not_end_is_not_waited_for(simulator, client, project, begin):
    with socket.create_connection(simulator.server.address, timeout=SOON) as wire:
        wire.sendall(f"PUT {project} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + begin)
        wire.sendall(b"a" * 30_000)
        assert wire.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_no_body_is_longer_than_what_a_state_may_be(simulator, client, project):
    """Refused by its length alone, before anything of it is sent, also to who waits to be told to go on."""
    for more in ("", "Expect: 100-continue\r\n"):
        with socket.create_connection(simulator.server.address, timeout=SOON) as wire:
            wire.sendall(f"PUT {project} HTTP/1.1\r\nHost: x\r\n{more}Content-Length: {2**26 + 1}\r\n\r\n".encode())
            assert wire.recv(65536).startswith(b"HTTP/1.1 413 ")


def test_who_waits_to_be_told_to_go_on_is_told_or_answered(simulator, client, project):
    """``Expect: 100-continue``, also where nothing is to come."""
    expecting = f"PUT {project} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Type: application/json\r\n"
    with socket.create_connection(simulator.server.address, timeout=SOON) as wire:
        wire.sendall(f"{expecting}Content-Length: 2\r\n\r\n".encode())
        assert wire.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        wire.sendall(b"{}")
        assert wire.recv(65536).startswith(b"HTTP/1.1 422 ")
    for nothing in ("Content-Length: 0\r\n", ""):
        with socket.create_connection(simulator.server.address, timeout=SOON) as wire:
            wire.sendall(f"{expecting}{nothing}\r\n".encode())
            assert wire.recv(65536).startswith(b"HTTP/1.1 400 ")


def test_urls_and_headers_have_a_length(simulator, client, project):
    ask = client(simulator)
    for path in (project + "?" + "x" * 9_000, "/" + "x" * 9_000):
        assert is_problem(ask("GET", path), 414)
    assert is_problem(ask("GET", project, headers={f"X-{number}": "y" for number in range(150)}), 431)
    for path, headers in (("/" + "x" * 70_000, {}), (project, {"X": "y" * 70_000}), (project, {"X" * 70_000: "y"})):
        assert ask("GET", path, headers=headers).status == 431
    assert ask("GET", project).status == 200


def test_sessions_and_instances_have_a_number(serve, client, monkeypatch):
    limited = functools.partial(SimulatorService, session_limit=3, instance_limit=14)
    monkeypatch.setattr(bootstrap, "SimulatorService", limited)
    simulator = serve()
    ask = client(simulator)
    made = [ask("POST", "/v1/maintenance", {}) for _ in range(4)]
    assert [one.status for one in made] == [200, 200, 200, 409]
    assert is_problem(made[-1], 409)
    assert ask("DELETE", f"/v1/maintenance/{made[0].json()['session_id']}").status == 200
    assert ask("POST", "/v1/maintenance", {}).status == 200

    project = {"project_id": simulator.inventory.projects[0].project_id}
    added = [ask("POST", "/simulator/v1/instances", project).status for _ in range(3)]
    assert added == [201, 201, 409]


def test_a_state_brings_no_more_sessions_than_may_be(serve, client, monkeypatch):
    many = serve()
    for _ in range(4):
        many.service.create_session()
    state = client(many)("GET", "/simulator/v1/state").json()
    limited = functools.partial(SimulatorService, session_limit=3)
    monkeypatch.setattr(bootstrap, "SimulatorService", limited)
    assert client(serve())("PUT", "/simulator/v1/state", state).status == 409


def test_there_are_a_thousand_sessions_at_most(serve, client):
    simulator = serve(sizes={"hosts": 2, "projects": 1, "instances": 1})
    for _ in range(1_000):
        simulator.service.create_session()
    assert is_problem(client(simulator)("POST", "/v1/maintenance", {}), 409)


def test_subscriptions_have_a_number_and_each_a_size(simulator, client):
    ask = client(simulator)
    for members in (
        {"name": "x" * 256},
        {"alarm_actions": ["http://127.0.0.1/"] * 17},
        {"alarm_actions": ["http://127.0.0.1/" + "x" * 2048]},
        {"event_rule": {"event_type": "x" * 256}},
        {"event_rule": {"query": [{}] * 33}},
        {"event_rule": {"query": [{"field": "traits.state", "value": "x" * 20_000}]}},
        {"description": "x" * 256},
    ):
        assert ask("POST", "/v2/alarms", {**ALARM, **members}).status in (400, 422), members
    assert ask("GET", "/v2/alarms").json() == []
    subscriptions = simulator.subscriptions
    made = ask("POST", "/v2/alarms", ALARM).json()
    one = subscriptions.get(made["alarm_id"])
    subscriptions.restore([bootstrap.Subscription(f"{number}", one.name) for number in range(10_000)])
    assert is_problem(ask("POST", "/v2/alarms", ALARM), 409)


def test_a_session_s_metadata_and_hosts_have_a_size(simulator, client):
    ask = client(simulator)
    for members in (
        {"metadata": {f"{number}": "x" for number in range(65)}},
        {"metadata": {"x": "y" * 1_025}},
        {"metadata": {"x" * 1_025: "y"}},
        {"hosts": ["x" * 256]},
        {"hosts": ["x"] * 100_001},
    ):
        assert ask("POST", "/v1/maintenance", members).status == 422
    assert len(simulator.service.list_sessions()) == 1


def test_constraints_have_a_size(serve, client):
    ask = client(serve(changes={"dialect": "per-instance"}))
    assert ask("PUT", "/v1/instance/a", {"x": "y" * 16_000}).status == 200
    assert is_problem(ask("PUT", "/v1/instance/b", {"x": "y" * 17_000}), 413)


def test_faults_have_a_number(simulator, client):
    ask = client(simulator)
    fault = {"when": {"operation": "list", "nth": 1_000}, "then": {"status": 503}}
    assert [ask("POST", "/simulator/v1/faults", fault).status for _ in range(101)] == [201] * 100 + [409]


@pytest.mark.parametrize("bound", [{"limit": 100}, {"max_bytes": 300_000}])
def test_a_journal_in_memory_forgets_its_oldest_and_says_so(serve, client, monkeypatch, bound):
    monkeypatch.setattr(journal_sqlite, "MemoryJournal", functools.partial(MemoryJournal, **bound))
    simulator = serve(sizes={"hosts": 2, "projects": 1, "instances": 1})
    simulator.service.create_session()
    ask = client(simulator)
    for number in range(150):
        assert ask("PUT", f"/v1/maintenance/s/{number}", body=b"x" * 50_000).status == 404
    page = ask("GET", "/simulator/v1/journal?limit=10000").json()
    numbers = [entry["number"] for entry in page["entries"]]
    assert numbers == list(range(page["first"], page["last"] + 1))
    assert page["first"] > 1
    assert len(numbers) <= 100
    assert is_problem(ask("GET", "/simulator/v1/state"), 409)
    # What was forgotten is history only: the server is as it was.
    assert ask("GET", "/v1/maintenance").json()["session_id"] == simulator.service.list_sessions()


def test_a_body_is_kept_in_part(simulator, client, project):
    client(simulator)("PUT", project, body=of_length(500_000), headers=JSON)
    (entry,) = (one for one in simulator.journal.read() if one.type == "RequestAnswered")
    assert len(entry.data["request_body"]) < 17_000
    assert "500000 bytes in all" in entry.data["request_body"]


def test_long_polls_take_half_of_the_threads_at_most(serve, client):
    simulator = serve(threads=4)
    ask = client(simulator)
    polls = []
    try:
        for _ in range(12):
            polls.append(socket.create_connection(simulator.server.address, timeout=SOON))
            polls[-1].sendall(b"GET /simulator/v1/journal?kind=none&wait=60 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert ask("GET", "/simulator/v1/health").status == 200
        answered = 0
        for poll in polls[2:]:
            answered += b"Retry-After" in poll.recv(65536)
        assert answered >= 10
    finally:
        for poll in polls:
            poll.close()


def test_a_page_is_never_longer_than_it_may_be(simulator, client):
    ask = client(simulator)
    for path in ("/simulator/v1/journal", "/simulator/v1/instances"):
        assert ask("GET", f"{path}?limit=10000").status == 200
        for limit in ("10001", "0", "-1", "9" * 40, "1e3", "x", ""):
            refused = ask("GET", f"{path}?limit={limit}")
            assert refused.status == 400
            assert json.loads(refused.body)["expected"]
