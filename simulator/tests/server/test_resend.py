"""A delivery that is sent again, over the wire: the same bytes, the same rules for targets, and no fault."""

from __future__ import annotations

import threading

from fenix_simulator.ports import Filter
from fenix_simulator.subscriptions import Subscription
from fenix_vnfm import AlarmReceiver

DELIVERIES = Filter(frozenset({"delivery"}))


def await_deliveries(simulator, number: int):
    """The deliveries in the journal, as soon as there are so many."""
    while True:
        last = simulator.journal.last
        found = simulator.journal.read(0, 100, DELIVERIES)
        if len(found) >= number:
            return found
        assert simulator.journal.wait(last, 30), "nothing happens any more"


def test_the_same_bytes_arrive_again(serve, client):
    arrived, enough = [], threading.Event()

    def take(alarm) -> None:
        arrived.append(alarm)
        if len(arrived) == 2:
            enough.set()

    with AlarmReceiver() as receiver:
        url = receiver.route("/alarms", take)
        simulator = serve(sizes={"projects": 1}, alarm_urls=((None, url),))
        simulator.service.create_session()
        (first,) = await_deliveries(simulator, 1)
        simulator.faults.add({"when": {"operation": "alarm"}, "then": {"drop": True}})
        answer = client(simulator)("POST", f"/simulator/v1/deliveries/{first.number}/resend")
        assert answer.status == 202
        assert enough.wait(30)
        _, second = await_deliveries(simulator, 2)
    assert arrived[0].body == arrived[1].body
    assert arrived[0].headers["x-openstack-request-id"] != arrived[1].headers["x-openstack-request-id"]
    same = ("alarm_id", "url", "notification", "state", "body", "status")
    assert {name: first.data[name] for name in same} == {name: second.data[name] for name in same}
    assert second.number > answer.json()["after"]


def test_a_target_that_is_refused_stays_so(serve, client):
    simulator = serve(sizes={"projects": 1})
    there = ("http://192.0.2.1:9/alarm",)
    simulator.subscriptions.add(Subscription("x", "x", alarm_actions=there, repeat_actions=True))
    simulator.service.create_session()
    (first,) = await_deliveries(simulator, 1)
    client(simulator)("POST", f"/simulator/v1/deliveries/{first.number}/resend")
    _, second = await_deliveries(simulator, 2)
    assert second.data["status"] is None
    assert second.data["error"] == first.data["error"]
