"""Results of runs that never took place: one that a customer could have got, and small ones for single questions."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from fenix_conformance.requirements import Requirement, requirements
from fenix_conformance.results import (
    Case,
    Evidence,
    EvidenceKind,
    Layer,
    Level,
    Outcome,
    Result,
    Role,
    RunResult,
    Timing,
    note,
)

STARTED = datetime(2026, 3, 1, 12, 0, 3, 250_000, tzinfo=UTC)
URL = "http://fenix.example:12347"
SESSION = "47479bca-7f0e-11ea-99c9-2c600c9893ee"
PROJECT = "9a5ef1b6c9b14e0f8a3c7a1d0c2b4e6f"
ALARMS = Path(__file__).parents[1] / "reference" / "aodh_alarms.json"

#: What the run of ``long_run`` found, where it is not a pass: outcome, expected (or message), actual.
FOUND = {
    "reply-nack": (
        Outcome.FAIL,
        "After NACK_PLANNED_MAINTENANCE no alarm comes that follows an acknowledgement, and no instance is moved.",
        "400 ms after the NACK the server moved 3 instances and sent INSTANCE_ACTION_DONE for each of them.",
    ),
    "alarm-traits": (
        Outcome.FAIL,
        "state, session_id, instance_ids and reply_url are there and right; project_id is the receiver's.",
        "2 of 14 alarms carried the project_id of another project.",
    ),
    "list-unknown": (Outcome.WARN, "An unknown session is answered 4xx.", "It was answered 500."),
    "reply-unknown": (Outcome.WARN, "An unknown project is answered 4xx.", "It was answered 200."),
    "default-behaviour": (
        Outcome.UNTESTABLE,
        "The admin API refused a second session (409), so it was not played.",
        "",
    ),
    "ids-opaque": (Outcome.NOT_APPLICABLE, "All instance ids of this server are UUIDs.", ""),
}


#: What the run of ``vnfm_run`` found, where it is not a pass: outcome, expected, actual.
VNFM_FOUND = {
    "actions-cover": (
        Outcome.FAIL,
        "instance_actions with an action for each of 3 instances",
        "left out: 5b2a7d5e-1c1f-4f0e-9c3a-000000000002",
    ),
    "reply-in-time": (Outcome.FAIL, "the reply before reply_at", "5.3 s after the question"),
    "done-silent": (Outcome.WARN, "no reply: none is asked", "ACK_INSTANCE_ACTION_DONE"),
    "own-action-done": (Outcome.NOT_APPLICABLE, "OWN_ACTION was not chosen", ""),
}
SCENARIOS = ("happy-path", "no-spare-host", "two-sessions")


@pytest.fixture
def evidence() -> tuple[Evidence, ...]:
    """An alarm as really recorded, the list, a reply, a request without an answer, and a note."""
    recorded = next(one for one in json.loads(ALARMS.read_text("utf-8")) if one["case"] == "PLANNED_MAINTENANCE")
    path = f"{URL}/v1/maintenance/{SESSION}/{PROJECT}"
    ids = [f"5b2a7d5e-1c1f-4f0e-9c3a-00000000000{number}" for number in range(4)]
    sent = {"Accept": "application/json", "User-Agent": "fenix-conformance", "X-Auth-Token": "very-secret"}
    answered = {"Content-Type": "application/json", "Server": "Werkzeug/3.1"}
    reply = {"state": "NACK_PLANNED_MAINTENANCE", "instance_actions": dict.fromkeys(ids, "MIGRATE")}
    return (
        Evidence(
            EvidenceKind.ALARM,
            STARTED + timedelta(seconds=2.125),
            note="PLANNED_MAINTENANCE for the second project",
            method="POST",
            url="http://127.0.0.1:41733/alarms/2",
            headers={"Content-Type": "application/json"},
            body=recorded["raw_request_body"],
            status=200,
        ),
        Evidence(
            EvidenceKind.REQUEST,
            STARTED + timedelta(seconds=2.131),
            note=f"list of {PROJECT} in PLANNED_MAINTENANCE",
            method="GET",
            url=path,
            headers=sent,
            status=200,
            answer_headers=answered,
            answer_body=json.dumps({"instance_ids": ids}),
            seconds=0.0042,
        ),
        Evidence(
            EvidenceKind.REQUEST,
            STARTED + timedelta(seconds=2.6),
            note="no answer within 30 s",
            method="PUT",
            url=path + "/",
            headers=sent,
            body="{}",
        ),
        Evidence(
            EvidenceKind.REQUEST,
            STARTED + timedelta(seconds=33.1),
            note=f"reply of {PROJECT} (a NACK)",
            method="PUT",
            url=path,
            headers={**sent, "Content-Type": "application/json"},
            body=json.dumps(reply),
            status=500,
            answer_headers={**answered, "Content-Type": "text/html"},
            answer_body="<!doctype html>\n<title>500 Internal Server Error</title>\n<h1>Oops</h1>",
            seconds=1.25,
        ),
        note("Nothing came in the 3 s after the reply.", STARTED + timedelta(seconds=36.1)),
    )


@pytest.fixture
def make_result(evidence: tuple[Evidence, ...]) -> Callable[..., Result]:
    """``make_result(id, outcome, **members)``: one row, with sentences and evidence in it."""

    def make(identifier: str = "reply-nack", outcome: Outcome = Outcome.FAIL, **members: Any) -> Result:
        defaults: dict[str, Any] = {
            "id": identifier,
            "level": Level.SHOULD if outcome is Outcome.WARN else Level.MUST,
            "role": Role.SERVER,
            "statement": f"What {identifier} asks for.",
            "source": "api: 4.2",
            "outcome": outcome,
            "message": f"what was found out about {identifier}",
            "expected": "this",
            "actual": "that",
            "evidence": evidence,
            "rerun": f"fenix-conformance server {URL} --only {identifier}",
        }
        return Result(**{**defaults, **members})

    return make


@pytest.fixture
def make_run() -> Callable[..., RunResult]:
    """``make_run(*results, **members)``: a run with just these results."""

    def make(*results: Result, **members: Any) -> RunResult:
        defaults: dict[str, Any] = {"subject": URL, "role": Role.SERVER, "started": STARTED, "seconds": 41.5}
        return RunResult(results=results, **{**defaults, **members})

    return make


@pytest.fixture
def every_outcome(make_result: Callable[..., Result], make_run: Callable[..., RunResult]) -> RunResult:
    """A run in which each outcome occurs once; ids are ``is-`` and the outcome."""
    return make_run(*(make_result(f"is-{outcome}", outcome) for outcome in Outcome))


@pytest.fixture
def long_run(evidence: tuple[Evidence, ...], make_run: Callable[..., RunResult]) -> RunResult:
    """All requirements of a server, most of them met: what a customer could get."""
    return make_run(*_rows(evidence))


def _rows(evidence: tuple[Evidence, ...]) -> Iterator[Result]:
    for row in requirements():
        if row.role is Role.SERVER:
            yield _row(row, evidence)


def _row(row: Requirement, evidence: tuple[Evidence, ...]) -> Result:
    outcome, first, actual = FOUND.get(row.id, (Outcome.PASS, "Seen in 3 sessions, 14 alarms and 22 lists.", ""))
    return Result(
        id=row.id,
        level=row.level,
        role=row.role,
        statement=row.statement,
        source=row.source,
        outcome=outcome,
        message=actual or first,
        expected=first if actual else "",
        actual=actual,
        evidence=() if outcome is Outcome.NOT_APPLICABLE else evidence,
        rerun=f"fenix-conformance server {URL} --only {row.id}",
        layer=Layer.SCHEMA if row.id == "alarm-traits" else Layer.PLAY,
    )


@pytest.fixture
def vnfm_run(evidence: tuple[Evidence, ...], make_run: Callable[..., RunResult]) -> RunResult:
    """All requirements of a VNFM, judged in many places, some of them not met; with reply times."""
    pieces = tuple(
        replace(piece, entry=35 + number, scenario=SCENARIOS[0], note="" if number == 1 else piece.note)
        for number, piece in enumerate(evidence)
    )
    timings = (
        Timing("MAINTENANCE", 6, 0.0042, 0.0391, 0.0402, 4.91),
        Timing("PLANNED_MAINTENANCE", 24, 0.018, 4.2, 5.3, -0.301),
        Timing("MAINTENANCE_COMPLETE", 4, 0.0091, 0.0097, 0.0099),
    )
    rows = [_vnfm_row(row, pieces) for row in requirements() if row.role is Role.VNFM]
    return make_run(*rows, role=Role.VNFM, subject="http://vnfm.example:9000/maintenance", timings=timings)


def _vnfm_row(row: Requirement, evidence: tuple[Evidence, ...]) -> Result:
    outcome, expected, actual = VNFM_FOUND.get(row.id, (Outcome.PASS, "", ""))
    bad = {"actions-cover": 2, "reply-in-time": 9, "done-silent": 1}.get(row.id, 0)
    places = [
        Case(
            outcome if position < bad else Outcome.PASS,
            f"ACK_PLANNED_MAINTENANCE has no action for {position + 1} of 3 listed instances"
            if position < bad
            else "an action for each of 3 instances",
            SCENARIOS[position % 3],
            "PLANNED_MAINTENANCE",
            PROJECT,
            SESSION,
            (26 + position, 35 + position),
        )
        for position in range(40 if row.id == "reply-in-time" else 6)
    ]
    return Result(
        id=row.id,
        level=row.level,
        role=row.role,
        statement=row.statement,
        source=row.source,
        outcome=outcome,
        message=f"not met in {bad} places" if bad else expected,
        expected=expected if bad else "",
        actual=actual,
        evidence=() if outcome is Outcome.NOT_APPLICABLE else evidence,
        rerun=f"fenix-conformance vnfm http://vnfm.example:9000/maintenance --only {row.id}",
        layer=Layer.JOURNAL,
        advice=row.advice if bad else "",
        cases=() if outcome is Outcome.NOT_APPLICABLE else tuple(reversed(places)),
    )
