"""The command ``explain``: a list of alarms, one of them as text and as JSON, and clear errors."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from fenix_conformance.cli import main

from .conftest import IDS, Diary

WRONG = {"state": "ACK_PLANNED_MAINTENANCE", "instance_actions": {"instance-1": "MIGRATE"}}


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["explain", *map(str, arguments)])


@pytest.fixture
def journal(planned: Diary, tmp_path: Path) -> Path:
    planned.put(0.3, WRONG)
    return planned.write(tmp_path / "mine.ndjson")


def test_without_an_entry_the_alarms_are_listed(journal: Path) -> None:
    done = run(journal)
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0].split() == ["entry", "alarm", "session", "project", "deliveries", "outcome"]
    assert lines[1].split(maxsplit=5)[:5] == ["2", "PLANNED_MAINTENANCE", "47479bca", "9a5ef1b6", "4"]
    assert lines[1].endswith("differs in instance_actions, instance-2; breaks actions-cover")
    assert lines[-1] == "1 alarm, 1 not as expected. --entry N explains one."


def test_one_alarm_as_text(journal: Path) -> None:
    done = run(journal, "--entry", 4)
    assert done.exit_code == 0
    for part in (
        "PLANNED_MAINTENANCE (entry 2 of mine)",
        "about 2 instances: instance-1, instance-2",
        "reply_at 2026-03-01T12:00:05+00:00",
        "#4 90 ms after the question: answered 200 after 10 ms",
        "Expected   PUT http://127.0.0.1:12347/v1/maintenance/",
        '"instance_actions": {"instance-1": "MIGRATE", "instance-2": "MIGRATE"}',
        'or {"state": "NACK_PLANNED_MAINTENANCE"} where it cannot be done',
        "#6 210 ms after the alarm: PUT /v1/maintenance/",
        "DIFFER  instance_actions, instance-2  expected MIGRATE or LIVE_MIGRATE; got missing",
        "fail: actions-cover",
        "Change     Put one member for every id",
        "Differs in instance_actions, instance-2; breaks actions-cover.",
    ):
        assert part in done.output


def test_as_json(journal: Path) -> None:
    one = json.loads(run(journal, "--entry", 2, "--format", "json").output)
    assert one["outcome"] == "differs in instance_actions, instance-2; breaks actions-cover"
    assert one["expected"]["body"]["instance_actions"] == dict.fromkeys(IDS, "MIGRATE")
    assert one["expected"]["until"] == "2026-03-01T12:00:05+00:00"
    assert {"member": "instance_actions, instance-2", "expected": "MIGRATE or LIVE_MIGRATE", "actual": "missing",
            "is_met": False} in one["differences"]  # fmt: skip
    (listed,) = run(journal, "--format", "json").output.splitlines()
    assert json.loads(listed) == one


def test_a_folder_has_a_journal_for_each_scenario(journal: Path) -> None:
    assert "as expected" in run(journal.parent, "--scenario", "mine").output
    for wrong in ((journal.parent,), (journal.parent, "--scenario", "other")):
        done = run(*wrong)
        assert done.exit_code == 2
        assert "--scenario takes one of mine" in done.output


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("nothing.ndjson",), "no such file"),
        (("{journal}", "--entry", "99"), "entry 99 of mine has to do with no alarm"),
        (("{journal}", "--entry", "0"), "0 is not in the range"),
        (("{journal}", "--scenario", "other"), "is the journal of mine, not of 'other'"),
        (("{folder}/empty",), "a folder without journals"),
    ],
)
def test_what_cannot_be_explained_is_told_in_one_line(arguments: tuple[str, ...], said: str, journal: Path) -> None:
    (journal.parent / "empty").mkdir()
    done = run(*(one.format(journal=journal, folder=journal.parent) for one in arguments))
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


def test_a_journal_in_which_nobody_was_told_is_no_success(kept_journal: Path) -> None:
    done = run(kept_journal)
    assert done.exit_code == 3
    assert "no project was told of anything" in done.output


def test_what_a_vnfm_sent_steers_no_terminal(planned: Diary, tmp_path: Path) -> None:
    planned.put(0.3, {"state": "ACK_\x1b[2J\u202e", "instance_actions": {}}, path="/v1/\x1b]0;x\x07")
    path = planned.write(tmp_path / "mine.ndjson")
    for arguments in ((path,), (path, "--entry", 2)):
        assert not set("\x1b\x07\u202e") & set(run(*arguments).output)
