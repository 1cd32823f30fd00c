"""``fenix-simulator journal`` with a running server's URL in the place of a file."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from click.testing import CliRunner

from fenix_simulator.commands.journal import command

SOON = 60.0


def run(*arguments: str, **environment: str):
    return CliRunner().invoke(command, list(arguments), env=environment)


def test_a_running_servers_journal_is_shown_by_the_names_of_its_scenario(serve, client):
    simulator = serve()
    session_id = simulator.service.create_session()
    project = simulator.inventory.projects[0]
    client(simulator)("GET", f"/v1/maintenance/{session_id}/{project.project_id}")
    shown = run("show", simulator.url)
    assert shown.exit_code == 0, shown.output
    assert f"── session {session_id} begins" in shown.stdout
    assert f"{project.name} → Fenix  GET list  200" in shown.stdout


def test_filters_and_export_are_those_of_a_file(serve):
    simulator = serve()
    simulator.service.create_session()
    shown = run("show", f"{simulator.url}/", "--type", "SessionCreated", "--format", "json")
    assert [json.loads(line)["type"] for line in shown.stdout.splitlines()] == ["SessionCreated"]
    whole = run("export", simulator.url).stdout.splitlines()
    assert [json.loads(line)["number"] for line in whole] == list(range(1, simulator.journal.last + 1))


def test_the_journal_needs_the_administrators_token(serve):
    simulator = serve(admin_token="root")
    refused = run("show", simulator.url)
    assert refused.exit_code == 2
    assert "give --token TOKEN" in refused.stderr
    assert len(refused.stderr.splitlines()) == 1
    assert run("show", simulator.url, "--token", "root").exit_code == 0
    assert run("show", simulator.url, FENIX_SIM_ADMIN_TOKEN="root").exit_code == 0


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1", "http://no-such-host.invalid", "http://[", "http://127.0.0.1:99999"]
)
def test_where_nobody_answers_is_one_line(url):
    refused = run("show", url)
    assert refused.exit_code == 2
    assert len(refused.stderr.splitlines()) == 1
    assert "no server answers there" in refused.stderr
    assert "Traceback" not in refused.output


def test_another_server_is_no_journal(serve):
    refused = run("show", f"{serve().url}/elsewhere")
    assert refused.exit_code == 2
    assert len(refused.stderr.splitlines()) == 1


def test_follow_shows_what_happens_until_the_server_stops(serve):
    simulator = serve()
    code = "from fenix_simulator.commands.journal import command; command()"
    arguments = ["show", simulator.url, "--follow", "--kind", "event", "--format", "json"]
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            simulator.service.create_session()
            assert json.loads(process.stdout.readline())["type"] == "SessionCreated"
            simulator.stop()
            _, errors = process.communicate(timeout=SOON)
            assert process.returncode == 0
            assert errors == f"{simulator.url}: the server answers no more\n"
        finally:
            process.kill()
