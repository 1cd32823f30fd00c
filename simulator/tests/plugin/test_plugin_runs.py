"""The plugin as authors of VNFMs meet it: pytest runs of their own, in a folder of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
EXAMPLE = ROOT / "docs" / "example-vnfm"
SOON = 120.0

SILENT = """
import pytest
from fenix_vnfm import AlarmReceiver

@pytest.mark.fenix_scenario(reply_window="1500ms")
def test_it_answers(fenix_simulator):
    with AlarmReceiver() as receiver:
        fenix_simulator.subscribe(receiver.route("/maintenance", lambda alarm: None))
        fenix_simulator.play_others()
        fenix_simulator.begin().wait_until_over()
        fenix_simulator.verdict().assert_conformant()
"""


@pytest.fixture
def run(tmp_path):
    """Run pytest in a folder with these files."""

    def run(*arguments: str, **files: str) -> tuple[int, str]:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "FENIX_"))}
        places = [str(ROOT / "simulator"), str(ROOT / "conformance")]
        environment["PYTHONPATH"] = os.pathsep.join(places)
        environment["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # what else is installed here takes seconds to load
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "fenix_pytest.plugin", *arguments]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=SOON)
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.fixture
def example(tmp_path):
    """The example project of the documentation, copied."""
    for file in ("pyproject.toml", "vnfm.py", "test_vnfm.py"):
        shutil.copy(EXAMPLE / file, tmp_path)


@pytest.mark.parametrize("mode", [(), ("--fenix-simulator-process",)])
def test_the_example_project_passes(run, example, mode):
    status, said = run("-q", *mode)
    assert status == 0, said
    assert "6 passed" in said


def test_the_documentation_shows_the_example_as_it_is():
    told = (ROOT / "docs" / "pytest.md").read_text()
    test = (EXAMPLE / "test_vnfm.py").read_text()
    blocks = [part.split("```")[0] for part in told.split("```python\n")[1:]]
    of_example = [block for block in blocks if "def test_a_whole_maintenance" in block or "scale-in" in block]
    assert of_example
    for block in of_example:
        assert block.strip() in test


def test_a_failure_reads_like_a_report(run):
    status, said = run("-q", test_silent=SILENT)
    assert status == 1
    for word in ("not conformant", "Requirement", "Expected", "Actual", "Change", "Journal"):
        assert word in said
    assert "Fenix, simulated" in said
    assert "is told of MAINTENANCE, reply until" in said
    assert "history.py" not in said.split("Fenix, simulated")[0], "the plugin's own frames are left out"


def test_the_mode_may_be_an_ini_value(run):
    test = "def test_mode(fenix_simulator_servers): assert fenix_simulator_servers.as_process\n"
    status, said = run("-q", "-o", "fenix_simulator_mode=process", test_mode=test)
    assert status == 0, said


def test_a_mode_that_there_is_not_is_one_clear_line(run):
    status, said = run("-o", "fenix_simulator_mode=cloud", test_nothing="def test_nothing(): pass\n")
    assert status == 4
    assert "fenix_simulator_mode is 'cloud': give in-process or process" in said


def test_who_does_not_use_it_does_not_load_it(run):
    loaded = """
import sys

def test_nothing_was_loaded():
    heavy = ("fenix_simulator", "fenix_conformance.results", "fenix_pytest.simulator", "flask", "pydantic", "urllib3")
    assert [name for name in heavy if name in sys.modules] == []
"""
    status, said = run("-q", test_loaded=loaded)
    assert status == 0, said


def test_the_fixtures_and_the_marker_explain_themselves(run):
    _, fixtures = run("--fixtures")
    _, markers = run("--markers")
    for name in ("fenix_simulator_servers", "fenix_scenario", "fenix_simulator"):
        assert f"\n{name}" in fixtures
    assert "subscribe your VNFM's URL" in fixtures
    assert "@pytest.mark.fenix_scenario(name_or_file='happy-path', **options)" in markers


def test_a_file_is_looked_for_beside_the_test_first(run, tmp_path):
    happy = ROOT / "simulator" / "fenix_simulator" / "scenarios" / "happy-path.yaml"
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests" / "mine.yaml").write_text(happy.read_text().replace("hosts: 4", "hosts: 5"))
    (tmp_path / "tests" / "test_mine.py").write_text("""
import pytest

@pytest.mark.fenix_scenario("mine.yaml")
def test_mine(fenix_simulator):
    assert len(fenix_simulator.hosts()) == 5
""")
    status, said = run("-q")
    assert status == 0, said


def test_options_that_mean_nothing_are_explained(run):
    wrong = """
import pytest

@pytest.mark.fenix_scenario("scale-inn")
def test_wrong(fenix_simulator):
    pass
"""
    status, said = run("-q", test_wrong=wrong)
    assert status == 1
    assert "did you mean scale-in?" in said
