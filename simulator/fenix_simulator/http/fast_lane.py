"""The project's list and reply where there is nothing unusual about them, answered before Flask has begun.

A request that this module does not answer is answered by the application as if this module were not there; a test
shows that it makes no difference which of the two answers. So whatever is refused, fails, or could be read in more
than one way is handed on: the surfaces' own modules stay the only ones that say what is wrong with a request.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec
from flask import Flask

from fenix_simulator.domain.rules import Behaviour, Dialect
from fenix_simulator.http.needs import Faults
from fenix_simulator.http.project import Validator
from fenix_simulator.http.recording import Count
from fenix_simulator.http.web import Web
from fenix_simulator.ports import Entry
from fenix_simulator.reply_round import GivenReply

#: What a server may hand to this module at most; where the surfaces' own limits are narrower there is no fast lane.
MAX_FIELDS = 20
MAX_URL_CHARS = 512
MAX_BODY_BYTES = 64 * 1024

_EXTENSION = "fenix_simulator.fast_lane"

#: No percent-encoding, and nothing that a secret could be taken out of.
_ID = "([A-Za-z0-9._~-]+)"


class Asked(Protocol):
    """A plain request: no query; a PUT's body is said to be JSON in UTF-8, a GET has none."""

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def content_type(self) -> str: ...
    @property
    def body(self) -> bytes: ...


class FastLane:
    """Answers plain lists and replies: what it gives is the body of a 200 in JSON, counted and in the journal; None
    where the application shall answer, and then nothing has changed. Safe to use from any thread."""

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

    def answers(self, asked: Sequence[Asked]) -> list[bytes | None]:
        """Answer several with one commit to the journal; None also for a reply that would have to wait for another or
        to lead its session on. Waits for nobody but the journal."""
        bodies: list[bytes | None] = [None] * len(asked)
        replies: list[tuple[int, GivenReply]] = []
        lists: list[tuple[int, Entry]] = []
        for number, one in enumerate(asked):
            answer = self._list(one) if one.method == "GET" else self._reply(one)
            if answer is not None:
                bodies[number], told = answer
                if isinstance(told, Entry):
                    lists.append((number, told))
                else:
                    replies.append((number, told))
        try:
            taken = self._service.reply_together([one for _, one in replies], [entry for _, entry in lists])
        except Exception:
            return [None] * len(asked)  # each is tried again by itself, and what is wrong is said there
        for (number, _), is_taken in zip(replies, taken, strict=True):
            if not is_taken:
                bodies[number] = None
        for one, body in zip(asked, bodies, strict=True):
            if body is not None:
                self._count("project", one.method, 200)
        return bodies

    def answer(self, asked: Asked) -> bytes | None:
        """Answer one, however long that has to wait for others."""
        answer = self._list(asked) if asked.method == "GET" else self._reply(asked)
        if answer is None:
            return None
        body, told = answer
        try:
            if isinstance(told, Entry):
                self._service.journal.append([told], self._service.clock.now())
            else:
                taken_along = self._service.reply(
                    told.session_id, told.project_id, told.state, told.instance_actions, answered=told.answered
                )
                if not taken_along:
                    self._service.journal.append([told.answered], self._service.clock.now())
        except Exception:
            # What was refused is refused again, and what was taken is taken as a repetition.
            return None
        self._count("project", asked.method, 200)
        return body

    def _list(self, asked: Asked) -> tuple[bytes, Entry] | None:
        started = time.perf_counter()
        place = self._place(asked.path)
        if place is None or self._is_touched("list"):
            return None
        session_id, project_id = place.groups()
        body = self._service.ready_list(session_id, project_id)
        return None if body is None else (body, self._entry(asked, started, body, session_id, project_id))

    def _reply(self, asked: Asked) -> tuple[bytes, GivenReply] | None:
        started = time.perf_counter()
        place = self._place(asked.path)
        if place is None or self._is_touched("reply"):
            return None
        session_id, project_id = place.groups()
        try:
            document = msgspec.json.decode(asked.body)
            if type(document) is not dict or not self._validator.is_valid(document):
                return None
            accepted = {name: document[name] for name in ("instance_actions", "state") if name in document}
            body = msgspec.json.encode(accepted)
        except Exception:
            return None  # the application says what is wrong with it
        state, actions = document["state"], document.get("instance_actions")
        entry = self._entry(asked, started, body, session_id, project_id)
        return body, GivenReply(session_id, project_id, state, actions, entry)

    def _entry(self, asked: Asked, started: float, body: bytes, session_id: str, project_id: str) -> Entry:
        shown = self._shown(asked.path)
        return self._recorder.entry(
            *(asked.method, shown, 200, started, asked.body, body, asked.content_type, "project"),
            *(session_id, project_id),
        )

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
