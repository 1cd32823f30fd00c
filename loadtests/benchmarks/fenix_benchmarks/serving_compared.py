"""Part one: lists and replies, each server in turn."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from generator import Figures, Request, measure, resident_mb
from serving import free_port

from fenix_benchmarks.cache import Cache, Unavailable
from fenix_benchmarks.peers import Peer, Start
from fenix_benchmarks.processes import NotStarted, running
from fenix_benchmarks.rounds import Round, in_turn, warm
from fenix_benchmarks.served import work_on
from fenix_benchmarks.works import Work, Wrong, check

SERVE = "serve"

#: How long a round is that warms up.
_WARM_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Told:
    """What a run found: rounds by work and server (`serve` first), memory in MB and seconds to the first answer by
    server, versions by server, and why a server, or one of its works, was left out."""

    rounds: dict[str, dict[str, list[Round]]] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Running:
    """A peer that answers at ``url``, what it is asked, and rounds at most until it is warm."""

    url: str
    pid: int
    start: Start
    warm: int


Say = Callable[[str], None]


def run(
    works: Sequence[Work],
    peers: Sequence[Peer],
    cache: Cache,
    *,
    rounds: int,
    seconds: float,
    say: Say,
    warm_up: int = 5,
) -> Told:
    """All works, all peers that are to be had; `serve` has ``warm_up`` rounds at most until it is warm.

    Errors: Wrong, RuntimeError where `serve` itself is at fault.
    """
    told = Told()
    with contextlib.ExitStack() as stack:
        others = {}
        for peer in peers:
            say(f"starting {peer.name}")
            try:
                others[peer.name] = stack.enter_context(started(peer, cache, told))
            except (Unavailable, NotStarted, Wrong, OSError) as error:
                told.left_out[peer.name] = str(error)
                say(f"{peer.name} is left out: {error}")
        for work in works:
            _one(work, others, told, rounds=rounds, seconds=seconds, say=say, warm_up=warm_up)
        for name, other in others.items():
            with contextlib.suppress(OSError):
                told.memory[name] = resident_mb(other.pid)
    return told


@contextlib.contextmanager
def started(peer: Peer, cache: Cache, told: Told) -> Iterator[Running]:
    """The peer as a process, until the end of the block. Errors: Unavailable, NotStarted."""
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        plan = peer.plan(cache, folder, port)
        url = f"http://127.0.0.1:{port}"
        with running(plan.command, url, folder=folder, environment=plan.environment) as (process, seconds):
            if plan.prepare is not None:
                plan.prepare(url)
            told.versions[peer.name] = plan.version
            told.started[peer.name] = seconds
            yield Running(url, process.pid, plan, peer.warm)


def _one(
    work: Work, others: dict[str, Running], told: Told, *, rounds: int, seconds: float, say: Say, warm_up: int
) -> None:
    """One work on all servers: checked, warmed, measured in turn."""
    with work_on(work) as (ours, pid):
        measured = {SERVE: ours}
        for name, other in others.items():
            request = other.start.request(work)
            try:
                check(other.url, request, work)
            except (Wrong, OSError) as error:
                told.left_out[f"{name}, {work.title}"] = str(error)
                say(f"{name} is left out of {work.title}: {error}")
                continue
            measured[name] = _measuring(other, request)
        for name, call in measured.items():
            most = others[name].warm if name in others else warm_up
            took = warm(partial(call, _WARM_SECONDS), most)
            say(f"{work.title}: {name} is warm after {took} rounds")
        say(f"{work.title}: {rounds} rounds of {len(measured)} servers")
        told.rounds[work.name] = in_turn(rounds, {name: partial(call, seconds) for name, call in measured.items()})
        # Replies are kept in the journal, so that they take memory.
        told.memory[f"{SERVE}, after replies" if work.method == "PUT" else f"{SERVE}, after lists"] = resident_mb(pid)


def _measuring(other: Running, request: Request) -> Callable[[float], Figures]:
    return lambda seconds: measure(other.url, [request], pid=other.pid, seconds=seconds)
