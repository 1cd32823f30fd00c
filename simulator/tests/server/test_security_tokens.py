"""A token is given to the server and sent by clients, and stands nowhere else."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from http.client import HTTPConnection
from urllib.parse import quote

import pytest

SOON = 60.0
ROOT, OWN, STRANGE = "Root/tok en+ZQ7&x", "own-token-XK93", "strange-token-PW55"


def spellings(token: str) -> set[bytes]:
    """The token as it is, as a URL or JSON has it."""
    texts = {token, quote(token), quote(token, safe=""), quote(token).replace("%20", "+"), json.dumps(token)[1:-1]}
    return {text.encode() for text in texts}


def everywhere(token: str, project_id: str, session_id: str):
    """Requests that have the token in every place where a client can put it: method, path, query, headers, body."""
    escaped = quote(token, safe="")
    json_type = {"Content-Type": "application/json"}
    yield "GET", f"/v1/maintenance/{session_id}/{project_id}?token={escaped}", None, {}
    yield "GET", f"/v1/maintenance/{escaped}/{project_id}", None, {}
    yield "GET", f"/v1/maintenance/{session_id}/{escaped}", None, {}
    yield "GET", f"/v1/maintenance/{escaped}", None, {}
    yield "GET", f"/{escaped}/{escaped}?{escaped}", None, {}
    yield "GET", f"/v2/alarms/{escaped}", None, {}
    yield "GET", f"/v2/alarms?marker={escaped}", None, {}
    yield "GET", f"/v2/alarms?sort={escaped}:up", None, {}
    yield "GET", f"/simulator/v1/instances/{escaped}", None, {}
    yield "GET", f"/simulator/v1/instances?marker={escaped}&limit={escaped}", None, {}
    yield "GET", f"/simulator/v1/sessions/{escaped}", None, {}
    yield "GET", f"/simulator/v1/journal?after={escaped}", None, {}
    yield "POST", "/simulator/v1/clock/advance", json.dumps({"by": token}), json_type
    yield "POST", "/simulator/v1/clock/advance", json.dumps({"to": token}), json_type
    yield "POST", "/v1/maintenance", json.dumps({"hosts": [token]}), json_type
    yield "POST", "/v1/maintenance", json.dumps({"state": token, "workflow": token}), json_type
    yield "POST", "/v2/alarms", json.dumps({"name": "a", "type": token}), json_type
    yield (
        "POST",
        "/v2/alarms",
        json.dumps({"name": "a", "type": "event", "alarm_actions": [f"{quote(token)}://x"]}),
        json_type,
    )
    yield "POST", "/simulator/v1/instances", json.dumps({"project_id": token}), json_type
    yield "POST", "/simulator/v1/faults", json.dumps({"when": {token: token}, "then": {}}), json_type
    yield "PUT", "/simulator/v1/state", json.dumps({"version": token}), json_type
    project = f"/v1/maintenance/{session_id}/{project_id}"
    yield "PUT", project, json.dumps({"state": token}), json_type
    yield "PUT", project, json.dumps({"state": "ACK_MAINTENANCE", "instance_actions": {token: token}}), json_type
    yield "PUT", project, token, {"Content-Type": "text/plain"}
    yield "PUT", project, token, {"Content-Type": f"application/{token}"}
    yield "PUT", project, token, json_type
    yield "PUT", project, f'{{"state": "{token}', {**json_type, "X-Token": token, "Cookie": token}
    yield "PUT", project, "x" * 2_000_000 + token, json_type
    yield token.split(" ")[0].replace("/", "").upper(), project, None, {}


def test_a_token_stands_in_nothing_that_a_server_writes_or_answers(tmp_path):
    """Not in its output, log, ready file and journal, and not in any answer, however it was sent."""
    journal = tmp_path / "run.db"
    serve = [sys.executable, "-m", "fenix_simulator", "serve", "--port", "0", "--format", "json", "--time", "manual"]
    serve += ["--journal", str(journal), "--ready-file", str(tmp_path / "ready.json"), "--start"]
    process = subprocess.Popen(
        [*serve, "--project-token", f"529735d0a01b4a7195a2c87fa9d2a38a={OWN}"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(sys.path),
            "FENIX_SIM_ADMIN_TOKEN": ROOT,
            "FENIX_SIM_LOG": "debug",
        },
    )
    try:
        ready = process.stdout.readline()
        session = process.stdout.readline()
        seen = [ready, session]
        host, _, port = json.loads(ready)["url"].removeprefix("http://").rpartition(":")
        project_id, session_id = json.loads(ready)["projects"][0], json.loads(session)["session_id"]

        def ask(method, path, body=None, headers=None, token=ROOT):
            connection = HTTPConnection(host, int(port), timeout=SOON)
            connection.request(method, path, body=body, headers={"X-Auth-Token": token, **(headers or {})})
            answer = connection.getresponse()
            seen.append(repr(answer.getheaders()).encode() + answer.read())
            connection.close()
            return answer.status

        statuses = {
            (token, ask(method, path, body, headers, token))
            for sent in (ROOT, OWN)
            for token in (ROOT, OWN, STRANGE)
            for method, path, body, headers in everywhere(sent, project_id, session_id)
        }
        # Answered, refused for the token, for what it may not, and for what was wrong; nothing failed.
        assert {(ROOT, 200), (OWN, 200), (OWN, 403), (STRANGE, 401), (ROOT, 422), (ROOT, 404)} <= statuses
        assert {status for _, status in statuses if status >= 500} <= {501}
        for path in ("/metrics", "/simulator/v1/journal?limit=10000", "/simulator/v1/state", "/v2/alarms"):
            assert ask("GET", path) == 200
        process.terminate()
        out, log = process.communicate(timeout=SOON)
        assert process.returncode == 0
    finally:
        process.kill()
        process.communicate()
    files = [file.read_bytes() for file in tmp_path.iterdir()]
    assert len(files) >= 2
    for token in (ROOT, OWN):
        for spelling in spellings(token):
            for text in (*seen, out, log, *files):
                at = text.find(spelling)
                assert at < 0, text[max(0, at - 300) : at + 100]
    # The header's stranger is nobody's secret, but headers are not recorded at all.
    assert not any(STRANGE.encode() in text for text in (out, log, *files))


@pytest.mark.parametrize("tokens", [{"admin_token": "x" * 40}, {"project_tokens": {"cgnat-turku-prod": "x" * 40}}])
def test_settings_and_logs_of_a_library_s_user_keep_it_too(serve, client, caplog, tokens):
    caplog.set_level(logging.DEBUG)
    simulator = serve(**tokens)
    client(simulator, "x" * 40)("GET", "/v1/maintenance?x-auth-token=" + "x" * 40)
    assert "x" * 40 not in caplog.text
    assert "x" * 40 not in repr(simulator.settings)
    assert "x" * 40 not in json.dumps(simulator.ready())
