"""What the flows need of pytest: the marks, the steps, the stage of each scenario, and what cannot be played here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fenix_features import guard
from fenix_features.servers import ServerPool
from fenix_features.settings import Settings, settings_of
from fenix_features.stage import Stage
from fenix_features.steps import MODULES
from fenix_features.tags import REQUIREMENTS, hindrance, markers

_NOT_PLAYED = pytest.StashKey[dict[str, list[str]]]()


def pytest_configure(config: pytest.Config) -> None:
    """Register the tags as marks, and the steps."""
    for line in markers():
        config.addinivalue_line("markers", line)
    for name in MODULES:
        config.pluginmanager.import_plugin(name)
    if not config.pluginmanager.is_registered(guard):
        config.pluginmanager.register(guard)


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let -k choose by feature file, too."""
    item.extra_keyword_matches.add(title(item).partition(".feature:")[0])


@pytest.hookimpl(trylast=True)  # after -k and -m: only what was wanted can be missing
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On a foreign server leave out what cannot be played there, and keep the reason; note the requirements."""
    settings = settings_of(config)
    played, not_played = [], []
    reasons = config.stash.setdefault(_NOT_PLAYED, {})
    for item in items:
        tags = frozenset(mark.name for mark in item.iter_markers())
        if tags & REQUIREMENTS:
            item.user_properties.append(("scenario", title(item)))
            item.user_properties += [("requirement", tag) for tag in sorted(tags & REQUIREMENTS)]
        why = None if settings.is_simulated else hindrance(tags, len(settings.projects))
        if why is None:
            played.append(item)
        else:
            not_played.append(item)
            reasons.setdefault(why, []).append(title(item))
    if not_played:
        config.hook.pytest_deselected(items=not_played)
        items[:] = played


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say which scenarios were not played, and why: they are no passes."""
    for why, titles in config.stash.get(_NOT_PLAYED, {}).items():
        terminalreporter.section(f"not played: {len(titles)}")
        terminalreporter.line(why)
        for one in titles:
            terminalreporter.line(f"  {one}")


def title(item: pytest.Item) -> str:
    """A scenario's feature file and title, with the example where it is an outline's."""
    described = str(getattr(getattr(item, "function", None), "__doc__", "") or item.name)
    path, _, name = described.partition(".feature: ")
    example = item.name.partition("[")[2].rstrip("]")
    return f"{Path(path).name}.feature: {name}{f' [{example}]' if example else ''}"


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerPool]:
    """The simulators of the run."""
    pool = ServerPool(tmp_path_factory.mktemp("simulators"))
    yield pool
    pool.close()


@pytest.fixture
def settings(pytestconfig: pytest.Config) -> Settings:
    """What the run was told."""
    return settings_of(pytestconfig)


@pytest.fixture
def stage(settings: Settings, servers: ServerPool) -> Iterator[Stage]:
    """The scenario's stage; taken down at its end."""
    stage = Stage(settings, servers)
    yield stage
    stage.close()


def pytest_bdd_step_error(request: pytest.FixtureRequest) -> None:
    """Show beside a failure what the managers saw and did."""
    if "stage" in request.fixturenames or "stage" in request.node.funcargs:
        told = request.getfixturevalue("stage").story()
        request.node.add_report_section("call", "what happened", told or "nothing yet")
