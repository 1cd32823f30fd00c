"""The project's list and reply where there is nothing unusual about them, answered before Flask has begun.

A request that this module does not answer is answered by the application as if this module were not there; a test
shows that it makes no difference which of the two answers. So whatever is refused, fails, or could be read in more
than one way is handed on: the surfaces' own modules stay the only ones that say what is wrong with a request.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import msgspec
from flask import Flask

from fenix_simulator.domain.rules import Behaviour, Dialect
from fenix_simulator.http.needs import Faults
from fenix_simulator.http.project import Validator
from fenix_simulator.http.recording import Count
from fenix_simulator.http.web import Web

#: What a server may hand to this module at most; where the surfaces' own limits are narrower there is no fast lane.
MAX_FIELDS = 20
MAX_URL_CHARS = 512
MAX_BODY_BYTES = 64 * 1024

_EXTENSION = "fenix_simulator.fast_lane"

#: No percent-encoding, and nothing that a secret could be taken out of.
_ID = "([A-Za-z0-9._~-]+)"


class FastLane:
    """Answers plain lists and replies. Safe to use from any thread."""

    def __init__(self, web: Web, validator: Validator, count: Count) -> None:
        """``validator`` is that of the contract's Reply."""
        prefix = web.config.base_path or ""
        self._service = web.service
        self._faults: Faults | None = getattr(web.service, "faults", None)
        self._validator = validator
        self._recorder = web.recorder
        self._shown = web.recorder.shown
        self._count = count
        self._place = re.compile(f"(?:{re.escape(prefix)})?/v1/maintenance/{_ID}/{_ID}/?", re.ASCII).fullmatch

    def list(self, path: str, content_type: str) -> bytes | None:
        """The body of the answer (200, JSON) to a GET without a body or query, counted and in the journal; None where
        it is not for this module. Waits for nobody but the journal."""
        started = time.perf_counter()
        place = self._place(path)
        if place is None or self._is_touched("list"):
            return None
        session_id, project_id = place.groups()
        body = self._service.ready_list(session_id, project_id)
        if body is None:
            return None
        entry = self._recorder.entry(
            "GET", self._shown(path), 200, started, b"", body, content_type, "project", session_id, project_id
        )
        try:
            self._service.journal.append([entry], self._service.clock.now())
        except Exception:
            return None  # the application tries again, and says what is wrong
        self._count("project", "GET", 200)
        return body

    def reply(self, path: str, content_type: str, sent: bytes) -> bytes | None:
        """The body of the answer (200, JSON) to a PUT of ``sent``, as JSON in UTF-8, without a query; the reply is
        taken, counted and in the journal. None where it is not for this module, and then nothing has changed."""
        started = time.perf_counter()
        place = self._place(path)
        if place is None or self._is_touched("reply"):
            return None
        session_id, project_id = place.groups()
        try:
            document = msgspec.json.decode(sent)
            if type(document) is not dict or not self._validator.is_valid(document):
                return None
            accepted = {name: document[name] for name in ("instance_actions", "state") if name in document}
            body = msgspec.json.encode(accepted)
            entry = self._recorder.entry(
                "PUT", self._shown(path), 200, started, sent, body, content_type, "project", session_id, project_id
            )
            taken_along = self._service.reply(
                session_id, project_id, document["state"], document.get("instance_actions"), answered=entry
            )
            if not taken_along:
                self._service.journal.append([entry], self._service.clock.now())
        except Exception:
            # What was refused is refused again, and what was taken is taken as a repetition.
            return None
        self._count("project", "PUT", 200)
        return body

    def reply_at_once(self, path: str, content_type: str, sent: bytes) -> bytes | None:
        """As ``reply``, and None also where it would have to wait for another or to lead the session on."""
        place = self._place(path)
        if place is None:
            return None
        with self._service.unhindered(place[1], place[2]) as is_free:
            return self.reply(path, content_type, sent) if is_free else None

    def _is_touched(self, operation: str) -> bool:
        return self._faults is not None and self._faults.touches(operation)


def register(app: Flask, web: Web, validator: Callable[[], Validator], count: Count) -> None:
    """Keep a fast lane beside ``app``, where lists and replies are what the published API says and nobody has to show
    a token; ``validator`` gives that of the contract's Reply."""
    service, config = web.service, web.config
    narrow = (
        config.max_headers < MAX_FIELDS
        or config.max_url_chars < MAX_URL_CHARS
        or config.max_body_bytes < MAX_BODY_BYTES
    )
    tokens = config.admin_token is not None or bool(config.project_tokens)
    usual = service.behaviour is Behaviour.STRICT and service.dialect is Dialect.MAP
    if usual and not tokens and not narrow:
        app.extensions[_EXTENSION] = FastLane(web, validator(), count)


def of(app: Flask) -> FastLane | None:
    """The fast lane beside ``app``, where there is one."""
    lane: FastLane | None = app.extensions.get(_EXTENSION)
    return lane
