"""The cloud's indexes agree with what was placed, moved and removed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_simulator.domain.cloud import Cloud, require_room
from fenix_simulator.domain.errors import AlreadyExists, NoCapacity, UnknownInstance
from fenix_simulator.domain.messages import Host, Instance

HOSTS = [Host("h0", 4), Host("h1", 6), Host("h2", 8)]


@given(
    st.lists(st.tuples(st.sampled_from("PRMC"), st.integers(0, 9), st.sampled_from(["h0", "h1", "h2"])), max_size=60)
)
def test_every_index_tells_the_same(steps):
    """Any sequence of changes leaves free vCPUs, hosts, projects and the choice of a host consistent."""
    cloud, model = Cloud(HOSTS), {}
    for step, number, host in steps:
        name, vcpus = f"i{number}", number % 3 + 1
        if step == "P" and name not in model and cloud.free(host) >= vcpus:
            cloud.place(Instance(name, f"p{number % 2}", name, vcpus, host), host)
            model[name] = (host, vcpus, f"p{number % 2}")
        elif step == "R" and name in model:
            cloud.remove(name)
            del model[name]
        elif step == "M" and name in model and cloud.free(host) >= vcpus:
            cloud.move(name, host)
            model[name] = (host, *model[name][1:])
        elif step == "C":
            cloud = cloud.copy()
    for host in HOSTS:
        there = {name for name, (where, _, _) in model.items() if where == host.name}
        assert set(cloud.on_host(host.name)) == there
        assert cloud.used(host.name) == sum(model[name][1] for name in there)
        assert cloud.is_empty(host.name) is (not there)
    for project in ("p0", "p1"):
        assert set(cloud.of_project(project)) == {name for name, (_, _, owner) in model.items() if owner == project}
    best = max(cloud.free(host.name) for host in HOSTS)
    chosen = cloud.choose(1)
    assert (chosen is None) == (best == 0)
    assert chosen is None or cloud.free(chosen) == best


def test_a_closed_host_takes_nothing():
    cloud = Cloud(HOSTS)
    cloud.close("h2")
    assert cloud.choose(5) == "h1"
    cloud.open("h2")
    assert cloud.choose(5) == "h2"


def test_no_room_says_what_would_have_fitted():
    cloud = Cloud(HOSTS)
    with pytest.raises(NoCapacity, match="no open host has 9 free vCPUs") as caught:
        require_room(cloud, 9)
    assert caught.value.expected == "at most 8 vCPUs"


def test_what_does_not_exist_is_named():
    cloud = Cloud(HOSTS)
    with pytest.raises(UnknownInstance, match="'ghost'"):
        cloud.host_of("ghost")
    cloud.place(Instance("i", "p", "i", 1, "h0"), "h0")
    with pytest.raises(AlreadyExists):
        cloud.place(Instance("i", "p", "i", 1, "h0"), "h1")
