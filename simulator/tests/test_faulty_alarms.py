"""Alarms that meet a fault: late, more than once, never, changed; and their order."""

from __future__ import annotations

import ast
import json
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_contract.alarm import Dtype, decode
from fenix_contract.contract import validator
from fenix_simulator.adapters.clock import ManualClock
from fenix_simulator.adapters.faults import FaultBoard
from fenix_simulator.adapters.faulty_alarms import FaultyAlarmSink
from fenix_simulator.adapters.journal_memory import MemoryJournal
from fenix_simulator.adapters.spoiled_alarms import python2, spoiled, with_traits
from fenix_simulator.ports import Alarm, Delivery, Mishap
from fenix_simulator.scenario_faults import Fault, Then
from fenix_simulator.synthetic import SyntheticAlarm

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
BODY = SyntheticAlarm("MAINTENANCE", "A", "s", "http://127.0.0.1:1").body(NOW)


def _alarm(name: str, key: str = "A", session: str | None = "s", state: str = "MAINTENANCE") -> Alarm:
    return Alarm(key, "alarm", "http://127.0.0.1:1/", name, state, BODY, "req-0", session, "A")


class RecordingSink:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.sent: list[Alarm] = []
        self.closed: float | None = None

    def send(self, alarm: Alarm) -> None:
        self.sent.append(alarm)

    def close(self, timeout: float = 5.0) -> None:
        self.closed = timeout

    @property
    def names(self) -> list[str]:
        return [alarm.notification for alarm in self.sent]


class FakeDelays:
    """Delays that pass when the test says so."""

    def __init__(self) -> None:
        self.started: list[tuple[timedelta, Callable[[], None]]] = []
        self.is_closed = False

    def start(self, delay: timedelta, call: Callable[[], None]) -> None:
        self.started.append((delay, call))

    def close(self) -> None:
        self.is_closed = True


class Way:
    """A sink with faults and everything around it."""

    def __init__(self, *faults: dict) -> None:
        self.inner = RecordingSink()
        self.delays = FakeDelays()
        self.recorded: list[Delivery] = []
        self.traffic: list[str] = []
        self.journal = MemoryJournal()
        self.board = FaultBoard([Fault.model_validate(one) for one in faults], {1: "A"}, self.journal, ManualClock(NOW))
        self.sink = FaultyAlarmSink(
            self.inner,
            self.board,
            b"key",
            lambda alarm, delivery: self.recorded.append(delivery),
            lambda session: self.traffic.append(f"busy {session}"),
            lambda session: self.traffic.append(f"idle {session}"),
            delays=self.delays,
        )

    def send(self, *names: str, key: str = "A") -> None:
        for name in names:
            self.sink.send(_alarm(name, key))


def _fault(nth: int | None = None, **then: object) -> dict:
    return {"when": {"operation": "alarm"} | ({} if nth is None else {"nth": nth}), "then": then}


def test_without_faults_alarms_go_straight_on():
    way = Way()
    alarm = _alarm("1")
    way.sink.send(alarm)
    assert way.inner.sent == [alarm]
    assert way.inner.sent[0] is alarm
    assert way.traffic == []


def test_a_duplicate_is_the_identical_alarm_in_its_place():
    way = Way(_fault(2, duplicate=2))
    way.send("1", "2", "3")
    assert way.inner.names == ["1", "2", "2", "2", "3"]
    assert len({id(alarm) for alarm in way.inner.sent[1:4]}) == 1


def test_a_dropped_alarm_is_a_delivery_that_failed_for_good():
    way = Way(_fault(1, drop=True))
    way.send("1", "2")
    assert way.inner.names == ["2"]
    (delivery,) = way.recorded
    assert (delivery.notification, delivery.status, delivery.attempt, delivery.final) == ("1", None, 0, True)
    assert delivery.error == "not sent: a fault dropped it"
    assert delivery.body == BODY.decode()


def test_a_delayed_alarm_keeps_its_subscribers_later_ones_behind_it():
    way = Way(_fault(1, delay="5s"))
    way.send("1", "2")
    way.send("3", key="B")
    assert way.inner.names == ["3"]
    ((delay, pass_on),) = way.delays.started
    assert delay == timedelta(seconds=5)
    way.board.clear()
    way.send("4")
    pass_on()
    way.send("5")
    assert way.inner.names == ["3", "1", "2", "4", "5"]


def test_a_held_alarm_holds_its_session():
    way = Way(_fault(1, delay="5s", duplicate=1))
    way.send("1")
    way.sink.send(_alarm("2", session=None))
    assert way.traffic == ["busy s"]
    way.delays.started[0][1]()
    assert way.traffic == ["busy s", "idle s"]
    assert way.inner.names == ["1", "1", "2"]


def test_a_drop_can_be_late():
    way = Way(_fault(1, delay="5s", drop=True))
    way.send("1", "2")
    assert (way.inner.names, way.recorded) == ([], [])
    way.delays.started[0][1]()
    assert way.inner.names == ["2"]
    assert [delivery.notification for delivery in way.recorded] == ["1"]


def test_what_is_held_at_the_end_is_left():
    way = Way(_fault(1, delay="5s"))
    way.send("1")
    way.sink.close(0.5)
    assert (way.delays.is_closed, way.inner.closed, way.inner.names, way.recorded) == (True, 0.5, [], [])


def test_alarms_go_out_although_the_journal_is_gone():
    """The sink never raises into the session that sends; what cannot be recorded does not happen."""
    way = Way(_fault(drop=True))
    way.journal.close()
    way.send("1")
    assert way.inner.names == ["1"]


def test_a_drop_that_cannot_be_recorded_stops_nothing():
    way = Way(_fault(1, drop=True))

    def fail(alarm: Alarm, delivery: Delivery) -> None:
        raise OSError

    way.sink._on_delivery = fail
    way.send("1", "2")
    assert way.inner.names == ["2"]


# -- out of order ----------------------------------------------------------------------------------------------------


def test_a_reordered_alarm_comes_behind_the_next_one_of_its_subscriber():
    way = Way(_fault(1, reorder=True))
    way.send("1")
    way.send("x", key="B")
    assert way.inner.names == ["x"]
    way.send("2", "3")
    assert way.inner.names == ["x", "2", "1", "3"]
    assert way.traffic == [], "nothing waits for what may never come"


def test_what_is_held_back_comes_behind_so_many():
    way = Way(_fault(1, hold_back=3))
    way.send("1", "2", "3", "4", "5")
    assert way.inner.names == ["2", "3", "4", "1", "5"]


def test_of_a_duplicate_the_first_comes_in_time_and_the_others_late():
    way = Way(_fault(2, duplicate=2, hold_back=2))
    way.send("1", "2", "3", "4", "5")
    assert way.inner.names == ["1", "2", "3", "4", "2", "2", "5"]
    assert [alarm.fault for alarm in way.inner.sent] == [None, 1, None, None, 1, 1, None]


def test_several_may_be_held_back_and_one_that_was_dropped_did_not_come():
    way = Way(_fault(1, hold_back=2), _fault(2, hold_back=1), _fault(3, drop=True))
    way.send("1", "2", "3", "4", "5")
    assert way.inner.names == ["4", "1", "2", "5"]
    assert not way.sink._held_back


def test_every_alarm_reordered_is_every_alarm_one_later():
    way = Way(_fault(reorder=True))
    way.send("1", "2", "3")
    assert way.inner.names == ["1", "2"]


def test_what_is_held_back_waits_behind_a_delayed_alarm_too():
    way = Way(_fault(1, hold_back=1), _fault(2, delay="5s"))
    way.send("1", "2", "3")
    assert way.inner.names == []
    way.delays.started[0][1]()
    assert way.inner.names == ["2", "1", "3"]


def test_what_was_held_back_is_forgotten_with_its_session():
    way = Way(_fault(1, hold_back=1))
    way.sink._is_known = lambda session_id: False
    way.send("1", "2")
    assert way.inner.names == ["2"]
    assert not way.sink._held_back


_thens = st.one_of(
    st.none(),
    st.builds(lambda n: {"duplicate": n}, st.integers(1, 3)),
    st.just({"drop": True}),
    st.just({"delay": "1s"}),
    st.builds(lambda n: {"delay": "1s", "duplicate": n}, st.integers(1, 2)),
    st.just({"delay": "1s", "drop": True}),
)


@given(alarms=st.lists(st.tuples(st.sampled_from("KL"), _thens), max_size=12), order=st.randoms(use_true_random=False))
def test_whatever_happens_each_subscriber_is_sent_its_alarms_in_order(alarms, order):
    """And in the end each as often as it should, whenever which delay ends."""
    faults = [_fault(number, **then) for number, (_, then) in enumerate(alarms, 1) if then is not None]
    way = Way(*faults)
    pending: list[Callable[[], None]] = []
    for number, (key, _) in enumerate(alarms, 1):
        way.send(str(number), key=key)
        pending += [call for _, call in way.delays.started]
        way.delays.started.clear()
        if pending and order.random() < 0.4:
            pending.pop(order.randrange(len(pending)))()
    while pending:
        pending.pop(order.randrange(len(pending)))()
    for key in "KL":
        expected = []
        for number, (one, then) in enumerate(alarms, 1):
            if one == key:
                copies = 0 if (then or {}).get("drop") else 1 + (then or {}).get("duplicate", 0)
                expected += [str(number)] * copies
        assert [alarm.notification for alarm in way.inner.sent if alarm.key == key] == expected
    dropped = {str(number) for number, (_, then) in enumerate(alarms, 1) if (then or {}).get("drop")}
    assert {delivery.notification for delivery in way.recorded} == dropped
    assert way.traffic.count("busy s") == way.traffic.count("idle s")
    assert not way.sink._lines


def test_order_holds_while_a_delay_ends_on_another_thread():
    """Alarms that come in the very moment in which the line is emptied do not overtake it."""
    for _ in range(50):
        way = Way(_fault(1, delay="5s"))
        way.send("1", "2", "3")
        start = threading.Barrier(2)

        def flush(way: Way = way, start: threading.Barrier = start) -> None:
            start.wait(10)
            way.delays.started[0][1]()

        thread = threading.Thread(target=flush)
        thread.start()
        start.wait(10)
        way.send("4", "5")
        thread.join(10)
        assert way.inner.names == ["1", "2", "3", "4", "5"]


# -- traits ----------------------------------------------------------------------------------------------------------


def _traits(alarm: Alarm) -> dict[str, list]:
    return {trait[0]: trait for trait in json.loads(alarm.body)["reason_data"]["event"]["traits"]}


TRAITS = [
    ({"change_ticket": "CHG-1"}, ["change_ticket", Dtype.TEXT, "CHG-1"]),
    ({"retry_in": 30}, ["retry_in", Dtype.INTEGER, 30]),
    ({"risk": 0.25}, ["risk", Dtype.FLOAT, 0.25]),
    ({"state": "HELLO"}, ["state", Dtype.TEXT, "HELLO"]),
    ({"state": 5}, ["state", Dtype.INTEGER, 5]),
    ({"reply_at": "2026-03-01 13:00:00"}, ["reply_at", Dtype.DATETIME, "2026-03-01T13:00:00"]),
    ({"reply_at": "soon"}, ["reply_at", Dtype.TEXT, "soon"]),
    ({"change_ticket": "2026-03-01 13:00:00"}, ["change_ticket", Dtype.TEXT, "2026-03-01 13:00:00"]),
    ({"note": "ä" * 300}, ["note", Dtype.TEXT, "ä" * 255]),
]


@pytest.mark.parametrize(("given_traits", "trait"), TRAITS, ids=[str(row[0])[:40] for row in TRAITS])
def test_a_trait_is_added_or_takes_the_place_of_its_own(given_traits, trait):
    before = _alarm("1")
    after = with_traits(before, given_traits, b"key")
    old, new = _traits(before), _traits(after)
    assert new == {**old, trait[0]: trait}
    assert list(new) == list(dict.fromkeys([*old, trait[0]])), "in its own place, or at the end"
    rest, changed = json.loads(before.body), json.loads(after.body)
    assert list(changed) == list(rest), "the body's members keep Aodh's order"
    for body in (rest, changed):
        del body["reason_data"]["event"]["traits"]
    assert changed["reason_data"]["event"].pop("message_signature") != rest["reason_data"]["event"].pop(
        "message_signature"
    ), "what is said differently is signed anew"
    assert changed == rest
    assert validator("Alarm").is_valid(json.loads(after.body)) == ("state" not in given_traits)


def test_what_the_journal_says_of_a_changed_alarm_is_what_was_sent():
    changed = with_traits(_alarm("1"), {"state": "HELLO", "a": 1}, b"key")
    assert changed.state == "HELLO"
    assert decode(changed.body).state == "HELLO"
    assert with_traits(_alarm("1"), {"a": 1}, b"key").state == "MAINTENANCE"


def test_the_same_change_gives_the_same_bytes():
    made = {with_traits(_alarm("1"), {"a": 1}, b"key").body for _ in range(3)}
    assert len(made) == 1


# -- other ways to spoil an alarm ------------------------------------------------------------------------------------


def _spoiled(**then: object) -> Alarm:
    return spoiled(_alarm("1"), Then.model_validate(then), b"key")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("['MIGRATE', 'OWN_ACTION']", "[u'MIGRATE', u'OWN_ACTION']"),
        ("{'openstack_release': 'Queens'}", "{u'openstack_release': u'Queens'}"),
        ("{}", "{}"),
        ("[]", "[]"),
        ("http://127.0.0.1/['a']", "http://127.0.0.1/['a']"),
        ("MAINTENANCE", "MAINTENANCE"),
        (str(["it's", 'a "b"', "c\\d"]), "[u\"it's\", u'a \"b\"', u'c\\\\d']"),
        (str({"k": "ü€"}), "{u'k': u'\\xfc\\u20ac'}"),
        ("['MIGRATE', 'OWN_ACT", "[u'MIGRATE', u'OWN_ACT"),
    ],
)
def test_python_2_writes_lists_and_maps_with_u(text, told):
    assert python2(text) == told


@given(st.lists(st.text(max_size=8)) | st.dictionaries(st.text(max_size=8), st.text(max_size=8)))
def test_what_python_2_wrote_reads_the_same(value):
    assert ast.literal_eval(python2(str(value))) == value


def test_all_texts_of_an_alarm_are_written_as_in_python_2():
    before = with_traits(_alarm("1"), {"allowed_actions": "['MIGRATE']", "metadata": "{'a': 'b'}"}, b"key")
    after = _traits(spoiled(before, Then(python2=True), b"key"))
    assert (after["allowed_actions"][2], after["metadata"][2]) == ("[u'MIGRATE']", "{u'a': u'b'}")
    assert after["reply_url"] == _traits(before)["reply_url"]
    assert decode(spoiled(before, Then(python2=True), b"key").body).allowed_actions == ("MIGRATE",)


@pytest.mark.parametrize(
    ("crop", "lengths"),
    [
        (4, {"state": 4, "session_id": 1, "reply_url": 4, "reply_at": 19}),
        ({"reply_url": 10, "host": 3}, {"state": 11, "reply_url": 10}),
        ("state", {"state": 5}),
        ("host", {"state": 11}),
    ],
)
def test_texts_are_cropped(crop, lengths):
    cropped = _traits(_spoiled(crop=crop))
    assert {name: len(cropped[name][2]) for name in lengths} == lengths
    assert set(cropped) == set(_traits(_alarm("1")))


def test_the_state_that_is_recorded_is_the_one_that_was_sent():
    assert _spoiled(unknown_state="POSTPONED").state == decode(_spoiled(unknown_state="POSTPONED").body).state
    assert _spoiled(unknown_state="POSTPONED", traits={"a": 1}).state == "POSTPONED"
    assert _spoiled(crop=4).state == "MAIN"


def test_a_malformed_alarm_lacks_its_last_bracket():
    assert _spoiled(malformed=True).body == BODY[:-1]
    assert _spoiled(malformed=True).mishap is None


def test_what_happens_to_a_connection_is_said_beside_the_alarm():
    assert _spoiled(reset=True).mishap == Mishap(end="reset")
    assert _spoiled(truncate=True, drip="2s").mishap == Mishap(drip=timedelta(seconds=2), end="cut")
    assert _spoiled(content_type="text/html").mishap == Mishap(content_type="text/html")
    assert _spoiled(duplicate=1) == _alarm("1")
