"""Clients that stop half way, or read nothing, while a whole maintenance goes on beside them."""

from __future__ import annotations

import contextlib
import socket
import time

import pytest

from fenix_simulator.ports import Answered, Entry, Filter
from fenix_vnfm import AlarmReceiver, Policy, ProjectManager

SOON = 60.0
FORTY = 40

#: What each of forty connections has sent when it stops.
HALVES = {
    "nothing": b"",
    "half of the headers": b"PUT /v1/maintenance/s/p HTTP/1.1\r\nHost: x\r\nContent-Type: applica",
    "half of a body": b"PUT /v1/maintenance/s/p HTTP/1.1\r\nHost: x\r\nContent-Length: 400\r\n\r\n" + b"x" * 200,
    "half of a chunk": b"PUT /v1/maintenance/s/p HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n64\r\nhalf",
    "questions whose answers are not read": b"GET /simulator/v1/openapi.json HTTP/1.1\r\nHost: x\r\n\r\n" * 200,
    "long polls": b"GET /simulator/v1/journal?kind=none&wait=60 HTTP/1.1\r\nHost: x\r\n\r\n",
}
GROUPS = [[kind] for kind in HALVES] + [list(HALVES)]


@pytest.mark.parametrize("kinds", GROUPS, ids=[" and ".join(kinds) if len(kinds) == 1 else "all" for kinds in GROUPS])
def test_a_maintenance_beside_clients_that_stop_half_way_ends_as_without_them(serve, client, kinds):
    """More of them than there are threads, by ten times and more, from before the session begins until it is done."""
    simulator = serve(time="auto", threads=4, changes={"reply_window": None})
    with contextlib.ExitStack() as open_, AlarmReceiver() as receiver:
        for kind in kinds:
            for _ in range(FORTY):
                half = open_.enter_context(socket.socket())
                # What is not read fills up early.
                half.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                half.settimeout(SOON)
                half.connect(simulator.server.address)
                half.sendall(HALVES[kind])
        for project in simulator.inventory.projects:
            manager = open_.enter_context(ProjectManager(project.project_id, Policy(), receiver=receiver))
            manager.subscribe(simulator.url)
        made = client(simulator)("POST", "/v1/maintenance", {})
        session_id = made.json()["session_id"]
        after = 0
        while not (state := simulator.service.session_state(session_id)).startswith(("MAINTENANCE_D", "MAINTENANCE_F")):
            after = simulator.journal.last
            assert simulator.journal.wait(after, SOON), f"nothing happens in {state}"
        assert state == "MAINTENANCE_DONE"
        assert client(simulator)("GET", "/simulator/v1/health").status == 200
        # Nobody's reply came late: there is none that was refused.
        answered = simulator.journal.read(0, 10_000, Filter(kinds=frozenset({"request"}), session_id=session_id))
        assert {entry.data["status"] for entry in answered} == {200}


def test_large_answers_that_nobody_reads_take_no_thread(serve, client):
    """Twice as many clients as there are threads, each with ten questions, whose answers no buffer of the system holds.

    Waitress lets its threads wait until such a client reads.
    """
    simulator = serve(threads=4)
    large = Answered("PUT", "/", 404, 0.0, "x" * 16_000, "")
    simulator.journal.append([Entry("request", "RequestAnswered", large)] * 2_500, simulator.clock.now())
    with contextlib.ExitStack() as open_:
        for _ in range(8):
            deaf = open_.enter_context(socket.socket())
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.settimeout(SOON)
            deaf.connect(simulator.server.address)
            deaf.sendall(b"GET /simulator/v1/journal?limit=10000 HTTP/1.1\r\nHost: x\r\n\r\n" * 10)
            assert deaf.recv(100).startswith(b"HTTP/1.1 200 ")
        began = time.monotonic()
        assert client(simulator)("GET", "/simulator/v1/health").status == 200
        # Far less than it takes until a client that reads nothing is closed.
        assert time.monotonic() - began < 10
