"""Which scenario a test is played in: a name or file and what is changed of it, resolved into a scenario.

The options are those of ``fenix-simulator serve`` in words of Python (``reply_window="2s"``, ``seed=3``, ``hosts=6``),
and the members of a scenario file (``timing={"migrate": "1s"}``, ``faults=[…]``), which are merged into the file's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from fenix_simulator.scenario import Scenario

DEFAULT: Final = "happy-path"

#: The reply window of bundled scenarios here; 20 s, as most of them have it, is long in a test that fails.
REPLY_WINDOW: Final = "5s"

#: Options that belong to the server and not to the scenario, with their defaults.
_OF_SERVER: Final[Mapping[str, str]] = {"time": "auto", "alarm_timeout": "30s"}
_NUMBERS: Final = ("hosts", "projects", "instances")
_WORDS: Final = ("behaviour", "dialect", "default", "reply_window")


class ScenarioRefused(Exception):
    """A scenario that does not exist, or an option that it does not have; the message says what would have worked."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A scenario with its options in it. ``document`` is its file as JSON, which YAML is too; ``time`` and
    ``alarm_timeout`` are the server's. Equal documents can share a server."""

    name: str
    document: str
    time: str
    alarm_timeout: str

    def scenario(self) -> Scenario:
        """The scenario, checked once more on the way."""
        from fenix_simulator.scenario import loads

        return loads(self.document.encode(), self.name)


@dataclass(frozen=True, slots=True)
class Choice:
    """``source`` is a bundled scenario's name or a file; see the module's text for ``options``."""

    source: str = DEFAULT
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, given: Choice | str | Path) -> Choice:
        """What a ``fenix_scenario`` fixture may give: a choice, or just a name or file."""
        return given if isinstance(given, Choice) else cls(str(given))

    def resolved(self) -> Resolved:
        """The scenario, found and changed as the options say. Raises ScenarioRefused."""
        from fenix_simulator.adapters.clock import TimeMode
        from fenix_simulator.durations import parse_duration
        from fenix_simulator.scenario import ScenarioError, bundled, load, loads
        from fenix_simulator.scenario_change import changed, resized

        options = dict(self.options)
        server = {name: str(options.pop(name, default)) for name, default in _OF_SERVER.items()}
        try:
            TimeMode.parse(server["time"])
            parse_duration(server["alarm_timeout"])
            chosen = load(self.source)
            numbers = {name: options.pop(name) for name in _NUMBERS if isinstance(options.get(name), int)}
            words = {name: options.pop(name) for name in _WORDS if name in options}
            if self.source in bundled():
                words.setdefault("reply_window", REPLY_WINDOW)
            if "reply_window" in words:
                words["reply_window"] = parse_duration(str(words["reply_window"]))
            chosen = resized(chosen, seed=options.pop("seed", None), **numbers)
            document = changed(chosen, **words).model_dump(mode="json")
            self._merge(document, options)
            text = json.dumps(document)
            loads(text.encode(), f"{chosen.name} with its options")
        except (ScenarioError, ValueError) as error:
            raise ScenarioRefused(f"fenix_scenario({self.source!r}, …): {error}") from None
        return Resolved(chosen.name, text, **server)

    def _merge(self, document: dict[str, Any], members: Mapping[str, Any]) -> None:
        for name, value in members.items():
            if name not in document:
                known = ", ".join(sorted({*document, *_OF_SERVER, *_NUMBERS, *_WORDS} - {"version"}))
                raise ValueError(f"there is no option {name!r} (there are {known})")
            known_members = document[name]
            merged = isinstance(value, Mapping) and isinstance(known_members, dict)
            document[name] = {**known_members, **value} if merged else value
