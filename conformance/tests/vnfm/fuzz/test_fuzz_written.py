"""A made-up scenario as a file: it says what it shows, and its command is the one that plays it again."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from fenix_conformance.vnfm.fuzz.drawing import Document, documents
from fenix_conformance.vnfm.fuzz.written import file_name, file_text, replay_command, text_of
from fenix_conformance.vnfm.options import Options
from fenix_simulator.scenario import loads

URL = "http://127.0.0.1:9000/maintenance"
PLAIN: Document = {"version": 1, "seed": 3, "inventory": {"hosts": 2}, "faults": [{"when": {}, "then": {"drop": True}}]}


def test_each_member_and_each_fault_has_a_line() -> None:
    assert text_of(PLAIN).splitlines() == [
        "version: 1",
        "seed: 3",
        "inventory: {hosts: 2}",
        "faults:",
        "  - {when: {}, then: {drop: true}}",
    ]


@settings(max_examples=50, deadline=None)
@given(documents(), st.text(max_size=300))
def test_whatever_was_said_the_file_reads_as_the_document(document: Document, said: str) -> None:
    text = file_text(document, "reply-once", said, "fenix-conformance vnfm")
    assert yaml.safe_load(text) == document
    loads(text.encode(), "made-up.yaml")


def test_the_file_says_what_it_shows_and_how_to_see_it_again() -> None:
    text = file_text(PLAIN, "retry", "no reply\nafter 503", "fenix-conformance vnfm X")
    comments = [line for line in text.splitlines() if line.startswith("#")]
    assert comments == [
        "# The smallest scenario found in which the VNFM does not keep retry.",
        "#",
        "# no reply after 503",
        "#",
        "# Play it again: fenix-conformance vnfm X",
    ]


@pytest.mark.parametrize("strict", [False, True])
def test_the_command_names_the_file_the_rule_and_all_that_the_search_was_told(strict: bool) -> None:
    options = Options(
        URL, project="MINE", command="my vnfm --port '9 000'", reply_window=2.0, own_action_window=3.0, dialect="map"
    )
    words = shlex.split(replay_command(options, "retry", Path("a folder/made-up-retry-7.yaml"), strict=strict))
    assert words == [
        "fenix-conformance", "vnfm", URL,
        "--only", "retry",
        "--scenario", "a folder/made-up-retry-7.yaml",
        "--project", "MINE",
        "--command", "my vnfm --port '9 000'",
        "--reply-window", "2s",
        "--own-action-window", "3s",
        "--dialect", "map",
        *["--strict"] * strict,
    ]  # fmt: skip


def test_a_file_is_called_by_its_rule_and_seed() -> None:
    assert file_name("reply-once", 7) == "made-up-reply-once-7.yaml"
