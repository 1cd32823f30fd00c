"""Alarms lead to where others reach the server, which need not be where it listens."""

from __future__ import annotations

import threading

import pytest

from fenix_simulator.alarms import TraitTooLong
from fenix_vnfm import AlarmReceiver

FRONT = "http://fenix.example:8920"


@pytest.mark.parametrize("base_path", [None, "/maintenance/7f3a"])
def test_alarms_carry_the_public_url(serve, client, base_path):
    told, heard = [], threading.Event()

    def take(alarm) -> None:
        told.append(alarm.message)
        heard.set()

    with AlarmReceiver() as receiver:
        url = receiver.route("/alarms", take)
        simulator = serve(changes={"base_path": base_path}, alarm_urls=((None, url),), public_url=FRONT)
        session_id = simulator.service.create_session()
        assert heard.wait(20)
    path = f"{base_path or ''}/v1/maintenance/{session_id}/{told[0].project_id}"
    assert told[0].instance_ids == told[0].reply_url == FRONT + path
    assert client(simulator)("GET", path).status == 200
    # Where it listens is still what whoever started it is told.
    assert simulator.ready()["url"] == simulator.url != FRONT


def test_one_that_does_not_fit_into_a_trait_is_refused_at_the_start(serve):
    with pytest.raises(TraitTooLong, match="the alarm's reply_url would have"):
        serve(public_url="http://" + "x" * 200)
