"""When an alarm counts as the repetition of one that had its effect."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fenix_contract.alarm import decode
from fenix_vnfm.memory import SessionMemory


@pytest.fixture
def make(alarm, clock):
    """Makes decoded alarms; ``after`` is reply_at in seconds from now, None for no reply_at."""

    def one(state="PLANNED_MAINTENANCE", message_id="m1", after=20.0, **more):
        reply_at = None if after is None else clock.now() + timedelta(seconds=after)
        return decode(alarm(state, message_id=message_id, reply_at=reply_at, **more))

    return one


SAME = {}
OTHER_ID = {"message_id": "m2"}
OTHER_TYPE = {"message_id": "m2", "event_type": "maintenance.planned"}
FRACTION = {"after": 20.5}


@pytest.mark.parametrize(
    ("state", "first", "second", "repeated"),
    [
        # one message id is one alarm, through whatever alarm definition it came
        ("PLANNED_MAINTENANCE", SAME, SAME, True),
        ("PLANNED_MAINTENANCE", {"after": None}, {"after": None}, True),
        # a state that comes once is told apart by reply_at alone
        ("MAINTENANCE", SAME, OTHER_ID, True),
        ("MAINTENANCE_COMPLETE", SAME, OTHER_ID, True),
        ("MAINTENANCE", SAME, {"message_id": "m2", "after": 40.0}, False),
        ("MAINTENANCE", {"after": None}, {"message_id": "m2", "after": None}, False),
        # the same ask under both types of event
        ("PLANNED_MAINTENANCE", SAME, OTHER_TYPE, True),
        ("SCALE_IN", SAME, OTHER_TYPE, True),
        # a reply_at with a fraction of a second tells rounds apart, a whole second does not
        ("SCALE_IN", FRACTION, FRACTION | OTHER_ID, True),
        ("SCALE_IN", SAME, OTHER_ID, False),
        ("PLANNED_MAINTENANCE", SAME, OTHER_ID, False),
        ("PLANNED_MAINTENANCE", FRACTION, {"message_id": "m2", "after": 21.5}, False),
        # no message id at all
        ("PLANNED_MAINTENANCE", {"message_id": ""}, {"message_id": ""}, True),
        ("PLANNED_MAINTENANCE", {"message_id": ""}, {"message_id": "", "after": 40.0}, False),
        # another instance (per-instance dialect) is another ask
        (
            "PLANNED_MAINTENANCE",
            FRACTION | {"instance_ids": "['a']"},
            FRACTION | OTHER_ID | {"instance_ids": "['b']"},
            False,
        ),
    ],
)
def test_repetitions_are_told_from_new_rounds(make, state, first, second, repeated):
    memory = SessionMemory()
    memory.settle(make(state, **first))
    assert memory.is_settled(make(state, **second)) is repeated


def test_one_message_id_in_two_states_is_two_alarms(make):
    """A server that writes one id into all its events is still answered."""
    memory = SessionMemory()
    memory.settle(make("MAINTENANCE"))
    assert not memory.is_settled(make("SCALE_IN"))


def test_what_was_not_settled_is_no_repetition_but_its_decision_stands(make):
    memory = SessionMemory()
    memory.decide(make(), {"state": "ACK_PLANNED_MAINTENANCE"})
    assert not memory.is_settled(make())
    assert memory.decided(make()) == {"state": "ACK_PLANNED_MAINTENANCE"}
    assert memory.decided(make(message_id="m2")) is None


def test_the_memory_is_bounded(make):
    memory = SessionMemory(keep=10)
    for number in range(100):
        memory.settle(make(message_id=f"m{number}", after=float(number)))
        memory.decide(make(message_id=f"m{number}"), {})
    assert memory.is_settled(make(message_id="m99"))
    assert not memory.is_settled(make(message_id="m0", after=0.0))
    assert memory.decided(make(message_id="m0")) is None
