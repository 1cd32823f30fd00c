"""Plainer documents are valid scenarios, and there is an end to making them plainer."""

from __future__ import annotations

from hypothesis import given, settings

from fenix_conformance.vnfm.fuzz.drawing import Document, documents
from fenix_conformance.vnfm.fuzz.plainer import plainer
from fenix_conformance.vnfm.fuzz.written import text_of
from fenix_simulator.scenario import loads


@settings(max_examples=60, deadline=None)
@given(documents())
def test_every_plainer_document_is_a_valid_scenario_and_another_one(document: Document) -> None:
    for other in plainer(document):
        assert other != document
        loads(text_of(other).encode())


@settings(max_examples=60, deadline=None)
@given(documents())
def test_taking_away_comes_to_an_end_at_one_instance_on_two_hosts(document: Document) -> None:
    for _ in range(200):
        following = next(iter(plainer(document)), None)
        if following is None:
            break
        document = following
    assert document["inventory"] == {
        "hosts": 2,
        "vcpus": 1,
        "projects": 1,
        "instances_per_project": 1,
        "spare_hosts": 1,
        "instance_vcpus": 1,
    }
    assert set(document) == {"version", "seed", "inventory"}
    assert document["seed"] == 1


def test_a_document_is_left_as_it_is() -> None:
    document: Document = {
        "version": 1,
        "seed": 1,
        "inventory": {
            "hosts": 2,
            "vcpus": 2,
            "projects": 1,
            "instances_per_project": 2,
            "spare_hosts": 1,
            "instance_vcpus": 1,
        },
        "faults": [{"when": {"alarm": "MAINTENANCE", "nth": 2}, "times": 2, "then": {"duplicate": 2}}],
    }
    text = text_of(document)
    made = list(plainer(document))
    assert text_of(document) == text
    assert {"when": {"alarm": "MAINTENANCE", "nth": 1}, "times": 2, "then": {"duplicate": 2}} in [
        fault for one in made for fault in one.get("faults", [])
    ]
