"""What the ticker keeps for one session."""

from __future__ import annotations

from collections import deque

from fenix_simulator.adapters.timer_heap import TimerHeap, Wait


class Lane:
    """The waits of a session, where they stand, and the deliveries that hold its jumps. Guarded by the ticker's lock.

    ``waits`` has them all by number. Those whose time has come are in ``expired``. Those that jump are in ``jumps``,
    by the session's simulated time (``elapsed`` seconds so far), or in ``held`` until the deliveries are done; each
    delivery counts for ``patience`` seconds at most.
    """

    __slots__ = ("_holds", "_patience", "elapsed", "expired", "held", "jumps", "waits")

    def __init__(self, patience: float) -> None:
        self._patience = patience
        self._holds: list[float] = []
        self.waits: dict[int, Wait] = {}
        self.expired: deque[Wait] = deque()
        self.jumps: TimerHeap[float] = TimerHeap()
        self.elapsed = 0.0
        self.held: dict[int, Wait] = {}

    def hold(self, now: float) -> None:
        """A delivery begins; ``now`` is in monotonic seconds."""
        self._holds.append(now)

    def release(self) -> None:
        """A delivery has ended. Which one is not told: taking the newest away leaves the one that hangs as the oldest,
        out of patience."""
        if self._holds:
            self._holds.pop()

    def held_until(self, now: float) -> float | None:
        """The monotonic second until which nothing may jump; None when it may now."""
        if not self._holds:
            return None
        until = self._holds[-1] + self._patience
        return until if until > now else None

    def end(self, timer: int) -> None:
        """The wait is over, wherever it stands."""
        self.waits.pop(timer).end()
        self.held.pop(timer, None)

    def take(self) -> Wait | None:
        """The wait that is to fire now, taken out of its queue but not yet ended."""
        while self.expired:
            wait = self.expired.popleft()
            if wait.live:
                return wait
        jump = self.jumps.pop()
        if jump is not None:
            self.elapsed = max(self.elapsed, jump.due)
        return jump

    def is_empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not (self.waits or self._holds)
