"""The stage of one scenario: the server, the cast of managers, the sessions, and the waits on what happens.

Steps that begin with Given only write down what is wanted. ``open`` builds it, when the first session starts.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar
from urllib.parse import urlsplit

from fenix_contract.vocabulary import FINAL_STATES
from fenix_features.clouds import PROJECTS, CloudPlan
from fenix_features.fenix import LEAD, LEAD_SIMULATED, METADATA, Control, Fenix
from fenix_features.managers import Hold, Part, conduct_of
from fenix_features.record import Played, heard, story
from fenix_features.servers import ServerPool, SimulatorProcess
from fenix_features.settings import Settings
from fenix_vnfm import AlarmReceiver, Exchange, Policy, ProjectManager, ReceivedAlarm

Found = TypeVar("Found")

#: How long it must be quiet for nothing to have happened, in seconds.
QUIET = 0.2
#: A look at the server at least so often while waiting, in seconds; an alarm that arrives is a reason to look at once.
_LOOK = 0.1
#: A whole maintenance may take so many times the longest wait for a single thing in it.
_LONGEST = 10


class Stage:
    """What the steps of one scenario share."""

    def __init__(self, settings: Settings, servers: ServerPool) -> None:
        self.settings = settings
        self.plan = CloudPlan()
        self.cast = {name: Part(name, Policy()) for name in self._names()}
        self.sessions: list[str] = []
        #: When each session was seen to have ended (aware UTC).
        self.ended: dict[str, datetime] = {}
        #: What the steps sent in a project's name.
        self.by_hand: list[Played] = []
        #: The number of a manager's newest event before an alarm out of turn came to it.
        self.mark = 0
        #: The ids of an instance that was re-created: the one that is gone, and the new one.
        self.recreated = ("", "")
        self.receiver = AlarmReceiver(settings.listen)
        self._servers = servers
        self._server: SimulatorProcess | None = None
        self._fenix: Fenix | None = None
        self._control: Control | None = None
        self._managers: dict[str, ProjectManager] = {}
        #: maintenance_at of the newest session on the monotonic clock, where it has to be waited for.
        self._begins = 0.0

    def _names(self) -> tuple[str, ...]:
        """The projects as the flows call them; on a foreign server there may be one, or more than have a name here."""
        if self.settings.is_simulated:
            return PROJECTS
        count = len(self.settings.projects)
        return (*PROJECTS[:count], *(f"P{number}" for number in range(len(PROJECTS) + 1, count + 1)))

    # -- the cast, before it is on stage -----------------------------------------------------------------------------

    def part(self, name: str) -> Part:
        """The part of a project's manager."""
        assert name in self.cast, f"no project {name} takes part; there are: {', '.join(self.cast)}"
        return self.cast[name]

    def wish(self, name: str, **policy: object) -> None:
        """Change what a manager wants."""
        assert not self._managers, "the managers are on stage already"
        part = self.part(name)
        part.policy = replace(part.policy, **policy)  # type: ignore[arg-type]

    # -- on stage ----------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Start what is wanted, once."""
        if self._fenix is not None:
            return
        settings = self.settings
        if settings.fenix_url is None:
            self._server = self._servers.take(self.plan)
            self._fenix = Fenix(self._server.url)
            self._control = Control(self._server.url)
        else:
            self._fenix = Fenix(settings.fenix_url, settings.aodh_url, settings.token)
        for part in self.cast.values():
            if part.is_managed:
                self._managers[part.name] = self._enter(part)

    def _enter(self, part: Part) -> ProjectManager:
        manager = ProjectManager(
            self.project_id(part.name),
            part.policy,
            receiver=self.receiver,
            token=self.settings.token,
            control_url=self._server.url if self._server is not None else None,
            conduct=conduct_of(part, self.patience),
        )
        manager.subscribe(self.fenix.aodh_url)
        return manager

    def close(self) -> None:
        """Take everything away again, whatever happened."""
        for part in self.cast.values():
            part.release_all()
        if self._fenix is not None:
            for session_id in self.sessions:
                self._fenix.delete_session(session_id)
        for manager in self._managers.values():
            manager.close()
        self.receiver.close()
        if self._control is not None:
            self._control.close()
        if self._fenix is not None:
            self._fenix.close()

    # -- what is on stage --------------------------------------------------------------------------------------------

    @property
    def fenix(self) -> Fenix:
        """The server under test."""
        assert self._fenix is not None, "no maintenance was started yet"
        return self._fenix

    @property
    def server(self) -> SimulatorProcess:
        """The simulator's process."""
        assert self._server is not None, "this step needs a simulator of its own"
        return self._server

    @property
    def control(self) -> Control:
        """The simulator's control API."""
        assert self._control is not None, "this step needs the simulator's control API"
        return self._control

    @property
    def managers(self) -> Sequence[ProjectManager]:
        """The managers on stage."""
        return tuple(self._managers.values())

    def manager(self, name: str) -> ProjectManager:
        """The manager of a project."""
        assert name in self._managers, f"{name} has no manager on stage"
        return self._managers[name]

    def project_id(self, name: str) -> str:
        """The id of a project: on a foreign server those that were given, in order."""
        ids = self._server.projects if self._server is not None else self.settings.projects
        return ids[self._names().index(name)]

    def managed_names(self) -> Sequence[str]:
        """The projects that have a manager on stage."""
        return tuple(self._managers)

    def path(self, name: str) -> str:
        """The path on which a project's alarms come."""
        return urlsplit(self.manager(name).alarm_url).path

    @property
    def session_id(self) -> str:
        """The scenario's only session, or its first."""
        assert self.sessions, "no maintenance was started yet"
        return self.sessions[0]

    def begin(self, hosts: Sequence[str] = (), metadata: Mapping[str, str] | None = None) -> str:
        """Start a maintenance of these hosts, or of all."""
        self.open()
        lead = LEAD_SIMULATED if self.settings.is_simulated else LEAD
        session_id, maintenance_at = self.fenix.start_session(hosts, lead, metadata or METADATA)
        self.sessions.append(session_id)
        if not self.settings.is_simulated:
            self._begins = time.monotonic() + (maintenance_at - datetime.now(UTC)).total_seconds()
        return session_id

    def heard(self, name: str) -> list[ReceivedAlarm]:
        """The alarms that a project's manager took about the first session, each once."""
        return self.heard_by(self.manager(name))

    def heard_by(self, manager: ProjectManager, session_id: str | None = None) -> list[ReceivedAlarm]:
        """The alarms that a manager took about a session (the first where none is named), each once."""
        return heard(self.receiver.alarms, manager.alarm_url, session_id or self.session_id)

    def send(self, name: str, body: object) -> Exchange:
        """PUT something by hand where the newest alarm of a project asks its reply to go."""
        places = [alarm.message.reply_url for alarm in self.heard(name) if alarm.message is not None]
        asked = [url for url in places if url]
        assert asked, f"{name} has not been asked for anything"
        exchange = self.fenix.client.request("PUT", asked[-1], body)
        self.by_hand.append(Played(name, exchange))
        return exchange

    # -- waiting -----------------------------------------------------------------------------------------------------

    @property
    def patience(self) -> float:
        """The longest wait, in seconds: a whole reply window and what comes after it."""
        if self.settings.is_simulated:
            return self.settings.max_wait
        return self.settings.reply_window + self.settings.max_wait

    def wait_until(self, look: Callable[[], Found | None], what: str | Callable[[], str]) -> Found:
        """What ``look`` finds (anything true), looked for whenever an alarm arrives, and now and then.

        Given up when no alarm has come for ``patience``, or after many times that. ``what`` says what was waited for.
        """
        begun = active = time.monotonic()
        while True:
            seen = self.receiver.count
            found = look()
            if found:
                return found
            now = time.monotonic()
            left = min(active + self.patience, begun + self.patience * _LONGEST) - now
            assert left > 0, f"not within {now - begun:.0f} s: {what() if callable(what) else what}"
            if self.next_alarm(min(left, _LOOK), seen) is not None:
                active = time.monotonic()

    def next_alarm(self, seconds: float, after: int | None = None) -> ReceivedAlarm | None:
        """The next alarm of any project, or None where none comes in that time."""
        try:
            return self.receiver.wait_for(
                lambda _: True, seconds, after=self.receiver.count if after is None else after
            )
        except TimeoutError:
            return None

    def stay_quiet(self) -> None:
        """Let a while pass in which something could happen; it is counted from maintenance_at where that is to come."""
        deadline = max(time.monotonic(), self._begins) + QUIET
        while (left := deadline - time.monotonic()) > 0:
            self.next_alarm(left)

    def wait_for_end(self, session_id: str) -> str:
        """The final state of a session, as soon as it is in it."""

        def final() -> str | None:
            state = self.fenix.state(session_id)
            return state if state in FINAL_STATES else None

        state = self.wait_until(final, lambda: f"the session to end; it is in {self.fenix.state(session_id)}")
        self.ended.setdefault(session_id, datetime.now(UTC))
        return state

    def wait_for_hold(self, name: str, state: str) -> Hold:
        """A manager that was to be held has come there."""
        hold = self.part(name).held(state)
        self.wait_until(
            hold.reached.is_set,
            lambda: (
                f"the {name} manager to be asked for {state}; the session is in {self.fenix.state(self.session_id)}"
            ),
        )
        return hold

    # -- looking back ------------------------------------------------------------------------------------------------

    def reason(self, session_id: str) -> str:
        """Why a session failed, where the server has a control API to ask."""
        return str(self._control.session(session_id)["reason"]) if self._control is not None else ""

    def story(self) -> str:
        """What happened so far, in order, for people."""
        return story(self._managers, self.by_hand)
