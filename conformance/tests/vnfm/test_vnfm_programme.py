"""Which scenarios are played, in which order, under which names."""

from __future__ import annotations

import pytest

from fenix_conformance.vnfm.programme import LAST_SECONDS, ScenarioInvalid, bundled, check, programme


def names(*sources: str) -> list[str]:
    return [part.name for part in programme(sources, 60.0)]


def test_the_simplest_comes_first_the_largest_last_and_the_others_as_they_were_given():
    assert names("nack", "large-cloud", "flaky-api", "happy-path") == ["happy-path", "nack", "flaky-api", "large-cloud"]


def test_a_scenario_that_is_named_twice_is_played_once():
    assert names("nack", "nack") == ["nack"]


def test_files_of_one_name_are_told_apart():
    assert names("a/mine.yaml", "b/mine.yaml", "c/mine.yml") == ["mine", "mine-2", "mine-3"]


@pytest.mark.parametrize(
    ("source", "max_wait", "seconds"),
    [("happy-path", 60.0, 60.0), ("large-cloud", 60.0, LAST_SECONDS), ("large-cloud", 5.0, 5.0)],
)
def test_the_largest_is_played_for_a_short_while_only(source, max_wait, seconds):
    (part,) = programme([source], max_wait)
    assert part.seconds == seconds


def test_the_simulator_tells_which_scenarios_there_are():
    assert {"happy-path", "silent-project", "large-cloud"} <= set(bundled())


def test_all_that_is_wrong_with_scenarios_is_said_with_file_and_line(tmp_path):
    first, second = tmp_path / "first.yaml", tmp_path / "second.yaml"
    first.write_text("version: 1\ninventory: {hosts: 0}\n")
    second.write_text("version: 1\ninventory: {hosts: 2}\nfaults: 7\n")
    with pytest.raises(ScenarioInvalid) as raised:
        check([str(first), "happy-path", str(second), "nowhere.yaml"])
    lines = str(raised.value).splitlines()
    assert any(line.startswith(f"{first}:2: ") for line in lines)
    assert any(line.startswith(f"{second}:3: ") for line in lines)
    assert any(line.startswith("nowhere.yaml: ") for line in lines)
