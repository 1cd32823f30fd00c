"""Wrong scenario files: each problem is one line with the file, the line, the member, and what would be right."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenix_simulator.scenario import ScenarioError, load, loads
from fenix_simulator.scenario_file import MAX_BYTES

REPLY_STATES = "MAINTENANCE, SCALE_IN, PREPARE_MAINTENANCE, PLANNED_MAINTENANCE, MAINTENANCE_COMPLETE"
BASE = """\
version: 1
inventory: {hosts: 4, vcpus: 8, projects: 2, instances_per_project: 6, spare_hosts: 1}
"""
LISTED = """\
version: 1
inventory:
  hosts: [{name: compute-0, vcpus: 4}, {name: compute-1, vcpus: 4}]
  projects: [{name: mme}]
  instances:
    - {name: a, project: mme, host: compute-0, vcpus: 2}
"""


NO_FIT = (
    "x.yaml:2: inventory: 32 instances of 2 vCPUs do not fit on 3 hosts of 8 vCPUs (1 more are spare): "
    "12 would, or hosts of 22 vCPUs"
)
OVER = "x.yaml:7: inventory.instances[1].vcpus: does not fit: compute-0 has 4 vCPUs, its instances up to here have 5"
TWICE = "vcpus: 2, instance_id: i}\n    - {name: b, project: 1, host: compute-0, vcpus: 1, instance_id: i}"


def _lines(text: str | bytes) -> list[str]:
    raw = text.encode() if isinstance(text, str) else text
    with pytest.raises(ScenarioError) as caught:
        loads(raw, "x.yaml")
    return str(caught.value).splitlines()


@pytest.mark.parametrize(
    ("member", "line"),
    [
        ("sed: 1", "x.yaml:3: sed: is not a member here, did you mean seed? (allowed: base_path, behaviour, "),
        ("seed: x", "x.yaml:3: seed: must be a whole number, not 'x'"),
        ("seed: -1", "x.yaml:3: seed: must be at least 0, not -1"),
        ("seed: yes", "x.yaml:3: seed: must be a whole number, not true"),
        ("seed:", "x.yaml:3: seed: must be a whole number, not null"),
        ("timing: {lead: 20}", "x.yaml:3: timing.lead: 20 has no unit, write a duration like 90s, 20m, 1h30m or 250ms"),
        ("timing:\n  lead: 1:30", "x.yaml:4: timing.lead: '1:30' is not a duration like 90s, 20m, 1h30m or 250ms"),
        ("timing: {lead: []}", "x.yaml:3: timing.lead: [] is not a duration like 90s, 20m, 1h30m or 250ms"),
        ("timing: {reply_window: 0s}", "x.yaml:3: timing.reply_window: must be longer than 0s"),
        ("timing: 3", "x.yaml:3: timing: must be a mapping, not 3"),
        (
            "timing: {windows: {SCALE_INN: 2s}}",
            "x.yaml:3: timing.windows.SCALE_INN: 'SCALE_INN' is not allowed, did you mean SCALE_IN? (allowed: MAINT",
        ),
        ("timing: {windows: {SCALE_IN: 2}}", "x.yaml:3: timing.windows.SCALE_IN: 2 has no unit, write a duration like"),
        ("metadata: {release: 2024.10}", "x.yaml:3: metadata.release: must be text, not 2024.1: put it in quotes"),
        ("metadata: {on: no}", "x.yaml:3: metadata.on: must be text, not false: put it in quotes"),
        ("metadata: {a: []}", "x.yaml:3: metadata.a: must be text, not []"),
        ("behaviour: lax", "x.yaml:3: behaviour: 'lax' is not allowed (allowed: strict, upstream)"),
        ("dialect: list", "x.yaml:3: dialect: 'list' is not allowed (allowed: map, per-instance)"),
        ("delivery: often", "x.yaml:3: delivery: 'often' is not 'aodh' (one attempt) or 'retry:' with pauses"),
        ("delivery: [5s]", "x.yaml:3: delivery: \"['5s']\" is not 'aodh' (one attempt) or 'retry:' with pauses"),
        (
            "faults:\n  - when: {alarm: PLANED_MAINTENANCE}\n    then: {drop: true}",
            "x.yaml:4: faults[0].when.alarm: 'PLANED_MAINTENANCE' is not allowed, did you mean PLANNED_MAINTENANCE? (",
        ),
        (
            "faults:\n  - when: {operation: reply}\n    then: {satus: 500}",
            "x.yaml:5: faults[0].then.satus: is not a member here, did you mean status? (allowed: close, ",
        ),
        (
            "faults:\n  - when: {operation: put}\n    then: {status: 500}",
            "x.yaml:4: faults[0].when.operation: 'put' is not allowed (allowed: list, reply, alarm, ",
        ),
        (
            "faults:\n  - {when: {nth: 1}, then: {drop: true}}",
            "x.yaml:4: faults[0].when: needs operation (list, reply, ",
        ),
        (
            "faults:\n  - {when: {operation: list, alarm: SCALE_IN}, then: {drop: true}}",
            "x.yaml:4: faults[0].when: alarm: SCALE_IN does not go with operation: list",
        ),
        (
            "faults:\n  - {when: {alarm: SCALE_IN}, then: {status: 500}}",
            "x.yaml:4: faults[0]: then: status is not for operation alarm: content_type, crop, delay, ",
        ),
        (
            "faults:\n  - {when: {operation: list}, then: {}}",
            "x.yaml:4: faults[0]: then does nothing, give one of close, content_type, delay, ",
        ),
        (
            "faults:\n  - {when: {operation: list}, then: {status: 500, drop: true}}",
            "x.yaml:4: faults[0]: then: drop and status cannot both happen",
        ),
        (
            "faults:\n  - {when: {operation: reply}, then: {stale: true}}",
            "x.yaml:4: faults[0]: then: stale is not for operation reply: close, content_type, delay, drip, drop, ",
        ),
        (
            "faults:\n  - {when: {operation: list}, then: {stale: true, malformed: true}}",
            "x.yaml:4: faults[0]: then: malformed and stale cannot both happen (malformed goes with content_type, ",
        ),
        (
            "faults:\n  - {when: {alarm: SCALE_IN}, then: {reorder: true, hold_back: 2}}",
            "x.yaml:4: faults[0]: then: hold_back and reorder cannot both happen (hold_back goes with content_type, ",
        ),
        (
            "faults:\n  - {when: {operation: list}, then: {status: 204, truncate: true}}",
            "x.yaml:4: faults[0]: then: truncate needs a body, and an answer of the status 204 has none",
        ),
        (
            "faults:\n  - {when: {operation: alarm, state: MAINTENANCE_DONE}, then: {drop: true}}",
            "x.yaml:4: faults[0].when: state: no alarm has the state MAINTENANCE_DONE (allowed: INSTANCE_ACTION_DONE, ",
        ),
        (
            "faults:\n  - {when: {operation: reply, state: INSTANCE_ACTION_DONE}, then: {drop: true}}",
            "x.yaml:4: faults[0].when: state: no session has the state INSTANCE_ACTION_DONE (allowed: ",
        ),
        (
            "faults:\n  - {when: {operation: control, session: 1}, then: {drop: true}}",
            "x.yaml:4: faults[0].when: what is done to instances belongs to no session: leave state and session out",
        ),
        (
            "faults:\n  - {when: {operation: list, probability: 30}, then: {drop: true}}",
            "x.yaml:4: faults[0].when.probability: must be greater than 0 and at most 1, not 30",
        ),
        (
            "faults:\n  - {when: {operation: alarm}, then: {crop: 0}}",
            "x.yaml:4: faults[0].then.crop: must be a number of characters from 1 to 255, a trait, or {trait: ",
        ),
        (
            "faults:\n  - {when: {operation: alarm}, then: {crop: nope}}",
            "x.yaml:4: faults[0].then.crop: no alarm has a text trait 'nope', they are allowed_actions, host, ",
        ),
        (
            "faults:\n  - {when: {operation: alarm}, then: {unknown_state: SCALE_IN}}",
            "x.yaml:4: faults[0].then.unknown_state: SCALE_IN is a state that managers know; traits can set it all ",
        ),
        (
            "faults:\n  - {when: {operation: alarm}, then: {unknown_state: NEW, traits: {state: OTHER}}}",
            "x.yaml:4: faults[0]: then: traits and unknown_state both say what the state is, leave one out",
        ),
        (
            'faults:\n  - {when: {operation: list}, then: {content_type: "text/html\\r\\nX: 1"}}',
            "x.yaml:4: faults[0].then.content_type: 'text/html\\r\\nX: 1' has characters that are not taken here",
        ),
        (
            "faults:\n  - {when: {operation: list}, then: {drip: 0s}}",
            "x.yaml:4: faults[0].then.drip: must be longer than 0s",
        ),
        (
            "faults:\n  - {when: {operation: list}, then: {status: 99}}",
            "x.yaml:4: faults[0].then.status: must be at least 200, not 99",
        ),
        (
            "faults:\n  - {when: {alarm: SCALE_IN}, then: {traits: {a: [1]}}}",
            "x.yaml:4: faults[0].then.traits.a: must be text or a number, not [1]",
        ),
        (
            "faults:\n  - {when: {alarm: SCALE_IN, project: 3}, then: {drop: true}}",
            "x.yaml:4: faults[0].when.project: there is no project 3 (allowed: 1 to 2, ",
        ),
        ("faults: {}", "x.yaml:3: faults: must be a list, not {}"),
        (
            "faults: [{when: {operation: alarm}, then: {traits: 3}}]",
            "x.yaml:3: faults[0].then.traits: must be a mapping, not 3",
        ),
        ("timing: {own_action_window: 0s}", "x.yaml:3: timing.own_action_window: must be longer than 0s"),
        ("base_path: 3", "x.yaml:3: base_path: must be a path like /maintenance/7f3a, not 3"),
        (
            "base_path: /a/",
            "x.yaml:3: base_path: '/a/' is no path like /maintenance/7f3a: it begins with /, has no / at",
        ),
        ("sessions: [{at: 3}]", "x.yaml:3: sessions[0].at: 3 has no unit, write a duration like 90s, 20m, 1h30m or"),
        ("projects: {default: nope}", "x.yaml:3: projects.default: 'nope' is not allowed (allowed: migrate, fail)"),
        ("sessions: []", "x.yaml:3: sessions: must have at least 1"),
        ("sessions: [{hosts: 1}]", "x.yaml:3: sessions[0].hosts: must be all or a list of numbers and names, not 1"),
        ("sessions: [{hosts: [0]}]", "x.yaml:3: sessions[0].hosts: 0 is neither a number from 1 on nor a name"),
        (
            "sessions:\n  - hosts: [az1]\n  - hosts:\n    - 1\n    - az3",
            "x.yaml:7: sessions[1].hosts[1]: there is no host or availability zone 'az3' (allowed: 1 to 4, az1, az2, ",
        ),
        ("projects: {default: move}", "x.yaml:3: projects.default: 'move' is not allowed (allowed: migrate, fail)"),
        (
            "projects: {managers: [{projects: [1], nack: START}]}",
            f"x.yaml:3: projects.managers[0].nack: 'START' is not allowed (allowed: {REPLY_STATES})",
        ),
        (
            "projects: {managers: [{projects: [1, 3]}]}",
            "x.yaml:3: projects.managers[0].projects[1]: there is no project 3 (allowed: 1 to 2, ",
        ),
        (
            "projects: {managers: [{silent: 1}]}",
            "x.yaml:3: projects.managers[0].silent: must be true or false, not 1",
        ),
        (
            "projects: {managers: [{silent: true, nack: SCALE_IN}]}",
            "x.yaml:3: projects.managers[0]: a silent manager sends no NACK: give silent or nack",
        ),
        (
            "projects: {managers: [{subscribed: false, silent: true}]}",
            "x.yaml:3: projects.managers[0]: a project without a subscription hears nothing: leave silent and nack out",
        ),
        ("expect: {end: DONE}", "x.yaml:3: expect.end: 'DONE' is not allowed"),
        ("expect: {states: [MAINTENANCE]}", "x.yaml:3: expect: states must end with MAINTENANCE_DONE"),
        ("a: *x", "x.yaml:3: aliases (*x) are not taken: write the value out"),
        ("x: !!python/object:os.system y", "x.yaml:3: 'y' is not a plain value: leave its tag out"),
        ("seed: " + "9" * 5000, "x.yaml:3: '99999"),
        ("seed: 1\nseed: 2", "x.yaml:4: the member 'seed' is there twice"),
        ("? [a]\n: 1", "x.yaml:3: a member's name must be plain text"),
        ("x: [1", "x.yaml:"),
        ("x: " + "[" * 5000, "x.yaml:3: nested more than 12 levels deep"),
        ("x: \x07", "x.yaml:3: not YAML: "),
        ("--- {}", "x.yaml:3: not YAML: "),
    ],
)
def test_a_wrong_member_is_one_line(member: str, line: str) -> None:
    lines = _lines(f"{BASE}{member}\n")
    assert len(lines) == 1
    assert lines[0].startswith(line)


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("", ["x.yaml:1: a scenario is a mapping that begins with version: 1"]),
        ("- 1", ["x.yaml:1: a scenario is a mapping that begins with version: 1"]),
        (b"version: 1\n\xff", ["x.yaml:2: not UTF-8 text"]),
        ("seed: 1", ["x.yaml:1: version: is missing", "x.yaml:1: inventory: is missing"]),
        (
            "version: 2\ninventory:\n  hosts: 3\n  projects: 1\n",
            ["x.yaml:1: version: must be 1, not 2", "x.yaml:2: inventory.instances_per_project: is missing"],
        ),
        (
            BASE.replace("6", "16"),
            [NO_FIT],
        ),
        (
            BASE.replace("spare_hosts: 1", "floating_ips: 2, ids: x"),
            [
                "x.yaml:2: inventory.floating_ips: must be at most 1.0, not 2",
                "x.yaml:2: inventory.ids: 'x' is not allowed (allowed: uuid, names)",
            ],
        ),
        (LISTED.replace("compute-1", "compute-0"), ["x.yaml:3: inventory.hosts[1].name: 'compute-0' is there twice"]),
        (
            LISTED.replace("[{name: mme}]", "[{name: mme}, {name: mme}]"),
            ["x.yaml:4: inventory.projects[1].name: 'mme' is there twice"],
        ),
        (
            LISTED + "    - {name: b, project: sbc, host: compute-2, vcpus: 2}\n",
            [
                "x.yaml:7: inventory.instances[1].project: there is no project 'sbc' (allowed: mme)",
                "x.yaml:7: inventory.instances[1].host: there is no host 'compute-2' (allowed: compute-0, compute-1)",
            ],
        ),
        (
            LISTED + "    - {name: b, project: 1, host: compute-0, vcpus: 3}\n",
            [OVER],
        ),
        (
            LISTED.replace(
                "vcpus: 2}",
                TWICE,
            ),
            ["x.yaml:7: inventory.instances[1].instance_id: 'i' is there twice"],
        ),
        (
            LISTED.replace("name: compute-0", "name: a/b"),
            ["x.yaml:3: inventory.hosts[0].name: 'a/b' has characters that are not taken here"],
        ),
        (
            LISTED.replace("project: mme", "project: 2"),
            ["x.yaml:6: inventory.instances[0].project: there is no project 2 (allowed: mme)"],
        ),
    ],
)
def test_a_wrong_file_is_a_line_for_each_problem(text: str | bytes, lines: list[str]) -> None:
    assert _lines(text) == lines


def test_only_the_first_problems_are_named() -> None:
    lines = _lines(BASE + "".join(f"m{number}: 1\n" for number in range(50)))
    assert len(lines) == 21
    assert lines[-1] == "x.yaml: and 30 more problems"


def test_a_file_that_is_too_large_is_refused_unread() -> None:
    assert _lines(BASE.encode() + b"#" * MAX_BYTES) == ["x.yaml: the file is larger than 2,000,000 bytes"]


def test_a_long_member_is_cut_in_the_message() -> None:
    (line,) = _lines(f"{BASE}{'a' * 500}: 1\n")
    assert len(line) < 250


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_no_bytes_make_anything_but_a_scenario_error(raw: bytes) -> None:
    with pytest.raises(ScenarioError):
        loads(raw, "x.yaml")


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_MEMBERS = ["hosts", "vcpus", "projects", "instances", "name", "when", "then", "alarm", "managers", "at", "nth", "lead"]
_TOP = ["seed", "timing", "metadata", "sessions", "projects", "faults", "expect", "delivery", "inventory"]


@settings(max_examples=100, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(_TOP),
        st.recursive(
            _scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_MEMBERS), inner)
        ),
    )
)
def test_no_value_of_a_member_makes_anything_but_a_scenario_error(members: dict[str, object]) -> None:
    import yaml

    data = {"version": 1, "inventory": {"hosts": 4, "projects": 2, "instances_per_project": 6}, **members}
    lines: list[str] = []
    try:
        loads(yaml.safe_dump(data).encode(), "x.yaml").build_inventory()
    except ScenarioError as error:
        lines = str(error).splitlines()
    assert all(re.match(r"x\.yaml(:\d+)?: .", line) for line in lines)


def test_a_name_that_is_nowhere_is_guessed() -> None:
    with pytest.raises(
        ScenarioError, match=r"^hapy-path: neither a file nor a bundled scenario, did you mean happy-path"
    ):
        load("hapy-path")


def test_what_cannot_be_read_says_why(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="cannot be read: Is a directory"):
        load(tmp_path)
    with pytest.raises(ScenarioError, match="cannot be read: embedded null byte"):
        load("a\0b")
