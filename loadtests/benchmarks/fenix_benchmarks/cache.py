"""Other servers, installed by npm and pip into a folder of their own, where they stay for the next run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

#: Seconds that an installation may take.
_SECONDS = 240


class Unavailable(Exception):
    """A server cannot be had here; the message says why, in one line."""


def default_folder() -> Path:
    """Where installations stay."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base, "fenix-harness", "benchmarks")


class Cache:
    """Installs into ``folder``; not at all where ``install`` is False: then what is there is used."""

    def __init__(self, folder: Path, *, install: bool = True) -> None:
        self.folder = folder
        self.install = install

    def npm(self, package: str, version: str) -> Path:
        """The folder of an npm package in that version, with what it needs beside it."""
        prefix = self.folder / "npm" / f"{package.replace('/', '-').removeprefix('@')}-{version}"
        found = prefix / "node_modules" / package
        if not (found / "package.json").exists():
            self._run(
                [*(tool("npm"), "install", "--prefix", str(prefix), "--no-audit", "--no-fund"), f"{package}@{version}"],
                f"{package} {version}",
            )
        return found

    def python(self, name: str, requirements: Sequence[str]) -> Path:
        """The ``bin`` of a virtual environment with these packages."""
        home = self.folder / "python" / name
        done = home / "installed"
        wanted = "\n".join(requirements)
        if not done.exists() or done.read_text() != wanted:
            self._run([sys.executable, "-m", "venv", str(home)], wanted)
            pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
            self._run([*pip, *requirements], wanted)
            done.write_text(wanted)
        return home / "bin"

    def _run(self, command: Sequence[str], what: str) -> None:
        if not self.install:
            raise Unavailable(f"{what} is not installed in {self.folder}, and --no-install was given")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            ran = subprocess.run(
                command, capture_output=True, text=True, timeout=_SECONDS, stdin=subprocess.DEVNULL, check=False
            )
        except subprocess.TimeoutExpired:
            raise Unavailable(f"{what}: not installed within {_SECONDS} s") from None
        except OSError as error:
            raise Unavailable(f"{what}: {error}") from error
        if ran.returncode:
            said = (ran.stderr or ran.stdout).strip().splitlines() or ["no words"]
            raise Unavailable(f"{what}: {Path(command[0]).name} failed: {said[-1][:200]}")


def tool(name: str) -> str:
    """The path of a program that has to be there already."""
    found = shutil.which(name)
    if found is None:
        raise Unavailable(f"{name} is not installed")
    return found
