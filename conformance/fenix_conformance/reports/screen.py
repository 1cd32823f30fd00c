"""Lines on a terminal or in a log, whatever its encoding and whatever is in them."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from fenix_conformance.reports.escaping import visible
from fenix_conformance.results import Outcome

#: The style of each outcome's word. NO_COLOR and pipes are rich's to respect.
STYLES = {
    Outcome.PASS: "green",
    Outcome.FAIL: "bold red",
    Outcome.ERROR: "bold magenta",
    Outcome.WARN: "yellow",
    Outcome.UNTESTABLE: "yellow",
    Outcome.NOT_APPLICABLE: "dim",
}


class Screen:
    """Prints lines of styled parts; each part is a text, or a text and its style."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console()

    def line(self, *parts: str | tuple[str, str], crop: bool = False) -> None:
        """Print one line. It is never folded; with ``crop`` a terminal shows what fits, a log all of it."""
        text = Text()
        for part in parts:
            words, style = (part, "") if isinstance(part, str) else part
            text.append(self.fit(words), style)
        if crop and self.console.is_terminal:
            text.truncate(max(20, self.console.width), overflow="ellipsis")
        self.console.print(text, soft_wrap=True, markup=False, highlight=False)

    def fit(self, text: str) -> str:
        """The text in characters that this console's encoding has, and none that would steer it."""
        encoding = self.console.encoding
        return visible(text).encode(encoding, "backslashreplace").decode(encoding)
