"""The recording HTTP client: each request is sent once, on a connection of its own, and kept with its answer."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urljoin, urlsplit

import urllib3

from fenix_conformance.results import Evidence, EvidenceKind

#: Statuses of a redirect that keeps (or, by old habit, may keep) the method.
REDIRECTS: Final = frozenset({301, 302, 307, 308})

#: So many seconds after its answer a server may still be busy with a reply.
_AFTERMATH: Final = 0.3

#: No answer is longer than this in a report.
_SHOWN: Final = 4_000


class Unreachable(Exception):
    """The server under test could not be reached at all; the message says how it was tried."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer. ``sent`` and ``answered`` are monotonic seconds; ``status`` None: no answer came.

    ``redirects`` are the statuses of redirects between the two forms of the path that were followed. ``in_company``:
    it was sent while another PUT of this run had not been answered, or only just.
    """

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    sent: float
    answered: float
    at: datetime
    status: int | None
    answer_headers: Mapping[str, str] = field(default_factory=dict)
    answer_body: bytes = b""
    error: str = ""
    note: str = ""
    redirects: tuple[int, ...] = ()
    in_company: bool = False

    @property
    def seconds(self) -> float:
        """How long the answer took."""
        return self.answered - self.sent

    @property
    def is_refused(self) -> bool:
        """Whether the status is 4xx."""
        return self.status is not None and 400 <= self.status < 500

    @property
    def is_accepted(self) -> bool:
        """Whether the status is 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def is_busy(self) -> bool:
        """Whether the server had no time for it because of another request: that is for reply-concurrent alone."""
        return self.in_company and self.status in (429, 503)

    @property
    def outcome(self) -> str:
        """The status in words, for messages."""
        return self.error or f"{self.status}" if self.status is None else str(self.status)

    @property
    def content_type(self) -> str:
        """The media type of the answer, lower case, without parameters."""
        return self.header("content-type").partition(";")[0].strip().lower()

    def header(self, name: str) -> str:
        """A header of the answer, "" when it has none; names are compared without regard to case."""
        for other, value in self.answer_headers.items():
            if other.lower() == name.lower():
                return value
        return ""

    def json(self) -> Any:
        """The answer's body as JSON whatever its content type; ValueError when it is none."""
        return json.loads(self.answer_body)

    @property
    def evidence(self) -> Evidence:
        """For the report."""
        return Evidence(
            EvidenceKind.REQUEST,
            self.at,
            note="; ".join(part for part in (self.note, self.error) if part),
            method=self.method,
            url=self.url,
            headers=dict(self.headers),
            body=None if self.body is None else _text(self.body),
            status=self.status,
            answer_headers=dict(self.answer_headers),
            answer_body=_text(self.answer_body) if self.answer_body else None,
            seconds=self.seconds,
        )


def _text(body: bytes) -> str:
    text = body.decode("utf-8", "replace")
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}… ({len(body)} bytes in all)"


def without_slash(url: str) -> str:
    """The URL without a slash at the end of its path."""
    parts = urlsplit(url)
    return parts._replace(path=parts.path.rstrip("/")).geturl()


def with_slash(url: str) -> str:
    """The URL with one slash at the end of its path."""
    parts = urlsplit(url)
    return parts._replace(path=parts.path.rstrip("/") + "/").geturl()


def other_form(url: str) -> str:
    """The same place with the slash at the end of the path, or without it."""
    return without_slash(url) if urlsplit(url).path.endswith("/") else with_slash(url)


class Client:
    """Sends requests and records them. Never retries, never follows a redirect but one of the slash."""

    def __init__(self, token: str | None = None, timeout: float = 30.0) -> None:
        self._pool = urllib3.PoolManager(retries=False, maxsize=1, num_pools=4)
        self._timeout = timeout
        self._lock = threading.Lock()
        self._puts = self._open_puts = 0
        self._last_put = -_AFTERMATH
        self._common = {"Accept": "application/json", "Connection": "close", "User-Agent": "fenix-conformance"}
        if token:
            self._common["X-Auth-Token"] = token

    def send(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        content_type: str | None = "application/json",
        note: str = "",
        timeout: float | None = None,
        follow: bool = True,
    ) -> Exchange:
        """Send one request. With ``follow`` a redirect to the other form of the same path is followed once."""
        exchange = self._send(method, url, body, content_type, note, timeout or self._timeout)
        if follow and exchange.status in REDIRECTS:
            target = urljoin(url, exchange.header("location"))
            if without_slash(target) == without_slash(url):
                final = self._send(method, target, body, content_type, note, timeout or self._timeout)
                return replace(final, sent=exchange.sent, at=exchange.at, redirects=(exchange.status or 0,))
        return exchange

    def send_json(self, method: str, url: str, document: Any, *, note: str = "") -> Exchange:
        """Send a JSON body."""
        return self.send(method, url, body=json.dumps(document).encode(), note=note)

    def _send(
        self, method: str, url: str, body: bytes | None, content_type: str | None, note: str, timeout: float
    ) -> Exchange:
        headers = dict(self._common)
        if body is not None and content_type is not None:
            headers["Content-Type"] = content_type
        at, sent = datetime.now(UTC), time.monotonic()
        status: int | None = None
        answer_headers: dict[str, str] = {}
        answer_body, error = b"", ""
        with self._lock:
            in_company = self._open_puts > 0 or sent - self._last_put < _AFTERMATH
            self._open_puts += method == "PUT"
            self._puts += method == "PUT"
            number = self._puts
        try:
            # A connection for each request: a kept one that the server closes at that very moment would look like
            # a fault of the server.
            answer = self._pool.request(
                method,
                url,
                body=body,
                headers=headers,
                redirect=False,
                timeout=urllib3.Timeout(connect=5, read=timeout),
            )
            status, answer_headers, answer_body = answer.status, dict(answer.headers), answer.data
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as failure:
            error = _reason(failure, timeout)
        finally:
            with self._lock:
                in_company = in_company or self._puts > number
                if method == "PUT":
                    self._open_puts -= 1
                    self._last_put = time.monotonic()
        answered = time.monotonic()
        return Exchange(
            method,
            url,
            headers,
            body,
            sent,
            answered,
            at,
            status,
            answer_headers,
            answer_body,
            error,
            note,
            in_company=in_company,
        )


def _reason(failure: Exception, timeout: float) -> str:
    if isinstance(failure, urllib3.exceptions.ReadTimeoutError):
        return f"no answer within {timeout:g} s"
    if isinstance(failure, urllib3.exceptions.ConnectTimeoutError):
        return "no connection within 5 s"
    if isinstance(failure, urllib3.exceptions.NewConnectionError):
        return "connection refused"
    return f"no answer: {type(failure).__name__}: {failure}"
