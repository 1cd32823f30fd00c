"""What pytest loads: options, a marker, fixtures. Everything else is imported by the fixture that needs it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fenix_pytest.choice import Choice
    from fenix_pytest.servers import Servers
    from fenix_pytest.simulator import Simulator

_MODES = ("in-process", "process")
_FIXTURE = "fenix_simulator"
_MARKER = (
    "fenix_scenario(name_or_file='happy-path', **options): the scenario that fenix_simulator plays; options are those "
    "of fenix-simulator serve (seed=3, hosts=6, reply_window='2s', time='manual') and members of a scenario file"
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--fenix-simulator-process`` and the ini value ``fenix_simulator_mode``."""
    group = parser.getgroup("fenix-simulator", "a simulated Fenix for tests of a VNFM")
    group.addoption(
        "--fenix-simulator-process",
        action="store_true",
        help="run the simulators of the fixture fenix_simulator as processes of their own",
    )
    parser.addini("fenix_simulator_mode", "where simulators run: in-process (default) or process", default=_MODES[0])


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known; refuse a mode that there is not."""
    config.addinivalue_line("markers", _MARKER)
    mode = config.getini("fenix_simulator_mode")
    if mode not in _MODES:
        raise pytest.UsageError(f"fenix_simulator_mode is {mode!r}: give {' or '.join(_MODES)}")


@pytest.fixture(scope="session")
def fenix_simulator_servers(request: pytest.FixtureRequest) -> Iterator[Servers]:
    """The simulators of this test session: one for each distinct scenario, on a free port of 127.0.0.1, started when
    a test first asks for it. Tests take theirs, cleared, as fenix_simulator."""
    from fenix_pytest.servers import Servers

    config = request.config
    as_process = config.getoption("--fenix-simulator-process") or config.getini("fenix_simulator_mode") == "process"
    servers = Servers(as_process=as_process)
    yield servers
    servers.close()


@pytest.fixture
def fenix_scenario(request: pytest.FixtureRequest) -> Choice | str:
    """The scenario that fenix_simulator plays: what @pytest.mark.fenix_scenario("scale-in", seed=3) says, else
    happy-path. Override or parametrize it with the names or files of scenarios."""
    from fenix_pytest.choice import DEFAULT, Choice, ScenarioRefused

    marker = request.node.get_closest_marker("fenix_scenario")
    if marker is None:
        return Choice()
    if len(marker.args) > 1:
        raise ScenarioRefused(f"fenix_scenario takes one name or file, not {len(marker.args)}: {marker.args}")
    source = str(marker.args[0]) if marker.args else DEFAULT
    beside = request.path.parent / source
    return Choice(str(beside) if beside.is_file() else source, marker.kwargs)


@pytest.fixture
def fenix_simulator(fenix_simulator_servers: Servers, fenix_scenario: Choice | str) -> Iterator[Simulator]:
    """A simulated Fenix, Aodh and cloud, as they are at the start of the scenario: subscribe your VNFM's URL, begin a
    maintenance, wait for what is to come, and ask for the verdict. What is left of it is taken away afterwards."""
    from fenix_pytest.simulator import Simulator

    lease = fenix_simulator_servers.take(fenix_scenario)
    try:
        simulator = Simulator(lease)
    except BaseException:
        lease.stop()
        raise
    yield simulator
    simulator.close()
    fenix_simulator_servers.give_back(lease, simulator.journal)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where a test with a simulator fails, add what happened there to its report."""
    report = yield
    simulator = getattr(item, "funcargs", {}).get(_FIXTURE)
    if report.when == "call" and report.failed and simulator is not None:
        report.sections.append(("Fenix, simulated", _story(simulator)))
    return report


def _story(simulator: Simulator) -> str:
    try:
        return "\n".join([repr(simulator), *simulator.journal.lines()])
    except Exception as error:
        return f"the simulator no longer answers: {error}"
