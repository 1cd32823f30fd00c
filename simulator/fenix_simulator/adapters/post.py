"""One attempt to POST an alarm: what is sent, how long it may take, and what came of it in a sentence."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from urllib3 import BaseHTTPResponse, Timeout
from urllib3.exceptions import (
    ConnectTimeoutError,
    NameResolutionError,
    NewConnectionError,
    ProtocolError,
    ReadTimeoutError,
    SSLError,
)

from fenix_simulator.adapters.guarded_pools import GuardedPools, StaleConnection
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
        self._timeout = Timeout(connect=connect_seconds, read=answer_seconds)
        self._pools = {
            trusted: GuardedPools(guard, trusted=trusted, connections=connections) for trusted in (False, True)
        }

    def post(self, alarm: Alarm, mishap: Mishap | None = None) -> Outcome:
        """Make one attempt, and let it go wrong as ``mishap`` says. Nothing is raised: whatever went wrong is in the
        outcome."""
        started = time.perf_counter()
        fields = {**_FIELDS, "x-openstack-request-id": alarm.request_id, "content-type": "application/json"}
        body: bytes | SpoiledBody = alarm.body
        if mishap is not None:
            fields["content-type"] = mishap.content_type or fields["content-type"]
            fields["content-length"] = str(len(alarm.body))
            body = SpoiledBody(alarm.body, mishap, self._closing.wait)
        status: int | None = None
        try:
            response = self._pools[alarm.trusted].urlopen(
                "POST",
                alarm.url,
                redirect=False,
                body=body,
                headers=fields,
                timeout=self._timeout,
                retries=False,
                preload_content=False,
                decode_content=False,
            )
            status = response.status
            _throw_away(response)
        except TargetRefused as error:
            return Outcome(None, error.message, time.perf_counter() - started, refused=True)
        except Exception as error:  # whatever it is, it belongs into the record of the attempt
            latency = time.perf_counter() - started
            return Outcome(status, self._explain(error, status), latency, stale=_is_stale(error))
        return Outcome(status, None, time.perf_counter() - started)

    def close(self) -> None:
        """Close the connections that are not in use, and let nothing drip any more."""
        self._closing.set()
        for pools in self._pools.values():
            pools.clear()

    def _explain(self, error: Exception, status: int | None) -> str:
        """What went wrong, for people."""
        cause = _cause(error)
        match error:
            case NameResolutionError():
                return f"the name of the host does not resolve: {getattr(cause, 'strerror', None) or cause}"
            case NewConnectionError():
                return f"no connection: {_reason(cause)}"
            case ConnectTimeoutError():
                return f"no connection within {self._connect_seconds:g} s"
            case ReadTimeoutError() if status is not None:
                return f"the answer did not end within {self._answer_seconds:g} s"
            case ReadTimeoutError():
                return f"no answer within {self._answer_seconds:g} s"
            case SSLError():
                return f"no TLS connection: {_reason(cause)}"
            case ProtocolError() if isinstance(cause, ConnectionError) and status is None:
                return "the connection was closed without an answer"
            case ProtocolError() if status is not None:
                return "the answer broke off"
            case ProtocolError():
                return f"the answer is not HTTP: {_reason(cause)}"
        return _reason(error)


def _throw_away(response: BaseHTTPResponse) -> None:
    """Read the body to its end, so that the connection can be used again, or close it when that is far away."""
    left = MAX_ANSWER
    while left and (read := response.read(left, decode_content=False)):
        left -= len(read)
    if not left:
        response.close()
    response.release_conn()


def _cause(error: Exception) -> BaseException:
    """The error that urllib3 wrapped."""
    if isinstance(error, ProtocolError | SSLError) and error.args and isinstance(error.args[-1], BaseException):
        return error.args[-1]
    return error.__cause__ or error


def _reason(error: BaseException) -> str:
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(str(text).split())[:300]


def _is_stale(error: Exception) -> bool:
    return isinstance(_cause(error), StaleConnection)
