"""``fenix-conformance vnfm --fuzz`` as a user meets it: VNFMs in processes, the file that it writes, its exit codes."""

from __future__ import annotations

import json
import shlex
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from fenix_vnfm import Policy, ProjectManager

SUITE = [sys.executable, "-c", "from fenix_conformance.cli import main; main(prog_name='fenix-conformance')"]
VNFM = f"{shlex.quote(sys.executable)} -c 'from fenix_vnfm.cli import main; main()'"


def suite(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command in that folder."""
    return subprocess.run([*SUITE, *arguments], capture_output=True, text=True, timeout=120, cwd=folder, check=False)


@pytest.fixture
def port() -> int:
    """A port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.slow
def test_a_wrong_vnfm_is_shown_by_the_smallest_scenario_and_its_file_shows_it_again(tmp_path, port):
    url = f"http://127.0.0.1:{port}/maintenance"
    command = f"{VNFM} --port {port} --misbehave misses-one"
    ran = suite(
        "vnfm", url, "--command", command, "--fuzz", "5", "--seed", "1", "--reply-window", "1s", "--json", "found.json",
        folder=tmp_path,
    )  # fmt: skip
    assert ran.returncode == 1, ran.stdout[-2000:] + ran.stderr
    path = tmp_path / "made-up-actions-cover-1.yaml"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["found.json", path.name]
    assert f"the smallest that shows that actions-cover is not kept is {path.name}" in ran.stderr
    document = yaml.safe_load(path.read_text())
    assert set(document) == {"version", "seed", "inventory"}
    assert (document["inventory"]["hosts"], document["inventory"]["instances_per_project"]) == (2, 1)
    told = json.loads((tmp_path / "found.json").read_text())
    assert [row["id"] for row in told["requirements"] if row["outcome"] == "fail"] == ["actions-cover"]

    mark = "# Play it again: "
    (again,) = [line.removeprefix(mark) for line in path.read_text().splitlines() if line.startswith(mark)]
    assert f"play it again: {again}" in ran.stderr
    program, *arguments = shlex.split(again)
    assert program == "fenix-conformance"
    replayed = suite(*arguments, "--format", "json", folder=tmp_path)
    assert replayed.returncode == 1, replayed.stdout[-2000:] + replayed.stderr
    assert "(scenario" not in path.read_text()
    (row,) = json.loads(replayed.stdout)["requirements"]
    assert (row["id"], row["outcome"]) == ("actions-cover", "fail")


@pytest.mark.slow
def test_an_honest_vnfm_comes_through_and_nothing_is_written(tmp_path):
    with ProjectManager(policy=Policy(), path="/maintenance") as manager:
        ran = suite(
            "vnfm", manager.alarm_url, "--fuzz", "5", "--seed", "2", "--skip", "scale-in-done", "--skip", "scale-out",
            folder=tmp_path,
        )  # fmt: skip
    assert ran.returncode in (0, 3), ran.stdout[-3000:] + ran.stderr
    assert "none of them showed a failure" in ran.stderr
    assert list(tmp_path.iterdir()) == []


NOBODY = "http://127.0.0.1:1/maintenance"
WRONG: dict[str, tuple[list[str], int, str]] = {
    "none": (["--fuzz", "0"], 2, "--fuzz"),
    "less than none": (["--fuzz", "-3"], 2, "--fuzz"),
    "no number": (["--fuzz", "many"], 2, "'many' is not a valid integer"),
    "half a one": (["--fuzz", "1.5"], 2, "'1.5' is not a valid integer"),
    "too many": (["--fuzz", "9000000"], 2, "--fuzz"),
    "no seed": (["--fuzz", "3", "--seed", "-1"], 2, "--seed"),
    "no such folder": (["--fuzz", "3", "--fuzz-dir", "nowhere"], 2, "--fuzz-dir nowhere is no folder"),
    "a file for a folder": (["--fuzz", "3", "--fuzz-dir", "file"], 2, "'file' is a file"),
    "nobody there": (["--fuzz", "3"], 4, f"nobody listens at {NOBODY}"),
    "a dead command": (["--fuzz", "3", "--command", "false"], 4, "ended with status 1"),
    "no such command": (["--fuzz", "3", "--command", "no-such-vnfm"], 2, "no-such-vnfm cannot be run"),
    "no such rule": (["--fuzz", "3", "--only", "nope"], 2, "no vnfm requirement nope"),
}


@pytest.mark.parametrize(("arguments", "code", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_call_gets_one_clear_line(tmp_path, arguments, code, says):
    (tmp_path / "file").write_text("")
    ran = suite("vnfm", NOBODY, *arguments, folder=tmp_path)
    assert ran.returncode == code, ran.stderr
    assert says in ran.stderr
    assert "Traceback" not in ran.stderr
    assert ran.stdout == ""
