"""What happened in a test, read from the simulator's journal: looked at, shown, and waited for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar, overload

from fenix_conformance.vnfm.journal import Entry, read_entries
from fenix_pytest.control import PAGE, Control
from fenix_pytest.lines import lines
from fenix_pytest.monotonic import monotonic

Found = TypeVar("Found")

#: Seconds of one long poll; the server allows 60.
_POLL = 20.0
#: Entries that a failure shows.
_TOLD = 25


class NotSeen(AssertionError):
    """What a test waited for did not happen in time, or cannot happen any more; the message has what did happen."""


class History(Sequence[Entry]):
    """The journal's entries since the test began, oldest first; read anew whenever it is looked at.

    Entries of sessions of earlier tests, which a VNFM that is late may still cause, are left out.
    """

    def __init__(self, control: Control, after: int, foreign: frozenset[str], names: Mapping[str, str]) -> None:
        self._control = control
        self._next = after
        self._foreign = foreign
        self._names = names
        self._entries: list[Entry] = []

    def __len__(self) -> int:
        return len(self.entries())

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries())

    @overload
    def __getitem__(self, index: int) -> Entry: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Entry]: ...

    def __getitem__(self, index: int | slice) -> Entry | Sequence[Entry]:
        return self.entries()[index]

    def entries(
        self, *, kind: str | None = None, entry_type: str | None = None, session_id: str | None = None
    ) -> tuple[Entry, ...]:
        """The entries, of one kind (``event``, ``delivery``, ``request`` …), type or session where asked."""
        self._read(0.0)
        return tuple(
            entry
            for entry in self._entries
            if kind in (None, entry.kind)
            and entry_type in (None, entry.type)
            and session_id in (None, entry.session_id)
        )

    def lines(self) -> list[str]:
        """The entries for people, one line each."""
        return lines(self, self._names)

    def show(self) -> None:
        """Print the entries for people; pytest shows them where the test fails, or with ``-s``."""
        sys.stdout.write("\n".join(["", *self.lines(), ""]))

    def wait_for(
        self,
        look: Callable[[Sequence[Entry]], Found | None],
        timeout: float,
        what: str,
        hopeless: Callable[[Sequence[Entry]], str | None] = lambda _: None,
    ) -> Found:
        """What ``look`` finds in the entries (anything true), looked for whenever there are new ones.

        ``timeout`` is in seconds. ``hopeless`` gives the reason why it cannot come any more. Raises NotSeen.
        """
        __tracebackhide__ = True
        deadline = monotonic() + timeout
        self._read(0.0)
        while True:
            found = look(self._entries)
            if found:
                return found
            reason = hopeless(self._entries)
            if reason:
                raise NotSeen(self.told(f"{what} did not come: {reason}"))
            left = deadline - monotonic()
            if left <= 0:
                raise NotSeen(self.told(f"{what} did not come within {timeout:g} s"))
            self._read(min(left, _POLL))

    def told(self, sentence: str) -> str:
        """The sentence, and below it what did happen."""
        known = self.lines()
        cut = [f"       … {len(known) - _TOLD} earlier entries"] if len(known) > _TOLD else []
        return "\n".join([sentence, "what did happen:", *cut, *(known[-_TOLD:] or ["       nothing at all"])])

    def _read(self, wait: float) -> None:
        """Take in what is new, waiting for it up to ``wait`` seconds."""
        more = True
        while more:
            rows, self._next = self._control.journal(self._next, wait)
            self._entries.extend(entry for entry in read_entries(rows) if entry.session_id not in self._foreign)
            more = len(rows) == PAGE
