"""What the tests of the flows' machinery share: the command, and pytest itself, as processes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path

import pytest

from fenix_features.clouds import CloudPlan
from fenix_features.servers import SimulatorProcess

Runs = Callable[..., "subprocess.CompletedProcess[str]"]

_PACKAGES = ("fenix_features", "fenix_contract", "fenix_vnfm")


def _environment(changes: Mapping[str, str]) -> dict[str, str]:
    """The environment without settings for the command, and with the packages where this process found them."""
    places = []
    for name in _PACKAGES:
        spec = find_spec(name)
        assert spec is not None
        assert spec.origin is not None
        places.append(str(Path(spec.origin).parent.parent))
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("FENIX_", "PYTEST_"))}
    return {**kept, "PYTHONPATH": os.pathsep.join(dict.fromkeys(places)), **changes}


@pytest.fixture
def run_module(tmp_path: Path) -> Runs:
    """Runs ``python -m …`` in an empty directory; keyword arguments change the environment."""
    empty = tmp_path / "elsewhere"
    empty.mkdir()

    def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *arguments]
        return subprocess.run(
            command, cwd=empty, env=_environment(environment), capture_output=True, text=True, timeout=120, check=False
        )

    return run


@pytest.fixture
def fenix(tmp_path: Path) -> Iterator[SimulatorProcess]:
    """A simulator that stands where a server of somebody else's would."""
    folder = tmp_path / "server"
    folder.mkdir()
    server = SimulatorProcess(CloudPlan().document(), folder)
    server.start()
    yield server
    server.stop()
