"""How far a scenario is: what its journal tells, entry by entry, of when there is nothing more to wait for."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final

from fenix_contract.vocabulary import REPLY_STATES, State

_ENDS: Final = frozenset({"SessionDone", "SessionFailed", "SessionDeleted"})
_ASKING: Final = frozenset(map(str, REPLY_STATES))


class _Session:
    """One session: which projects' replies it waits for, and how it stands with the VNFM."""

    def __init__(self) -> None:
        self.has_begun = False
        self.is_over = False
        self.completed = False
        self.awaited: set[str] = set()
        #: The VNFM's last reply got an error of the server's, or no answer: it may come again.
        self.unanswered = False
        #: The VNFM has said something to the open question, though it was refused: no other word need be waited for.
        self.has_spoken = False
        #: Alarms for the VNFM that no delivery was recorded of, by notification.
        self.on_the_way: set[str] = set()


class Following:
    """Takes a journal's entries as JSON has them, in order. ``own`` is the VNFM's project, ``session_ids`` are all
    sessions that will be, ``silent`` the projects that never reply."""

    def __init__(self, own: str, session_ids: Iterable[str], silent: Collection[str] = ()) -> None:
        self._own = own
        self._silent = frozenset(silent)
        self._sessions = {session_id: _Session() for session_id in session_ids}

    # -- what is known now -------------------------------------------------------------------------------------------

    @property
    def is_over(self) -> bool:
        """Whether every session has ended."""
        return all(session.is_over for session in self._sessions.values())

    @property
    def open_sessions(self) -> list[str]:
        """The sessions that have not ended."""
        return [session_id for session_id, session in self._sessions.items() if not session.is_over]

    @property
    def owes_a_reply(self) -> bool:
        """Whether the VNFM was asked and has said nothing, or its last reply got no lasting answer."""
        return any(
            session.unanswered or (self._own in session.awaited and not session.has_spoken)
            for session in self._sessions.values()
        )

    @property
    def has_alarms_on_the_way(self) -> bool:
        """Whether an alarm for the VNFM was sent that no delivery is recorded of: its handler is slow."""
        return any(session.on_the_way for session in self._sessions.values())

    @property
    def may_scale_out(self) -> bool:
        """Whether some session is complete: the VNFM may take its instances back."""
        return any(session.completed for session in self._sessions.values())

    @property
    def waits_for_silence(self) -> bool:
        """Whether all that is waited for is that a project which never replies does not: nothing for the VNFM."""
        unfinished = [session for session in self._sessions.values() if not session.is_over]
        return bool(unfinished) and all(
            session.has_begun
            and session.awaited
            and session.awaited <= self._silent
            and not session.unanswered
            and not session.on_the_way
            for session in unfinished
        )

    # -- taking entries ----------------------------------------------------------------------------------------------

    def take(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Go on by these entries."""
        for row in rows:
            session = self._sessions.get(row["session_id"] or "")
            if session is None:
                continue
            if row["kind"] == "event":
                self._event(session, row)
            elif row["project_id"] == self._own:
                self._traffic(session, row)

    def _event(self, session: _Session, row: Mapping[str, Any]) -> None:
        data = row["data"]
        match row["type"]:
            case "SessionCreated":
                session.has_begun = True
            case "ProjectsAsked":
                session.awaited.clear()
                session.unanswered = False
                session.has_spoken = False
            case "ProjectNotified":
                if data["state"] in _ASKING:
                    session.awaited.add(data["project_id"])
                if data["project_id"] == self._own:
                    session.on_the_way.add(f"{row['session_id']}/{data['notification']}")
            case "ReplyAccepted":
                session.awaited.discard(data["project_id"])
            case "StateEntered" if data["state"] == State.MAINTENANCE_COMPLETE:
                session.completed = True
            case kind if kind in _ENDS:
                session.is_over = True

    def _traffic(self, session: _Session, row: Mapping[str, Any]) -> None:
        """An alarm's delivery to the VNFM, or a request of its."""
        data = row["data"]
        if row["kind"] == "delivery":
            session.on_the_way.discard(data["notification"])
        elif row["kind"] == "request" and data["method"] == "PUT" and data.get("surface") == "project":
            status = data["status"]
            session.unanswered = status is None or status >= 500
            session.has_spoken = not session.unanswered
