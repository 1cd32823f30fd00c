"""The suite's side of a simulator's control API: begin sessions, hold them, read the journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from fenix_vnfm.client import JsonClient

_PREFIX: Final = "/simulator/v1"
_TIMEOUT: Final = 10.0


class ControlLost(Exception):
    """The simulator did not do what was asked; the message is one line."""


@dataclass(frozen=True, slots=True)
class Page:
    """Entries of the journal as JSON has them; ``next`` is where to go on, ``first`` the oldest that is kept."""

    rows: tuple[Mapping[str, Any], ...]
    next: int
    first: int


@dataclass(frozen=True, slots=True)
class Project:
    """A project of the inventory and how many instances it has now."""

    project_id: str
    name: str
    instances: int


class Control:
    """Every method raises ControlLost."""

    def __init__(self, url: str) -> None:
        self._base = url.rstrip("/") + _PREFIX
        self._client = JsonClient()

    def projects(self) -> tuple[Project, ...]:
        """The inventory's projects, in its order."""
        listed = self._ask("GET", "/projects")["projects"]
        return tuple(Project(one["project_id"], one["name"], one["instances"]) for one in listed)

    def begin(self) -> tuple[str, ...]:
        """Begin the scenario's sessions; gives the ids of all, also of those that begin later."""
        return tuple(self._ask("POST", "/sessions")["session_ids"])

    def pause(self, session_id: str) -> None:
        """Hold a session where it is; one that is over is left alone."""
        self._client.request("POST", f"{self._base}/sessions/{quote(session_id, safe='')}/pause")

    def journal(self, after: int, wait: float = 0.0) -> Page:
        """The entries after ``after``, as soon as there is one, at the latest after ``wait`` seconds."""
        answer = self._ask("GET", f"/journal?after={after}&wait={wait:.3f}", wait + _TIMEOUT)
        return Page(tuple(answer["entries"]), answer["next"], answer["first"])

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()

    def _ask(self, method: str, path: str, timeout: float = _TIMEOUT) -> dict[str, Any]:
        exchange = self._client.request(method, self._base + path, timeout=timedelta(seconds=timeout))
        answer = exchange.json() if exchange.accepted else None
        if not isinstance(answer, dict):
            said = " ".join(exchange.body[:300].decode(errors="replace").split())
            raise ControlLost(f"{exchange}{said and f', {said}'}")
        return answer
