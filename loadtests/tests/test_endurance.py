"""The short form of every endurance run holds; what is wrong with a server does not."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

RUN = Path(__file__).parents[1] / "endurance" / "run.py"
RUNS = ("soak", "slow", "kill", "disk")


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, str(RUN), *arguments], capture_output=True, text=True, timeout=300)


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_the_short_form_holds(name):
    ran = run(name, "--short")
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout + ran.stderr
    assert ran.stdout.endswith(f"{name}: holds\n")
    assert "DOES NOT HOLD" not in ran.stdout


def test_what_there_is_no_run_of_is_refused():
    ran = run("nonsense")
    assert ran.returncode == 2
    assert "invalid choice: 'nonsense'" in ran.stderr
