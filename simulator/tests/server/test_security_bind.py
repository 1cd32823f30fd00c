"""Whom a server can be reached by: this machine only, unless it asks for a token."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import urllib.request

import pytest

SOON = 60.0
SERVE = [sys.executable, "-m", "fenix_simulator", "serve", "--port", "0", "--format", "json"]


def environment(**more: str) -> dict[str, str]:
    """This process's, with the packages' folders."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **more}


@pytest.mark.parametrize(
    "host",
    [
        "0.0.0.0",
        "::",
        "0",
        "192.0.2.1",
        "10.0.0.1",
        "2001:db8::1",
        "fe80::1",
        "::ffff:127.0.0.1",
        "::ffff:0.0.0.0",
        "localhost.example",
        "vnfm.example",
        "LOCALHOST.",
        "127.1",
        "2130706433",
        "",
    ],
)
@pytest.mark.parametrize("token", [[], ["--admin-token", ""], ["--project-token", "cgnat-turku-prod=secret"]])
def test_another_address_than_loopback_needs_the_administrator_s_token(host, token):
    """A project's token does not do, nor an empty one; a spelling that only might be loopback's is none."""
    done = subprocess.run(
        [*SERVE, f"--host={host}", *token], capture_output=True, text=True, timeout=SOON, env=environment()
    )
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "--admin-token" in line
    assert "secret" not in line


@pytest.mark.parametrize(
    ("host", "more"),
    [
        ("127.0.0.1", {}),
        ("127.0.0.2", {}),
        ("localhost", {}),
        ("0.0.0.0", {"FENIX_SIM_ADMIN_TOKEN": "secret"}),
    ],
)
def test_loopback_needs_none_and_with_a_token_any_address_is_served(host, more):
    process = subprocess.Popen(
        [*SERVE, "--host", host], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(**more)
    )
    try:
        url = json.loads(process.stdout.readline())["url"]
        headers = {"X-Auth-Token": token} if (token := more.get("FENIX_SIM_ADMIN_TOKEN")) else {}
        # No proxy: this is about who listens here.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        request = urllib.request.Request(f"{url}/v1/maintenance", headers=headers)
        assert opener.open(request, timeout=SOON).status == 200
    finally:
        process.kill()
        process.communicate()
