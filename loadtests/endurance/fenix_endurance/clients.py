"""What clients do, what they were answered, and what the journal says of it."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from fenix_endurance.server import Wire

#: Session, project and state of a reply.
Reply = tuple[str, str, str]

MAINTENANCE = {"state": "ACK_MAINTENANCE", "instance_actions": {}}
NOBODY = "http://127.0.0.1:1/"


@dataclass(slots=True)
class Tally:
    """What was answered; several threads may add to it."""

    answers: Counter[int] = field(default_factory=Counter)
    accepted: list[Reply] = field(default_factory=list)
    refused: list[Reply] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    problems: list[dict[str, Any]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: int, reply: Reply | None = None, body: bytes = b"") -> bool:
        """Whether the answer was 200 or 204."""
        good = status in (200, 204)
        with self.lock:
            self.answers[status] += 1
            if reply is not None:
                (self.accepted if good else self.refused).append(reply)
            if not good and len(self.problems) < 100:
                self.problems.append(json.loads(body or b"{}"))
        return good


def begin(wire: Wire, tally: Tally) -> str | None:
    """A new session; None where it was refused."""
    status, body = wire.ask("POST", "/v1/maintenance", {})
    if not tally.add(status, body=body):
        return None
    session_id = str(json.loads(body)["session_id"])
    with tally.lock:
        tally.sessions.append(session_id)
    return session_id


def reply(wire: Wire, tally: Tally, session_id: str, project: str) -> bool:
    """One project acknowledges MAINTENANCE; whether that was accepted."""
    status, body = wire.ask("PUT", f"/v1/maintenance/{session_id}/{project}", MAINTENANCE)
    return tally.add(status, (session_id, project, MAINTENANCE["state"]), body)


def accepted(wire: Wire, after: int) -> tuple[set[Reply], int]:
    """The replies that the journal has as accepted behind entry ``after``, and the last entry's number."""
    found: set[Reply] = set()
    while True:
        page = wire.get(f"/simulator/v1/journal?type=ReplyAccepted&limit=1000&after={after}")
        found.update((one["session_id"], one["project_id"], one["data"]["state"]) for one in page["entries"])
        if not page["entries"]:
            return found, int(page["next"])
        after = page["next"]


def known(wire: Wire) -> set[str]:
    """The ids of the sessions that the server has."""
    return {str(one["session_id"]) for one in wire.get("/simulator/v1/sessions")["sessions"]}


def percentile(values: Sequence[float], share: float) -> float:
    """The least value that so large a share of them does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
