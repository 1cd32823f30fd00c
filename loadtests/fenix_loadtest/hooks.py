"""The run within locust: its flags, what happens when a test starts and stops, and who says what to whom.

Each process that generates load sets up sessions of its own, so nothing but counts passes between machines:

    master  — "fenix-share" {sessions, rate, number} →  worker      when the test starts
    master  ← "fenix-ready" —                           worker      when its sessions are there
    master  — "fenix-finish" →                          worker      when it is to stop
    master  ← "fenix-result" {…} —                      worker      what it measured, when nothing is left behind

locust stops users where they are; here the load is stopped first, the sessions show the replies that they accepted,
and everything is taken away. That happens in ``test_stopping``, and in ``quitting`` for Ctrl-C and SIGTERM.
"""

from __future__ import annotations

import logging
import signal
import time
from argparse import ArgumentTypeError
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, Final

import gevent
from gevent.event import Event
from locust import events
from locust.argument_parser import LocustArgumentParser
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, WorkerRunner

from fenix_loadtest import progress
from fenix_loadtest.admin import SetUpError
from fenix_loadtest.run_report import RunReport
from fenix_loadtest.settings import OPTIONS, Option, Settings, origin_of, seconds_of
from fenix_loadtest.stage import Stage
from fenix_loadtest.users import ProjectUser

_log = logging.getLogger("fenix_loadtest")

SHARE: Final = "fenix-share"
FINISH: Final = "fenix-finish"
RESULT: Final = "fenix-result"
READY: Final = "fenix-ready"
#: Seconds for a worker's result beyond the time that it may wait for its sessions.
_GRACE: Final = 30.0


_LOAD_TIME: Final = Option("--load-time", None, "Stop after that long, not counting the set-up as --run-time does.")


# -- flags -----------------------------------------------------------------------------------------------------------


def add_flags(parser: LocustArgumentParser, **_: Any) -> None:
    """The flags that ``fenix-loadtest`` has, for plain ``locust -f`` too."""
    for option in OPTIONS:
        given: dict[str, Any] = {"default": list(option.default) if option.multiple else option.default}
        if option.multiple:
            given["action"] = "append"
        if option.choices:
            given["choices"] = option.choices
        else:
            given["metavar"] = option.metavar
        text = option.help.replace("%", "%%")
        parser.add_argument(
            option.flag, dest=_dest(option.name), type=_reader(option), help=text, include_in_web_ui=False, **given
        )
    parser.add_argument(
        "--report", dest=_dest("report"), metavar="FILE", help="Write a JSON report.", include_in_web_ui=False
    )
    parser.add_argument(
        "--load-time",
        dest=_dest("load_time"),
        type=_reader(_LOAD_TIME),
        metavar=_LOAD_TIME.metavar,
        help=_LOAD_TIME.help,
        include_in_web_ui=False,
    )


def _dest(name: str) -> str:
    return f"fenix_{name}"


def _reader(option: Option) -> Callable[[str], Any]:
    def read(text: str) -> Any:
        try:
            return option.check(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from error

    return read


def settings_of(environment: Environment) -> Settings:
    """The settings that locust's options say."""
    options = environment.parsed_options
    names = [option.name for option in OPTIONS] + ["report"]
    return Settings.of_options({name: getattr(options, _dest(name)) for name in names})


def load_begins(environment: Environment) -> gevent.Greenlet[..., None] | None:
    """End the run when it has lasted for as long as it was asked to; gives the greenlet that shows how far it is."""
    text = getattr(environment.parsed_options, _dest("load_time"))
    load_time = None if text is None else seconds_of(text)
    if load_time is not None and environment.runner is not None:
        gevent.spawn_later(load_time, environment.runner.quit)
    return progress.show(environment.runner, load_time)


def end_progress(shown: gevent.Greenlet[..., None] | None) -> None:
    """Take the line away."""
    if shown is not None:
        shown.kill()


# -- sides -----------------------------------------------------------------------------------------------------------


def on_init(environment: Environment, runner: Any, web_ui: Any, **_: Any) -> None:
    """Choose the side that this process is on."""
    side: LocalSide | MasterSide | WorkerSide
    if isinstance(runner, MasterRunner):
        side = MasterSide(environment, runner)
    elif isinstance(runner, WorkerRunner):
        side = WorkerSide(environment, runner)
    else:
        side = LocalSide(environment, runner)
    listen(environment.events.test_start, side.on_start)
    listen(environment.events.test_stopping, side.on_stop)
    listen(environment.events.quitting, side.on_stop)
    if web_ui is None:
        # As KeyboardInterrupt it would be raised in whichever greenlet runs, and be lost where that one is a thread's.
        gevent.signal_handler(signal.SIGINT, interrupt, runner, side)


def interrupt(runner: Any, side: LocalSide | MasterSide | WorkerSide) -> None:
    """Ctrl-C: end the load early; the second time do not wait for sessions to show their replies either."""
    if side.is_ending:
        side.hurry()
    else:
        runner.quit()


def listen(hook: Any, listener: Callable[..., None]) -> None:
    """Have locust call ``listener``; in one place because its hooks have no types."""
    hook.add_listener(listener)


class Generator:
    """A process's own part of the load, from its set-up to its result."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        # A master's flags take the place of a worker's, but alarms arrive where the worker is.
        self._listen = getattr(environment.parsed_options, _dest("listen"))
        self._stage: Stage | None = None
        self._ending: Stage | None = None
        self._error: str | None = None
        listen(environment.events.request, self._count)

    def begin(self, sessions: int, rate: float, number: int) -> bool:
        """Set everything up; whether there is something to load. What went wrong is in the result."""
        self._error = None
        try:
            host = origin_of(self._environment.host or "")
            settings = replace(settings_of(self._environment), listen=self._listen)
            stage = Stage(host, settings, sessions, rate, number)
        except ValueError as error:
            self._error = str(error)
            return False
        self._stage = ProjectUser.stage = stage
        ProjectUser.network_timeout = ProjectUser.connection_timeout = stage.settings.timeout
        try:
            stage.set_up()
        except SetUpError as error:
            self._error = str(error)
            return False
        return True

    def finish(self) -> dict[str, Any]:
        """Stop, check, take everything away, and say what was measured."""
        stage, self._stage = self._stage, None
        self._ending = stage
        if stage is None:
            return {"error": self._error or "the run was stopped before it had begun"}
        stage.finish()
        return {"error": self._error} if self._error is not None else stage.result()

    def hurry(self) -> None:
        """Do not wait for what sessions have still to show."""
        if self._ending is not None:
            self._ending.hurry()

    def _count(self, name: str, response_time: float, exception: Any, **_: Any) -> None:
        if self._stage is not None:
            self._stage.recorder.add(name, response_time / 1000, None if exception is None else str(exception))


class Judge:
    """Makes the report of a run, and with it the exit code."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._report: RunReport | None = None
        self._settings = Settings()

    def begin(self) -> None:
        """A run begins."""
        self._settings = settings_of(self._environment)
        self._report = RunReport(
            self._environment.host or "",
            datetime.now(UTC).isoformat(timespec="seconds"),
            self._settings.thresholds,
            self._settings.rate if self._settings.mix.is_steady else 0.0,
        )

    @property
    def settings(self) -> Settings:
        """The run's settings."""
        return self._settings

    def end(self, results: list[dict[str, Any]], missing: int = 0) -> None:
        """The run is over: print the report, write it where asked for, and set the exit code."""
        report, self._report = self._report, None
        if report is None:
            return
        report.missing = missing
        for result in results:
            report.add(result)
        if not results:
            report.error = "no process generated load"
        self._environment.process_exit_code = report.exit_code
        print(report.text(), flush=True)
        if self._settings.report is not None:
            try:
                report.write(self._settings.report)
            except OSError as error:
                self._environment.process_exit_code = 2
                _log.error("the report could not be written to %s: %s", self._settings.report, error.strerror)


class LocalSide:
    """One process does all."""

    def __init__(self, environment: Environment, runner: LocalRunner) -> None:
        self._environment = environment
        self._runner = runner
        self._judge = Judge(environment)
        self._generator = Generator(environment)
        self._finish = Once(self._finish_now)
        self._shown: gevent.Greenlet[..., None] | None = None

    def on_start(self, **_: Any) -> None:
        """Set up; where that fails there is nothing to run."""
        self._finish = Once(self._finish_now)
        self._judge.begin()
        settings = self._judge.settings
        if not self._generator.begin(settings.sessions, settings.rate, 0):
            gevent.spawn(self._runner.quit)
            return
        self._shown = load_begins(self._environment)

    @property
    def is_ending(self) -> bool:
        """Whether the load is over."""
        return self._finish.is_begun

    def hurry(self) -> None:
        """Do not wait for what sessions have still to show."""
        self._generator.hurry()

    def on_stop(self, **_: Any) -> None:
        """Stop, check, report."""
        self._finish()

    def _finish_now(self) -> None:
        end_progress(self._shown)
        self._judge.end([self._generator.finish()])


class WorkerSide:
    """Generates the share of the load that the master says."""

    def __init__(self, environment: Environment, runner: WorkerRunner) -> None:
        self._environment = environment
        self._runner = runner
        self._generator = Generator(environment)
        self._share: dict[str, Any] | None = None
        self._finish = Once(self._finish_now)
        environment.process_exit_code = 0
        runner.register_message(SHARE, self._take_share)
        runner.register_message(FINISH, self.on_stop, concurrent=True)

    def _take_share(self, msg: Any, **_: Any) -> None:
        self._share = msg.data

    def on_start(self, **_: Any) -> None:
        """Set up; the master is told at once where that fails."""
        self._finish = Once(self._finish_now)
        share, self._share = self._share, None
        if share is None:
            _log.warning("this worker came after the test had started: it waits for the next one")
            return
        if not self._generator.begin(share["sessions"], share["rate"], share["number"]):
            gevent.spawn(self._finish)
            return
        self._runner.send_message(READY)

    @property
    def is_ending(self) -> bool:
        """Whether the load is over."""
        return self._finish.is_begun

    def hurry(self) -> None:
        """Do not wait for what sessions have still to show."""
        self._generator.hurry()

    def on_stop(self, **_: Any) -> None:
        """Stop, check, and tell the master."""
        self._finish()

    def _finish_now(self) -> None:
        self._runner.send_message(RESULT, self._generator.finish())


class MasterSide:
    """Shares the load out, and judges what the workers say."""

    def __init__(self, environment: Environment, runner: MasterRunner) -> None:
        self._environment = environment
        self._runner = runner
        self._judge = Judge(environment)
        self._is_hurried = False
        self._awaited: set[str] = set()
        self._ready: set[str] = set()
        self._results: list[dict[str, Any]] = []
        self._arrived = Event()
        self._finish = Once(self._finish_now)
        self._shown: gevent.Greenlet[..., None] | None = None
        runner.register_message(RESULT, self._take_result)
        runner.register_message(READY, self._take_ready)

    def on_start(self, **_: Any) -> None:
        """Tell each worker its share: one session at least."""
        self._finish = Once(self._finish_now)
        self._judge.begin()
        settings = self._judge.settings
        workers = [one.id for one in self._runner.clients.ready]
        self._awaited, self._ready, self._results = set(workers), set(), []
        for number, worker in enumerate(workers):
            sessions = max(1, settings.sessions // len(workers) + (number < settings.sessions % len(workers)))
            share = {"sessions": sessions, "rate": settings.rate / len(workers), "number": number}
            self._runner.send_message(SHARE, share, worker)

    def _take_ready(self, msg: Any, **_: Any) -> None:
        self._ready.add(msg.node_id)
        if self._ready == self._awaited:
            self._shown = load_begins(self._environment)

    def _take_result(self, msg: Any, **_: Any) -> None:
        if msg.node_id in self._awaited:
            self._awaited.discard(msg.node_id)
            self._results.append(msg.data)
        if msg.data.get("error") and not self._finish.is_begun:
            gevent.spawn(self._runner.quit)
        self._arrived.set()

    @property
    def is_ending(self) -> bool:
        """Whether the load is over."""
        return self._finish.is_begun

    def hurry(self) -> None:
        """Wait for no worker any more."""
        self._is_hurried = True
        self._arrived.set()

    def on_stop(self, **_: Any) -> None:
        """Have the workers stop, wait for what they say, report."""
        self._finish()

    def _finish_now(self) -> None:
        end_progress(self._shown)
        for worker in self._awaited:
            self._runner.send_message(FINISH, None, worker)
        settings = self._judge.settings
        deadline = time.monotonic() + settings.max_wait + 4 * settings.timeout + _GRACE
        while self._awaited and not self._is_hurried and (left := deadline - time.monotonic()) > 0:
            self._arrived.clear()
            self._arrived.wait(min(left, 1.0))
            # A worker that died says nothing more.
            alive = {one.id for one in self._runner.clients.all if one.state != "missing"}
            if not self._awaited & alive and self._awaited:
                break
        self._judge.end(self._results, len(self._awaited))


class Once:
    """Calls a function once; whoever calls meanwhile waits until it is over."""

    def __init__(self, function: Callable[[], None]) -> None:
        self._function = function
        self._over = Event()
        self.is_begun = False

    def __call__(self) -> None:
        if self.is_begun:
            self._over.wait()
            return
        self.is_begun = True
        try:
            self._function()
        finally:
            self._over.set()


listen(events.init_command_line_parser, add_flags)
listen(events.init, on_init)
