"""A session that the service keeps: with its lock, and its lists that are ready to be sent."""

from __future__ import annotations

import threading

from fenix_simulator.domain import messages as m
from fenix_simulator.domain.session import Session
from fenix_simulator.ports import Entry


class Running:
    """Whoever changes the session, or reads more of it than a ready list, holds its lock."""

    __slots__ = ("held_up", "lists", "lock", "session")

    def __init__(self, session: Session) -> None:
        self.session = session
        self.lock = threading.RLock()
        self.lists: dict[str, bytes] = {}
        #: Whether the journal has refused a step of the session since it last took one.
        self.held_up = False


def session_entry(session_id: str, event: m.Event) -> Entry:
    """An event of a session as the journal takes it."""
    return Entry("event", type(event).__name__, event, session_id, getattr(event, "project_id", None))
