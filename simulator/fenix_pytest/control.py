"""The plugin's side of the simulator's HTTP surfaces: one way for a server in this process and one in its own."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote, urlencode

from fenix_vnfm import JsonClient

_PREFIX: Final = "/simulator/v1"
_TIMEOUT: Final = 10.0
#: Entries in one answer: the most that the server gives.
PAGE: Final = 10_000


class SimulatorRefused(Exception):
    """The simulator did not do what the test asked for; the message has its own words."""


class Control:
    """Requests that must be answered 2xx; every method raises SimulatorRefused. Safe to share between threads."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.client = JsonClient(timeout=timedelta(seconds=_TIMEOUT))

    def get(self, path: str, timeout: float = _TIMEOUT, **query: object) -> Any:
        """GET a path of the control API."""
        asked = f"?{urlencode(query)}" if query else ""
        return self.ask("GET", f"{_PREFIX}{path}{asked}", timeout=timeout)

    def post(self, path: str, body: object = None) -> Any:
        """POST to a path of the control API."""
        return self.ask("POST", f"{_PREFIX}{path}", body)

    def ask(self, method: str, path: str, body: object = None, timeout: float = _TIMEOUT) -> Any:
        """Any request of any surface; the answer decoded, None where it is empty."""
        exchange = self.client.request(method, self.url + path, body, timedelta(seconds=timeout))
        answer = exchange.json()
        if not exchange.accepted:
            raise SimulatorRefused(_words(str(exchange), answer))
        return answer

    def journal(self, after: int, wait: float = 0.0) -> tuple[list[dict[str, Any]], int]:
        """The entries after that number, as soon as there is one, at the latest after ``wait`` seconds; and the number
        to go on after."""
        answer = self.get("/journal", wait + _TIMEOUT, after=after, wait=f"{wait:.3f}", limit=PAGE)
        return answer["entries"], answer["next"]

    def last(self) -> int:
        """The number of the journal's newest entry."""
        return int(self.get("/journal", limit=1)["last"])

    def clear(self) -> None:
        """No sessions, the cloud and the faults of the scenario, and nobody subscribed."""
        self.post("/reset")
        for alarm in self.ask("GET", "/v2/alarms"):
            self.ask("DELETE", f"/v2/alarms/{quote(alarm['alarm_id'], safe='')}")

    def close(self) -> None:
        """Close the kept connections."""
        self.client.close()


def _words(request: str, answer: Any) -> str:
    """The request and, where the answer is a problem document, what it says."""
    if not isinstance(answer, Mapping):
        return request
    parts = [request, str(answer.get("detail", ""))]
    parts += [str(error) for error in answer.get("errors", ())]
    parts += [f"{name}: {answer[name]}" for name in ("expected", "hint") if answer.get(name)]
    return "; ".join(part for part in parts if part)
