"""``fenix-conformance server`` as a user meets it: outcomes, exit codes and reports, over real servers."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fenix_conformance.requirements import requirements_of
from fenix_conformance.results import Role
from fenix_conformance.selftest.reference_http import running

MAIN = "from fenix_conformance.cli import main; main(prog_name='fenix-conformance')"


def suite(*arguments: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the command in an empty place."""
    return subprocess.run(
        [sys.executable, "-c", MAIN, *arguments], capture_output=True, text=True, timeout=180, cwd=folder, check=False
    )


@contextmanager
def simulator(*options: str) -> Iterator[dict[str, Any]]:
    """The simulator as a process, like any other server under test."""
    command = [sys.executable, "-m", "fenix_simulator", "serve", "--port", "0", "--format", "json"]
    with subprocess.Popen([*command, "--reply-window", "3s", *options], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def test_the_simulator_passes_every_requirement_and_the_reports_say_so(tmp_path):
    """Strict behaviour, every SHOULD a MUST, projects found by the suite itself; ids that are no UUIDs, too."""
    scenario = tmp_path / "names.yaml"
    scenario.write_text(
        "version: 1\n"
        "inventory: {hosts: 4, vcpus: 8, projects: 2, instances_per_project: 6, spare_hosts: 1, ids: names}\n"
    )
    with simulator("--scenario", str(scenario)) as ready:
        ran = suite(
            "server",
            ready["url"],
            "--strict",
            "--junit",
            "c.xml",
            "--json",
            "c.json",
            "--html",
            "c.html",
            folder=tmp_path,
        )
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
    written = json.loads((tmp_path / "c.json").read_text())
    assert written["verdict"] == "conformant"
    assert {row["id"]: row["outcome"] for row in written["requirements"]} == {
        row.id: "pass" for row in requirements_of(Role.SERVER)
    }
    cases = ElementTree.parse(tmp_path / "c.xml").iter("testcase")
    assert [case.get("name") for case in cases] == [row.id for row in requirements_of(Role.SERVER)]
    assert "<script" in (tmp_path / "c.html").read_text()


def test_upstreams_manners_fail_exactly_what_the_shipped_baseline_lists(tmp_path):
    with simulator("--behaviour", "upstream") as ready:
        projects = [word for project in ready["projects"] for word in ("--project", project)]
        ran = suite(
            "server", ready["url"], *projects, "--strict", "--reply-window", "3s", "--baseline", "upstream-2019",
            folder=tmp_path,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-3000:] + ran.stderr[-1000:]
    assert "6 known failures, nothing else failed" in ran.stdout


def test_a_failure_says_what_was_required_expected_and_done_and_how_to_see_it_again(tmp_path):
    with running("nack-counts-as-ack") as server:
        projects = [word for project in server.projects for word in ("--project", project)]
        ran = suite("server", server.url, *projects, "--only", "reply-nack", folder=tmp_path)
    assert ran.returncode == 1
    for part in ("reply-nack", "Expected", "Actual", "curl", "fenix-conformance server"):
        assert part in ran.stdout


def test_a_stale_baseline_entry_is_a_failure(tmp_path):
    (tmp_path / "known.yaml").write_text("baseline: 1\nrole: server\nfailures:\n  list-json: it was plain text\n")
    with running() as server:
        projects = [word for project in server.projects for word in ("--project", project)]
        ran = suite("server", server.url, *projects, "--only", "list-json", "--baseline", "known.yaml", folder=tmp_path)
    assert ran.returncode == 1
    assert "stale" in ran.stdout


WRONG = {
    "no URL": (["server"], 2, "URL is missing"),
    "no http": (["server", "ftp://127.0.0.1"], 2, "is not an http URL"),
    "no host": (["server", "http://"], 2, "is not an http URL"),
    "unknown requirement": (["server", "http://127.0.0.1:1", "--only", "nope"], 2, "no server requirement nope"),
    "nothing left": (
        ["server", "http://127.0.0.1:1", "--only", "methods", "--skip", "methods"],
        3,
        "nothing is selected",
    ),
    "bad duration": (["server", "http://127.0.0.1:1", "--max-wait", "soon"], 2, "not a duration"),
    "no such baseline": (["server", "http://127.0.0.1:1", "--baseline", "nowhere.yaml"], 2, "nowhere.yaml"),
    "session without project": (["server", "http://127.0.0.1:1", "--session", "s"], 2, "--session needs --project"),
    "nobody there": (["server", "http://127.0.0.1:1"], 4, "could not be reached"),
    "no such mutant, which there are": (["selftest", "nobody"], 2, "; there are: "),
    "no such mutant": (["selftest", "nobody"], 2, "no mutant or variant nobody"),
    "no such result": (["compare", "a.json", "b.json"], 2, "a.json"),
}


@pytest.mark.parametrize(("arguments", "code", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_call_gets_one_clear_line(tmp_path, arguments, code, says):
    ran = suite(*arguments, folder=tmp_path)
    assert ran.returncode == code
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""


def test_the_list_names_every_requirement():
    ran = suite("server", "--list")
    assert ran.returncode == 0
    assert [line.split()[0] for line in ran.stdout.splitlines()] == [row.id for row in requirements_of(Role.SERVER)]


def test_a_dry_run_asks_the_server_nothing():
    ran = suite("server", "http://127.0.0.1:1", "--dry-run", "--only", "flow-once")
    assert ran.returncode == 0
    assert "flow-once" in ran.stdout


def test_two_results_can_be_compared(tmp_path):
    with running() as server:
        projects = [word for project in server.projects for word in ("--project", project)]
        for name in ("a.json", "b.json"):
            suite("server", server.url, *projects, "--only", "methods", "--json", name, folder=tmp_path)
    ran = suite("compare", "a.json", "b.json", folder=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert "Nothing got worse" in ran.stdout


def test_the_selftest_kills_and_spares():
    """A handful of each; all of them are the gate of ``make selftest``."""
    ran = suite("selftest", "nack-counts-as-ack", "done-missing", "slash-308", "list-rotates", "--jobs", "4")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 of 2 mutants killed" in ran.stdout
    assert "2 of 2 runs of correct servers passed" in ran.stdout


def test_the_checks_run_inside_ones_own_pytest(tmp_path):
    """The plugin adds one test per requirement, selected like any other."""
    (tmp_path / "test_own.py").write_text("def test_own():\n    pass\n")
    with running() as server:
        projects = [f"--fenix-project={project}" for project in server.projects]
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"]
        ran = subprocess.run(
            [*command, "--fenix-url", server.url, *projects, "-k", "methods or test_own"],
            capture_output=True, text=True, timeout=120, cwd=tmp_path, check=False,
        )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "2 passed" in ran.stdout
