"""``fenix-loadtest alarms``: a VNFM under a storm of alarms."""

from __future__ import annotations

import json
import socket

import pytest


@pytest.mark.parametrize("state", ["MAINTENANCE", "PLANNED_MAINTENANCE"])
def test_a_manager_that_replies_to_every_alarm(command, state):
    """The sample VNFM, for projects that it was not told of before."""
    vnfm = command.serve("fenix_vnfm", "--control-url", "http://127.0.0.1:9")
    ended = command.run(
        "alarms", vnfm["alarm_url"], "--projects", "4", "--rate", "25", "--duration", "2s", "--state", state,
        "--max-p95", "5s", "--json", "r.json",
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    made = json.loads((command.folder / "r.json").read_text())
    assert (made["verdict"], len(made["projects"])) == ("held", 4)
    assert made["alarms"]["sent"] == made["alarms"]["replied"] >= 45
    assert {row["name"] for row in made["requests"]} == {"POST alarm", "alarm to list", "alarm to reply"}


def test_a_manager_that_keeps_silent_fails_the_run(command):
    """However fast it answers the alarm itself."""
    vnfm = command.serve("fenix_vnfm", "--misbehave", "silent")
    ended = command.run("alarms", vnfm["alarm_url"], "--rate", "10", "--duration", "1s", "--reply-window", "500ms")
    assert ended.returncode == 1
    assert "no reply within 0.5 s" in ended.stdout
    assert any(line.startswith("alarms without a reply") and "BROKEN" in line for line in ended.stdout.splitlines())


def test_a_manager_that_is_not_there(command):
    """Exit 4 and one line."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    ended = command.run("alarms", f"http://127.0.0.1:{port}/maintenance")
    assert (ended.returncode, ended.stdout, ended.stderr.count("\n")) == (4, "", 1)
    assert "nobody takes connections" in ended.stderr
