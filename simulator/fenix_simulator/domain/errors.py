"""What the core refuses, and why.

Each error carries what was wrong (the message), what was expected and what would have worked; ``http`` turns the
class into a status. A refused command has changed nothing.
"""

from __future__ import annotations


class MaintenanceError(Exception):
    """Something asked of the simulator cannot be done."""

    def __init__(self, message: str, *, expected: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.expected = expected
        self.hint = hint


class UnknownSession(MaintenanceError):
    """No such session (404)."""


class UnknownProject(MaintenanceError):
    """The project has no part in that session (404)."""


class UnknownInstance(MaintenanceError):
    """No such instance (404)."""


class UnknownHost(MaintenanceError):
    """A host that the inventory does not have (422)."""


class ReplyNotAwaited(MaintenanceError):
    """A reply to a state that does not await one from this project (409)."""


class ReplyInvalid(MaintenanceError):
    """A reply whose actions do not fit the instances or actions asked about (422)."""


class NoCapacity(MaintenanceError):
    """No host has room for the instance (409)."""


class LimitReached(MaintenanceError):
    """A limit on sessions, instances, subscriptions or hosts (409)."""


class AlreadyExists(MaintenanceError):
    """An id that is taken (409)."""


class SessionOver(MaintenanceError):
    """The session has ended and cannot do that (409)."""


class NotPaused(MaintenanceError):
    """The session goes on by itself: only one that is held can be led step by step (409)."""


class NothingDue(MaintenanceError):
    """The session waits for the projects, and for nothing that would come by itself (409)."""


class WrongClock(MaintenanceError):
    """The clock's mode does not allow that (409)."""
