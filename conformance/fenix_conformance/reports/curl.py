"""A command line that sends a piece of evidence again, exactly."""

from __future__ import annotations

import re
import shlex
from typing import Final

from fenix_conformance.results import Evidence, EvidenceKind, Result, Role, redacted

#: Headers that curl sets by itself, or that belong to the connection.
_OWN_HEADERS: Final = frozenset(
    {"host", "content-length", "transfer-encoding", "accept-encoding", "connection", "user-agent"}
)
_ESCAPES: Final = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\t": "\\t"}


def curl_line(evidence: Evidence) -> str:
    """One line for a POSIX-like shell (bash, zsh, ksh); empty for a note. Credentials are replaced by ``***``."""
    if evidence.kind is EvidenceKind.NOTE or not evidence.method or not evidence.url:
        return ""
    words = ["curl", "-i"]
    if re.search(r"[][{}]", evidence.url):
        words.append("-g")  # otherwise curl takes brackets for a range
    if re.search(r"/\.{1,2}(?:[/?#]|$)", evidence.url):
        words.append("--path-as-is")
    words += _method(evidence)
    words += _headers(evidence)
    body = evidence.body
    if body is not None and "\x00" in body:
        # No argument of a program can contain a NUL.
        source = " ".join(["printf", "%b", _quote(_printf(body))])
        return f"{source} | {_joined([*words, '--data-binary', '@-', evidence.url])}"
    if body is not None:
        # --data-raw: a body that begins with @ is a body, not a file's name.
        words += ["--data-raw", body]
    return _joined([*words, evidence.url])


def decisive_curl(result: Result) -> str:
    """The command line to show first: the last request that the result rests on, else the last alarm, else "".

    Where a VNFM is judged the alarm comes first: what it sent can only be sent again by itself.
    """
    kinds = (EvidenceKind.REQUEST, EvidenceKind.ALARM)
    for kind in reversed(kinds) if result.role is Role.VNFM else kinds:
        for piece in reversed(result.evidence):
            line = curl_line(piece) if piece.kind is kind else ""
            if line:
                return line
    return ""


def _method(evidence: Evidence) -> list[str]:
    if evidence.method == "HEAD":
        return ["--head"]  # -X HEAD waits for a body that never comes
    if evidence.method == "GET" and evidence.body is None:
        return []
    return ["-X", evidence.method]


def _headers(evidence: Evidence) -> list[str]:
    shown = {name: value for name, value in redacted(evidence.headers).items() if name.lower() not in _OWN_HEADERS}
    words: list[str] = []
    for name, value in shown.items():
        # A name with a colon alone removes a header; with a semicolon it is sent empty.
        words += ["-H", f"{name}: {value}" if value.strip() else f"{name};"]
    if evidence.body is not None and "content-type" not in {name.lower() for name in shown}:
        words += ["-H", "Content-Type:"]  # otherwise curl says it is a form
    return words


def _joined(words: list[str]) -> str:
    return " ".join(_quote(word) for word in words)


def _quote(word: str) -> str:
    """Quoted for the shell, in printable characters only, so that it survives copying."""
    if word.isprintable():
        return shlex.quote(word)
    return "$'" + "".join(_ESCAPES.get(char) or _bytes(char) for char in word) + "'"


def _printf(text: str) -> str:
    escapes = {"\\": "\\\\", "\n": "\\n", "\t": "\\t"}
    return "".join(escapes.get(char) or _bytes(char, "\\0{:03o}") for char in text)


def _bytes(char: str, form: str = "\\x{:02x}") -> str:
    if char.isprintable():
        return char
    return "".join(form.format(byte) for byte in char.encode("utf-8", "surrogatepass"))
