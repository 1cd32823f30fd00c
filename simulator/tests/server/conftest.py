"""What the tests of the running server share: the whole simulator on a socket, a client for it, and schemathesis."""

from __future__ import annotations

import http.client
import json
import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from fenix_simulator.adapters.clock import TimeMode
from fenix_simulator.bootstrap import Settings, Simulator
from fenix_simulator.scenario import Scenario, load
from fenix_simulator.scenario_change import changed, resized

#: The bound for whatever comes at once.
SOON = 30.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers (names in lower case) and body of an answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Sends one request on a connection of its own; ``token`` goes with each."""

    def __init__(self, simulator: Simulator, token: str | None = None) -> None:
        self.address = simulator.server.address
        self.token = token

    def __call__(
        self,
        method: str,
        path: str,
        document: Any = None,
        *,
        body: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """``document`` is sent as JSON, ``body`` as it is, in chunks where it comes in parts."""
        sent = dict(headers or {})
        if document is not None:
            body = json.dumps(document).encode()
            sent.setdefault("Content-Type", "application/json")
        if self.token is not None:
            sent.setdefault("X-Auth-Token", self.token)
        connection = http.client.HTTPConnection(*self.address, timeout=SOON)
        try:
            connection.request(method, path, body=body, headers=sent)
            answer = connection.getresponse()
            received = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, received, answer.read())
        finally:
            connection.close()


@pytest.fixture
def client() -> type[Client]:
    """A client of a running simulator."""
    return Client


@pytest.fixture
def serve() -> Iterator[Callable[..., Simulator]]:
    """Starts whole simulators on free ports and stops them with the test.

    Options are those of ``Settings``; ``time`` is text, ``scenario`` a name, sizes and ``reply_window`` change it.
    """
    running: list[Simulator] = []

    def start(
        *,
        scenario: str | Scenario = "happy-path",
        time: str = "manual",
        sizes: Mapping[str, int] | None = None,
        changes: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Simulator:
        chosen = load(scenario) if isinstance(scenario, str) else scenario
        chosen = changed(resized(chosen, **(sizes or {})), **(changes or {}))
        simulator = Simulator(Settings(scenario=chosen, time=TimeMode.parse(time), **options))
        running.append(simulator)
        return simulator.start()

    yield start
    for simulator in running:
        simulator.stop()


class RecordingErrors(logging.Handler):
    """Keeps the errors that the simulator logs: a request that failed on our side is one."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.seen: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append(self.format(record))


@pytest.fixture
def errors() -> Iterator[list[str]]:
    """What was logged as an error meanwhile, with tracebacks; nothing is passed over."""
    handler = RecordingErrors()
    logging.getLogger().addHandler(handler)
    yield handler.seen
    logging.getLogger().removeHandler(handler)


@dataclass
class Judged:
    """What schemathesis saw: answers by phase, method and status, and what it found wrong."""

    answers: Counter[tuple[str, str, int]] = field(default_factory=Counter)
    found: list[str] = field(default_factory=list)
    phases: dict[str, str] = field(default_factory=dict)

    def share(self, method: str, *statuses: int) -> float:
        """The share of the method's requests that were answered so."""
        everything = sum(count for (_, one, _), count in self.answers.items() if one == method)
        so = sum(count for (_, one, status), count in self.answers.items() if one == method and status in statuses)
        return so / everything if everything else 0.0


#: Decides what a generated case is before it is sent.
MapCase = Callable[[Any], None]


def judge(document: Mapping[str, Any], url: str, map_case: MapCase, examples: int, **filters: Any) -> Judged:
    """Run all phases of schemathesis over the API that ``document`` describes, the same requests each time.

    ``filters`` (``include`` or ``exclude``) are operation ids.
    """
    import schemathesis
    from schemathesis import engine
    from schemathesis.config import SchemathesisConfig

    config = SchemathesisConfig.from_dict(
        {
            "seed": 1,
            "base-url": url,
            # A redirect would be followed, and its 308 missed.
            "max-redirects": 0,
            "continue-on-failure": True,
            "request-timeout": SOON,
            "generation": {"deterministic": True, "database": "none", "max-examples": examples},
            "phases": {"stateful": {"max-steps": 4}},
            "cache": {"enabled": False},
        }
    )
    schema = schemathesis.openapi.from_dict(dict(document), config=config)
    if "include" in filters:
        schema = schema.include(operation_id=filters["include"])
    if "exclude" in filters:
        schema = schema.exclude(operation_id=filters["exclude"])

    # The one hook that acts in every phase.
    @schema.hook("map_case")
    def pin(context: Any, case: Any) -> Any:
        map_case(case)
        return case

    judged = Judged()
    for event in engine.from_schema(schema).execute():
        match type(event).__name__:
            case "ScenarioFinished":
                _note(judged, event)
            case "NonFatalError":
                judged.found.append(f"{event.label}: {event.info}")
            case "FatalError":
                raise event.exception
            case "PhaseFinished":
                judged.phases[event.phase.name.name] = str(event.status)
    return judged


def _note(judged: Judged, event: Any) -> None:
    recorder = event.recorder
    for exchange in recorder.interactions.values():
        if exchange.response is not None:
            key = event.phase.name, exchange.request.method, exchange.response.status_code
            judged.answers[key] += 1
    for case_id, checks in recorder.checks.items():
        for check in checks:
            if check.failure_info is not None:
                asked = recorder.interactions[case_id].request
                judged.found.append(
                    f"{event.phase.name} {check.name}: {asked.method} {asked.uri} {(asked.body or b'')[:300]!r}: "
                    f"{check.failure_info.failure.title}: {check.failure_info.failure.message[:500]}"
                )


@pytest.fixture
def schemathesis_judges() -> Callable[..., Judged]:
    """``judge``: runs all phases of schemathesis over an API."""
    return judge
