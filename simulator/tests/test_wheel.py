"""What is shipped: the wheel has what it needs and nothing else, and works where there is no checkout."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOON = 120.0

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def settings() -> dict:
    """``pyproject.toml``."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def packages(settings) -> list[Path]:
    """The packages' folders in the checkout."""
    return [ROOT / package for package in settings["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built with what is installed here."""
    pytest.importorskip("build")
    pytest.importorskip("hatchling")
    folder = tmp_path_factory.mktemp("wheel")
    _run([sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)])
    (wheel,) = folder.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def names(wheel) -> set[str]:
    """The files in it."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


class Installed:
    """The wheel in an environment of its own, which sees the libraries that are installed here and nothing else."""

    def __init__(self, wheel: Path, folder: Path) -> None:
        self.home = folder / "environment"
        venv.create(self.home, with_pip=False)
        paths = sysconfig.get_paths(vars={"base": str(self.home), "platbase": str(self.home)})
        self.scripts, self.site = Path(paths["scripts"]), Path(paths["purelib"])
        self.python = self.scripts / "python"
        # A folder that is named in a .pth file is looked into, but its own .pth files, by which a checkout may be
        # installed there, are not read.
        libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (self.site / "libraries.pth").write_text("\n".join(sorted(libraries)))
        install = ["pip", "--python", str(self.python), "install", "--quiet", "--no-index", "--no-deps", str(wheel)]
        _run([sys.executable, "-m", *install])
        self.empty = folder / "empty"
        self.empty.mkdir()

    def __call__(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run an installed command in an empty directory."""
        return _run([str(self.scripts / program), *arguments], cwd=self.empty)


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Installed:
    """The wheel, installed."""
    return Installed(wheel, tmp_path_factory.mktemp("installed"))


def _run(command: list[str], cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """A program to its end, with nothing of this checkout in its environment."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "FENIX_"))}
    done = subprocess.run(command, capture_output=True, text=True, timeout=SOON, cwd=cwd, env=environment)
    assert done.returncode == 0, f"{command}: {done.stdout[-2000:]}{done.stderr[-2000:]}"
    return done


def test_the_wheel_has_the_packages_whole_and_nothing_else(names, packages):
    shipped = {name for name in names if ".dist-info/" not in name}
    ours = {
        f"{package.name}/{file.relative_to(package).as_posix()}"
        for package in packages
        for file in package.rglob("*")
        # What running leaves behind is not the packages'.
        if file.is_file() and not {"__pycache__", ".pytest_cache"} & set(file.parts)
    }
    assert shipped == ours | {"fenix_contract/openapi.yaml"}


def test_the_wheel_has_what_is_no_code_and_no_tests(names):
    assert {
        "fenix_contract/openapi.yaml",
        "fenix_contract/py.typed",
        "fenix_simulator/py.typed",
        "fenix_vnfm/py.typed",
        "fenix_conformance/py.typed",
        "fenix_simulator/http/control.openapi.yaml",
        "fenix_simulator/scenarios/happy-path.yaml",
        "fenix_simulator/scenarios/_template.yaml",
        "fenix_pytest/py.typed",
        "fenix_loadtest/py.typed",
        "fenix_conformance/requirements.yaml",
        "fenix_conformance/baselines/upstream-2019.yaml",
        "fenix_conformance/reports/report.css",
        "fenix_conformance/reports/report.js",
        "fenix_conformance/reports/result.schema.json",
        "fenix_conformance/vnfm/fuzz/search.py",
        "fenix_vnfm/gallery/__init__.py",
    } <= names
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)
    parts = {part for name in names for part in name.split("/")}
    assert not parts & {"tests", "benchmarks", "__pycache__", ".pytest_cache", "simulator", "conformance"}
    # The features are played by pytest: theirs is the only module of tests that is for people elsewhere.
    assert not [name for name in names if "/test_" in name and not name.startswith("fenix_features/")]


def test_every_command_is_there_and_says_how_it_is_used(installed, settings):
    for command in settings["project"]["scripts"]:
        assert "--" in installed(command, "--help").stdout


def test_nothing_of_the_checkout_is_used(installed, packages):
    program = f"import json, {', '.join(p.name for p in packages)} as last\nimport sys\n"
    program += "print(json.dumps([sys.modules[name].__file__ for name in sys.argv[1:]]))"
    told = installed("python", "-c", program, *(package.name for package in packages))
    assert all(Path(file).is_relative_to(installed.site) for file in json.loads(told.stdout))


def test_the_documents_and_scenarios_are_found(installed):
    program = (
        "from fenix_contract.contract import document\n"
        "from fenix_simulator.http.control import document as control\n"
        "print(document()['openapi'], control()['openapi'])"
    )
    assert installed("python", "-c", program).stdout.split() == ["3.1.0", "3.1.0"]
    listed = installed("fenix-simulator", "scenario", "list").stdout
    assert "happy-path" in listed
    assert "_template" not in listed
    assert installed("fenix-simulator", "scenario", "new").stdout.startswith("#")
    version = installed("fenix-simulator", "version").stdout.split()[1]
    assert version in installed("python", "-c", "import fenix_simulator as f; print(f.__version__)").stdout


def test_the_demo_plays_a_whole_maintenance(installed):
    """Its VNFM processes are of the same environment."""
    told = installed("fenix-simulator", "demo", "--time", "auto").stdout
    assert "MAINTENANCE_DONE" in told
    assert list(installed.empty.iterdir()) == []


def test_the_sample_vnfm_lists_its_behaviours(installed):
    told = installed("fenix-vnfm", "--list").stdout
    assert "honest" in told
    assert "misses-one" in told


def _vnfm(installed: Installed) -> list[str]:
    """The arguments by which the suite starts the installed VNFM, and where it finds it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return [f"http://127.0.0.1:{port}/maintenance", "--command", f"'{installed.scripts}/fenix-vnfm' --port {port}"]


def test_a_vnfm_is_judged_and_its_journal_judged_again(installed, tmp_path):
    reports = [f"--{kind}={tmp_path}/report.{kind}" for kind in ("html", "json", "junit")]
    kept = tmp_path / "kept"
    told = installed(
        "fenix-conformance", "vnfm", *_vnfm(installed), "--scenario", "happy-path", f"--keep-journals={kept}", *reports
    ).stdout
    assert "Conformant" in told
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "conformant"
    page = (tmp_path / "report.html").read_text()
    assert "<style>" in page
    assert "<script" in page
    assert "<testcase" in (tmp_path / "report.junit").read_text()
    assert "Conformant" in installed("fenix-conformance", "journal", str(kept)).stdout
    assert "0 not as expected" in installed("fenix-conformance", "explain", str(kept / "happy-path.ndjson")).stdout


def test_made_up_scenarios_are_tried(installed):
    pytest.importorskip("hypothesis")
    told = installed("fenix-conformance", "vnfm", *_vnfm(installed), "--fuzz", "1", "--only", "reply-sent")
    assert "none of them showed a failure" in told.stderr
    assert list(installed.empty.iterdir()) == []


def test_the_example_project_of_the_plugin_runs(installed, tmp_path):
    example = shutil.copytree(ROOT / "docs" / "example-vnfm", tmp_path / "example")
    options = [
        "-q",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:randomly",
        f"--rootdir={example}",
        f"-c={example}/pyproject.toml",
    ]
    assert " passed" in installed("python", "-m", "pytest", *options, str(example)).stdout
