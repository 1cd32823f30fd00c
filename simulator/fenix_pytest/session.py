"""A maintenance session as a test follows it: from the journal, so that no state is missed however short it was."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fenix_conformance.vnfm.journal import Entry
from fenix_contract.vocabulary import FINAL_STATES, REPLY_STATES, AlarmState, State
from fenix_pytest.control import Control
from fenix_pytest.flight import is_reply_request
from fenix_pytest.history import History

#: Seconds that a wait for one thing takes at most, unless told otherwise; and one for a whole maintenance.
SOON = 5.0
WHOLE = 60.0


class Session:
    """One maintenance. ``project`` arguments are a project's id, name or number (from 1)."""

    def __init__(
        self, session_id: str, control: Control, history: History, project_id: Callable[[str | int], str]
    ) -> None:
        """``project_id`` gives the id of a project, however it is named."""
        self.id = session_id
        self._control = control
        self._history = history
        self._project_id = project_id

    def __repr__(self) -> str:
        return f"<Session {self.id} {self.state}>"

    @property
    def state(self) -> str:
        """The workflow state that it is in now."""
        return str(self._view()["state"])

    @property
    def states(self) -> Sequence[str]:
        """The workflow states that it has been in, in order; one that was entered twice is there twice. Empty
        where it is planned and has not begun yet."""
        return _states(self._entries())

    @property
    def is_over(self) -> bool:
        """Whether it has ended, well or not."""
        return _final(self._entries()) is not None

    @property
    def failure_reason(self) -> str | None:
        """Why it failed, a sentence; None while it has not."""
        return _failure(self._entries())

    def wait_for_state(self, state: str, timeout: float = SOON) -> None:
        """Return once the session is or was in that workflow state. Raises NotSeen, at once where the session has
        ended without it. ``timeout`` is in seconds."""
        __tracebackhide__ = True
        wanted = _word(state, State)
        self._history.wait_for(
            lambda entries: wanted in _states(self._of(entries)), timeout, f"the state {wanted}", self._end_of
        )

    def wait_until_over(self, timeout: float = WHOLE) -> str:
        """The final state: MAINTENANCE_DONE, or MAINTENANCE_FAILED (``failure_reason`` says why). Raises NotSeen."""
        __tracebackhide__ = True
        return self._history.wait_for(lambda entries: _final(self._of(entries)), timeout, "the end of the session")

    def wait_for_alarm(
        self, state: str, project: str | int | None = None, timeout: float = SOON, nth: int = 1
    ) -> Entry:
        """The journal's entry of the ``nth`` alarm (from 1) for that state which a manager answered, whatever the
        answer; ``.data`` has ``status``, ``url``, ``body`` and more. Raises NotSeen."""
        __tracebackhide__ = True
        wanted = _word(state, AlarmState)
        where = self._project(project)

        def look(entries: Sequence[Entry]) -> Entry | None:
            found = [
                entry
                for entry in self._of(entries)
                if entry.kind == "delivery"
                and entry.data["state"] == wanted
                and entry.data["status"] is not None
                and where in (None, entry.project_id)
            ]
            return found[nth - 1] if len(found) >= nth else None

        return self._history.wait_for(look, timeout, _about("an answered alarm for", wanted, project), self._end_of)

    def wait_for_reply(self, project: str | int | None, state: str, timeout: float = SOON, nth: int = 1) -> Entry:
        """The journal's entry of the ``nth`` reply (from 1) to that state that Fenix took, ACK or NACK;
        ``.data["state"]`` is its text, ``.data["instance_actions"]`` what it asks for. Raises NotSeen, at once where
        the session has ended without it."""
        __tracebackhide__ = True
        wanted = _word(state.removeprefix("ACK_").removeprefix("NACK_"), tuple(REPLY_STATES))
        texts = (state,) if state != wanted else (wanted, f"ACK_{wanted}", f"NACK_{wanted}")
        where = self._project(project)

        def look(entries: Sequence[Entry]) -> Entry | None:
            found = [
                entry
                for entry in self._of(entries)
                if entry.type == "ReplyAccepted" and entry.data["state"] in texts and where in (None, entry.project_id)
            ]
            if len(found) < nth:
                return None
            # Its request is recorded once the session has drawn its conclusions from it, and has begun to wait again.
            reply = found[nth - 1]
            recorded = any(is_reply_request(one) and _is_behind(one, reply) for one in entries)
            return reply if recorded else None

        return self._history.wait_for(look, timeout, _about("a reply to", state, project), self._end_of)

    def pause(self) -> None:
        """Hold the session where it is; replies are still taken."""
        self._control.post(f"/sessions/{quote(self.id, safe='')}/pause")

    def resume(self) -> None:
        """Let it go on."""
        self._control.post(f"/sessions/{quote(self.id, safe='')}/resume")

    def _view(self) -> Mapping[str, Any]:
        view: Mapping[str, Any] = self._control.get(f"/sessions/{quote(self.id, safe='')}")
        return view

    def _entries(self) -> Sequence[Entry]:
        return self._of(self._history)

    def _of(self, entries: Sequence[Entry]) -> Sequence[Entry]:
        return [entry for entry in entries if entry.session_id == self.id]

    def _project(self, project: str | int | None) -> str | None:
        return None if project is None else self._project_id(project)

    def _end_of(self, entries: Sequence[Entry]) -> str | None:
        own = self._of(entries)
        end = _final(own)
        return None if end is None else f"the session is over, in {end}{_because(_failure(own))}"


def _is_behind(request: Entry, reply: Entry) -> bool:
    return request.number > reply.number and request.project_id in (None, reply.project_id)


def _states(entries: Sequence[Entry]) -> Sequence[str]:
    entered = [str(one.data["state"]) for one in entries if one.type == "StateEntered"]
    return [str(State.MAINTENANCE), *entered] if any(one.type == "SessionCreated" for one in entries) else []


def _final(entries: Sequence[Entry]) -> str | None:
    return next((state for state in _states(entries)[-1:] if state in FINAL_STATES), None)


def _failure(entries: Sequence[Entry]) -> str | None:
    return next((str(entry.data["reason"]) for entry in entries if entry.type == "SessionFailed"), None)


def _because(reason: str | None) -> str:
    return f": {reason}" if reason else ""


def _about(what: str, state: str, project: str | int | None) -> str:
    return f"{what} {state}{f' of project {project}' if project is not None else ''}"


def _word(text: str, words: Any) -> str:
    """The word; a ValueError that lists those there are."""
    known = [str(word) for word in words]
    if str(text) not in known:
        raise ValueError(f"{text!r} is none of the states: {', '.join(known)}")
    return str(text)
