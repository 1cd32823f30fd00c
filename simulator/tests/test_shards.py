"""Several servers share the sessions: an id tells which one a session lives in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_simulator.bootstrap import Settings, Simulator, UnlikeJournal
from fenix_simulator.control import StateInvalid
from fenix_simulator.scenario import load
from fenix_simulator.shards import MOST, Shard, parse_public_url

SCENARIO = load("happy-path")
CONFIGURATION = Path(__file__).parents[2] / "docs" / "nginx" / "fenix-shards.conf"


@pytest.fixture
def simulator():
    """Makes simulators that do not listen."""
    made = []

    def make(shard: str = "1/1", **options) -> Simulator:
        made.append(Simulator(Settings(scenario=SCENARIO, shard=Shard.parse(shard), **options)))
        return made[-1]

    yield make
    for one in made:
        one.stop()


@given(st.integers(1, MOST), st.uuids())
def test_each_session_belongs_to_exactly_one_server(count, session_id):
    owners = [number for number in range(1, count + 1) if Shard(number, count).owns(str(session_id))]
    assert owners == [int(str(session_id)[0], 16) % count + 1]


@given(st.integers(1, MOST).flatmap(lambda count: st.tuples(st.integers(1, count), st.just(count))))
def test_what_is_written_is_read(pair):
    assert Shard.parse(str(Shard(*pair))) == Shard(*pair)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x", "is no i/n, such as 1/4"),
        ("", "is no i/n"),
        ("1", "is no i/n"),
        ("1/2/3", "is no i/n"),
        ("-1/4", "is no i/n"),
        ("1/4\n", "is no i/n"),
        ("0/4", "numbered from 1/4 to 4/4"),
        ("5/4", "numbered from 1/4 to 4/4"),
        ("1/0", "1 to 16 servers, and not 0"),
        ("1/17", "1 to 16 servers, and not 17"),
    ],
)
def test_what_is_no_shard_is_refused(text, said):
    with pytest.raises(ValueError, match=re.escape(said)):
        Shard.parse(text)


def test_the_empty_id_belongs_to_nobody():
    assert not any(Shard(number, 4).owns("") for number in range(1, 5))


def test_the_sessions_of_a_server_are_its_own_and_the_same_each_time(simulator):
    """With the same seed, all servers' ids together are those that one server would take."""
    ids = {}
    for number in range(1, 5):
        service = simulator(f"{number}/4").service
        ids[number] = [service.create_session() for _ in range(6)]
        assert all(Shard(number, 4).owns(one) for one in ids[number])
        again = simulator(f"{number}/4").service
        assert [again.create_session() for _ in range(6)] == ids[number]
    assert len({one for several in ids.values() for one in several}) == 24
    alone = simulator().service
    first = [alone.create_session() for _ in range(4)]
    assert set(first) <= {one for several in ids.values() for one in several}


def test_a_journal_goes_on_in_its_own_shard_only(simulator, tmp_path):
    path = str(tmp_path / "run.db")
    begun = simulator("2/4", journal=path)
    session_id = begun.service.create_session()
    begun.stop()
    for other in ("1/4", "2/3", "1/1"):
        with pytest.raises(UnlikeJournal) as refused:
            simulator(other, journal=path)
        assert f"is the journal of shard 2/4, not of {other}" in refused.value.message
        assert "--shard 2/4" in refused.value.hint
    assert simulator("2/4", journal=path).service.list_sessions() == [session_id]


def test_a_state_of_another_shard_is_refused(simulator):
    first, second = simulator("1/2"), simulator("2/2")
    session_id = second.service.create_session()
    with pytest.raises(StateInvalid, match=f"session {session_id} is not of shard 1/2"):
        first.service.import_state(second.service.export_state())
    alone = simulator()
    alone.service.import_state(second.service.export_state())
    assert alone.service.list_sessions() == [session_id]


def test_the_configuration_of_nginx_has_the_same_rule():
    text = CONFIGURATION.read_text()
    classes = re.findall(r"sessions\)/\[([0-9a-f]+)\]\"\s+fenix_([0-9]);", text)
    assert classes == [(Shard(number, 4).digits(), str(number)) for number in range(1, 5)]


# -- the public URL --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("http://127.0.0.1:8920", "http://127.0.0.1:8920"),
        ("https://fenix.example/", "https://fenix.example"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_a_public_url_is_an_origin(text, origin):
    assert parse_public_url(text) == origin


@pytest.mark.parametrize(
    "text",
    ["", "fenix", "ftp://x", "http://", "http://x/fenix", "http://x?y", "http://x#y", "http://u:p@x", "http://x:port"],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"such as http://127\.0\.0\.1:8080.*--base-path"):
        parse_public_url(text)


@pytest.mark.parametrize("port", ["0", "65536"])
def test_a_port_that_there_cannot_be_is_refused(port):
    with pytest.raises(ValueError, match="ports are 1 to 65535"):
        parse_public_url(f"http://x:{port}")
