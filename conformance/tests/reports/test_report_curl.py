"""A curl line sends what was sent: read back by a real shell."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenix_conformance.reports.curl import curl_line, decisive_curl
from fenix_conformance.results import Evidence, EvidenceKind, Result, note

NOW = datetime(2026, 3, 1, tzinfo=UTC)
BASH = shutil.which("bash")
with_bash = pytest.mark.skipif(BASH is None, reason="there is no bash on this machine to read the line")


def request(method: str = "PUT", url: str = "http://fenix/v1", **members: Any) -> Evidence:
    return Evidence(EvidenceKind.REQUEST, NOW, method=method, url=url, **members)


def words(line: str) -> tuple[list[str], bytes]:
    """The arguments that a shell would give to curl, and what it would feed to its standard input."""
    script = 'curl() { printf "%s\\0" "$@"; printf "\\0\\0"; case " $* " in *" @- "*) cat;; esac; }; ' + line
    done = subprocess.run([str(BASH), "-c", script], capture_output=True, check=True, timeout=20)
    arguments, _, fed = done.stdout.partition(b"\0\0\0")
    return arguments.decode("utf-8", "surrogateescape").split("\0"), fed


@with_bash
@settings(max_examples=40, deadline=None)
@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_curl_line_gives_any_body_to_curl_unchanged(body: str) -> None:
    line = curl_line(request(body=body, headers={"Content-Type": "application/json"}))
    arguments, _ = words(line)
    assert arguments[arguments.index("--data-raw") + 1] == body
    assert arguments[-1] == "http://fenix/v1"
    assert line.isprintable()


@with_bash
def test_curl_line_feeds_a_body_with_a_nul_through_a_pipe() -> None:
    body = "a\0b\\n\n\"'%s é \x1b"
    arguments, fed = words(curl_line(request(body=body)))
    assert arguments[arguments.index("--data-binary") + 1] == "@-"
    assert fed.decode() == body


@pytest.mark.parametrize(
    ("evidence", "there", "absent"),
    [
        (request("GET"), [], ["-X", "-d", "--data-raw"]),
        (request("GET", body="{}"), ["-X GET", "--data-raw"], []),
        (request("HEAD"), ["--head"], ["-X"]),
        (request("DELETE"), ["-X DELETE"], ["--data-raw"]),
        (request(body="@/etc/passwd"), ["--data-raw @/etc/passwd"], ["--data-binary"]),
        (request(body="{}"), ["-H Content-Type:"], ["form"]),
        (request(body="{}", headers={"Content-Type": ""}), ["-H 'Content-Type;'"], []),
        (request(body="{}", headers={"content-type": "text/plain"}), ["-H 'content-type: text/plain'"], ["Type: "]),
        (request(headers={"Host": "a", "Content-Length": "2", "User-Agent": "x"}), [], ["-H"]),
        (request(headers={"X-Auth-Token": "secret"}), ["'X-Auth-Token: ***'"], ["secret"]),
        (request(url="http://fenix/v1/{x}/[1]"), [" -g "], []),
        (request(url="http://fenix/v1/../admin"), ["--path-as-is"], []),
    ],
)
def test_curl_line_says_what_curl_would_otherwise_do_by_itself(
    evidence: Evidence, there: list[str], absent: list[str]
) -> None:
    line = curl_line(evidence)
    assert [word for word in there if word not in line] == []
    assert [word for word in absent if word in line] == []


def test_a_note_has_no_curl_line() -> None:
    assert curl_line(note("nothing happened")) == ""


def test_the_decisive_line_is_the_last_request_else_the_last_alarm(
    make_result: Callable[..., Result], evidence: tuple[Evidence, ...]
) -> None:
    line = decisive_curl(make_result())
    assert "NACK_PLANNED_MAINTENANCE" in line
    assert re.search(r"very-secret", line) is None
    assert "127.0.0.1:41733" in decisive_curl(make_result(evidence=(evidence[0], evidence[-1])))
    assert decisive_curl(make_result(evidence=(evidence[-1],))) == ""
