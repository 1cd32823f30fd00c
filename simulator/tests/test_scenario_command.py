"""``fenix-simulator scenario``: list, show, validate, new; what it prints and how it exits."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fenix_simulator.commands.scenario import command
from fenix_simulator.scenario import bundled, load, loads, source, template


def _call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command, [str(argument) for argument in arguments])


def test_list_has_a_line_for_each_bundled_scenario() -> None:
    result = _call("list")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == bundled()
    assert load("nack").summary in result.stdout


def test_list_as_json_tells_the_sizes_and_the_end() -> None:
    listed = {one["name"]: one for one in json.loads(_call("list", "--format", "json").stdout)}
    assert list(listed) == bundled()
    assert listed["large-cloud"]["hosts"] == 200
    assert listed["nack"] == {
        "name": "nack",
        "summary": load("nack").summary,
        "seed": 97,
        "hosts": 4,
        "projects": 2,
        "instances": 12,
        "sessions": 1,
        "faults": 0,
        "expect": "MAINTENANCE_FAILED",
    }


def test_show_prints_the_file_with_its_comments() -> None:
    assert _call("show", "scale-in").stdout == source("scale-in")


def test_show_as_json_is_a_scenario_file_with_the_defaults_filled_in() -> None:
    shown = _call("show", "flaky-api", "--format", "json").stdout
    assert json.loads(shown)["timing"]["own_action_window"] == "4m"
    again = loads(shown.encode())
    assert again.model_dump() == load("flaky-api").model_dump()


def test_validate_says_that_a_file_is_good_and_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(source("flaky-api"))
    result = _call("validate", file)
    assert result.exit_code == 0
    assert result.stdout == (
        f"{file}: good: 4 hosts, 2 projects, 12 instances, 1 session, 6 faults; MAINTENANCE_DONE is expected\n"
    )
    assert json.loads(_call("validate", file, "--format", "json").stdout)["valid"] is True


def test_validate_names_each_problem_on_stderr_and_exits_2(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("version: 1\ninventory: {hosts: 4, projects: 2, instances_per_project: 6}\nseed: x\nbehaviour: y\n")
    result = _call("validate", file)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.splitlines() == [
        f"{file}:3: seed: must be a whole number, not 'x'",
        f"{file}:4: behaviour: 'y' is not allowed (allowed: strict, upstream)",
    ]


def test_validate_as_json_gives_the_problems_as_records_and_exits_2(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("version: 1\ninventory: {hosts: 4, projects: 2, instances_per_project: 6}\nbehaviour: y\n")
    result = _call("validate", file, "--format", "json")
    assert result.exit_code == 2
    assert json.loads(result.stdout) == {
        "valid": False,
        "problems": [
            {
                "file": str(file),
                "line": 3,
                "member": "behaviour",
                "message": "'y' is not allowed",
                "allowed": ["strict", "upstream"],
            }
        ],
    }


@pytest.mark.parametrize("arguments", [["show", "nakc"], ["validate", "nakc"], ["new", "--from", "nakc"]])
def test_a_name_that_is_nowhere_is_one_line_and_exit_2(arguments: list[str]) -> None:
    result = _call(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("nakc: neither a file nor a bundled scenario, did you mean nack?")
    assert len(result.stderr.splitlines()) == 1


def test_new_prints_the_template() -> None:
    assert _call("new").stdout == template()


def test_new_writes_a_file_that_is_good(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    result = _call("new", file)
    assert (result.exit_code, result.stdout) == (0, "")
    assert _call("validate", file).exit_code == 0


def test_new_begins_with_a_bundled_scenario(tmp_path: Path) -> None:
    assert _call("new", "--from", "nack", tmp_path / "mine.yaml").exit_code == 0
    assert (tmp_path / "mine.yaml").read_text() == source("nack")


def test_new_overwrites_only_when_told_to(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("mine")
    result = _call("new", file)
    assert (result.exit_code, file.read_text()) == (2, "mine")
    assert result.stderr == f"{file}: exists already: choose another name, or say --force\n"
    assert _call("new", "--force", file).exit_code == 0
    assert file.read_text() == template()


def test_new_says_why_it_cannot_write(tmp_path: Path) -> None:
    result = _call("new", tmp_path / "none" / "mine.yaml")
    assert result.exit_code == 2
    assert result.stderr.endswith("mine.yaml: cannot be written: No such file or directory\n")


@pytest.mark.parametrize("arguments", [[], ["list"], ["show"], ["validate"], ["new"]])
def test_every_help_has_an_example(arguments: list[str]) -> None:
    result = _call(*arguments, "--help")
    assert result.exit_code == 0
    assert "fenix-simulator scenario " in result.stdout
