"""Reading a request's body, always in the same order of complaints: 413, 415, 400, 422."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from flask import request

from fenix_simulator.http.problems import Problem

JSON = "application/json"

_Document = TypeVar("_Document")


def json_object(max_bytes: int | None = None) -> dict[str, Any]:
    """The body as a JSON object. ``max_bytes`` replaces the server's limit.

    Problems: 413 too long, 415 not JSON by its headers, 400 not JSON or no object. NaN, numbers without end and
    nesting without end are no JSON here; of two members of one name the last counts.
    """
    document = json_value(max_bytes)
    if type(document) is not dict:
        raise Problem(400, "the body is JSON, but no object", expected='a JSON object, like {"…": …}')
    return document


def json_value(max_bytes: int | None = None) -> Any:
    """The body as any JSON value. Problems: 413, 415, 400 as ``json_object`` says."""
    if max_bytes is not None:
        request.max_content_length = max_bytes
    body = request.get_data()
    _check_headers()
    return decoded(body)


def none(hint: str) -> None:
    """Problem 422 where there is a body, for views that would pass over what it says; ``hint`` is what would do."""
    if request.get_data():
        raise Problem(422, "no body is taken here", expected="a request without a body", hint=hint)


def typed(document_type: type[_Document]) -> _Document:
    """The body as that msgspec type. Problems: as ``json_object``, and 422 where the members do not fit."""
    return converted(json_object(), document_type)


def converted(document: Any, document_type: type[_Document], status: int = 422) -> _Document:
    """A JSON document as that msgspec type; Problem ``status`` says which member does not fit."""
    try:
        return msgspec.convert(document, document_type)
    except msgspec.ValidationError as error:
        raise Problem(status, "the body does not fit", errors=[str(error)]) from None


def decoded(body: bytes) -> Any:
    """The JSON value in ``body``; Problem 400 where it is none."""
    if not body.strip():
        raise Problem(400, "the body is empty", expected="a JSON object")
    try:
        return msgspec.json.decode(body)
    # ValueError: malformed, not UTF-8, or a number that nobody can mean.
    except (ValueError, RecursionError) as error:
        reason = "it is nested too deeply" if isinstance(error, RecursionError) else str(error)
        raise Problem(400, f"the body is not JSON: {reason}", expected="JSON in UTF-8 (RFC 8259)") from None


def _check_headers() -> None:
    charset = request.mimetype_params.get("charset", "utf-8").lower()
    coding = request.headers.get("Content-Encoding", "identity").lower()
    if request.mimetype == JSON and charset in ("utf-8", "utf8", "us-ascii") and coding == "identity":
        return
    said = request.headers.get("Content-Type")
    raise Problem(
        415,
        f"the body's content type is {said!r}" if said else "the body has no content type",
        expected=f"Content-Type: {JSON}, in UTF-8, not compressed",
        headers={"Accept": JSON},
    )
