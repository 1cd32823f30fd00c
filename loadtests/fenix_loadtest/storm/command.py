"""``fenix-loadtest alarms``: sends the alarms when they are due, waits for the replies, judges."""

from __future__ import annotations

import json
import random
import signal
import socket
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from fenix_contract.alarm import alarm_body, encode, traits
from fenix_contract.vocabulary import ACTION_STATES, Action, EventType
from fenix_loadtest.settings import seconds_of, starts
from fenix_loadtest.storm.board import Board
from fenix_loadtest.storm.endpoints import Endpoints
from fenix_loadtest.tables import errors, errors_of, figures, rows_of, verdicts
from fenix_loadtest.thresholds import Judged, Threshold, failures_threshold, judge, latency_threshold
from fenix_vnfm.client import JsonClient

#: Seconds that connecting to the VNFM may take, and that it may take to answer an alarm.
_CONNECT = 5.0
_ANSWER = 30.0


@dataclass(frozen=True, slots=True)
class Storm:
    """What is sent: durations in seconds, ``rate`` in alarms a second of all projects together."""

    alarm_url: str
    projects: tuple[str, ...]
    state: str
    rate: float
    duration: float
    window: float
    connections: int
    instances: int


def storm(alarm_url: str, given: Mapping[str, Any]) -> int:
    """Run the storm that the flags say; the command's exit code."""
    projects = tuple(given["project"]) or tuple(f"project-{number + 1}" for number in range(int(given["projects"])))
    plan = Storm(
        alarm_url=alarm_url,
        projects=projects,
        state=given["state"],
        rate=float(given["rate"]),
        duration=seconds_of(given["duration"]),
        window=seconds_of(given["reply_window"]),
        connections=int(given["connections"]),
        instances=int(given["instances"]),
    )
    thresholds = [latency_threshold("p95", text) for text in given["max_p95"]]
    thresholds += [latency_threshold("p99", text) for text in given["max_p99"]]
    thresholds.append(failures_threshold(given["max_failures"]))
    board = Board(plan.state, [f"instance-{number + 1}" for number in range(plan.instances)], plan.window)
    try:
        _connect(alarm_url)
        endpoints = Endpoints(board, given["listen"])
    except OSError as error:
        print(f"cannot begin: {error}", file=sys.stderr)
        return 4
    started = datetime.now(UTC)
    try:
        seconds, unsent = _send(plan, board, endpoints)
    finally:
        endpoints.close()
    judged = _judge(thresholds, board, unsent)
    print(_text(plan, board, seconds, judged))
    if given["report"] is not None:
        Path(given["report"]).write_text(json.dumps(_plain(plan, board, seconds, started, judged), indent=2) + "\n")
    return 0 if all(row.held for row in judged) else 1


def _connect(alarm_url: str) -> None:
    """See whether anybody listens. Raises OSError."""
    parts = urlsplit(alarm_url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        socket.create_connection((parts.hostname or "", port), _CONNECT).close()
    except OSError as error:
        raise OSError(f"nobody takes connections at {alarm_url} ({error})") from error


class Sender:
    """Sends alarms from as many threads as there are connections, each when it is due or as soon as one is free."""

    def __init__(self, plan: Storm, board: Board, endpoints: Endpoints) -> None:
        self._plan = plan
        self._board = board
        self._endpoints = endpoints
        self._client = JsonClient(timeout=timedelta(seconds=_ANSWER))
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._due = self._schedule()
        self._number = 0
        self.stop = threading.Event()
        self.unsent = 0

    def run(self) -> None:
        """Send until the schedule is over or ``stop`` is set, and wait for what is on its way."""
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(self._plan.connections)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self._client.close()

    def _schedule(self) -> Iterator[float]:
        for offset in starts(self._plan.rate, "even", random.Random(0)):
            if offset >= self._plan.duration:
                return
            yield self._begun + offset

    def _work(self) -> None:
        while True:
            with self._lock:
                due = next(self._due, None)
                number, self._number = self._number, self._number + 1
            if due is None:
                return
            if self.stop.wait(max(0.0, due - time.monotonic())):
                return
            if time.monotonic() > self._begun + self._plan.duration + 1.0:
                # The VNFM holds all connections: what is a second too late at the end is not sent at all.
                with self._lock:
                    self.unsent += 1
                continue
            self._post(self._plan.projects[number % len(self._plan.projects)], due)

    def _post(self, project_id: str, due: float) -> None:
        session_id = str(uuid.uuid4())
        body = alarm(self._plan, session_id, project_id, self._endpoints.url_of(session_id, quote(project_id, safe="")))
        self._board.add(session_id, project_id, due)
        exchange = self._client.request("POST", self._plan.alarm_url, body)
        error = None
        if not exchange.accepted:
            error = f"answered {exchange.status}" if exchange.status is not None else f"no answer: {exchange.error}"
        self._board.note_posted(time.monotonic() - due, error)


def alarm(plan: Storm, session_id: str, project_id: str, url: str) -> bytes:
    """The bytes of one alarm, as Aodh posts it."""
    now = datetime.now(UTC).replace(microsecond=0)
    payload = {
        "project_id": project_id,
        "allowed_actions": [str(action) for action in Action] if plan.state in ACTION_STATES else [],
        "instance_ids": url,
        "reply_url": url,
        "actions_at": now + timedelta(seconds=plan.window),
        "reply_at": now + timedelta(seconds=plan.window),
        "state": plan.state,
        "session_id": session_id,
        "metadata": {},
    }
    body = alarm_body(
        alarm_name="fenix-loadtest",
        alarm_id=str(uuid.uuid5(uuid.NAMESPACE_OID, project_id)),
        severity="moderate",
        previous="alarm",
        reason_query=[],
        message_id=str(uuid.uuid4()),
        event_type=EventType.SCHEDULED,
        generated=now,
        traits=traits(payload),
        message_signature="",
    )
    return encode(body)


def _send(plan: Storm, board: Board, endpoints: Endpoints) -> tuple[float, int]:
    """Send and wait; the seconds of the load, and how many alarms were due and never sent.

    Ctrl-C and SIGTERM end the load early; a second one ends the wait for replies too.
    """
    sender = Sender(plan, board, endpoints)
    given_up = threading.Event()

    def end(_number: int, _frame: object) -> None:
        (given_up if sender.stop.is_set() else sender.stop).set()

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    begun = time.monotonic()
    try:
        sending = threading.Thread(target=sender.run, daemon=True)
        sending.start()
        while sending.is_alive():
            sending.join(0.2)
        seconds = time.monotonic() - begun
        while not given_up.is_set() and (left := board.window_end - time.monotonic()) > 0:
            if board.wait(min(left, 0.2)):
                break
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return seconds, sender.unsent


def _judge(thresholds: Sequence[Threshold], board: Board, unsent: int) -> list[Judged]:
    missing = board.close()
    judged = [Judged("alarms sent", "at least 1", str(board.sent), board.sent > 0)]
    for threshold in thresholds:
        judged += judge(threshold, board.recorder)
    judged.append(Judged("alarms without a reply", "0", str(missing), not missing))
    judged.append(Judged("alarms due and never sent", "0", str(unsent), not unsent))
    return judged


def _text(plan: Storm, board: Board, seconds: float, judged: Sequence[Judged]) -> str:
    lines = [f"{plan.alarm_url}, {len(plan.projects)} project(s), {seconds:.1f} s", ""]
    lines += figures(board.recorder.series.items(), seconds)
    lines += ["", f"{board.sent} alarms, {board.replied} replied to, {board.repeats} replies repeated"]
    return "\n".join([*lines, *errors(board.recorder.series.items()), "", *verdicts(judged)])


def _plain(plan: Storm, board: Board, seconds: float, started: datetime, judged: Sequence[Judged]) -> dict[str, Any]:
    return {
        "schema": 1,
        "subject": plan.alarm_url,
        "started": started.isoformat(timespec="seconds"),
        "seconds": round(seconds, 3),
        "verdict": "held" if all(row.held for row in judged) else "broken",
        "state": plan.state,
        "projects": list(plan.projects),
        "alarms": {"sent": board.sent, "replied": board.replied, "repeated": board.repeats},
        "requests": rows_of(board.recorder.series.items(), seconds),
        "errors": errors_of(board.recorder.series.items()),
        "thresholds": [row.as_plain() for row in judged],
    }
