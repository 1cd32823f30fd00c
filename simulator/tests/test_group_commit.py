"""Writers that come together share a commit, and each learns its own row's number."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from queue import Queue

import pytest

from fenix_simulator.adapters.group_commit import PROBE, GroupCommit

BOUND = 10.0


class Announcing(list[str]):
    """Rows that tell when they are taken into a batch."""

    def __init__(self, row: str, taken: Queue[str]) -> None:
        super().__init__([row])
        self._taken = taken

    def __iter__(self) -> Iterator[str]:
        for row in super().__iter__():
            self._taken.put(row)
            yield row


class FakeTable:
    """Keeps rows by number; each write after the first can be held up, and made to fail."""

    def __init__(self) -> None:
        self.rows: list[str] = []
        self.commits: list[list[str]] = []
        self.entered = threading.Event()
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.error: Exception | None = None

    def write(self, rows: list[str]) -> int:
        self.entered.set()
        assert self.may_go_on.wait(BOUND)
        if self.error is not None:
            raise self.error
        self.commits.append(list(rows))
        self.rows += rows
        return len(self.rows)


def start(group: GroupCommit[str], rows: list[str], results: dict[str, int | Exception], name: str) -> threading.Thread:
    def submit() -> None:
        try:
            results[name] = group.submit(rows)
        except Exception as error:
            results[name] = error

    thread = threading.Thread(target=submit)
    thread.start()
    return thread


def together(group: GroupCommit[str], table: FakeTable) -> dict[str, int | Exception]:
    """Have one writer held up in its commit, five more come meanwhile, then let go."""
    table.may_go_on.clear()
    table.entered.clear()
    results: dict[str, int | Exception] = {}
    threads = [start(group, ["first"], results, "first")]
    assert table.entered.wait(BOUND)
    taken: Queue[str] = Queue()
    for number in range(5):
        row = f"row-{number}"
        threads.append(start(group, Announcing(row, taken), results, row))
    for _ in range(5):
        taken.get(timeout=BOUND)
    table.may_go_on.set()
    for thread in threads:
        thread.join(BOUND)
    return results


def test_a_lone_writer_commits_at_once() -> None:
    """One commit each, in order; the number of the last row comes back. Also past the occasional look for others."""
    table = FakeTable()
    group: GroupCommit[str] = GroupCommit(table.write)
    assert group.submit(["a", "b"]) == 2
    for number in range(2 * PROBE):
        assert group.submit(["c"]) == 3 + number
    assert table.commits[:2] == [["a", "b"], ["c"]]


def test_writers_that_come_during_a_commit_share_the_next() -> None:
    """Five rows, one commit, and each writer gets the number of its own row."""
    table = FakeTable()
    results = together(GroupCommit(table.write), table)
    assert table.commits[0] == ["first"]
    assert len(table.commits) == 2
    assert results == {row: number for number, row in enumerate(table.rows, 1)}


def test_a_commit_that_fails_is_told_to_all_its_writers() -> None:
    """Each of them raises; the next writer starts afresh, and no number is lost."""
    table = FakeTable()
    group: GroupCommit[str] = GroupCommit(table.write)
    table.error = OSError("disk full")
    results = together(group, table)
    assert {str(error) for error in results.values()} == {"disk full"}
    assert len(results) == 6
    table.error = None
    assert group.submit(["a"]) == 1


@pytest.mark.parametrize("writers", [2, 8])
def test_any_number_of_writers(writers: int) -> None:
    """Every row is written once, and stands where its writer was told."""
    table = FakeTable()
    group: GroupCommit[str] = GroupCommit(table.write)
    told: dict[str, int] = {}

    def write(name: int) -> None:
        for number in range(200):
            row = f"{name}/{number}"
            told[row] = group.submit([row])

    threads = [threading.Thread(target=write, args=(name,)) for name in range(writers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(BOUND)
    assert len(table.rows) == writers * 200
    assert told == {row: number for number, row in enumerate(table.rows, 1)}
