"""What the project's end sends: requests with JSON bodies over kept connections, each with its answer on record.

A URL is used as it was given, byte for byte. Redirects are followed on the same scheme, host and port only, so that the
token goes nowhere else.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from fenix_vnfm.transport import Transport, TransportError

_MAX_REDIRECTS = 3
#: Answers after which the same request may work a little later: too many, or the server's own trouble.
_PASSING = frozenset({408, 425, 429})
#: RFC 3986 has no blanks, control characters or letters outside ASCII; they must not get into a request's head.
_WRITABLE = re.compile(r"[!-~]+")
TOKEN_HEADER = "X-Auth-Token"  # noqa: S105  # a header's name


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer, or why there is none.

    ``sent`` is an aware UTC instant, ``seconds`` the time until the answer was there. ``status`` is None where no
    answer came, ``error`` says why; ``barred`` means that the request was not sent, or that its answer was not
    followed, by our own rules. The token is not in ``request_headers``.
    """

    method: str
    url: str
    sent: datetime
    seconds: float
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    error: str | None = None
    barred: bool = False

    @property
    def accepted(self) -> bool:
        """Whether the answer is 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def may_pass(self) -> bool:
        """Whether the same request may work when it is sent again: no answer, 5xx, 408, 425 or 429."""
        if self.status is None:
            return not self.barred
        return self.status >= 500 or self.status in _PASSING

    @property
    def retry_after(self) -> timedelta:
        """What the answer's Retry-After asks for (whole seconds only), zero where it asks for nothing."""
        text = self.headers.get("retry-after", "")
        return timedelta(seconds=int(text)) if text.isascii() and text.isdigit() and len(text) < 7 else timedelta()

    def json(self) -> Any:
        """The answer's body decoded, or None where it is not JSON."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    def __str__(self) -> str:
        """One line for people."""
        outcome = ", ".join(str(part) for part in (self.status, self.error) if part is not None)
        return f"{self.method} {self.url}: {outcome}"


class JsonClient:
    """Sends requests with JSON bodies and never raises for what the other side does; safe to share between threads.

    ``hosts`` limits where requests may go (``host`` or ``host:port``); None allows any. ``timeout`` bounds connecting
    and each wait for bytes.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        hosts: frozenset[str] | None = None,
        timeout: timedelta = timedelta(seconds=5),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._headers = {"Accept": "application/json", "User-Agent": "fenix-vnfm"}
        self._token = token
        self._hosts = hosts
        self._timeout = timeout
        self._now = now
        self._transport = Transport()

    def request(
        self,
        method: str,
        url: str,
        body: object = None,
        timeout: timedelta | None = None,
        *,
        headers: Mapping[str, str] | None = None,
    ) -> Exchange:
        """Send one request; ``body`` is encoded as JSON unless it is None, bytes are sent as they are. ``headers`` are
        sent beside the usual ones, or instead of those with the same name in whatever case."""
        usual = dict(self._headers)
        data = b""
        if body is not None:
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            usual["Content-Type"] = "application/json"
        own = headers or {}
        replaced = {name.lower() for name in own}
        full = {**{name: value for name, value in usual.items() if name.lower() not in replaced}, **own}
        sent, start = self._now(), time.monotonic()
        limit = (timeout or self._timeout).total_seconds()
        outcome = self._follow(method, url, full, data, limit)
        return Exchange(method, url, sent, time.monotonic() - start, full, data, **outcome)

    def close(self) -> None:
        """Close the kept connections."""
        self._transport.close()

    def _follow(self, method: str, url: str, headers: dict[str, str], data: bytes, timeout: float) -> dict[str, Any]:
        """The members of the exchange that come of it."""
        full = {**headers, TOKEN_HEADER: self._token} if self._token else headers
        for _ in range(_MAX_REDIRECTS + 1):
            parts = self._permitted(url)
            if isinstance(parts, str):
                return {"error": parts, "barred": True}
            try:
                answer = self._transport.send(method, parts, full, data, timeout)
            except TransportError as error:
                return {"error": str(error), "barred": not error.sent}
            outcome = {"status": answer.status, "headers": answer.headers, "body": answer.body}
            location = answer.headers.get("location")
            if location is None or answer.status not in (301, 302, 307, 308):
                return outcome
            target = _joined(url, location)
            if target is None:
                return {**outcome, "error": f"it redirects to another place: {location}", "barred": True}
            url = target
        return {"error": f"more than {_MAX_REDIRECTS} redirects", "barred": True}

    def _permitted(self, url: str) -> SplitResult | str:
        """The URL in parts, or why it is not asked."""
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError as error:
            return f"{url!r} is not a URL: {error}"
        if parts.scheme not in ("http", "https") or not host or not _WRITABLE.fullmatch(url):
            return f"{url!r} is not an http or https URL"
        if self._hosts is not None and not self._hosts & {host, f"{host}:{port}"}:
            return f"requests to {host} are not allowed"
        return parts


class FenixClient(JsonClient):
    """The two requests of the project API, on the URLs that an alarm carries."""

    def list_instances(self, url: str, timeout: timedelta | None = None) -> Exchange:
        """GET the list of the project's instances; see ``listed_instances``."""
        return self.request("GET", url, timeout=timeout)

    def send_reply(self, url: str, reply: Mapping[str, Any], timeout: timedelta | None = None) -> Exchange:
        """PUT a reply, an object as ``decide`` gives it."""
        return self.request("PUT", url, dict(reply), timeout)


def listed_instances(exchange: Exchange) -> tuple[str, ...] | None:
    """The instance ids of a list's answer, in its order; None where the answer is no such list."""
    answer = exchange.json() if exchange.accepted else None
    ids = answer.get("instance_ids") if isinstance(answer, dict) else None
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        return None
    return tuple(dict.fromkeys(ids))


def _joined(url: str, location: str) -> str | None:
    """Where a redirect leads, None where that is not on the same scheme, host and port."""
    try:
        target = urljoin(url, location)
        return target if _origin(target) == _origin(url) else None
    except ValueError:
        return None


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
