"""Steps that would pass without having been run fail instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

Runs = Callable[..., CompletedProcess[str]]

FEATURE = """\
Feature: Guard

  Scenario: Plain
    Given a step

  Scenario: Asynchronous
    Given an asynchronous step

  Scenario: Asynchronous generator
    Given an asynchronous step that yields
"""

UNDEFINED = """
  Scenario: Undefined
    Given a step that nobody has defined
"""

CODE = """\
from pathlib import Path
from pytest_bdd import given, scenarios

@given("a step")
def step():
    pass

@given("an asynchronous step")
async def asynchronous_step():
    assert False

@given("an asynchronous step that yields")
async def asynchronous_generator():
    yield
    assert False

scenarios(str(Path(__file__).parent / "guard.feature"))
"""


def play(run_module: Runs, folder: Path, feature: str, *plugins: str) -> CompletedProcess[str]:
    """A run of a feature with these steps."""
    (folder / "guard.feature").write_text(feature)
    (folder / "test_guarded.py").write_text(CODE)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    loaded = [argument for plugin in ("pytest_bdd.plugin", "no:cacheprovider", *plugins) for argument in ("-p", plugin)]
    return run_module(
        "pytest", "-c", str(folder / "pytest.ini"), "-rA", "--disable-plugin-autoload", *loaded, str(folder)
    )


def test_steps_that_would_pass_without_having_been_run_fail(run_module: Runs, tmp_path: Path) -> None:
    done = play(run_module, tmp_path, FEATURE + UNDEFINED, "fenix_features.conftest")
    told = done.stdout
    assert done.returncode == 1, told + done.stderr
    assert "1 passed" in told
    assert "3 failed" in told
    assert "::test_plain" in told.partition("PASSED ")[2].partition("\n")[0]
    assert "the step asynchronous_step is asynchronous" in told
    assert "the step asynchronous_generator is asynchronous" in told
    assert "Step definition is not found" in told


def test_without_the_guard_asynchronous_steps_would_pass(run_module: Runs, tmp_path: Path) -> None:
    """Why there is one: should this fail, pytest-bdd has learned it and the guard can go."""
    done = play(run_module, tmp_path, FEATURE)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
