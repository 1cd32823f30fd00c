"""The fixture ``fenix_simulator``: one server per scenario, cleared for each test, followed by waits that explain."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest

from fenix_pytest import Choice, NotSeen, ScenarioRefused, Servers, Simulator, SimulatorRefused
from fenix_vnfm import AlarmReceiver, Policy, ProjectManager

SHORT_WINDOW = "1500ms"


@pytest.fixture
def manage():
    """Let a sample VNFM manage the project that is meant for the one under test."""
    managers = []

    def manage(simulator: Simulator, policy: Policy = Policy()) -> ProjectManager:
        manager = ProjectManager(simulator.project.id, policy, control_url=simulator.control_url)
        managers.append(manager)
        simulator.subscribe(manager.alarm_url)
        simulator.play_others()
        return manager

    yield manage
    for manager in managers:
        manager.close()


@pytest.fixture
def servers():
    """Servers of this test's own."""
    servers = Servers()
    yield servers
    servers.close()


def test_a_whole_maintenance_is_followed_to_its_end(fenix_simulator, manage):
    manage(fenix_simulator)
    session = fenix_simulator.begin()
    session.wait_for_state("PLANNED_MAINTENANCE")
    alarm = session.wait_for_alarm("PLANNED_MAINTENANCE", fenix_simulator.project.id)
    reply = session.wait_for_reply(1, "PLANNED_MAINTENANCE")
    assert session.wait_until_over() == "MAINTENANCE_DONE"
    assert alarm.data["status"] == 200
    assert reply.data["state"] == "ACK_PLANNED_MAINTENANCE"
    assert session.is_over
    assert session.state == session.states[-1] == "MAINTENANCE_DONE"
    assert session.failure_reason is None
    assert fenix_simulator.sessions == (session,)


def test_the_verdict_is_about_the_one_that_was_subscribed(fenix_simulator, manage):
    manage(fenix_simulator)
    fenix_simulator.begin().wait_until_over()
    verdict = fenix_simulator.verdict()
    verdict.assert_conformant()
    verdict.assert_passes("reply-state")
    assert verdict.outcome("reply-state") == "pass"
    assert {case.project_id for row in verdict.result.results for case in row.cases} <= {fenix_simulator.project.id, ""}


@pytest.mark.fenix_scenario(reply_window=SHORT_WINDOW)
def test_the_verdict_on_a_silent_vnfm_says_what_to_change(fenix_simulator, manage):
    manage(fenix_simulator, Policy(silent=frozenset({"MAINTENANCE"})))
    assert fenix_simulator.begin().wait_until_over() == "MAINTENANCE_FAILED"
    with pytest.raises(AssertionError, match="not conformant") as caught:
        fenix_simulator.verdict().assert_conformant()
    text = str(caught.value)
    assert all(word in text for word in ("Requirement", "Expected", "Actual", "Change", "Journal"))
    assert "is told of MAINTENANCE" in text or "alarm MAINTENANCE" in text


def test_nothing_that_was_done_is_no_pass(fenix_simulator):
    with pytest.raises(AssertionError, match="was not judged"):
        fenix_simulator.verdict().assert_conformant()
    with pytest.raises(KeyError, match="no-such-rule"):
        fenix_simulator.verdict().assert_passes("no-such-rule")


@pytest.mark.parametrize("fenix_scenario", ["scale-in", "live-migrate", Choice("own-action", {"seed": 5})], ids=str)
def test_the_scenario_may_be_a_parameter(fenix_simulator, fenix_scenario, manage):
    manage(fenix_simulator)
    assert fenix_simulator.scenario.name == Choice.of(fenix_scenario).source
    assert fenix_simulator.begin().wait_until_over() == "MAINTENANCE_DONE"


@pytest.mark.fenix_scenario(seed=3, hosts=6, timing={"migrate": "1s"}, metadata={"ticket": "7"}, reply_window="3s")
def test_options_change_the_scenario(fenix_simulator):
    scenario = fenix_simulator.scenario
    assert (scenario.seed, len(fenix_simulator.hosts()), scenario.metadata["ticket"]) == (3, 6, "7")
    assert scenario.timing.migrate == timedelta(seconds=1)
    assert scenario.timing.reply_window == timedelta(seconds=3)
    assert scenario.timing.host_maintenance == timedelta(minutes=20)


@pytest.mark.fenix_scenario("nack")
def test_others_have_the_manners_that_the_scenario_gives_them(fenix_simulator, manage):
    manage(fenix_simulator)
    session = fenix_simulator.begin()
    assert session.wait_until_over() == "MAINTENANCE_FAILED"
    assert session.wait_for_reply(2, "PLANNED_MAINTENANCE").data["state"] == "NACK_PLANNED_MAINTENANCE"
    assert fenix_simulator.projects[1].id in session.failure_reason


@pytest.mark.fenix_scenario("two-sessions")
def test_all_sessions_that_a_scenario_plans_are_begun(fenix_simulator, manage):
    manage(fenix_simulator)
    first = fenix_simulator.begin()
    assert [session.wait_until_over() for session in fenix_simulator.sessions] == ["MAINTENANCE_DONE"] * 2
    assert fenix_simulator.sessions[0] is first


@pytest.mark.fenix_scenario(time="manual", sessions=[{"hosts": [1]}, {"hosts": [2], "at": "1h"}])
def test_a_session_that_is_to_begin_later_has_been_nowhere_yet(fenix_simulator):
    assert fenix_simulator.begin().states[0] == "MAINTENANCE"
    later = fenix_simulator.sessions[1]
    assert (later.states, later.is_over, later.failure_reason) == ([], False, None)
    with pytest.raises(NotSeen):
        later.wait_for_state("MAINTENANCE", timeout=0.1)


def test_a_session_over_some_hosts(fenix_simulator, manage):
    manage(fenix_simulator)
    host = fenix_simulator.instances()[0].host
    session = fenix_simulator.start_session([host], {"why": "a fan"}, timedelta(minutes=5))
    assert session.wait_until_over() == "MAINTENANCE_DONE"
    assert host not in {instance.host for instance in fenix_simulator.instances()}


def test_a_fault_happens_as_often_as_it_was_asked_for(fenix_simulator, manage):
    manage(fenix_simulator, Policy(first_pause=timedelta(milliseconds=1)))
    own = fenix_simulator.project.id
    fenix_simulator.add_fault(when={"operation": "reply", "project": own}, then={"status": 500}, times=2)
    session = fenix_simulator.begin()
    session.wait_for_reply(own, "MAINTENANCE")
    refused = [one for one in fenix_simulator.journal.entries(kind="request") if one.data["status"] == 500]
    assert [one.project_id for one in refused] == [own, own]


@pytest.mark.fenix_scenario(time="manual", reply_window="20m")
def test_time_passes_by_hand(fenix_simulator, manage):
    manage(fenix_simulator)
    begin = fenix_simulator.clock.now
    session = fenix_simulator.begin()
    for project in (1, 2):
        session.wait_for_reply(project, "MAINTENANCE")
    session.wait_for_alarm("MAINTENANCE", 1)
    (lead,) = fenix_simulator.clock.waits
    assert (lead.kind, lead.session_id) == ("infrastructure", session.id)
    assert fenix_simulator.clock.advance(timedelta(minutes=1)) == begin + timedelta(minutes=1)
    assert session.state == "MAINTENANCE"
    assert fenix_simulator.clock.next() == lead.due
    session.wait_for_state("START_MAINTENANCE")
    assert (
        fenix_simulator.clock.advance_to(lead.due + timedelta(days=1)).date() == (lead.due + timedelta(days=1)).date()
    )


@pytest.mark.fenix_scenario(time="manual", reply_window="20m")
def test_a_reply_window_ends_in_simulated_time(fenix_simulator):
    with AlarmReceiver() as receiver:
        fenix_simulator.subscribe(receiver.route("/maintenance", lambda _: None))
        session = fenix_simulator.begin()
        session.wait_for_alarm("MAINTENANCE")
        fenix_simulator.clock.advance("21m")
        assert session.wait_until_over(5) == "MAINTENANCE_FAILED"


def test_another_clock_is_not_moved_by_hand(fenix_simulator):
    with pytest.raises(SimulatorRefused, match=r'fenix_scenario\(time="manual"\)'):
        fenix_simulator.clock.advance("1h")


def test_one_alarm_out_of_nothing(fenix_simulator):
    with AlarmReceiver() as receiver:
        url = receiver.route("/maintenance", lambda _: None)
        posted = fenix_simulator.trigger("A_NEW_STATE", url, colour="blue", metadata="")
        alarm = receiver.wait_for(lambda _: True, 5)
    assert posted.taken
    assert alarm.message.state == "A_NEW_STATE"
    assert alarm.message.project_id == fenix_simulator.project.id


def test_a_wait_that_ends_tells_what_did_happen(fenix_simulator, manage):
    manage(fenix_simulator)
    session = fenix_simulator.begin()
    session.wait_until_over()
    with pytest.raises(NotSeen) as caught:
        session.wait_for_state("SCALE_IN", timeout=60)
    text = str(caught.value)
    assert "the session is over, in MAINTENANCE_DONE" in text
    assert "replied ACK_MAINTENANCE" in text


def test_a_wait_has_a_bound(fenix_simulator):
    with AlarmReceiver() as receiver:
        fenix_simulator.subscribe(receiver.route("/maintenance", lambda _: None))
        session = fenix_simulator.begin()
        session.wait_for_alarm("MAINTENANCE")
        with pytest.raises(NotSeen, match=r"a reply to MAINTENANCE of project 1 did not come within 0.2 s") as caught:
            session.wait_for_reply(1, "MAINTENANCE", timeout=0.2)
    assert "alarm MAINTENANCE → http://127.0.0.1" in str(caught.value)


def test_a_bound_holds_while_the_time_is_faked(fenix_simulator, monkeypatch):
    session = fenix_simulator.begin()
    monkeypatch.setattr(time, "monotonic", lambda: 0.0)
    with pytest.raises(NotSeen):
        session.wait_for_alarm("MAINTENANCE_COMPLETE", timeout=0.1)


def test_words_that_mean_nothing_are_refused_at_once(fenix_simulator):
    session = fenix_simulator.begin()
    with pytest.raises(ValueError, match="'DONE' is none of the states: MAINTENANCE"):
        session.wait_for_state("DONE")
    with pytest.raises(ValueError, match="there is no project 9: a number from 1"):
        session.wait_for_reply(9, "MAINTENANCE")
    with pytest.raises(SimulatorRefused, match="fault"):
        fenix_simulator.add_fault(when={"operation": "reply"}, then={"colour": "blue"})


def test_the_journal_is_shown_on_demand(fenix_simulator, manage, capsys):
    manage(fenix_simulator)
    fenix_simulator.begin().wait_until_over()
    assert capsys.readouterr().out == ""
    fenix_simulator.journal.show()
    shown = capsys.readouterr().out
    assert "PUT /v1/maintenance/" in shown
    assert fenix_simulator.project.name in shown
    assert len(fenix_simulator.journal) > len(fenix_simulator.journal.lines()) == len(shown.split("\n")) - 2


def _used(servers: Servers, manage) -> tuple[str, str]:
    lease = servers.take("happy-path")
    simulator = Simulator(lease)
    assert len(simulator.journal) == 0
    assert simulator.sessions == ()
    assert simulator._control.get("/sessions")["sessions"] == []
    assert simulator._control.get("/faults")["faults"] == []
    assert len(simulator.instances(1)) == 6
    manage(simulator)
    simulator.add_fault(when={"operation": "list"}, then={"delay": "1ms"})
    simulator._cloud.remove(simulator.instances(1)[0].instance_id)
    session = simulator.begin()
    session.wait_for_reply(1, "MAINTENANCE")
    simulator.close()
    servers.give_back(lease, simulator.journal)
    return lease.server.url, session.id


def test_a_server_is_kept_and_cleared(servers, manage):
    first, second = _used(servers, manage), _used(servers, manage)
    assert first[0] == second[0]
    assert first[1] != second[1]


def test_a_server_whose_alarms_do_not_land_is_replaced(servers, monkeypatch):
    monkeypatch.setattr("fenix_pytest.servers.LANDING", 0.1)
    stuck = threading.Event()
    with AlarmReceiver() as receiver:
        url = receiver.route("/maintenance", lambda _: stuck.wait(10), inline=True)
        lease = servers.take("happy-path")
        simulator = Simulator(lease)
        simulator.subscribe(url)
        simulator.begin()
        receiver.wait_for(lambda _: True, 5)
        threading.Timer(0.5, stuck.set).start()
        servers.give_back(lease, simulator.journal)
        assert servers.take("happy-path") is not lease


def test_two_at_once_are_two_servers(servers):
    one, two = servers.take("happy-path"), servers.take(Choice("happy-path"))
    assert one.server.url != two.server.url
    for lease in (one, two):
        servers.give_back(lease, lease.open())


@pytest.mark.parametrize(
    ("source", "options", "said"),
    [
        ("hapy-path", {}, "did you mean happy-path"),
        ("happy-path", {"colour": "blue"}, "there is no option 'colour'"),
        ("happy-path", {"reply_window": "soon"}, "'soon'"),
        ("happy-path", {"timing": {"migrate": 5}}, "timing.migrate"),
        ("happy-path", {"hosts": 6, "faults": [{"when": {}, "then": {}}]}, "faults"),
        ("happy-path", {"time": "backwards"}, "backwards"),
        ("happy-path", {"hosts": 1}, "1 of 1 hosts are spare"),
    ],
)
def test_a_scenario_that_there_is_not_is_refused(source, options, said):
    with pytest.raises(ScenarioRefused, match=said):
        Choice(source, options).resolved()
