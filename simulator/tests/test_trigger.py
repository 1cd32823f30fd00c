"""The command ``fenix-simulator trigger``: one synthetic alarm, and what is said about it."""

from __future__ import annotations

import json
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from fenix_contract.alarm import AlarmMessage, decode
from fenix_simulator.commands.trigger import command

#: Bound of every wait, in seconds; reached only when something is broken.
BOUND = 10


class RecordingManager:
    """A project manager that answers with ``status`` and records what it is sent."""

    def __init__(self) -> None:
        self.status = 200
        self.received: queue.Queue[tuple[dict[str, str], bytes]] = queue.Queue()
        manager = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                manager.received.put((dict(self.headers), body))
                self.send_response(manager.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/maintenance"

    def message(self) -> AlarmMessage:
        return decode(self.received.get(timeout=BOUND)[1])


@pytest.fixture
def manager() -> Iterator[RecordingManager]:
    recording = RecordingManager()
    threading.Thread(target=recording.server.serve_forever, args=(0.05,), daemon=True).start()
    yield recording
    recording.server.shutdown()
    recording.server.server_close()


def trigger(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, catch_exceptions=False)


@pytest.mark.parametrize(
    "state",
    ["MAINTENANCE", "SCALE_IN", "PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE", "MAINTENANCE_COMPLETE"],
)
def test_each_state_links_to_the_session(manager, state: str) -> None:
    """As a Fenix at --base-url would; only PREPARE and PLANNED name actions."""
    result = trigger(
        state, "--alarm-url", manager.url, "--project", "p 1", "--session", "s1", "--base-url", "http://fenix:1/"
    )
    assert result.exit_code == 0
    message = manager.message()
    assert (message.state, message.project_id, message.session_id) == (state, "p 1", "s1")
    assert message.instance_ids == message.reply_url == "http://fenix:1/v1/maintenance/s1/p%201"
    asks = state in ("PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE")
    assert message.allowed_actions == (("MIGRATE", "LIVE_MIGRATE", "OWN_ACTION") if asks else ())
    assert message.reply_at is not None
    assert message.event_type == "maintenance.scheduled"


def test_a_finished_action_names_an_instance(manager) -> None:
    """One of its own making, or the one given; no times, for nothing is asked."""
    for given, expected in (([], 1), (["--instance-ids", "vm-1"], ("vm-1",)), (["--instance-ids", "a, b"], ("a", "b"))):
        assert trigger("INSTANCE_ACTION_DONE", "--alarm-url", manager.url, *given).exit_code == 0
        message = manager.message()
        named = message.instance_id_list
        assert expected in (named, len(named))
        assert message.reply_at is None
        assert message.actions_at is None


def test_unknown_states_and_traits_can_be_sent(manager) -> None:
    """A manager must survive them; the new trait comes last, as text."""
    result = trigger("COFFEE_BREAK", "--alarm-url", manager.url, "--set", "colour=blue=green")
    assert result.exit_code == 0
    body = json.loads(manager.received.get(timeout=BOUND)[1])
    assert body["reason_data"]["event"]["traits"][-1] == ["colour", 1, "blue=green"]
    assert decode(body).state == "COFFEE_BREAK"


def test_any_trait_can_be_set_or_left_out(manager) -> None:
    """In its place; a time that can be read is a time, any other text goes out as text."""
    settings = ["state=OTHER", "service=nova", "reply_at=2030-01-01 10:00:00", "actions_at=soon", "metadata=", "x="]
    given = [part for setting in settings for part in ("--set", setting)]
    assert trigger("MAINTENANCE", "--alarm-url", manager.url, *given).exit_code == 0
    traits = json.loads(manager.received.get(timeout=BOUND)[1])["reason_data"]["event"]["traits"]
    assert [trait[0] for trait in traits] == [
        "service",
        "project_id",
        "allowed_actions",
        "instance_ids",
        "reply_url",
        "actions_at",
        "reply_at",
        "state",
        "session_id",
    ]
    by_name = {name: (dtype, value) for name, dtype, value in traits}
    assert by_name["service"] == (1, "nova")
    assert by_name["state"] == (1, "OTHER")
    assert by_name["reply_at"] == (4, "2030-01-01T10:00:00")
    assert by_name["actions_at"] == (1, "soon")


def test_a_file_is_sent_as_it_is(manager, tmp_path: Path) -> None:
    """Bytes that are no alarm, nor JSON, nor text."""
    file = tmp_path / "alarm.bin"
    file.write_bytes(b'{"broken": \xff\x00')
    result = trigger("--raw", str(file), "--alarm-url", manager.url, "--format", "json")
    assert result.exit_code == 0
    fields, body = manager.received.get(timeout=BOUND)
    assert body == b'{"broken": \xff\x00'
    assert fields["content-type"] == "application/json"
    assert json.loads(result.output)["request"]["body"].startswith('{"broken": ')


def test_the_delivery_is_printed_for_people(manager) -> None:
    """Where to, what, and the answer with its time."""
    result = trigger("MAINTENANCE", "--alarm-url", manager.url, "--session", "s1")
    lines = result.output.splitlines()
    assert lines[0] == f"POST {manager.url}"
    assert lines[1].startswith("x-openstack-request-id: req-")
    assert lines[2] == "maintenance.scheduled"
    assert "  session_id        s1" in lines
    assert lines[-1].startswith("→ 200 after ")


def test_the_delivery_is_printed_for_programs(manager) -> None:
    """One JSON object; the request id and body are those that were sent."""
    result = trigger("MAINTENANCE", "--alarm-url", manager.url, "--format", "json")
    printed: dict[str, Any] = json.loads(result.output)
    fields, body = manager.received.get(timeout=BOUND)
    assert printed["request"]["body"] == json.loads(body)
    assert printed["request"]["headers"]["x-openstack-request-id"] == fields["x-openstack-request-id"]
    assert (printed["request"]["method"], printed["request"]["url"]) == ("POST", manager.url)
    assert (printed["status"], printed["error"], printed["taken"]) == (200, None, True)
    assert printed["latency"] > 0


@pytest.mark.parametrize("status", [302, 404, 500])
def test_an_answer_that_is_not_2xx_is_exit_1(manager, status: int) -> None:
    """It is an answer, but the alarm was not taken; it was sent once."""
    manager.status = status
    result = trigger("MAINTENANCE", "--alarm-url", manager.url)
    assert result.exit_code == 1
    assert f"→ {status} after " in result.output
    assert manager.received.qsize() == 1


def test_nobody_listening_is_exit_1() -> None:
    """With the reason."""
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.server_close()
    result = trigger("MAINTENANCE", "--alarm-url", f"http://127.0.0.1:{server.server_port}/", "--format", "json")
    assert result.exit_code == 1
    printed = json.loads(result.output)
    assert (printed["status"], printed["error"]) == (None, "no connection: Connection refused")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["MAINTENANCE"], "--alarm-url is missing"),
        (["--alarm-url", "http://127.0.0.1:9/"], "STATE is missing"),
        (["MAINTENANCE", "--alarm-url", "ftp://127.0.0.1/"], "scheme is 'ftp'"),
        (["MAINTENANCE", "--alarm-url", "http://u:secret@127.0.0.1/"], "carries a user name or password"),
        (["MAINTENANCE", "--alarm-url", "http://169.254.169.254/"], "link-local"),
        (["MAINTENANCE", "--alarm-url", "http://127.0.0.1:9/", "--set", "colour"], "is not TRAIT=VALUE"),
        (["MAINTENANCE", "--alarm-url", "http://127.0.0.1:9/", "--set", "=blue"], "is not TRAIT=VALUE"),
        (["--alarm-url", "http://127.0.0.1:9/", "--raw", "/nowhere/alarm.json"], "No such file"),
        (["--alarm-url", "http://127.0.0.1:9/", "--raw", "x", "--set", "a=b"], "leave out --set"),
    ],
)
def test_wrong_usage_is_one_clear_line_and_exit_2(arguments: list[str], says: str) -> None:
    """No traceback, nothing sent, no password repeated."""
    result = trigger(*arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert says in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
    assert "secret" not in result.stderr


def test_a_duration_without_a_unit_is_exit_2() -> None:
    """The option's own check."""
    result = trigger("MAINTENANCE", "--alarm-url", "http://127.0.0.1:9/", "--timeout", "5")
    assert result.exit_code == 2
    assert "'5' is not a duration" in result.stderr


def test_the_alarm_url_may_come_from_the_environment(manager, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the other options with a variable."""
    monkeypatch.setenv("FENIX_SIM_ALARM_URL", manager.url)
    assert trigger("MAINTENANCE").exit_code == 0


def test_help_shows_examples_and_imports_nothing_heavy() -> None:
    """It must come at once."""
    program = (
        "import sys\n"
        "from fenix_simulator.commands.trigger import command\n"
        "try:\n    command(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'flask', 'urllib3', 'faker', 'pydantic', 'msgspec', 'fenix_simulator.alarms'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "fenix-simulator trigger MAINTENANCE --alarm-url" in done.stdout
    assert done.stdout.strip().endswith("[]")
