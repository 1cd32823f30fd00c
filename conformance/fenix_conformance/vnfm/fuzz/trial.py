"""One made-up scenario, played and judged. The next simulator starts meanwhile and is given its scenario when it is
known."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fenix_conformance.results import Outcome
from fenix_conformance.selection import Selection
from fenix_conformance.vnfm.fuzz.drawing import Document
from fenix_conformance.vnfm.fuzz.written import text_of
from fenix_conformance.vnfm.interruption import Interruption
from fenix_conformance.vnfm.journal import Recording, read_entries
from fenix_conformance.vnfm.judge import judge
from fenix_conformance.vnfm.knocking import refusal
from fenix_conformance.vnfm.options import Options
from fenix_conformance.vnfm.programme import Part
from fenix_conformance.vnfm.stage import Stage
from fenix_conformance.vnfm.subject_process import SubjectProcess
from fenix_vnfm.receiver import AlarmReceiver

#: What a made-up scenario is called in a report.
NAME: Final = "made-up"
#: How a sentence of the judge ends: of no use where there is only one scenario.
_WHERE: Final = f" (scenario {NAME})"


class SubjectGone(Exception):
    """The VNFM does not listen any more, and nobody can start it again."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What came of a scenario: the rules that were not kept with a sentence each, and its journal."""

    document: Document
    broken: Mapping[str, str]
    recording: Recording


class Trials:
    """Plays documents one after another against the VNFM; usable as a context manager. Equal ones are played once.

    With a command the VNFM is started for the first of them, and anew after each that it failed: what a failure left
    behind in it must not show in the next.
    """

    def __init__(self, options: Options, selection: Selection, interruption: Interruption) -> None:
        """Starts the command and the first simulator. Raises CommandInvalid, SubjectLost, Interrupted."""
        self._options = options
        self._selection = selection
        self._interruption = interruption
        self._closing = ExitStack()
        self._known: dict[str, Trial] = {}
        self._is_spoiled = False
        self._receiver = self._closing.enter_context(AlarmReceiver(keep=1))
        self._subject = self._start_subject()
        self._next = self._prepare()

    def __enter__(self) -> Trials:
        return self

    def __exit__(self, *_: object) -> None:
        self._next.close()
        self._closing.close()

    @property
    def played(self) -> int:
        """How many scenarios were really played."""
        return len(self._known)

    def knows(self, document: Document) -> bool:
        """Whether that one was."""
        return text_of(document) in self._known

    @property
    def can_restart(self) -> bool:
        """Whether the VNFM can be started anew."""
        return self._subject is not None

    def play(self, document: Document, *, again: bool = False) -> Trial:
        """Play and judge. ``again`` plays even what was played before.

        Raises SubjectGone, StageBroken, Interrupted, SubjectLost.
        """
        text = text_of(document)
        if not again and text in self._known:
            return self._known[text]
        self._interruption.check()
        self._look_after_subject()
        stage, self._next = self._next, self._prepare()
        try:
            stage.feed(text)
            played = stage.play(lambda: None)
        finally:
            stage.close()
        recording = Recording(NAME, read_entries(played.rows), frozenset({played.own}))
        trial = Trial(document, self._broken(recording), recording)
        self._is_spoiled = bool(trial.broken)
        self._known[text] = trial
        return trial

    def _broken(self, recording: Recording) -> Mapping[str, str]:
        result = judge([recording], self._selection, subject="", started=datetime.now(UTC), seconds=0.0)
        wrong = (Outcome.FAIL, Outcome.ERROR)
        return {row.id: row.message.removesuffix(_WHERE) for row in result.results if row.outcome in wrong}

    def _prepare(self) -> Stage:
        return Stage(Part("-", NAME, self._options.max_wait), self._options, self._receiver, self._interruption)

    def _start_subject(self) -> SubjectProcess | None:
        options = self._options
        if options.command is None:
            return None
        subject = SubjectProcess(options.command, options.address, options.start_timeout, self._interruption)
        self._closing.callback(subject.stop)
        subject.start()
        return subject

    def _look_after_subject(self) -> None:
        if self._subject is not None and self._is_spoiled:
            self._subject.start_again()
        elif reason := refusal(self._options.address):
            if self._subject is None:
                raise SubjectGone(f"nobody listens at {self._options.url}: {reason}")
            self._subject.start_again()
        self._is_spoiled = False


#: Is told of each trial: how many there were, and what it found.
OnTrial = Callable[[int, Trial], None]
