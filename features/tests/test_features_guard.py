"""Steps that would pass without having been run fail instead."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

Runs = Callable[..., CompletedProcess[str]]

FEATURE = """\
Feature: Guard

  @reply-200
  Scenario: One step
    Given {step}
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


def play(run_module: Runs, folder: Path, step: str, *plugins: str) -> tuple[int, str]:
    """Exit code and output of a run with one scenario of one step."""
    (folder / "guard.feature").write_text(FEATURE.format(step=step))
    (folder / "test_guarded.py").write_text(CODE)
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --import-mode=importlib\n")
    loaded = [argument for plugin in plugins for argument in ("-p", plugin)]
    done = run_module(
        "pytest", "-c", str(folder / "pytest.ini"), "--disable-plugin-autoload", "-p", "pytest_bdd.plugin",
        "-p", "no:cacheprovider", *loaded, str(folder),
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


def test_a_step_that_is_a_plain_function_is_played(run_module: Runs, tmp_path: Path) -> None:
    code, told = play(run_module, tmp_path, "a step", "fenix_features.conftest")
    assert code == 0, told
    assert "1 passed" in told


def test_an_asynchronous_step_fails(run_module: Runs, tmp_path: Path) -> None:
    code, told = play(run_module, tmp_path, "an asynchronous step", "fenix_features.conftest")
    assert code == 1, told
    assert "the step asynchronous_step is asynchronous" in told


def test_an_asynchronous_generator_fails(run_module: Runs, tmp_path: Path) -> None:
    code, told = play(run_module, tmp_path, "an asynchronous step that yields", "fenix_features.conftest")
    assert code == 1, told
    assert "the step asynchronous_generator is asynchronous" in told


def test_without_the_guard_an_asynchronous_step_would_pass(run_module: Runs, tmp_path: Path) -> None:
    """Why there is one: should this fail, pytest-bdd has learned it and the guard can go."""
    code, told = play(run_module, tmp_path, "an asynchronous step")
    assert code == 0, told


def test_a_step_that_nobody_has_defined_fails(run_module: Runs, tmp_path: Path) -> None:
    code, told = play(run_module, tmp_path, "a step that nobody has defined", "fenix_features.conftest")
    assert code == 1, told
    assert "Step definition is not found" in told
