"""Keeps secrets out of what is recorded and logged: headers are never recorded, and texts pass through here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from urllib.parse import quote, quote_plus, unquote_plus

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
            for spelling in (
                secret,
                quote(secret),
                quote(secret, safe=""),
                quote_plus(secret),
                json.dumps(secret)[1:-1],
            )
        }
        # The longest first: one token may be the beginning of another.
        self._secrets = sorted(spelled, key=len, reverse=True)

    def url(self, path: str, query: str) -> str:
        """Path and query; where the query spells one of the server's tokens, in whatever way, it is left out whole."""
        if not query:
            return self.text(path)
        decoded = unquote_plus(query)
        if any(secret in decoded for secret in self._secrets):
            return self.text(path) + "?" + REDACTED
        return self.text(f"{path}?{query}")

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
