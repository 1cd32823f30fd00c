"""Several servers behind one front: which of them a session lives in can be told from its id alone.

The id's first hexadecimal digit, modulo the number of servers, plus one. So a router needs one regular expression for
each server (``Shard.digits``), and nobody has to remember anything: docs/scaling.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

#: The first digit of an id tells no more of them apart.
MOST = 16

_SHARD = re.compile(r"([0-9]{1,4})/([0-9]{1,4})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shard:
    """Server ``number`` (from 1) of ``count``; the only one of one where nothing is said."""

    number: int = 1
    count: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """The shard that ``i/n`` means. ValueError for anything else."""
        match = _SHARD.fullmatch(text)
        if match is None:
            raise ValueError(f"--shard {text!r} is no i/n, such as 1/4 for the first of four servers")
        number, count = int(match[1]), int(match[2])
        if not 1 <= count <= MOST:
            raise ValueError(f"--shard {text}: there can be 1 to {MOST} servers, and not {count}")
        if not 1 <= number <= count:
            raise ValueError(f"--shard {text}: the servers are numbered from 1/{count} to {count}/{count}")
        return cls(number, count)

    def owns(self, session_id: str) -> bool:
        """Whether the session with that id (a UUID in lower case, or anything with such a beginning) lives here."""
        return session_id != "" and session_id[0] in self.digits()

    def digits(self) -> str:
        """The first digits of this server's session ids: ``048c`` for 1/4."""
        return "0123456789abcdef"[self.number - 1 :: self.count]

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"


def parse_public_url(text: str) -> str:
    """The origin (scheme, host and port) at which others reach the server, without a slash at its end.

    ValueError for anything else; a path is the base path's matter.
    """
    match = re.fullmatch(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+)(?::([0-9]{1,5}))?/?", text, re.ASCII)
    if match is None:
        raise ValueError(
            "--public-url takes http:// or https://, a host and perhaps a port, such as http://127.0.0.1:8080; "
            "a path before /v1/maintenance goes with --base-path"
        )
    if match[3] is not None and not 1 <= int(match[3]) <= 65535:
        raise ValueError(f"--public-url {text}: ports are 1 to 65535")
    return text.removesuffix("/")
