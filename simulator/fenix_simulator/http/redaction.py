"""Keeps secrets out of what is recorded and logged: headers are never recorded, and texts pass through here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote

REDACTED = "[redacted]"

#: Members of a query whose value is a secret by its name, whoever's it is.
_QUERY = re.compile(r"(?i)([?&;][\w.-]*(?:token|password|passwd|secret|api_?key|authorization)[\w.-]*=)[^&;#\s\"'\\]*")
#: The user name and password of a URL.
_USERINFO = re.compile(r"(://)[^/?#@\s\"'\\]+@")


class Redactor:
    """Takes the server's own tokens, and what looks like a credential in a URL, out of a text."""

    def __init__(self, secrets: Iterable[str]) -> None:
        spelled = {
            spelling
            for secret in secrets
            if secret
            for spelling in (secret, quote(secret, safe=""), json.dumps(secret)[1:-1])
        }
        # The longest first: one token may be the beginning of another.
        self._secrets = sorted(spelled, key=len, reverse=True)

    def text(self, text: str) -> str:
        """``text`` with every secret replaced."""
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, REDACTED)
        if "=" in text:
            text = _QUERY.sub(rf"\1{REDACTED}", text)
        if "@" in text:
            text = _USERINFO.sub(rf"\1{REDACTED}@", text)
        return text
