"""Trying again: what failed for a passing reason is sent again after a pause, in bounds of number and time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from fenix_vnfm.client import Exchange
from fenix_vnfm.cloud import CloudError
from fenix_vnfm.policy import Policy

#: Waits that long; True where the wait was cut short because the manager is closing.
Pause = Callable[[timedelta], bool]
#: Told before each pause: the exchange that failed, the number of tries so far, the pause.
OnRetry = Callable[[Exchange, int, timedelta], None]
Result = TypeVar("Result")

#: A try gets a part of the time that is left, so that one server that hangs does not use up the window.
_PART_OF_WINDOW = 3
_SHORTEST_TRY = timedelta(seconds=0.5)


@dataclass(frozen=True, slots=True)
class Persistence:
    """Tries again by ``policy`` until ``deadline`` (aware UTC); the first try is always made."""

    policy: Policy
    now: Callable[[], datetime]
    pause: Pause
    on_retry: OnRetry

    def send(self, send: Callable[[timedelta], Exchange], deadline: datetime) -> tuple[Exchange, int]:
        """The last exchange, and how many tries it took. ``send`` is given the time that one try may take."""
        for tries in range(1, self.policy.tries + 1):
            exchange = send(self._try_time(deadline))
            if not exchange.may_pass or not self._pauses(exchange, tries, deadline):
                break
        return exchange, tries

    def call(self, do: Callable[[], Result], deadline: datetime, may_repeat: Callable[[Exchange], bool]) -> Result:
        """What ``do`` gives; where it raises a CloudError that ``may_repeat``, it is called again."""
        tries = 0
        while True:
            tries += 1
            try:
                return do()
            except CloudError as error:
                if (
                    tries == self.policy.tries
                    or not may_repeat(error.exchange)
                    or not self._pauses(error.exchange, tries, deadline)
                ):
                    raise

    def _pauses(self, exchange: Exchange, tries: int, deadline: datetime) -> bool:
        """Pause before the next try; False where there is none."""
        length = max(self.policy.pause_after(tries), exchange.retry_after)
        if tries == self.policy.tries or self.now() + length >= deadline:
            return False
        self.on_retry(exchange, tries, length)
        return not self.pause(length)

    def _try_time(self, deadline: datetime) -> timedelta:
        part = (deadline - self.now()) / _PART_OF_WINDOW
        return min(self.policy.request_timeout, max(part, _SHORTEST_TRY))
