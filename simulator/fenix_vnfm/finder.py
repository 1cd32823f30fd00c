"""Finding the cloud of the Fenix that an alarm came from: a simulator has its control API where its replies go."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import urlsplit

from fenix_vnfm.client import JsonClient
from fenix_vnfm.cloud import PREFIX, Cloud, CloudClient

#: Gives the cloud of the Fenix that a reply's URL leads to; None where it has none.
FindCloud = Callable[[str], Cloud | None]

_FORGET_ABSENCE = 5.0
_ORIGINS_REMEMBERED = 64
_PATIENCE = timedelta(seconds=1)


@dataclass(slots=True)
class _Origin:
    lock: threading.Lock = field(default_factory=threading.Lock)
    cloud: CloudClient | None = None
    absent_until: float = 0.0


class CloudFinder:
    """Looks for a control API at the origin of the URL it is called with: ``GET <origin>/simulator/v1/health``.

    An origin is asked once and what is found is remembered; that there is nothing is remembered for a few seconds, and
    not at all where the answer was that it is busy. Several simulators on different ports are kept apart. ``token`` is
    for the control API; the question whether there is one goes out without it. ``hosts`` is as ``JsonClient`` has it.
    """

    def __init__(
        self,
        *,
        token: str | None = None,
        hosts: frozenset[str] | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._asking = JsonClient(hosts=hosts, timeout=_PATIENCE)
        self._client = JsonClient(token=token, hosts=hosts)
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._origins: OrderedDict[str, _Origin] = OrderedDict()

    def __call__(self, url: str) -> Cloud | None:
        """The cloud at the origin of ``url``; None where there is none, or it may not be asked."""
        base = _origin(url)
        if base is None:
            return None
        origin = self._remembered(base)
        with origin.lock:
            if origin.cloud is None and self._monotonic() >= origin.absent_until:
                self._ask(base, origin)
            return origin.cloud

    def close(self) -> None:
        """Close the kept connections."""
        self._asking.close()
        self._client.close()

    def _ask(self, base: str, origin: _Origin) -> None:
        exchange = self._asking.request("GET", f"{base}{PREFIX}/health")
        answer = exchange.json() if exchange.accepted else None
        if isinstance(answer, dict) and isinstance(answer.get("status"), str):
            origin.cloud = CloudClient(base, client=self._client)
        elif exchange.status is None or not exchange.may_pass:
            origin.absent_until = self._monotonic() + _FORGET_ABSENCE

    def _remembered(self, base: str) -> _Origin:
        with self._lock:
            origin = self._origins.setdefault(base, _Origin())
            self._origins.move_to_end(base)
            while len(self._origins) > _ORIGINS_REMEMBERED:
                self._origins.popitem(last=False)
        return origin


def _origin(url: str) -> str | None:
    """Scheme, host and port of a URL, in the form of a URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    place = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{place}" if parts.scheme in ("http", "https") and place else None
