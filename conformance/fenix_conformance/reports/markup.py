"""HTML in which nothing can be left unescaped: text becomes markup by ``element`` only, and that escapes it."""

from __future__ import annotations

import html
from typing import Final

from fenix_conformance.reports.escaping import visible

_VOID: Final = frozenset({"meta", "link", "input", "br"})


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


Child = str | None
Attribute = str | int | bool | None


def element(tag: str, /, *children: Child, **attributes: Attribute) -> Markup:
    """An element. Children that are not ``Markup`` are escaped; None is left out.

    Attributes: ``class_`` is ``class``, ``_`` is ``-``; True is an attribute without a value, False and None are none.
    """
    opening = tag + "".join(_attribute(key, value) for key, value in attributes.items())
    if tag in _VOID:
        return Markup(f"<{opening}>")
    inner = "".join(escape(child) for child in children if child is not None)
    return Markup(f"<{opening}>{inner}</{tag}>")


def escape(text: str) -> Markup:
    """The text as HTML; markup stays as it is."""
    return text if isinstance(text, Markup) else Markup(html.escape(visible(text)))


def joined(*parts: Child) -> Markup:
    """Parts one after another."""
    return Markup("".join(escape(part) for part in parts if part is not None))


def _attribute(key: str, value: Attribute) -> str:
    name = key.rstrip("_").replace("_", "-")
    if value is None or value is False:
        return ""
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'
