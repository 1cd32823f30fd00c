"""Draws scenario documents: small clouds, one or two sessions, and what may go wrong between the two ends.

Only what a VNFM has to live with is drawn: faults after which it can know what to do, in a window that leaves it the
time. What is drawn first in every choice is the plainest, which is where shrinking leads.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from fenix_contract.vocabulary import REPLY_STATES, AlarmState

Document = dict[str, Any]

#: A fault's members, as a scenario file has them.
FaultDocument = Mapping[str, Any]

_STATES = st.sampled_from([str(state) for state in REPLY_STATES])
_TOLD_OF = st.sampled_from([str(state) for state in AlarmState])
_NTH = st.integers(1, 3)


def _fault(when: Mapping[str, Any], then: Mapping[str, Any], times: int | None = None) -> FaultDocument:
    return {"when": dict(when), **({} if times is None else {"times": times}), "then": dict(then)}


def _failing_replies() -> st.SearchStrategy[FaultDocument]:
    """The reply fails for the time being: it has to be sent again."""
    effects: list[dict[str, Any]] = [{"status": 503}, {"drop": True}, {"close": True}, {"reset": True}, {"status": 500}]
    return st.builds(
        lambda state, nth, effect, times: _fault({"operation": "reply", "state": state, "nth": nth}, effect, times),
        _STATES,
        _NTH,
        st.sampled_from(effects),
        st.integers(1, 2),
    )


def _slow_requests() -> st.SearchStrategy[FaultDocument]:
    return st.builds(
        lambda operation, state, effect: _fault({"operation": operation, "state": state, "nth": 1}, effect),
        st.sampled_from(["list", "reply"]),
        _STATES,
        st.sampled_from([{"delay": "300ms"}, {"drip": "300ms"}]),
    )


def _failing_lists() -> st.SearchStrategy[FaultDocument]:
    return st.builds(
        lambda state, effect: _fault({"operation": "list", "state": state, "nth": 1}, effect),
        _STATES,
        st.sampled_from([{"status": 503}, {"drop": True}]),
    )


def _repeated_alarms() -> st.SearchStrategy[FaultDocument]:
    return st.one_of(
        st.builds(
            lambda state, nth, copies: _fault({"alarm": state, "nth": nth}, {"duplicate": copies}),
            _TOLD_OF,
            _NTH,
            st.integers(1, 2),
        ),
        st.just(_fault({"operation": "alarm"}, {"duplicate": 1})),
    )


def _late_alarms() -> st.SearchStrategy[FaultDocument]:
    return st.builds(
        lambda state, behind: _fault({"alarm": state, "nth": 1}, {"duplicate": 1, "hold_back": behind}),
        st.sampled_from(["MAINTENANCE", "PREPARE_MAINTENANCE", "PLANNED_MAINTENANCE"]),
        st.integers(1, 3),
    )


def _strange_alarms() -> st.SearchStrategy[FaultDocument]:
    """What a later Fenix, or one on Python 2, may send."""
    return st.one_of(
        st.just(_fault({"operation": "alarm"}, {"traits": {"change_ticket": "CHG-20417"}})),
        st.builds(
            lambda nth: _fault(
                {"alarm": "INSTANCE_ACTION_DONE", "nth": nth}, {"traits": {"state": "INSTANCE_ACTION_POSTPONED"}}
            ),
            _NTH,
        ),
        st.builds(lambda state: _fault({"alarm": state}, {"delay": "200ms"}), _STATES),
        st.just(_fault({"operation": "alarm"}, {"python2": True})),
    )


def faults() -> st.SearchStrategy[list[FaultDocument]]:
    """None to three faults."""
    return st.lists(
        st.one_of(
            _repeated_alarms(),
            _failing_replies(),
            _strange_alarms(),
            _late_alarms(),
            _slow_requests(),
            _failing_lists(),
        ),
        max_size=3,
    )


def has_a_way_out(inventory: Mapping[str, Any]) -> bool:
    """Whether a maintenance is possible: a host is empty, or there is room when each project has given up a third."""
    if inventory["spare_hosts"]:
        return True
    instances = inventory["projects"] * inventory["instances_per_project"]
    free = inventory["hosts"] * inventory["vcpus"] - instances
    return bool(free + inventory["projects"] * (inventory["instances_per_project"] // 3) >= inventory["vcpus"])


def fitted(inventory: Mapping[str, Any], to_spare: int = 0) -> dict[str, Any]:
    """The inventory with hosts that just hold its instances of 1 vCPU, and ``to_spare`` vCPUs more each."""
    instances = inventory["projects"] * inventory["instances_per_project"]
    per_host = -(-instances // (inventory["hosts"] - inventory["spare_hosts"]))
    return {**inventory, "vcpus": per_host + to_spare}


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A scenario document that fits: its cloud holds its instances, and has room for a maintenance or makes it."""
    inventory: dict[str, Any] = {
        "hosts": draw(st.integers(2, 4), label="hosts"),
        "vcpus": 0,
        "projects": draw(st.integers(1, 2), label="projects"),
        "instances_per_project": draw(st.integers(1, 6), label="instances of a project"),
        "spare_hosts": draw(st.sampled_from([1, 0]), label="spare hosts"),
        "instance_vcpus": 1,
    }
    two_sessions = draw(st.booleans(), label="two sessions") and inventory["hosts"] >= 4
    seed = draw(st.integers(1, 50), label="seed")
    to_spare = draw(st.integers(0, 1), label="vCPUs to spare")
    inventory = fitted(inventory, to_spare)
    if not has_a_way_out(inventory):
        inventory = fitted({**inventory, "spare_hosts": 1}, to_spare)
    document: Document = {"version": 1, "seed": seed, "inventory": inventory}
    if draw(st.booleans(), label="ids that are no UUIDs"):
        document["inventory"]["ids"] = "names"
    if two_sessions:
        document["sessions"] = [{"hosts": [1, 3]}, {"hosts": [2, 4]}]
    if draw(st.booleans(), label="a path of its own"):
        document["base_path"] = "/maintenance"
    drawn = draw(faults(), label="faults")
    if drawn:
        document["faults"] = [dict(fault) for fault in drawn]
    return document
