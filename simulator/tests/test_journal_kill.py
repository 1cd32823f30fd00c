"""What was acknowledged survives kill -9, whenever it comes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from fenix_simulator.adapters.journal_sqlite import SqliteJournal

PATH = os.pathsep.join(path for path in sys.path if path)

#: Four threads append to the journal named by the first argument, and tell each number once ``append`` has returned:
#: ``<number> <name>``, where the entry's data has the name.
WRITER = """
import os, sys, threading
from datetime import UTC, datetime
from fenix_simulator.adapters.journal_sqlite import SqliteJournal
from fenix_simulator.domain.messages import HostMaintained
from fenix_simulator.ports import Entry

journal = SqliteJournal(sys.argv[1])

def write(thread):
    for count in range(1_000_000):
        name = f"{thread}/{count}"
        entries = [Entry("event", "HostMaintained", HostMaintained(count, name))] * (1 + count % 3)
        number = journal.append(entries, datetime.now(UTC))
        os.write(1, f"{number} {name}\\n".encode())

for thread in range(4):
    threading.Thread(target=write, args=(thread,), daemon=True).start()
threading.Event().wait(60)
"""


def acknowledged_before_kill(path: Path, count: int) -> dict[int, str]:
    """Run the writer, kill it without warning after ``count`` acknowledgements, and return all that it had told."""
    environment = {**os.environ, "PYTHONPATH": PATH}
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], env=environment, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(count)]
        process.kill()
        lines += process.stdout.read().splitlines(keepends=True)
    told = [line.decode().split() for line in lines if line.endswith(b"\n")]
    return {int(number): name for number, name in told}


@pytest.mark.parametrize("round_", range(4))
def test_no_acknowledged_entry_is_lost(tmp_path: Path, round_: int) -> None:
    """Killed at a random moment, and again after going on: every entry that was acknowledged is there, under its
    number, all entries of its call with it, and numbers have no gap."""
    path = tmp_path / "journal.db"
    told: dict[int, str] = {}
    for _ in range(2):
        told |= acknowledged_before_kill(path, random.randint(1, 600))
        journal = SqliteJournal(path)
        found = {entry.number: entry for entry in journal.read(limit=1_000_000)}
        journal.close()
        assert list(found) == list(range(1, len(found) + 1))
        for number, name in told.items():
            assert found[number].data["host"] == name
            for before in range(found[number].data["notification"] % 3):
                assert found[number - 1 - before].data["host"] == name
