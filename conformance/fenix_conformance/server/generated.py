"""The second layer: requests generated from openapi.yaml, with ids of a live session and with ids of none.

schemathesis makes the requests; the judging is this suite's own, because the contract's answers are those of one server
and a correct one may differ: what counts is 4xx where something is wrong, never 5xx, and lists that are lists.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final

from fenix_conformance.results import Layer, Outcome
from fenix_conformance.server.checks.lists import what_is_wrong
from fenix_conformance.server.exchange import Exchange
from fenix_conformance.server.generation import Generated, generate_requests
from fenix_conformance.server.judging import Case, Judgement
from fenix_conformance.server.lab import Lab, Missing
from fenix_conformance.server.trace import Ask, Trace
from fenix_contract.vocabulary import ReplyPrefix, State

#: What generated requests may find broken.
REQUIREMENTS: Final = (
    "list-shape", "list-json", "list-unknown", "reply-malformed", "reply-unknown", "reply-extra-members", "methods",
)  # fmt: skip

#: Seconds in which the whole layer is over.
_BUDGET: Final = 8.0


def prepare(lab: Lab, case: Case) -> Generated | None:
    """Make the requests before anything is timed; None where schemathesis is not installed."""
    try:
        return generate_requests(lab.options.seed)
    except ImportError as missing:
        reason = f"generated requests need schemathesis (pip install 'fenix-harness[conformance]'): {missing}"
        for requirement in REQUIREMENTS:
            case.generated[requirement] = Judgement(Outcome.UNTESTABLE, reason, layer=Layer.GENERATED)
        return None


class Layers:
    """Sends the requests and keeps what they find, until the budget is spent."""

    def __init__(self, lab: Lab, case: Case, requests: Generated) -> None:
        self._lab = lab
        self._case = case
        self._requests = requests
        self._ends = time.monotonic() + min(_BUDGET, lab.options.max_wait)
        self._counts: Counter[str] = Counter()

    def run(self) -> None:
        """Both set-ups; what was found is in the case."""
        self.try_strangers()
        if self._lab.projects and self._lab.options.session is None:
            self._try_pinned(_Keeper(self._lab))
        self._case.generated_counts.update(self._counts)

    # -- ids that no server has

    def try_strangers(self) -> None:
        """Every 2xx is a failure, and so is every 5xx."""
        root, send = f"{self._lab.options.root}/v1/maintenance", self._lab.client.send
        share = time.monotonic() + 0.35 * (self._ends - time.monotonic())
        bodies = [*self._requests.replies, {"state": ReplyPrefix.ACK + State.MAINTENANCE}]
        for number, (session_id, project) in enumerate(self._requests.places):
            if self._is_over(share):
                return
            url = f"{root}/{session_id}/{project}"
            listed = send("GET", url, note="generated ids")
            self._judge("list-unknown", listed, "4xx", _not_refused(listed))
            body = bodies[number % len(bodies)]
            replied = self._lab.client.send_json("PUT", url, body, note="generated ids and reply")
            self._judge("reply-unknown", replied, "4xx", _not_refused(replied))

    # -- ids of a live session

    def _try_pinned(self, keeper: _Keeper) -> None:
        try:
            for round_ in self._rounds():
                url = keeper.url()
                for probe in round_:
                    if self._is_over(self._ends):
                        return
                    if keeper.is_late:
                        url = keeper.url()
                    probe(url)
        except Missing as missing:
            self._lab.tell(f"generated requests with live ids: {missing}")
        finally:
            keeper.close()

    def _rounds(self) -> Iterable[list[Callable[[str], None]]]:
        """One list, one reply, one malformed body and one other method at a time, so that each kind has its share."""
        replies, malformed = self._requests.replies, self._requests.malformed
        for number in range(max(len(replies), len(malformed))):
            reply = replies[number % len(replies)]
            yield [
                self._list,
                partial(self._reply, reply),
                partial(self._malformed, malformed[number % len(malformed)]),
                partial(self._method, ("POST", "PATCH", "DELETE")[number % 3], reply),
            ]

    def _list(self, url: str) -> None:
        exchange = self._lab.client.send("GET", url, note="generated")
        self._judge("list-shape", exchange, "200 with an object whose instance_ids is a list", what_is_wrong(exchange))
        if exchange.status == 200:
            wrong = "" if exchange.content_type == "application/json" else f"it is {exchange.content_type or 'nothing'}"
            self._judge("list-json", exchange, "Content-Type: application/json", wrong)

    def _reply(self, reply: dict[str, Any], url: str) -> None:
        """The acknowledgement with generated members besides: whatever they are, they are no reason to break."""
        more = {name: value for name, value in reply.items() if name not in ("state", "instance_actions")}
        body = {**more, "instance_actions": {}, "state": ReplyPrefix.ACK + State.MAINTENANCE}
        exchange = self._lab.client.send_json("PUT", url, body, note="generated members")
        self._judge("reply-extra-members", exchange, "no 5xx", _server_error(exchange))

    def _malformed(self, body: bytes, url: str) -> None:
        exchange = self._lab.client.send("PUT", url, body=body, note="generated body")
        if not exchange.is_busy:
            self._judge("reply-malformed", exchange, "4xx", _not_refused(exchange))

    def _method(self, method: str, reply: dict[str, Any], url: str) -> None:
        exchange = self._lab.client.send_json(method, url, reply, note="generated body")
        self._judge("methods", exchange, "no 2xx and no 5xx", _not_refused(exchange))

    # -- what was found

    def _is_over(self, end: float) -> bool:
        return time.monotonic() > end or self._lab.interrupted.is_set()

    def _judge(self, requirement: str, exchange: Exchange, expected: str, wrong: str) -> None:
        """Keep the first failure of each requirement; it is the one to look at."""
        self._counts[requirement] += 1
        if wrong and not exchange.is_busy and requirement not in self._case.generated:
            self._case.generated[requirement] = Judgement(
                Outcome.FAIL,
                f"{exchange.method} with generated data: {wrong}",
                expected,
                wrong,
                (exchange.evidence,),
                Layer.GENERATED,
            )


def _not_refused(exchange: Exchange) -> str:
    return "" if exchange.is_refused else f"it was answered {exchange.outcome}"


def _server_error(exchange: Exchange) -> str:
    is_broken = exchange.status is None or exchange.status >= 500
    return f"it was answered {exchange.outcome}" if is_broken else ""


class _Keeper:
    """A session held in MAINTENANCE; when its window is nearly over, the next one."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._number = 0
        self._trace: Trace | None = None
        self._until = 0.0

    @property
    def is_late(self) -> bool:
        """Whether the session may be over before the next answer."""
        return time.monotonic() + 2 * self._lab.slowest > self._until

    def url(self) -> str:
        """The URL of the first project in a session that is live; raises Missing."""
        from fenix_conformance.server.play import project_url

        if self._trace is None or self.is_late:
            self.close()
            self._number += 1
            self._trace = trace = self._lab.start(f"generated-{self._number}")
            trace.wait_until(
                lambda: self._ask(trace) is not None, time.monotonic() + min(5.0, self._lab.options.max_wait)
            )
            ask = self._ask(trace)
            if ask is None:
                raise Missing("the session was not announced")
            self._until = ask.at + 0.8 * (ask.deadline - ask.at)
        return project_url(self._lab.options.root, self._trace.session_id, self._lab.projects[0])

    def _ask(self, trace: Trace) -> Ask | None:
        return next(iter(trace.asks_of(self._lab.projects[0], State.MAINTENANCE)), None)

    def close(self) -> None:
        """Take the session away."""
        if self._trace is not None:
            self._lab.finish(self._trace)
            self._trace = None
