"""Text of strangers made fit to be shown.

What a server answers ends up on a terminal, in XML and in HTML. Control characters would steer the terminal or make
the XML invalid, marks of writing direction would let a line read as something else, lone surrogates cannot be written
as UTF-8 at all. All of them are shown as Python would write them: ``\\x1b``, ``\\u202e``, ``\\ud800``.
"""

from __future__ import annotations

import re
from typing import Final

#: C0 (but tab and line feed), C1, line and paragraph separators, direction marks, the byte order mark, surrogates and
#: the two code points that XML 1.0 leaves out.
_UNFIT: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff\ufffe\uffff]"
)
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def visible(text: str) -> str:
    """The text with everything that cannot be seen written as an escape; tab and line feed stay."""
    return _UNFIT.sub(_escape, text)


def one_line(text: str) -> str:
    """Like ``visible``, in a single line: every run of white space becomes one space."""
    return " ".join(visible(text).split())


def well_formed(text: str, backslash: str = "\\") -> str:
    """The text with lone surrogates written as escapes, so that it has a form in UTF-8; nothing else is touched.

    Where the text is JSON already, ``backslash`` has to be two of them.
    """
    return _SURROGATE.sub(lambda match: backslash + _escape(match)[1:], text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
