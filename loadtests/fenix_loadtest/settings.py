"""What a run is to do, read from texts: the command's flags and locust's come to the same value.

Every function raises ValueError with one line that says what was wrong and what would have worked.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from fenix_loadtest.thresholds import Threshold, failures_threshold, latency_threshold
from fenix_vnfm.durations import parse_duration

LIST: Final = "list"
REPLY: Final = "reply"
#: The mix in which only alarms make requests.
WAVE: Final = "wave"
ARRIVALS: Final = ("even", "poisson")


def seconds_of(text: str) -> float:
    """A duration such as ``500ms`` or ``1m30s``, in seconds."""
    return parse_duration(text).total_seconds()


def origin_of(text: str) -> str:
    """An http or https URL, without a slash at its end."""
    parts = urlsplit(text)
    try:
        valid = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or parts.query or parts.fragment:
        raise ValueError(f"{text!r} is not an http or https URL such as http://127.0.0.1:8919")
    return text.rstrip("/")


@dataclass(frozen=True, slots=True)
class Mix:
    """Weights of the steady requests; both 0 means that requests follow alarms only."""

    list: int = 8
    reply: int = 1

    def pick(self, rng: random.Random) -> str:
        """Which kind of request comes next."""
        return LIST if rng.random() * (self.list + self.reply) < self.list else REPLY

    @property
    def is_steady(self) -> bool:
        """Whether there are requests beside those that alarms ask for."""
        return self.list + self.reply > 0


def mix_of(text: str) -> Mix:
    """A mix such as ``list=8,reply=1``; a kind that is left out has weight 0. ``wave`` is none of both."""
    if text.strip() == WAVE:
        return Mix(0, 0)
    weights: dict[str, int] = {}
    for part in text.split(","):
        name, equals, weight = part.strip().partition("=")
        if name not in (LIST, REPLY) or name in weights or not weight.isdecimal() or not equals or len(weight) > 6:
            raise ValueError(f"{text!r} is not a mix such as list=8,reply=1, or {WAVE}")
        weights[name] = int(weight)
    if not sum(weights.values()):
        raise ValueError(f"{text!r} asks for nothing: say {WAVE} for requests that follow alarms only")
    return Mix(weights.get(LIST, 0), weights.get(REPLY, 0))


@dataclass(frozen=True, slots=True)
class Settings:
    """A run. ``rate`` is the steady requests a second of all processes together, 0 for closed users. Durations are in
    seconds. ``sessions`` is the number of sessions at a time of all processes together."""

    sessions: int = 4
    rate: float = 0.0
    arrivals: str = "even"
    mix: Mix = Mix()
    think: float = 0.0
    projects: tuple[str, ...] = ()
    aodh_url: str | None = None
    token: str | None = None
    listen: str = "127.0.0.1"
    lead: float = 1.0
    hold: float = 1.0
    patience: float = 10.0
    reply_window: float = 20.0
    max_wait: float = 90.0
    timeout: float = 10.0
    seed: int = 0
    thresholds: tuple[Threshold, ...] = field(default=(failures_threshold("0"),))
    report: str | None = None

    @classmethod
    def of_options(cls, options: Mapping[str, Any]) -> Settings:
        """The settings that texts say; names are those of ``OPTIONS``."""
        limits = [latency_threshold("p95", text) for text in options["max_p95"]]
        limits += [latency_threshold("p99", text) for text in options["max_p99"]]
        limits.append(failures_threshold(options["max_failures"]))
        return cls(
            sessions=options["sessions"],
            rate=options["rate"],
            arrivals=options["arrivals"],
            mix=mix_of(options["mix"]),
            think=seconds_of(options["think"]),
            projects=tuple(dict.fromkeys(options["project"])),
            aodh_url=origin_of(options["aodh_url"]) if options["aodh_url"] else None,
            token=options["token"] or None,
            listen=options["listen"],
            lead=seconds_of(options["lead"]),
            hold=seconds_of(options["hold"]),
            patience=seconds_of(options["patience"]),
            reply_window=seconds_of(options["reply_window"]),
            max_wait=seconds_of(options["max_wait"]),
            timeout=seconds_of(options["timeout"]),
            seed=options["seed"],
            thresholds=tuple(limits),
            report=options["report"],
        )


@dataclass(frozen=True, slots=True)
class Option:
    """A flag that both commands have: its name as in ``--max-p95``, the text of its help, and how it is read."""

    flag: str
    default: Any
    help: str
    metavar: str = "DURATION"
    read: Any = seconds_of
    multiple: bool = False
    choices: Sequence[str] | None = None

    @property
    def name(self) -> str:
        """The name among the options."""
        return self.flag.removeprefix("--").replace("-", "_")

    def check(self, text: str) -> str | int | float:
        """The value as it is handed on: numbers as such, everything else as the text that it was."""
        value = self.read(text)
        return value if isinstance(value, int | float) and self.read is not seconds_of else text


def count_of(text: str) -> int:
    """A whole number from 1 on."""
    if not text.isdecimal() or not 0 < int(text[:12]) <= 1_000_000:
        raise ValueError(f"{text!r} is not a whole number from 1 to 1000000")
    return int(text)


def seed_of(text: str) -> int:
    """A whole number from 0 on."""
    if not text.isdecimal() or len(text) > 15:
        raise ValueError(f"{text!r} is not a whole number such as 0 or 42")
    return int(text)


def rate_of(text: str) -> float:
    """Requests a second."""
    try:
        rate = float(text)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= 1_000_000:
        raise ValueError(f"{text!r} is not a rate such as 50 or 0.5 (requests a second)")
    return rate


def _p95(text: str) -> Threshold:
    return latency_threshold("p95", text)


def _p99(text: str) -> Threshold:
    return latency_threshold("p99", text)


OPTIONS: Final = (
    Option("--sessions", 4, "Sessions under way at a time, of all processes.", "N", count_of),
    Option("--rate", 0.0, "Steady requests a second (open loop); 0: each user goes on at once.", "N", rate_of),
    Option("--arrivals", "even", "How the requests of --rate are spread over time.", "", str, choices=ARRIVALS),
    Option("--mix", "list=8,reply=1", "Weights of the steady requests; wave: only what alarms ask for.", "MIX", mix_of),
    Option("--think", "0s", "Pause of a user between two steady requests, without --rate."),
    Option("--max-p95", (), "Limit for each name, or for one: 'PUT reply=80ms'.", "[NAME=]DURATION", _p95, True),
    Option("--max-p99", (), "Likewise.", "[NAME=]DURATION", _p99, True),
    Option("--max-failures", "0", "Requests that may fail: a number or a share.", "N|N%", failures_threshold),
    Option("--project", (), "A project to subscribe; default: all that the token sees.", "ID", str, True),
    Option("--aodh-url", None, "Where projects are subscribed; default: the server itself.", "URL", origin_of),
    Option("--token", None, "Sent as X-Auth-Token.", "TOKEN", str),
    Option("--listen", "127.0.0.1", "Address to take alarms on; the server must reach it.", "HOST", str),
    Option("--lead", "1s", "How far ahead a maintenance is announced."),
    Option("--hold", "1s", "How long a state's last reply is held back: lists and repeats need it."),
    Option("--patience", "10s", "How long a session may take to go on before its replies are sent again one by one."),
    Option("--reply-window", "20s", "Of the server, where its alarms do not tell."),
    Option("--max-wait", "90s", "How long to wait at the end for sessions to show their replies."),
    Option("--timeout", "10s", "How long an answer may take."),
    Option("--seed", 0, "Of the random choices.", "N", seed_of),
)


def starts(rate: float, arrivals: str, rng: random.Random) -> Iterator[float]:
    """The seconds after the begin at which requests are meant to start; without end."""
    at = 0.0
    while True:
        yield at
        at += rng.expovariate(rate) if arrivals == "poisson" else 1 / rate
