"""Managers that do not try again where a request failed for a passing reason, or do it without measure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, ClassVar

from fenix_vnfm.client import Exchange
from fenix_vnfm.conduct import Conduct, Task
from fenix_vnfm.gallery.behaviour import Behaviour

Reply = Mapping[str, Any]


class NoRetry(Conduct):
    """Sends its reply, and that was that."""

    def send(self, task: Task, reply: Reply) -> tuple[Exchange, int]:
        return self.put_reply(task, self.reply_url(task), reply, self.policy.request_timeout), 1


class Hammers(Conduct):
    """Sends a reply that failed up to ``most`` times, with the same ``wait`` before each, whatever the time is."""

    most: ClassVar[int]
    wait: ClassVar[timedelta]

    def send(self, task: Task, reply: Reply) -> tuple[Exchange, int]:
        tries, goes_on = 0, True
        while goes_on:
            tries += 1
            exchange = self.put_reply(task, self.reply_url(task), reply, self.policy.request_timeout)
            goes_on = exchange.may_pass and tries < self.most and not (self.wait and self.means.pause(self.wait))
        return exchange, tries


class RetryStorm(Hammers):
    """Tries again at once, hundreds of times."""

    most = 300
    wait = timedelta()


class RetryEndless(Hammers):
    """Tries again ten times a second, for minutes."""

    most = 3_000
    wait = timedelta(seconds=0.1)


BEHAVIOURS = (
    Behaviour(
        "no-retry",
        "sends a reply once, whatever becomes of it",
        NoRetry,
        breaks=("retry", "reply-sent"),
        shown_by=("flaky-api",),
    ),
    Behaviour(
        "retry-storm",
        "sends a reply that failed again without any pause, up to 300 times",
        RetryStorm,
        breaks=("retry",),
        shown_by=("flaky-api", "api-down"),
    ),
    Behaviour(
        "retry-endless",
        "sends a reply that failed again every 0.1 s, long after its window too",
        RetryEndless,
        breaks=("retry", "reply-in-time", "reply-sent"),
        shown_by=("api-down",),
    ),
)
