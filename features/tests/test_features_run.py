"""The command: which server it plays on, what it leaves out, and what its exit code says."""

from __future__ import annotations

import socket
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from click.testing import CliRunner

from fenix_features.run import main
from fenix_features.servers import SimulatorProcess

Runs = Callable[..., CompletedProcess[str]]

COMMAND = "fenix_features"
QUICK = "led_from_the_announcement"


def foreign(server: SimulatorProcess) -> list[str]:
    """The options that name a server of somebody else's and its projects."""
    return ["--fenix-url", server.url, *(part for project in server.projects for part in ("--project", project))]


def test_it_plays_on_a_simulator_of_its_own_from_anywhere(run_module: Runs, tmp_path: Path) -> None:
    """Neither an ini file in the directory nor options in the environment are meant for it."""
    configured = "[pytest]\nbdd_features_base_dir = nowhere\naddopts = -k nothing\n"
    (tmp_path / "elsewhere" / "pytest.ini").write_text(configured)
    report = tmp_path / "report.xml"
    done = run_module(COMMAND, "-k", QUICK, "--junit", str(report), PYTEST_ADDOPTS="--no-such-option")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "happy_path.feature: Managers that acknowledge everything" in done.stdout
    (case,) = ElementTree.parse(report).getroot().iter("testcase")
    assert "flow-complete" in {one.get("value") for one in case.iter("property")}


def test_on_another_server_it_says_what_was_not_played_and_why(run_module: Runs, fenix: SimulatorProcess) -> None:
    done = run_module(COMMAND, *foreign(fenix), "-k", f"{QUICK} or restart or scale-out")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "not played: 3" in done.stdout
    assert "@restart: it kills the server and starts it again" in done.stdout
    assert "restart.feature: A reply that was answered 200 is not asked for again" in done.stdout
    assert "scale_in.feature: After MAINTENANCE_COMPLETE the projects are back at their size" in done.stdout


def test_with_one_project_the_scenarios_of_two_are_not_played(run_module: Runs, fenix: SimulatorProcess) -> None:
    done = run_module(COMMAND, *foreign(fenix)[:4], "-k", "waits_for_a_project")
    assert done.returncode == 3, done.stdout + done.stderr
    assert "give --project twice" in done.stdout


def test_nothing_played_is_not_a_pass(run_module: Runs) -> None:
    done = run_module(COMMAND, "-k", "no_such_scenario")
    assert done.returncode == 3
    assert "that is not a pass" in done.stderr


def test_a_scenario_that_fails_is_exit_1_and_tells_what_happened(run_module: Runs, fenix: SimulatorProcess) -> None:
    """A project that has no instances on the server is told nothing."""
    done = run_module(COMMAND, "--fenix-url", fenix.url, "--project", "nobody", "-k", QUICK, "--max-wait", "2s")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "1 failed" in done.stdout
    assert "takes alarms at" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "told"),
    [
        (["--fenix-url", ""], {}, "is not an http or https URL"),
        (["--fenix-url", "localhost:8919"], {}, "is not an http or https URL"),
        ([], {"FENIX_CONFORMANCE_FENIX_URL": ""}, "FENIX_CONFORMANCE_FENIX_URL is empty"),
        (["--fenix-url", "http://127.0.0.1:1"], {}, "--project is missing"),
        (["--project", "a"], {}, "go with --fenix-url"),
        (["--reply-window", "soon"], {}, "is not a duration"),
    ],
)
def test_a_server_that_is_asked_for_and_not_named_is_a_mistake(
    arguments: list[str], environment: dict[str, str], told: str
) -> None:
    """It never turns into a run against the simulator."""
    done = CliRunner().invoke(main, arguments, env=environment)
    assert done.exit_code == 2, done.output
    assert told in done.stderr
    assert "passed" not in done.stdout


def test_a_server_that_does_not_answer_is_exit_4() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"
        done = CliRunner().invoke(main, ["--fenix-url", url, "--project", "a"])
    assert done.exit_code == 4, done.output
    assert "does not answer" in done.stderr


def test_an_expression_that_cannot_be_read_is_exit_2(run_module: Runs) -> None:
    done = run_module(COMMAND, "-k", "((")
    assert done.returncode == 2, done.stdout + done.stderr


def test_it_lists_the_scenarios_with_their_tags() -> None:
    done = CliRunner().invoke(main, ["--list"])
    assert done.exit_code == 0, done.output
    assert "Scale-in: SCALE_IN is repeated until there is room" in done.stdout
    assert "@scale-in-done" in done.stdout
