"""Which plays a run has, in which order, and what each needs to be worth playing.

First the opening, one after another. Then two strands side by side: sessions that are held in MAINTENANCE, and whole
sessions one after another (a server's sessions may share one cloud, and instances move in these). Last, alone, the
session in which a project has no manager.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Final

from fenix_conformance.server import generated
from fenix_conformance.server.generation import Generated
from fenix_conformance.server.judging import Case
from fenix_conformance.server.lab import Interrupted, Lab, Missing
from fenix_conformance.server.plays import acting, holding, opening, refusing, whole
from fenix_conformance.server.trace import Trace
from fenix_contract.vocabulary import REPLY_STATES, State

#: How many sessions are under way at once, at the most.
_AT_ONCE: Final = 8

#: States that a project can be silent in, or refuse, besides the last.
_REPLIED: Final = tuple(state for state in REPLY_STATES if state != State.MAINTENANCE_COMPLETE)

#: The plays that checks may name.
PLAYS: Final = (
    "solo", "side-by-side", "happy", "reads", "strangers", "methods", "malformed", "wrong", "refused", "silent",
    "all-silent", "concurrent", "repeated", "silent-end", "foreign", "disallowed", "unmanaged", "generated",
)  # fmt: skip


Task = Callable[[], None]
#: A play that is told what to try and which of several sessions it is.
Series = Callable[[tuple[str, ...], int], Trace]


class Programme:
    """Plays what the selected checks need and gathers it in a case."""

    def __init__(self, lab: Lab, case: Case, wanted: Iterable[str]) -> None:
        self._lab = lab
        self._case = case
        self._wanted = set(wanted)
        self._requests: Generated | None = None

    def run(self) -> None:
        """The whole programme; raises Interrupted, and what the suite itself broke on."""
        lab, case = self._lab, self._case
        if self._wants("generated"):
            self._requests = generated.prepare(lab, case)
        try:
            self._prepare()
        except Missing as missing:
            case.missing.update(dict.fromkeys(PLAYS, str(missing)))
            return
        self._play("solo", lambda: opening.solo(lab))
        self._keep_told()
        if not lab.projects:
            self._miss("the server told none of the projects anything", *PLAYS)
            return
        if self._wants("side-by-side"):
            self._play("side-by-side", lambda: opening.side_by_side(lab))
        alone = case.has_failed("sessions-independent") if "side-by-side" in self._wanted else False
        with ThreadPoolExecutor(1 if alone else _AT_ONCE) as pool:
            strands = [] if alone else [pool.submit(self._moving_strand, pool)]
            strands += [pool.submit(one) for one in self._held()]
            if alone:
                strands.append(pool.submit(self._moving_strand, None))
            self._join(strands)
        if self._wants("unmanaged") and self._is_worth("unmanaged", State.MAINTENANCE_COMPLETE):
            self._play("unmanaged", lambda: whole.unmanaged(lab))

    # -- set-up

    def _prepare(self) -> None:
        lab = self._lab
        if not lab.projects:
            lab.tell("looking for the server's projects")
            lab.projects = opening.discover(lab)
            if not lab.projects:
                raise Missing("no project was told anything: name them with --project")
        for project in lab.projects:
            lab.subscribe(project)
        self._case.projects = lab.projects

    def _keep_told(self) -> None:
        """From now on only the projects that were told anything are played."""
        solo = self._case.trace("solo")
        if solo is not None and solo.projects:
            told = [project for project in self._lab.projects if project in solo.projects]
            self._lab.projects = self._case.projects = tuple(told)

    # -- single plays

    def _wants(self, name: str) -> bool:
        return name in self._wanted

    def _miss(self, why: str, *names: str) -> None:
        for name in names:
            self._case.missing.setdefault(name, why)

    def _play(self, name: str, play: Callable[[], Trace | Mapping[str, Trace]]) -> None:
        """Play one and keep its trace, or why there is none."""
        self._lab.tell(name)
        try:
            found = play()
        except Missing as missing:
            self._miss(str(missing), name)
            return
        traces = {found.name: found} if isinstance(found, Trace) else found
        for trace in traces.values():
            if trace.broken is not None:
                raise trace.broken
        self._case.traces.update(traces)

    def _is_worth(self, name: str, state: str) -> bool:
        """Whether the happy session, where it was played, got as far as this play has to get."""
        happy = self._case.trace("happy")
        if self._lab.is_stuck:
            self._miss("a session does not go on from MAINTENANCE although all have acknowledged", name)
            return False
        if happy is None or happy.reached(state):
            return True
        last = happy.asks[-1].state if happy.asks else "nothing"
        hint = " (the inventory needs room for one host)" if last == State.SCALE_IN else ""
        self._miss(f"a session does not get to {state}: it ended after {last}{hint}", name)
        return False

    # -- sessions held in MAINTENANCE

    def _held(self) -> list[Task]:
        """The plays that are over in MAINTENANCE, those that last a whole window first."""
        lab, state = self._lab, State.MAINTENANCE
        plays: list[tuple[str, str, Callable[[], Trace]]] = [
            ("all-silent", "all-silent-maintenance", partial(refusing.all_silent, lab, state)),
            ("silent", "silent-maintenance", partial(refusing.silent, lab, state)),
            ("refused", "refused-maintenance", partial(refusing.refused, lab, state)),
            ("strangers", "strangers", partial(holding.strangers, lab)),
            ("reads", "reads", partial(holding.reads, lab)),
        ]
        tasks: list[Task] = [partial(self._play, name, play) for group, name, play in plays if self._wants(group)]
        series: list[tuple[str, str, Series, tuple[str, ...]]] = [
            ("malformed", "malformed", partial(holding.malformed, lab), holding.MALFORMED_KINDS),
            ("methods", "methods", partial(holding.methods, lab), holding.METHODS),
            ("wrong", f"wrong-{state.lower()}", partial(holding.wrong, lab, state), holding.WRONG_KINDS),
        ]
        tasks += [
            partial(self._in_turn, name, play, kinds) for group, name, play, kinds in series if self._wants(group)
        ]
        if self._requests is not None:
            tasks.append(generated.Layers(lab, self._case, self._requests).run)
        return tasks

    def _in_turn(self, name: str, play: Series, kinds: tuple[str, ...]) -> None:
        """Try all kinds, in as many sessions as it takes: each tells what it left."""
        left = kinds
        for number in range(1, len(kinds) + 1):
            self._play(f"{name}-{number}", partial(play, left, number))
            trace = self._case.trace(f"{name}-{number}")
            left = trace.marks.get("left", ()) if trace is not None else ()
            if not left:
                return

    # -- whole sessions, one after another

    def _moving_strand(self, pool: ThreadPoolExecutor | None) -> None:
        lab = self._lab
        planned, end = State.PLANNED_MAINTENANCE, State.MAINTENANCE_COMPLETE
        plays: list[tuple[str, str, Callable[[], Trace]]] = [
            ("happy", State.MAINTENANCE, partial(whole.happy, lab)),
            ("concurrent", planned, partial(whole.concurrent, lab)),
            ("repeated", State.MAINTENANCE, partial(acting.repeated, lab)),
            ("silent-end", end, partial(whole.silent_end, lab)),
        ]
        for name, state, play in plays:
            if self._wants(name) and self._is_worth(name, state):
                self._play(name, play)
        # In these nothing is moved, or little: they may share a cloud.
        tasks = self._later()
        if pool is None:
            for task in tasks:
                task()
        else:
            with ThreadPoolExecutor(_AT_ONCE // 2) as later:
                self._join([later.submit(task) for task in tasks])

    def _later(self) -> list[Task]:
        """The plays in states after MAINTENANCE."""
        lab, tasks = self._lab, list[Task]()
        happy = self._case.trace("happy")
        states = [state for state in _REPLIED[1:] if happy is not None and happy.asks_of(state=state)]
        for state in states or [State.PLANNED_MAINTENANCE]:
            low = state.lower()
            plays: list[tuple[str, Task]] = [
                ("silent", partial(self._play, f"silent-{low}", partial(refusing.silent, lab, state))),
                ("all-silent", partial(self._play, f"all-silent-{low}", partial(refusing.all_silent, lab, state))),
                ("refused", partial(self._play, f"refused-{low}", partial(refusing.refused, lab, state))),
                (
                    "wrong",
                    partial(self._in_turn, f"wrong-{low}", partial(holding.wrong, lab, state), holding.WRONG_KINDS),
                ),
            ]
            tasks += [task for group, task in plays if self._wants(group) and self._is_worth(f"{group}-{low}", state)]
        planned = State.PLANNED_MAINTENANCE
        if self._wants("foreign") and self._is_worth("foreign", planned):
            tasks.append(partial(self._play, "foreign", partial(acting.foreign, lab)))
        if self._wants("disallowed") and self._is_worth("disallowed", planned):
            # Which actions are not allowed is known when the first alarm has come.
            tasks.append(partial(self._in_turn, "disallowed", partial(acting.disallowed, lab), ("",) * 5))
        return tasks

    def _join(self, strands: Iterable[Future[None]]) -> None:
        """Wait for all; what broke is raised when all have ended."""
        failures = [failure for strand in strands if (failure := strand.exception()) is not None]
        for failure in failures:
            if not isinstance(failure, Interrupted):
                raise failure
        if failures:
            raise failures[0]
