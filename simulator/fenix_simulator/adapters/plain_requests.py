"""Requests that can be read in one way only: their head, without a parser.

What is taken for plain is far less than what HTTP allows, and a request that is not plain is no worse for it: waitress
reads it. So there is nothing here that could be read otherwise there: one line, fields that are known, each once, with
a value in visible ASCII; no query, no percent-encoding, no body but one of a given length.
"""

from __future__ import annotations

import re
from functools import lru_cache

#: Limits of what is plain.
MAX_HEAD_BYTES = 2_048
MAX_FIELDS = 20
MAX_PATH_CHARS = 512
MAX_BODY_BYTES = 64 * 1024

#: Clients send the same fields again and again.
_KEPT = 1_024

_LINE = re.compile(rb"(GET|PUT) (/[A-Za-z0-9/._~-]+) HTTP/1\.1")
_FIELD = re.compile(rb"([A-Za-z0-9-]+): ([!-~](?:[ -~]*[!-~])?)")

#: Fields by what may be their value.
_ANY = re.compile(rb".*")
_FIELDS = {
    b"host": re.compile(rb"[A-Za-z0-9.-]+(?::[0-9]{1,5})?"),
    b"connection": re.compile(rb"(?i)keep-alive"),
    b"content-type": re.compile(rb"(?i)application/json(?: ?; ?charset=utf-8)?"),
    b"content-length": re.compile(rb"[1-9][0-9]{0,4}"),
    **dict.fromkeys(
        (
            *(b"accept", b"accept-charset", b"accept-encoding", b"accept-language", b"authorization", b"cache-control"),
            *(b"pragma", b"traceparent", b"user-agent", b"x-auth-token", b"x-openstack-request-id", b"x-request-id"),
        ),
        _ANY,
    ),
}


class PlainRequest:
    """A plain request that has come whole; ``data`` is all of it, ``content_type`` is as it was sent. It stands among
    the requests that waitress read."""

    __slots__ = ("body", "content_type", "data", "method", "path")

    def __init__(self, method: str, path: str, content_type: str, body: bytes, data: bytes) -> None:
        self.method = method
        self.path = path
        self.content_type = content_type
        self.body = body
        self.data = data

    def close(self) -> None:
        """Nothing is open."""


def read(data: bytes) -> PlainRequest | int | None:
    """The plain request that ``data`` is, if it is one and no more than that. If it is the begin of one, whose head is
    whole: how many bytes are missing. Else None."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end or len(head) > MAX_HEAD_BYTES:
        return None
    line, _, rest = head.partition(b"\r\n")
    asked = _LINE.fullmatch(line)
    fields = _fields(rest)
    if asked is None or fields is None or len(asked[2]) > MAX_PATH_CHARS:
        return None
    length, content_type = fields
    has_body = asked[1] == b"PUT"
    if bool(length) != has_body or (has_body and not content_type) or len(body) > length:
        return None
    if len(body) < length:
        return length - len(body)
    return PlainRequest(asked[1].decode(), asked[2].decode(), content_type, body, data)


@lru_cache(_KEPT)
def _fields(lines: bytes) -> tuple[int, str] | None:
    """The length of the body and its type as these fields say them; None where they are not plain."""
    values: dict[bytes, str] = {}
    fields = lines.split(b"\r\n")
    if len(fields) > MAX_FIELDS:
        return None
    for field in fields:
        said = _FIELD.fullmatch(field)
        name = said[1].lower() if said is not None else b""
        fits = _FIELDS.get(name)
        if said is None or fits is None or name in values or fits.fullmatch(said[2]) is None:
            return None
        values[name] = said[2].decode("ascii")
    length = int(values.get(b"content-length", "0"))
    if b"host" not in values or length > MAX_BODY_BYTES:
        return None
    return length, values.get(b"content-type", "")
