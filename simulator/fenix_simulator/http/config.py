"""What the surfaces are told at the start."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

#: A whole cloud and its sessions, as ``PUT /simulator/v1/state`` takes them, may be much longer than a reply.
MAX_STATE_BYTES = 64 * 1024 * 1024


def _any_target(_url: str) -> None:
    """Refuses nothing; the composition root passes the guard's check."""


def _nothing_delivered() -> Mapping[str, int]:
    return {}


def _is_ready() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class HttpConfig:
    """The settings of the surfaces.

    Tokens are off unless ``admin_token`` or ``project_tokens`` (project → token) is given; once on, nothing but
    ``health`` and ``ready`` is answered without one.
    """

    version: str = "0"
    admin_token: str | None = field(default=None, repr=False)
    project_tokens: Mapping[str, str] = field(default_factory=dict, repr=False)
    max_body_bytes: int = 1024 * 1024
    max_state_bytes: int = MAX_STATE_BYTES
    #: Path and query together.
    max_url_chars: int = 8192
    max_headers: int = 100
    #: How much of a request's and an answer's body the journal keeps, in characters.
    max_recorded_chars: int = 16 * 1024
    #: How many requests the server answers at once; half of them may wait in the journal's long poll.
    server_threads: int = 16
    #: Called with each alarm URL that arrives; refuses it by a MaintenanceError.
    check_target: Callable[[str], None] = _any_target
    #: How many deliveries there were by outcome since the start, for ``/metrics``.
    delivery_counts: Callable[[], Mapping[str, int]] = _nothing_delivered
    #: Stands before ``/v1/maintenance`` in the URLs that projects are told; the project API is answered there, too.
    base_path: str | None = None
    is_ready: Callable[[], bool] = _is_ready
