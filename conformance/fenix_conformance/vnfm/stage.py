"""One scenario, played against the VNFM: a simulator, the company, the sessions, until nothing more is to come."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, Final

from fenix_conformance.vnfm.casting import Cast, cast
from fenix_conformance.vnfm.company import company
from fenix_conformance.vnfm.control_client import Control, ControlLost
from fenix_conformance.vnfm.following import Following
from fenix_conformance.vnfm.interruption import Interruption
from fenix_conformance.vnfm.options import Options
from fenix_conformance.vnfm.programme import Part
from fenix_conformance.vnfm.simulator_process import SimulatorLost, SimulatorProcess
from fenix_contract.vocabulary import EventType
from fenix_vnfm.receiver import AlarmReceiver
from fenix_vnfm.subscribe import SubscriptionError, subscribe

#: Seconds that an alarm's answer is waited for beyond the reply window: whoever works in the handler may use all of the
#: window, and reply_at is told in whole seconds.
_PATIENCE: Final = 2.0
#: Seconds of one look into the journal; nothing hangs on it.
_LOOK: Final = 2.0
#: Seconds that a reply which may still come is waited for, at most; less where the reply window is shorter.
_LATE: Final = 5.0
#: Seconds for taking instances back after the maintenance.
_SCALE_OUT: Final = 2.0
#: Seconds without a new entry after which a journal is at rest, and the longest that this is waited for.
_REST: Final = 0.15
_RESTLESS: Final = 2.0


class StageBroken(Exception):
    """The suite's own part failed: says nothing about the VNFM. The message is one line."""


@dataclass(slots=True)
class Played:
    """What became of a scenario: its journal as JSON has it, and the VNFM's project.

    ``seconds`` is how long it took; ``in_time`` is False where the sessions had not ended when its time was over.
    """

    part: Part
    own: str = ""
    rows: list[Mapping[str, Any]] = field(default_factory=list)
    seconds: float = 0.0
    in_time: bool = True

    @property
    def heard(self) -> bool:
        """Whether the VNFM sent anything at all."""
        return any(row["kind"] == "request" and row["project_id"] == self.own for row in self.rows)

    @property
    def has_replied(self) -> bool:
        """Whether the VNFM sent any reply."""
        return any(
            row["kind"] == "request" and row["project_id"] == self.own and row["data"]["method"] == "PUT"
            for row in self.rows
        )

    @property
    def last_alarm_failed(self) -> bool:
        """Whether nobody could be connected to when the VNFM was last told of something."""
        for row in reversed(self.rows):
            if row["kind"] == "delivery" and row["project_id"] == self.own:
                return row["data"]["status"] is None
        return False


class Stage:
    """Plays one scenario. The simulator's process starts with the object, ahead of ``play``; ``close`` ends it."""

    def __init__(self, part: Part, options: Options, receiver: AlarmReceiver, interruption: Interruption) -> None:
        self.part = part
        self._options = options
        self._receiver = receiver
        self._interruption = interruption
        self._closing = ExitStack()
        self._text: str | None = None
        self._may_be_late = True
        self._process = self._start([] if options.project is None else [options.project])

    def close(self) -> None:
        """End what was started."""
        self._closing.close()

    def feed(self, text: str) -> None:
        """Give the simulator its scenario, where the part's source is ``-``. Raises StageBroken."""
        self._text = text
        try:
            self._process.feed(text)
        except SimulatorLost as error:
            self._interruption.check()
            raise StageBroken(f"{self.part.name}: {error}") from error

    def play(self, give_way: Callable[[], None], *, may_be_late: bool = True) -> Played:
        """Play it to its end. ``give_way`` is called as soon as nothing more is left for the VNFM to do in it; where it
        ``may_be_late``, a reply that did not come in time is waited for a while.

        Raises StageBroken, Interrupted.
        """
        self._may_be_late = may_be_late
        try:
            return self._play(give_way)
        except (ControlLost, SimulatorLost, SubscriptionError, ValueError) as error:
            self._interruption.check()
            last = "" if isinstance(error, SimulatorLost) else self._process.last_words()
            raise StageBroken(f"{self.part.name}: {error}{last and f'; {last}'}") from error
        finally:
            give_way()

    # -- the acts ----------------------------------------------------------------------------------------------------

    def _play(self, give_way: Callable[[], None]) -> Played:
        url, control, parts = self._meet()
        played = Played(self.part, parts.own)
        subscribe(url, parts.own, self._options.url, event_type=EventType.SCHEDULED)
        with company(self._receiver, parts.others, url, f"{self.part.name}-{self._process.pid}"):
            size = _size(control, parts.own)
            began = time.monotonic()
            following = Following(parts.own, control.begin(), parts.silent)
            reader = _Reader(control, played, following, self._interruption)

            def is_over() -> bool:
                if following.waits_for_silence:
                    give_way()
                return following.is_over

            played.in_time = reader.read_until(is_over, self.part.seconds)
            self._wind_up(reader, control, following, parts.own, size)
            played.seconds = time.monotonic() - began
            # Before the company leaves: it would only take leave of a server that nobody looks at any more.
            self._process.stop()
        return played

    def _meet(self) -> tuple[str, Control, Cast]:
        """Wait for the simulator, and find out who plays whom."""
        url, control, projects, parts = self._cast()
        wanted = self._options.project
        if wanted is not None and parts.own != wanted:
            # The id went to the first project, but the VNFM's is a later one: those before it get other ids.
            self._process.stop()
            self._process = self._start([*(name for _, name in projects[: parts.position]), wanted])
            if self._text is not None:
                self._process.feed(self._text)
            url, control, projects, parts = self._cast()
        return url, control, parts

    def _cast(self) -> tuple[str, Control, list[tuple[str, str]], Cast]:
        url = self._process.url()
        control = Control(url)
        self._closing.callback(control.close)
        scenario = control.journal(0).rows[0]["data"]["scenario"]
        projects = [(one.project_id, one.name) for one in control.projects()]
        return url, control, projects, cast(scenario, projects)

    def _wind_up(self, reader: _Reader, control: Control, following: Following, own: str, size: int) -> None:
        """Give a chance to what may still come, where it matters."""
        window = self._options.reply_window
        for session_id in following.open_sessions:
            # Nobody is asked anything new; the question that is open may be answered.
            control.pause(session_id)
        if self._may_be_late:
            reader.read_until(lambda: not following.owes_a_reply, min(window, _LATE))
        reader.read_until(lambda: not following.has_alarms_on_the_way, window + _PATIENCE + 1)
        if following.may_scale_out:
            reader.read_until(lambda: _size(control, own) >= size, _SCALE_OUT)
        reader.read_to_rest()

    def _start(self, project_ids: Sequence[str]) -> SimulatorProcess:
        given = self._options
        # A VNFM may remember sessions, and be judged more than once: no id of a session comes twice.
        words = ["--run", uuid.uuid4().hex, "--time", "auto", "--reply-window", f"{given.reply_window:g}s"]
        words += ["--alarm-timeout", f"{given.reply_window + _PATIENCE:g}s"]
        words += ["--own-action-window", f"{given.action_window:g}s"]
        host = given.address[0]
        if not _is_loopback(host):
            words += ["--allow-target", host]
        if given.seed is not None:
            words += ["--seed", str(given.seed)]
        if given.dialect is not None:
            words += ["--dialect", given.dialect]
        for project_id in project_ids:
            words += ["--project-id", project_id]
        process = SimulatorProcess(self.part.source, words)
        self._closing.callback(process.stop)
        self._closing.enter_context(self._interruption.ending(process.terminate))
        return process


class _Reader:
    """Reads a simulator's journal as it grows."""

    def __init__(self, control: Control, played: Played, following: Following, interruption: Interruption) -> None:
        self._control = control
        self._played = played
        self._following = following
        self._interruption = interruption
        self._after = 0

    def read_until(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Read on until the condition holds, for so long at most; whether it does."""
        deadline = time.monotonic() + seconds
        while not condition():
            left = deadline - time.monotonic()
            if left <= 0:
                return False
            self._read(min(left, _LOOK))
        return True

    def read_to_rest(self) -> None:
        """Read on until nothing new comes."""
        deadline = time.monotonic() + _RESTLESS
        while self._read(_REST) and time.monotonic() < deadline:
            pass

    def _read(self, wait: float) -> int:
        """One page; how many entries it had."""
        self._interruption.check()
        page = self._control.journal(self._after, wait)
        if page.rows and page.rows[0]["number"] != self._after + 1:
            raise ControlLost(f"entries after {self._after} were dropped from the journal before they were read")
        self._following.take(page.rows)
        self._played.rows.extend(page.rows)
        self._after = page.next
        return len(page.rows)


def _size(control: Control, own: str) -> int:
    """How many instances the project has now."""
    return next((one.instances for one in control.projects() if one.project_id == own), 0)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
