"""What the journal says of a request: its texts without secrets, and no longer than anybody needs them."""

from __future__ import annotations

import time

from fenix_simulator.http.redaction import Redactor
from fenix_simulator.ports import Answered, Entry


class Recorder:
    """Makes entries of the kind ``request``; texts in them have ``limit`` characters at most."""

    def __init__(self, redactor: Redactor, limit: int) -> None:
        self._redactor = redactor
        self._limit = limit

    def shown(self, path: str, query: str = "") -> str:
        """Path and query as they may be shown."""
        return _cut(self._redactor.url(path, query), self._limit)

    def entry(
        self,
        method: str,
        shown_path: str,
        status: int | None,
        started: float,
        asked: bytes,
        answered: bytes,
        content_type: str,
        surface: str,
        session_id: str | None,
        project_id: str | None,
        fault: int | None = None,
    ) -> Entry:
        """The entry; ``started`` is ``time.perf_counter`` of the begin, ``asked`` and ``answered`` are the bodies,
        the other members are those of ``Answered`` and ``Entry``."""
        text = self._redactor.text
        data = Answered(
            method=text(method),
            path=shown_path,
            status=status,
            latency=time.perf_counter() - started,
            request_body=self._body(asked),
            response_body=self._body(answered),
            content_type=text(content_type),
            surface=surface,
            fault=fault,
        )
        return Entry(
            "request",
            "RequestAnswered",
            data,
            None if session_id is None else text(session_id),
            None if project_id is None else text(project_id),
        )

    def _body(self, body: bytes) -> str:
        if not body:
            return ""
        # Cut before it is worked on, with room for a secret that the cut would have split.
        near = body[: 4 * self._limit + 4096].decode("utf-8", "backslashreplace")
        return _cut(self._redactor.text(near), self._limit, len(body))


def _cut(text: str, limit: int, of_bytes: int | None = None) -> str:
    if len(text) <= limit:
        return text
    size = f", {of_bytes} bytes in all" if of_bytes is not None else ""
    return f"{text[:limit]}… (cut{size})"
