"""What every surface is given, and how they answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from flask import Response

from fenix_simulator.http.bodies import JSON
from fenix_simulator.http.config import HttpConfig
from fenix_simulator.http.needs import Service
from fenix_simulator.http.recorder import Recorder


@dataclass(frozen=True, slots=True)
class Web:
    """The service behind a surface, the server's settings, and what the journal says of a request."""

    service: Service
    config: HttpConfig
    recorder: Recorder


def answer(document: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """``document`` (records, mappings, lists, text, numbers, instants) as JSON."""
    return Response(_encoder.encode(document), status, headers, content_type=JSON)


def nothing() -> Response:
    """204: done, and nothing to tell."""
    response = Response(status=204)
    del response.headers["Content-Type"]
    return response


def _plain(value: Any) -> Any:
    """msgspec writes ``dict`` only; a record's mapping may be a read-only view."""
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


_encoder = msgspec.json.Encoder(enc_hook=_plain)
