"""Reading the journal of a running server, by the control API's pages and its long poll."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import msgspec
import urllib3

from fenix_simulator.domain.errors import MaintenanceError
from fenix_simulator.ports import Filter, JournalError, Recorded

#: Seconds of one long poll; the control API takes up to a minute.
_WAIT = 30.0
#: Seconds until a server that is busy is asked again.
_PAUSE = 1.0
#: Seconds for everything that is not waited for on purpose.
_PATIENCE = 10.0


class ServerGone(MaintenanceError):
    """The server answers no more."""


class _Page(msgspec.Struct):
    entries: list[Recorded]
    next: int
    first: int
    last: int


class HttpJournalReader:
    """The journal of the server at ``url``. ``first``, ``last``, ``read`` and ``wait`` are as in ``ports.Journal``.

    ``token`` is the administrator's, where tokens are on. Raises JournalError where nobody answers at first, or not as
    this API does, and ServerGone where that stops.
    """

    def __init__(self, url: str, token: str | None = None) -> None:
        self._url = url.rstrip("/")
        self._headers = {"X-Auth-Token": token} if token else {}
        self._pool = urllib3.PoolManager(retries=False)
        self._met = False
        self._last, self._busy = 0, False
        self.first = self._ask(0, 1).first
        self._met = True

    def read(self, after: int = 0, limit: int = 1000, only: Filter = Filter()) -> list[Recorded]:
        """Entries with a number greater than ``after``, oldest first."""
        return self._ask(after, limit, only).entries

    def wait(self, after: int, timeout: float) -> bool:
        """Wait until an entry with a number greater than ``after`` exists; False when the time ran out."""
        came = self._ask(after, 1, wait=min(timeout, _WAIT)).last > after
        if not came and self._busy:
            # Too many wait there already: it answered at once, and says to come back.
            threading.Event().wait(min(timeout, _PAUSE))
        return came

    @property
    def last(self) -> int:
        """The newest number, 0 when empty."""
        return self._ask(self._last, 1).last

    def close(self) -> None:
        """Let the connection go."""
        self._pool.clear()

    def _ask(self, after: int, limit: int, only: Filter = Filter(), wait: float = 0.0) -> _Page:
        asked: list[tuple[str, str]] = [("after", str(after)), ("limit", str(limit)), ("wait", f"{wait:g}")]
        asked += [("kind", kind) for kind in sorted(only.kinds)]
        asked += [("type", one) for one in sorted(only.types)]
        named = {"session_id": only.session_id, "project_id": only.project_id}
        asked += [(name, value) for name, value in named.items() if value is not None]
        try:
            answer = self._pool.request(
                "GET",
                f"{self._url}/simulator/v1/journal",
                fields=asked,
                headers=self._headers,
                redirect=False,
                timeout=urllib3.Timeout(connect=_PATIENCE, read=wait + _PATIENCE),
            )
        except (urllib3.exceptions.HTTPError, ValueError) as error:
            if self._met:
                raise ServerGone(f"{self._url}: the server answers no more") from error
            raise JournalError(f"{self._url}: no server answers there ({_reason(error)})") from error
        if answer.status != 200:
            raise self._refused(answer.status, answer.data)
        try:
            page = msgspec.json.decode(answer.data, type=_Page)
        except msgspec.MsgspecError as error:
            raise JournalError(f"{self._url}: what answers there is no fenix-simulator") from error
        self._last, self._busy = max(page.last - 1, 0), "Retry-After" in answer.headers
        return page

    def _refused(self, status: int, body: bytes) -> JournalError:
        if status in (401, 403):
            return JournalError(
                f"{self._url}: the journal is the administrator's ({status})",
                hint="give --token TOKEN, the server's --admin-token",
            )
        try:
            document: Mapping[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        except msgspec.MsgspecError:
            document = {}
        said = document.get("detail") or "what answers there is no fenix-simulator"
        return JournalError(f"{self._url}: {status}: {said}")


def _reason(error: Exception) -> str:
    cause = getattr(error, "reason", None) or error
    words = str(cause).rpartition(": ")[2]
    return words.rpartition("] ")[2].rstrip(")") or type(error).__name__  # without its [Errno 111]
