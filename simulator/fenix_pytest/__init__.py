"""The pytest plugin for authors of VNFMs: a simulated Fenix as a fixture, and the verdict as an assertion.

    def test_a_whole_maintenance(fenix_simulator, vnfm):
        fenix_simulator.subscribe(vnfm.alarm_url)
        fenix_simulator.play_others()
        session = fenix_simulator.begin()
        session.wait_until_over()
        fenix_simulator.verdict().assert_conformant()

``fenix_simulator`` and ``fenix_scenario`` are the fixtures of a test, ``fenix_simulator_servers`` is the session-scoped
one behind them. This package is a composition root of its own: it alone knows the simulator and the suite.

The names below are for annotations; they are loaded when they are first used, so that a test run which does not use
the plugin does not pay for it.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fenix_pytest.choice import Choice, ScenarioRefused
    from fenix_pytest.clock import Clock
    from fenix_pytest.control import SimulatorRefused
    from fenix_pytest.history import History, NotSeen
    from fenix_pytest.servers import Servers
    from fenix_pytest.session import Session
    from fenix_pytest.simulator import Simulator
    from fenix_pytest.verdict import NotConformant, Verdict

_HOMES = {
    "choice": ("Choice", "ScenarioRefused"),
    "clock": ("Clock",),
    "control": ("SimulatorRefused",),
    "history": ("History", "NotSeen"),
    "servers": ("Servers",),
    "session": ("Session",),
    "simulator": ("Simulator",),
    "verdict": ("NotConformant", "Verdict"),
}
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = [
    "Choice",
    "Clock",
    "History",
    "NotConformant",
    "NotSeen",
    "ScenarioRefused",
    "Servers",
    "Session",
    "Simulator",
    "SimulatorRefused",
    "Verdict",
]


def __getattr__(name: str) -> Any:
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{module}"), name)
