"""Whether accepted replies took effect: every cell of the table, and who is named."""

from __future__ import annotations

import pytest

from fenix_contract.alarm import AlarmMessage
from fenix_contract.vocabulary import State
from fenix_loadtest.visits import Fate, Ledger, Manner, Stay

OPENED, WINDOW_END, PATIENCE = 100.0, 120.0, 5.0


def alarm(project: str, state: str = "MAINTENANCE") -> AlarmMessage:
    return AlarmMessage("maintenance.scheduled", {"state": state, "reply_url": f"http://fenix/{project}"})


def stay(state: str = "MAINTENANCE", projects: int = 3, accepted: int = 3) -> Stay:
    made = Stay("session", state, OPENED, OPENED, WINDOW_END, begins=OPENED)
    for number in range(projects):
        ask = made.add(alarm(f"p{number}", state), f"p{number}", OPENED)
        ask.is_due = ask.is_sent = number < accepted
        if number < accepted:
            made.note_accepted(ask, OPENED + 1)
    return made


@pytest.mark.parametrize(
    ("state", "seen", "now", "fate"),
    [
        ("MAINTENANCE", "MAINTENANCE", 101, None),
        ("MAINTENANCE", "START_MAINTENANCE", 101, Fate.SHOWN),
        ("MAINTENANCE", None, 101, Fate.SHOWN),
        ("MAINTENANCE", "MAINTENANCE_FAILED", 101, Fate.LOST),
        ("MAINTENANCE", "MAINTENANCE_FAILED", 121, Fate.LOST),
        ("MAINTENANCE", "MAINTENANCE", 124, None),
        ("MAINTENANCE", "MAINTENANCE", 125, Fate.LOST),
        ("SCALE_IN", "MAINTENANCE_FAILED", 101, Fate.UNKNOWN),
        ("SCALE_IN", "MAINTENANCE_FAILED", 119.5, Fate.LOST),
        ("SCALE_IN", "SCALE_IN", 125, Fate.SHOWN),
        ("PLANNED_MAINTENANCE", "PLANNED_MAINTENANCE", 119, None),
        ("PLANNED_MAINTENANCE", "PLANNED_MAINTENANCE", 125, Fate.SHOWN),
        ("PLANNED_MAINTENANCE", "MAINTENANCE_FAILED", 110, Fate.UNKNOWN),
        ("PLANNED_MAINTENANCE", "MAINTENANCE_FAILED", 120, Fate.LOST),
        ("MAINTENANCE_COMPLETE", "MAINTENANCE_DONE", 101, Fate.SHOWN),
        ("MAINTENANCE_COMPLETE", "MAINTENANCE_FAILED", 101, Fate.LOST),
    ],
)
def test_the_fate_of_a_stay_in_which_all_was_accepted(state, seen, now, fate):
    """The table at the head of the module."""
    assert stay(state).fate(seen, now, PATIENCE) is fate


@pytest.mark.parametrize("seen", ["MAINTENANCE_FAILED", "START_MAINTENANCE", None])
def test_where_a_reply_is_missing_the_fate_says_nothing(seen):
    """The session fails for want of that one."""
    assert stay(accepted=2).fate(seen, 121, PATIENCE) is Fate.UNKNOWN


def test_a_maintenance_that_is_announced_for_later_is_waited_for():
    """The session may not leave MAINTENANCE before its time."""
    made = stay()
    made.begins = 200.0
    assert made.fate("MAINTENANCE", 204, PATIENCE) is None
    assert made.fate("MAINTENANCE", 205, PATIENCE) is Fate.LOST
    assert not made.may_be_probed(119, PATIENCE)


def test_the_report_of_an_action_shows_the_replies():
    """Fenix acts on what it was told."""
    made = stay("PLANNED_MAINTENANCE")
    made.acts = True
    assert made.fate("PLANNED_MAINTENANCE", 101, PATIENCE) is Fate.SHOWN


def test_manners():
    """The first answers last, the second again and again, all others once."""
    made = stay(projects=4, accepted=0)
    assert [ask.manner for ask in made.asks.values()] == [Manner.LAST, Manner.AGAIN, Manner.ONCE, Manner.ONCE]
    assert not made.waits_for_last
    for ask in list(made.asks.values())[1:]:
        made.note_accepted(ask, 101)
    assert made.waits_for_last
    assert not made.is_complete
    assert made.repeated is list(made.asks.values())[1]


@pytest.mark.parametrize(
    ("state", "sent", "project", "included"),
    [
        ("MAINTENANCE", 1, "new", True),
        ("MAINTENANCE", 1, "p0", False),
        ("PLANNED_MAINTENANCE", 1, "new", False),
        ("PLANNED_MAINTENANCE", 0, "new", True),
        ("PLANNED_MAINTENANCE", 0, "p0", False),
    ],
)
def test_which_alarm_belongs_to_the_stay(state, sent, project, included):
    """A project that is told again begins another; so does a new one where only some are told, and all have replied."""
    made = stay(state, projects=1, accepted=sent)
    assert made.includes(alarm(project, state)) is included
    assert not made.includes(alarm(project, "SCALE_IN"))


def test_probing_is_for_states_in_which_only_replies_count():
    """After patience, within the window, once."""
    made = stay()
    assert [made.may_be_probed(now, PATIENCE) for now in (105.5, 106, 119, 120)] == [False, True, True, False]
    made.was_probed = True
    assert not made.may_be_probed(107, PATIENCE)
    assert not stay(State.SCALE_IN).may_be_probed(107, PATIENCE)
    assert not stay(State.PLANNED_MAINTENANCE).may_be_probed(107, PATIENCE)
    assert not stay(accepted=2).may_be_probed(107, PATIENCE)


def test_the_ledger_counts_each_reply_once():
    """Shown, lost, unknown or undecided."""
    ledger = Ledger()
    ledger.settle(stay(), Fate.SHOWN)
    ledger.settle(stay(projects=4, accepted=4), Fate.UNKNOWN)
    ledger.settle(stay(projects=2, accepted=1), None)
    lost = stay()
    ledger.settle(lost, Fate.LOST, list(lost.asks.values())[2])
    ledger.settle(stay(), Fate.LOST)
    assert (ledger.shown, ledger.once, ledger.unknown, ledger.undecided, ledger.lost) == (5, 2, 4, 1, 2)
    assert [(loss.projects, loss.certain) for loss in ledger.losses] == [(("p2",), True), (("p0", "p1", "p2"), False)]
    assert "the session went on only when it was sent again" in str(ledger.losses[0])
    assert "p0, p1, p2" in str(ledger.losses[1])
