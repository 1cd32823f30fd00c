"""A whole run against a VNFM: plays the scenarios one after another, and has their journals judged."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

from fenix_conformance.results import RunResult
from fenix_conformance.selection import Selection
from fenix_conformance.vnfm import kept
from fenix_conformance.vnfm.interruption import Interrupted, Interruption
from fenix_conformance.vnfm.journal import Recording, read_entries
from fenix_conformance.vnfm.judge import judge
from fenix_conformance.vnfm.knocking import refusal
from fenix_conformance.vnfm.options import Options, rerun_command
from fenix_conformance.vnfm.programme import Part
from fenix_conformance.vnfm.stage import Played, Stage
from fenix_conformance.vnfm.subject_process import SubjectProcess
from fenix_vnfm.receiver import AlarmReceiver


class Unreachable(Exception):
    """Nobody listens where the alarms are to go; the message is one line."""


@dataclass(frozen=True, slots=True)
class Listener:
    """Is told how a run goes on, from any thread: the name of a scenario that begins, and of one that is over with the
    seconds it took, and what whoever looks on should know now."""

    begins: Callable[[str], None] = lambda _: None
    ends: Callable[[str, float], None] = lambda _, __: None
    notes: Callable[[str], None] = lambda _: None


@dataclass(frozen=True, slots=True)
class Run:
    """What was played and what was found: ``played`` in the order of the programme, ``facts`` in sentences."""

    result: RunResult
    played: tuple[Played, ...]
    facts: tuple[str, ...]


def judge_vnfm(
    options: Options,
    parts: Sequence[Part],
    selection: Selection,
    listener: Listener = Listener(),
    interruption: Interruption | None = None,
) -> Run:
    """Play the parts of a programme against the VNFM, and judge it.

    Raises CommandInvalid for a command that cannot be run, Unreachable and SubjectLost where there is no
    VNFM, StageBroken where the suite itself failed, Interrupted when it was told to stop, OSError where a journal
    cannot be kept.
    """
    interruption = interruption or Interruption()
    started, clock = datetime.now(UTC), time.monotonic()
    interruption.check()
    with ExitStack() as leaving:
        theatre = _Theatre(options, listener, interruption, leaving)
        theatre.play(parts)
    played = tuple(theatre.played[part.name] for part in parts if part.name in theatre.played)
    recordings = [_recording(options, one, theatre.facts_of(one.part.name)) for one in played]
    result = judge(
        recordings,
        selection,
        subject=options.url,
        started=started,
        seconds=time.monotonic() - clock,
        rerun=lambda requirement: rerun_command(options, requirement, strict=selection.strict),
    )
    return Run(result, played, tuple(fact for _, fact in theatre.facts))


def _recording(options: Options, played: Played, facts: Sequence[str]) -> Recording:
    name = played.part.name
    closing = kept.closing_row(len(played.rows) + 1, name, [played.own], options.url, facts)
    rows = [*played.rows, closing]
    if options.keep_journals is not None:
        kept.keep(options.keep_journals, name, rows)
    return Recording(name, read_entries(rows), frozenset({played.own}))


class _Theatre:
    """Plays the parts, each on a stage of its own, ``jobs`` at a time; the next simulator starts meanwhile."""

    def __init__(self, options: Options, listener: Listener, interruption: Interruption, leaving: ExitStack) -> None:
        self.played: dict[str, Played] = {}
        #: Facts with the scenario that they came before or after.
        self.facts: list[tuple[str, str]] = []
        self._options = options
        self._listener = listener
        self._interruption = interruption
        self._leaving = leaving
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(options.jobs)
        self._failure: BaseException | None = None
        self._receiver = leaving.enter_context(AlarmReceiver(keep=1))
        self._subject = self._start_subject()

    def facts_of(self, name: str) -> list[str]:
        """What is to be known of one scenario."""
        return [fact for scenario, fact in self.facts if scenario == name]

    def play(self, parts: Sequence[Part]) -> None:
        """Play them all. Raises the first failure of any of them."""
        threads: list[threading.Thread] = []
        ahead: Stage | None = None
        try:
            for number, part in enumerate(parts):
                stage, ahead = ahead or self._stage(part), None
                self._turns.acquire()
                if self._is_to_stop() or not self._subject_is_there(parts[number:]):
                    break
                self._listener.begins(part.name)
                thread = threading.Thread(target=self._perform, args=(stage, number == 0), name=part.name, daemon=True)
                thread.start()
                threads.append(thread)
                if number + 1 < len(parts):
                    ahead = self._stage(parts[number + 1])
            for thread in threads:
                thread.join()
        finally:
            if self._failure is None and any(thread.is_alive() for thread in threads):
                self._interruption.interrupt()
            for thread in threads:
                thread.join()
        if self._failure is not None:
            raise self._failure
        self._interruption.check()

    # -- one part ----------------------------------------------------------------------------------------------------

    def _stage(self, part: Part) -> Stage:
        stage = Stage(part, self._options, self._receiver, self._interruption)
        self._leaving.callback(stage.close)
        return stage

    def _perform(self, stage: Stage, is_first: bool) -> None:
        turn = _Once(self._turns.release)
        try:
            played = stage.play(turn, may_be_late=not self._is_mute())
            with self._lock:
                self.played[stage.part.name] = played
            self._listener.ends(stage.part.name, played.seconds)
            self._remark(played, is_first)
        except BaseException as failure:
            with self._lock:
                if self._failure is None or isinstance(self._failure, Interrupted):
                    self._failure = failure
            # The others cannot make it good.
            self._interruption.interrupt()
        finally:
            turn()
            stage.close()

    def _remark(self, played: Played, is_first: bool) -> None:
        name = played.part.name
        if is_first and not played.heard:
            self._note(name, f"the VNFM sent nothing at all in {name}: are its alarms to go to {self._options.url}?")
        if not played.in_time:
            self._note(name, f"{name} had not ended after {played.part.seconds:g} s: what happened so far is judged")

    def _is_mute(self) -> bool:
        """Whether the VNFM has replied to nothing so far: then nothing late is waited for any more."""
        with self._lock:
            return bool(self.played) and not any(one.has_replied for one in self.played.values())

    def _is_to_stop(self) -> bool:
        return self._failure is not None or self._interruption.has_come

    # -- the VNFM ----------------------------------------------------------------------------------------------------

    def _start_subject(self) -> SubjectProcess | None:
        options = self._options
        if options.command is None:
            if reason := refusal(options.address):
                raise Unreachable(f"nobody listens at {options.url}: {reason}")
            return None
        subject = SubjectProcess(options.command, options.address, options.start_timeout, self._interruption)
        self._leaving.callback(subject.stop)
        subject.start()
        return subject

    def _subject_is_there(self, left: Sequence[Part]) -> bool:
        """Whether the next scenario can be played; a VNFM that died is started again where that can be done.

        Where it cannot, one scenario shows that nobody takes its alarms, and the others are left out.
        """
        if refusal(self._options.address) is None:
            return True
        name = left[0].name
        if self._subject is not None:
            how = f"ended with {self._subject.end}" if self._subject.end else "listened no more"
            self._subject.start_again()
            self._note(name, f"the VNFM {how} and was started again before {name}")
            return True
        last = next(reversed(self.played.values()), None)
        if last is not None and last.last_alarm_failed:
            names = ", ".join(part.name for part in left)
            self._note(last.part.name, f"nobody listens at {self._options.url} any more; not played: {names}")
            return False
        return True

    def _note(self, name: str, fact: str) -> None:
        with self._lock:
            self.facts.append((name, fact))
        self._listener.notes(fact)


class _Once:
    """Calls a function, the first time that it is called itself."""

    def __init__(self, call: Callable[[], object]) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._called = False

    def __call__(self) -> None:
        with self._lock:
            called, self._called = self._called, True
        if not called:
            self._call()
