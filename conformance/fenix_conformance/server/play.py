"""One session played to its end, or as far as a script wants: every project's manager acts in a thread of its own.

A script is a function of a ``Turn``, a manager's turn at one ask. What it does not decide is done as a good manager
does it: fetch the list, acknowledge.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

from fenix_conformance.server.exchange import Exchange, with_slash
from fenix_conformance.server.lab import Interrupted, Lab
from fenix_conformance.server.sighting import project_path_ids
from fenix_conformance.server.trace import Ask, Intent, Listing, Sent, Trace
from fenix_contract.vocabulary import ACTION_STATES, Action, ReplyPrefix, State

#: Seconds between two looks at the admin API.
_LOOK: Final = 0.25
#: Seconds between two projects' replies.
_PAUSE: Final = 0.13
#: Rounds of one state in which there are such pauses.
_PAUSES: Final = 8
#: Answers that take longer are slow: requests are not put one behind the other then.
_SLOW: Final = 0.3
#: Seconds in which late alarms may still come after a session has ended.
_LINGER: Final = 0.3

Script = Callable[["Turn"], None]


def read_ids(exchange: Exchange) -> tuple[str, ...] | None:
    """The ids of a list's answer, whatever its content type; None when it has no list of texts."""
    if exchange.status != 200:
        return None
    try:
        document = exchange.json()
    except ValueError:
        return None
    ids = document.get("instance_ids") if isinstance(document, dict) else None
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        return None
    return tuple(ids)


def project_url(root: str, session_id: str, project: str) -> str:
    """The place of a session and a project below the server's root; ids are opaque, so they are quoted."""
    return f"{root}/v1/maintenance/{quote(session_id, safe='')}/{quote(project, safe='')}"


class Turn:
    """A project's manager at one ask."""

    def __init__(self, play: Play, ask: Ask) -> None:
        self.play = play
        self.lab = play.lab
        self.trace = play.trace
        self.ask = ask
        self.project = ask.project
        self.state = ask.state

    # -- where

    @property
    def own_url(self) -> str:
        """The place of this session and project below the server's root, as the published API has it."""
        return project_url(self.lab.options.root, self.trace.session_id, self.project)

    def _is_usable(self, url: str) -> bool:
        """Whether a link of the alarm may be followed: a URL, and not plainly somebody else's."""
        ids = project_path_ids(url)
        others = {project for project in self.lab.projects if project != self.project}
        return ids is not None and ids[1] not in others and ids[0] in ("", self.trace.session_id)

    @property
    def list_url(self) -> str:
        """The alarm's link to the list, or where it should lead when that one is not usable."""
        link = self.ask.sighting.message.instance_ids
        return link if self._is_usable(link) else self.own_url

    @property
    def reply_url(self) -> str:
        """The alarm's link for the reply, or where it should lead when that one is not usable."""
        link = self.ask.sighting.message.reply_url
        return link if self._is_usable(link) else self.own_url

    # -- what a manager does

    def list(self) -> tuple[str, ...] | None:
        """Fetch the list; when the alarm's link does not lead to it, the published paths are tried as well."""
        for url in dict.fromkeys((self.list_url, self.own_url, with_slash(self.own_url))):
            before = not self.ask.replies
            exchange = self.lab.client.send("GET", url, note=f"list of {self.project} in {self.state}")
            listing = Listing(
                self.project,
                exchange,
                read_ids(exchange),
                is_own_link=url == self.ask.sighting.message.instance_ids,
                before_reply=before and not self.ask.replies,
            )
            self.lab.slowest = max(self.lab.slowest, exchange.seconds)
            with self.trace.changed:
                self.ask.listings.append(listing)
            if listing.ids is not None:
                return listing.ids
        return None

    def actions(self, prefer: Iterable[str] = (Action.MIGRATE, Action.LIVE_MIGRATE)) -> dict[str, str]:
        """An allowed action for each listed instance; empty where none is asked."""
        if self.state not in ACTION_STATES:
            return {}
        allowed = self.ask.sighting.message.allowed_actions or (Action.MIGRATE,)
        chosen = next((str(action) for action in prefer if action in allowed), str(allowed[0]))
        return dict.fromkeys(self.ask.listed or (), chosen)

    def reply(
        self,
        word: Any,
        actions: Mapping[str, Any] | None = None,
        *,
        intent: Intent,
        kind: str = "",
        more: Mapping[str, Any] | None = None,
        leave_out: Iterable[str] = (),
    ) -> Sent:
        """PUT a reply; ``more`` are further members, ``leave_out`` members that are not to be there."""
        body: dict[str, Any] = {"instance_actions": dict(actions or {}), "state": word, **(more or {})}
        for name in leave_out:
            body.pop(name, None)
        note = f"reply of {self.project}" + (f" ({kind})" if kind else "")
        exchange = self.lab.client.send_json("PUT", self.reply_url, body, note=note)
        return self.sent(Sent(intent, word, actions or {}, exchange, kind))

    def sent(self, sent: Sent) -> Sent:
        """Record a PUT."""
        self.lab.slowest = max(self.lab.slowest, sent.exchange.seconds)
        with self.trace.changed:
            self.ask.replies.append(sent)
        self.trace.touch()
        return sent

    def ack(self, actions: Mapping[str, str] | None = None, *, at_once: bool = False) -> Sent:
        """Acknowledge the state, with an allowed action for each listed instance.

        Replies of one session come one after another with a pause between, unless ``at_once``: whether a server copes
        with replies at the same moment is a requirement of its own, and must not be mixed into all others.
        """
        chosen = self.actions() if actions is None else actions
        if at_once or self.ask.number > _PAUSES:
            return self.reply(self.ask.ack_word, chosen, intent=Intent.ACK)
        with self.play.in_turn(self):
            return self.reply(self.ask.ack_word, chosen, intent=Intent.ACK)

    def nack(self) -> Sent:
        """Refuse the state, with no member that is not needed."""
        return self.reply(ReplyPrefix.NACK + self.state, {}, intent=Intent.NACK, leave_out=("instance_actions",))

    def ack_in_short(self) -> Sent:
        """Acknowledge a state that asks for no actions, with no member that is not needed."""
        with self.play.in_turn(self):
            return self.reply(self.ask.ack_word, intent=Intent.ACK, leave_out=("instance_actions",))

    def behave(self) -> Sent:
        """What a good manager does."""
        self.list()
        return self.ack()

    # -- waiting

    @property
    def has_moved(self) -> bool:
        """Whether the session went on from this state, or ended."""
        return self.is_over or self.trace.progress(self.ask) is not None

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to wait for."""
        return bool(self.trace.final) or self.play.is_stopping

    @property
    def window(self) -> float:
        """How many seconds the project has for its reply."""
        return self.ask.deadline - self.ask.at

    @property
    def latest(self) -> float:
        """Until when a reply is still surely in time."""
        slow = min(2 * self.lab.slowest, self.window / 2)
        return self.ask.deadline - max(0.15 * self.window, min(0.5, self.window / 3), slow)

    @property
    def stagger(self) -> float:
        """How many seconds later than this project another may be told, for which there is time."""
        return min(1.5 * self.lab.spread, self.window / 2)

    def wait_for_others(self, seconds: float = 1.5) -> None:
        """Until every other project that was told has been answered for, as far as can be seen within ``seconds``."""
        others = [project for project in self.lab.projects if project != self.project]

        def have_replied() -> bool:
            asked = [ask for ask in self.trace.asks_of(state=self.state) if ask.project != self.project]
            current = {ask.project: ask for ask in asked}
            everyone = len(current) == len(others) or self.state in ACTION_STATES
            return self.has_moved or (everyone and all(ask.replies for ask in current.values()))

        self.trace.wait_until(have_replied, min(self.latest, time.monotonic() + seconds))

    def hold(self, quiet: float) -> bool:
        """Keep still for ``quiet`` seconds from the moment the session could go on; whether it stayed where it was.

        Ends early when the session moves, and in time for a reply before the window ends.
        """
        start = time.monotonic()
        if self.state == State.MAINTENANCE:
            start = max(start, self.trace.maintenance_due)
        self.trace.wait_until(lambda: self.has_moved, min(start + quiet, self.latest))
        return not self.has_moved

    def wait_for_progress(self, seconds: float) -> bool:
        """Wait until the session goes on from here; whether it did."""
        self.trace.wait_until(lambda: self.has_moved, time.monotonic() + seconds)
        return self.trace.progress(self.ask) is not None

    def stop(self) -> None:
        """The script has seen what it wanted."""
        self.play.stop()


def _behave(turn: Turn) -> None:
    turn.behave()


class Play:
    """Runs one session with a script. ``run`` returns its trace; Missing is raised when none could be started.

    ``metadata`` is what the session is started with besides the suite's own; ``stay`` tells of a session that has
    ended when it may be deleted (by default at once).
    """

    def __init__(
        self,
        lab: Lab,
        name: str,
        script: Script | None = None,
        *,
        stay: Callable[[], bool] | None = None,
        metadata: Mapping[str, str] | None = None,
    ) -> None:
        self.lab = lab
        self.name = name
        self.script = script or _behave
        self._stay = stay
        self._metadata = metadata
        #: Held while a project replies: replies at the same moment are tried in a play of their own.
        self._replying = threading.Lock()
        self._replied_at = 0.0
        #: Replaced when the session is started.
        self.trace = Trace(name, "", None, time.monotonic())
        self._pool = ThreadPoolExecutor(max_workers=2 * max(2, len(lab.projects)), thread_name_prefix=name)
        self._lock = threading.Lock()
        self._early: list[Ask] | None = []
        self._stopping = False

    @property
    def is_stopping(self) -> bool:
        """Whether the play is over for its scripts."""
        return self._stopping or self.lab.interrupted.is_set()

    @contextmanager
    def in_turn(self, turn: Turn) -> Iterator[None]:
        """Let one reply be sent after another, with a pause between, as far as the window has room for that.

        Where answers are slow the pause is between the requests, not from an answer to the next request.
        """
        pause = min(_PAUSE, 1.0 / len(self.lab.projects))
        alone = self._replying.acquire(timeout=max(0.0, turn.latest - time.monotonic()))
        is_slow = self.lab.slowest > _SLOW
        try:
            self.trace.wait_until(lambda: self.is_stopping, min(turn.latest, self._replied_at + pause))
            if is_slow and alone:
                self._replied_at = time.monotonic()
                self._replying.release()
            yield
        finally:
            if alone and not is_slow:
                self._replied_at = time.monotonic()
                self._replying.release()

    def stop(self) -> None:
        """End the play soon."""
        self._stopping = True
        self.trace.touch()

    def run(self) -> Trace:
        """Play the session; always leaves the server without it."""
        self.trace = trace = self.lab.start(self.name, self._hear, self._metadata)
        with self._lock:
            early, self._early = self._early or [], None
        for ask in early:
            self._pool.submit(self._act, ask)
        try:
            while not self._is_over():
                with trace.changed:
                    trace.changed.wait(_LOOK)
                self._look()
            self._linger()
            if self._stay is not None and not self._stopping:
                trace.wait_until(lambda: self.is_stopping or self._stay is None or self._stay(), self._patience_ends())
        finally:
            with self._lock:
                self._stopping = True
            trace.touch()
            self._pool.shutdown(wait=True, cancel_futures=True)
            self.lab.finish(trace)
        if self.lab.interrupted.is_set():
            raise Interrupted
        return trace

    def _hear(self, ask: Ask) -> None:
        with self._lock:
            if self._early is not None:
                # The first alarm may be here before the answer that names its session.
                self._early.append(ask)
            elif not self._stopping:
                self._pool.submit(self._act, ask)

    def _act(self, ask: Ask) -> None:
        if self._stopping:
            return
        try:
            self.script(Turn(self, ask))
        except BaseException as failure:
            self.trace.broken = failure
            self.stop()

    def _look(self) -> None:
        if self.trace.final or self._stopping:
            return
        state, exchange = self.lab.admin.state(self.trace.session_id)
        if state is not None:
            self.trace.saw_state(state, exchange)

    def _is_over(self) -> bool:
        trace = self.trace
        if self.lab.interrupted.is_set():
            trace.ending = "interrupted"
        elif self._stopping:
            trace.ending = "stopped"
        elif trace.final:
            trace.ending = "done" if trace.final == State.MAINTENANCE_DONE else "failed"
        elif time.monotonic() > self._patience_ends():
            trace.ending = "stalled"
        return bool(trace.ending)

    def _patience_ends(self) -> float:
        """Until when something must have happened.

        While a window is open that is its end and a grace; else the longest single wait. Who is told nothing at all
        is not waited for that long.
        """
        trace, most = self.trace, self.lab.options.max_wait
        with trace.changed:
            waiting = [ask for ask in trace.asks if ask.accepted is None and trace.progress(ask) is None]
            if waiting:
                return max(ask.deadline + min(most, max(5.0, ask.deadline - ask.at)) for ask in waiting)
            if not trace.asks:
                return max(trace.opened, trace.maintenance_due) + min(most, 20.0)
            return max(trace.last_change, trace.maintenance_due) + most

    def _linger(self) -> None:
        """Late alarms still count: wait until none has come for a moment."""
        if self._stopping:
            return
        while not self.lab.interrupted.is_set():
            last = self.trace.last_change
            with self.trace.changed:
                self.trace.changed.wait(max(0.0, last + _LINGER - time.monotonic()))
            if self.trace.last_change == last and time.monotonic() >= last + _LINGER:
                return
