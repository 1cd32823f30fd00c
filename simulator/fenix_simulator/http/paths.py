"""How paths are matched: both forms of the trailing slash, and ids that may have a slash in them."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response
from werkzeug.routing import PathConverter


class IdConverter(PathConverter):
    """``<id:…>``: an opaque id. WSGI hands on a ``/`` that was percent-encoded as one; none begins or ends an id."""

    regex = r"[^/](?:.*[^/])?"


class PlainIdConverter(IdConverter):
    """``<plain_id:…>``: an id on its own, where ``<id:…>/move`` is another path."""

    regex = r"(?!.*/move$)" + IdConverter.regex


def both_slashes(surface: Blueprint, path: str, view: Callable[..., Response], method: str) -> None:
    """Serve ``path`` with and without ``/`` at its end, without a redirect from one to the other."""
    for rule in (path, f"{path}/"):
        surface.add_url_rule(rule, view_func=view, methods=[method])
