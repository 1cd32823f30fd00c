"""The demo's look: a live table of hosts with a running story on a terminal, plain lines elsewhere."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fenix_simulator.demo.story import Line, Story

_STYLES = {"state": "bold", "alarm": "cyan", "reply": "green", "move": "magenta", "host": "yellow", "fault": "red"}
_COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red", "white", "bright_cyan", "bright_green")
_MOST_HOSTS = 16


class Screen(Protocol):
    """Where the story is told."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def show(self, lines: Iterable[Line]) -> None:
        """Tell what happened; the story stands as it is after the last of the lines."""
        ...


class PlainScreen:
    """One line for each thing, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to put away."""

    def show(self, lines: Iterable[Line]) -> None:
        """Print the lines."""
        for line in lines:
            self._console.print(f"{line.seconds:7.2f} s  {line.text}", markup=False, highlight=False, soft_wrap=True)


class LiveScreen:
    """The hosts, what is on them, and the newest lines of the story."""

    def __init__(self, console: Console, story: Story, height: int = 14) -> None:
        self._story = story
        self._newest: deque[Line] = deque(maxlen=height)
        self._colours = {project: _COLOURS[number % len(_COLOURS)] for number, project in enumerate(story.parts)}
        self._live = Live(console=console, auto_refresh=False, transient=False)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def show(self, lines: Iterable[Line]) -> None:
        """Draw the hosts and the newest lines anew."""
        self._newest.extend(lines)
        told = [
            Text(f"{line.seconds:7.2f} s  {line.text}", style=_STYLES[line.kind], no_wrap=True, overflow="ellipsis")
            for line in self._newest
        ]
        self._live.update(Group(self._hosts(), *told), refresh=True)

    def _hosts(self) -> Table:
        story = self._story
        table = Table(expand=False, header_style="bold", caption=self._legend(), caption_justify="left")
        for heading in ("host", "state", "instances"):
            table.add_column(heading, no_wrap=True)
        for number, (host, there) in enumerate(story.hosts.items()):
            if number == _MOST_HOSTS:
                table.add_row(f"and {len(story.hosts) - number} more", "", "")
                break
            blocks = Text()
            for one in there:
                blocks.append("■ ", style=self._colours.get(story.owner.get(one, ""), "white"))
            table.add_row(host, story.host_states[host], blocks)
        return table

    def _legend(self) -> Text:
        legend = Text()
        for project, colour in list(self._colours.items())[:8]:
            legend.append("■ ", style=colour)
            legend.append(f"{self._story.names.project(project)}  ")
        return legend


def summary(console: Console, story: Story) -> None:
    """The end of the story, and each project's part in it."""
    console.print()
    for sentence in story.summary():
        console.print(sentence, markup=False, highlight=False, soft_wrap=True)
    table = Table(header_style="bold")
    for heading in ("project", "alarms", "replies", "slowest", "moved", "its VNFM"):
        numbers = heading not in ("project", "its VNFM")
        table.add_column(heading, justify="right" if numbers else "left", no_wrap=heading != "its VNFM")
    for part in list(story.parts.values())[:20]:
        slowest = f"{part.slowest:.2f} s" if part.replies else "-"
        table.add_row(part.name, str(part.alarms), str(part.replies), slowest, str(part.moved), story.verdict(part))
    console.print(table)
