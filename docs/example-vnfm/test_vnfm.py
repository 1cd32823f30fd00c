"""The VNFM's tests: ``pip install fenix-harness pytest``, then ``pytest``. Nothing needs to be configured."""

import urllib.request

import pytest

from vnfm import Vnfm


@pytest.fixture
def start(fenix_simulator):
    """Start a VNFM and subscribe it; the other projects of the cloud are played by sample managers."""
    started = []

    def start(**settings):
        def remove(instance_id):
            url = f"{fenix_simulator.control_url}/simulator/v1/instances/{instance_id}"
            urllib.request.urlopen(urllib.request.Request(url, method="DELETE")).close()

        vnfm = Vnfm(remove, **settings)
        started.append(vnfm)
        fenix_simulator.subscribe(vnfm.alarm_url)
        fenix_simulator.play_others()
        return vnfm

    yield start
    for vnfm in started:
        vnfm.close()


def test_a_whole_maintenance(fenix_simulator, start):
    start()
    session = fenix_simulator.begin()
    assert session.wait_until_over() == "MAINTENANCE_DONE", session.failure_reason
    fenix_simulator.verdict().assert_conformant()


@pytest.mark.fenix_scenario("scale-in")
def test_it_gives_instances_up_when_the_cloud_is_full(fenix_simulator, start):
    before = len(fenix_simulator.instances())
    start()
    session = fenix_simulator.begin()
    session.wait_for_reply(fenix_simulator.project.id, "ACK_SCALE_IN")
    assert len(fenix_simulator.instances()) < before
    assert session.wait_until_over() == "MAINTENANCE_DONE", session.failure_reason


def test_it_may_refuse(fenix_simulator, start):
    start(refuse={"PLANNED_MAINTENANCE"})
    session = fenix_simulator.begin()
    assert session.wait_until_over() == "MAINTENANCE_FAILED"
    assert "PLANNED_MAINTENANCE" in session.failure_reason


def test_it_survives_an_api_that_is_down_for_a_moment(fenix_simulator, start):
    when = {"operation": "reply", "project": fenix_simulator.project.id}
    fenix_simulator.add_fault(when=when, then={"status": 503}, times=2)
    start()
    session = fenix_simulator.begin()
    assert session.wait_until_over() == "MAINTENANCE_DONE", session.failure_reason
    fenix_simulator.verdict().assert_conformant()


@pytest.mark.fenix_scenario(time="manual", reply_window="20m")
def test_nothing_begins_before_the_time_that_was_announced(fenix_simulator, start):
    start()
    session = fenix_simulator.begin()
    for project in fenix_simulator.projects:
        session.wait_for_reply(project.id, "ACK_MAINTENANCE")
    assert session.state == "MAINTENANCE"
    fenix_simulator.clock.advance("1h")
    session.wait_for_state("START_MAINTENANCE")


def test_an_alarm_that_it_does_not_know(fenix_simulator, start):
    vnfm = start()
    assert fenix_simulator.trigger("A_STATE_OF_TOMORROW", vnfm.alarm_url, colour="blue").taken
