"""One attempt to POST an alarm: what is sent, how long it may take, and what came of it in a sentence."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPException, HTTPResponse, IncompleteRead
from ssl import SSLError

from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util import parse_url

from fenix_simulator.adapters.guarded_pools import GuardedPools, StaleConnection, Target
from fenix_simulator.adapters.spoiled_posts import SpoiledBody
from fenix_simulator.adapters.target_guard import TargetGuard, TargetRefused
from fenix_simulator.ports import Alarm, Mishap

#: Seconds for a TCP connection, and again for the TLS handshake.
CONNECT_SECONDS = 5.0

#: Seconds for the whole answer: a manager may list its instances and reply before it answers the alarm.
ANSWER_SECONDS = 30.0

#: Bytes of an answer's body that are read, to be thrown away, before the connection is closed instead.
MAX_ANSWER = 65_536

#: As Aodh's own request has them.
_FIELDS = {"accept": "*/*", "accept-encoding": "gzip, deflate", "user-agent": "fenix-simulator"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an attempt.

    ``status`` is None where no answer came, and then ``error`` says why. Both are set when the answer's body did not
    end. ``latency`` is in seconds. ``refused``: the guard does not let anybody connect there. ``stale``: a connection
    kept open had been closed by the other side, which says nothing about the alarm.
    """

    status: int | None
    error: str | None
    latency: float
    refused: bool = False
    stale: bool = False

    @property
    def taken(self) -> bool:
        """Whether the subscriber answered 2xx."""
        return self.status is not None and 200 <= self.status < 300


class Poster:
    """POSTs alarms over connections that are kept open. Any number of threads may use it at once."""

    def __init__(
        self,
        guard: TargetGuard,
        *,
        answer_seconds: float = ANSWER_SECONDS,
        connect_seconds: float = CONNECT_SECONDS,
        connections: int = 64,
    ) -> None:
        """``answer_seconds`` is for the whole answer; ``connections`` are kept open to a target at most."""
        self._answer_seconds = answer_seconds
        self._connect_seconds = connect_seconds
        self._closing = threading.Event()
        self._pools = {
            trusted: GuardedPools(guard, trusted=trusted, connections=connections, connect_seconds=connect_seconds)
            for trusted in (False, True)
        }

    def post(self, alarm: Alarm, mishap: Mishap | None = None) -> Outcome:
        """Make one attempt, and let it go wrong as ``mishap`` says. Nothing is raised: whatever went wrong is in the
        outcome."""
        started = time.perf_counter()
        reached = _Reached()
        try:
            self._exchange(alarm, mishap, reached)
        except TargetRefused as error:
            return Outcome(None, error.message, time.perf_counter() - started, refused=True)
        except Exception as error:  # whatever it is, it belongs into the record of the attempt
            latency = time.perf_counter() - started
            stale = isinstance(error, StaleConnection)
            return Outcome(reached.status, self._explain(error, reached), latency, stale=stale)
        return Outcome(reached.status, None, time.perf_counter() - started)

    def _exchange(self, alarm: Alarm, mishap: Mishap | None, reached: _Reached) -> None:
        address = _address(alarm.url)
        pools = self._pools[alarm.trusted]
        connection = pools.take(address.target)
        try:
            if mishap is None:
                request = b"%b%b\r\nContent-Length: %d\r\n\r\n%b" % (
                    address.head,
                    alarm.request_id.encode("ascii"),
                    len(alarm.body),
                    alarm.body,
                )
                answer = connection.exchange(request, self._answer_seconds)
            else:
                body = SpoiledBody(alarm.body, mishap, self._closing.wait)
                connection.spoil(address.path, body, _spoiled_fields(alarm, mishap))
                answer = connection.answer(self._answer_seconds)
            reached.status = answer.status
            stays = answer.rest is None or (_throw_away(answer.rest) and not answer.rest.will_close)
        except BaseException:
            connection.close()
            raise
        if stays and mishap is None:
            pools.give_back(address.target, connection)
        else:
            connection.close()

    def close(self) -> None:
        """Close the connections that are not in use, and let nothing drip any more."""
        self._closing.set()
        for pools in self._pools.values():
            pools.clear()

    def _explain(self, error: Exception, reached: _Reached) -> str:
        """What went wrong, for people."""
        status = reached.status
        match error:
            case NameResolutionError():
                cause = error.__cause__
                return f"the name of the host does not resolve: {getattr(cause, 'strerror', None) or cause}"
            case NewConnectionError():
                return f"no connection: {_reason(error.__cause__ or error)}"
            case ConnectTimeoutError():
                return f"no connection within {self._connect_seconds:g} s"
            case TimeoutError() if status is not None:
                return f"the answer did not end within {self._answer_seconds:g} s"
            case TimeoutError():
                return f"no answer within {self._answer_seconds:g} s"
            case SSLError():
                return f"no TLS connection: {_reason(error)}"
            case OSError() | HTTPException() if status is not None:
                return "the answer broke off"
            case ConnectionError():
                return "the connection was closed without an answer"
            case OSError() | HTTPException():
                return f"the answer is not HTTP: {_reason(error)}"
        return _reason(error)


@dataclass(slots=True)
class _Reached:
    """How far an attempt has come: the answer's status, once it is there."""

    status: int | None = None


@dataclass(frozen=True, slots=True)
class _Address:
    """What an alarm's URL comes to: where to connect, and what stands before the request id in each POST."""

    target: Target
    path: str
    head: bytes


@lru_cache(1_024)
def _address(url: str) -> _Address:
    """Errors: ValueError for what is no http or https URL (urllib3's is one)."""
    parsed = parse_url(url)
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ValueError("the alarm URL is no absolute http or https URL")
    default = 443 if parsed.scheme == "https" else 80
    port = parsed.port or default
    host = parsed.host if port == default else f"{parsed.host}:{port}"
    path = parsed.request_uri
    if any(character <= " " or character > "~" for character in path + host):
        raise ValueError("the alarm URL has characters that no request may have")
    fields = {"Host": host, **_FIELDS, "content-type": "application/json"}
    head = f"POST {path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    target = parsed.scheme, parsed.host.strip("[]"), port
    return _Address(target, path, head.encode("ascii") + b"x-openstack-request-id: ")


def _spoiled_fields(alarm: Alarm, mishap: Mishap) -> dict[str, str]:
    return {
        **_FIELDS,
        "x-openstack-request-id": alarm.request_id,
        "content-type": mishap.content_type or "application/json",
        "content-length": str(len(alarm.body)),
    }


def _throw_away(response: HTTPResponse) -> bool:
    """Read the body; False where its end is so far away that the connection is better closed. Errors: IncompleteRead
    where it does not come."""
    left = MAX_ANSWER
    while left and (read := response.read(left)):
        left -= len(read)
    missing = response.length
    response.close()
    if left and missing:
        raise IncompleteRead(b"", missing)
    return left > 0


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:300]
