"""Which exchange meets which fault: counting, order, restarts."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenix_simulator.adapters.clock import ManualClock
from fenix_simulator.adapters.faults import FaultBoard, FaultInvalid, UnknownFault
from fenix_simulator.adapters.journal_memory import MemoryJournal
from fenix_simulator.domain.errors import LimitReached, UnknownProject
from fenix_simulator.ports import Alarm, JournalError, Recorded
from fenix_simulator.scenario_faults import Fault

NAMES = {1: "A", "alpha": "A", "A": "A", 2: "B", "beta": "B", "B": "B"}
CLOCK = ManualClock(datetime(2026, 3, 1, tzinfo=UTC))


def _board(*faults: dict, journal: MemoryJournal | None = None) -> FaultBoard:
    return FaultBoard([Fault.model_validate(one) for one in faults], NAMES, journal or MemoryJournal(), CLOCK)


def _alarm(project: str | None, state: str = "MAINTENANCE") -> Alarm:
    return Alarm("key", "alarm", "http://127.0.0.1:1/", "s/1", state, b"{}", "req-0", "s", project)


def _hits(board: FaultBoard) -> list[dict]:
    return [one["hits"] for one in board.list()]


def _meet(board: FaultBoard, exchange: tuple[str, str]) -> object:
    """What happens to an exchange: ("list" or "reply", project) or (an alarm's state, project)."""
    what, project = exchange
    happened = board.request(what, project) if what in ("list", "reply") else board.alarm(_alarm(project, what))
    return None if happened is None else happened.effect.model_dump(mode="json", exclude_defaults=True)


def _plain(board: FaultBoard) -> list[dict]:
    """The faults of a board as a scenario file has them."""
    return [{name: part for name, part in one.items() if name not in ("number", "hits")} for one in board.list()]


STATUS, DROP, LATE = {"status": 503}, {"drop": True}, {"delay": "1s"}
#: faults; project and operation of each exchange; what happens to each.
TABLE = {
    "nth alone touches one": (
        [{"when": {"operation": "reply", "nth": 2}, "then": STATUS}],
        ["reply A", "reply A", "reply A"],
        [None, STATUS, None],
    ),
    "times from nth on": (
        [{"when": {"operation": "reply", "nth": 2}, "times": 2, "then": STATUS}],
        ["reply A", "reply A", "reply A", "reply A"],
        [None, STATUS, STATUS, None],
    ),
    "times without nth begins with the first": (
        [{"when": {"operation": "list"}, "times": 1, "then": DROP}],
        ["list A", "list A"],
        [DROP, None],
    ),
    "neither nth nor times touches all": (
        [{"when": {"operation": "list"}, "then": LATE}],
        ["list A", "list B", "list A"],
        [LATE, LATE, LATE],
    ),
    "each project counts by itself": (
        [{"when": {"operation": "reply", "nth": 2}, "then": STATUS}],
        ["reply A", "reply B", "reply B", "reply A"],
        [None, None, STATUS, STATUS],
    ),
    "each operation counts by itself": (
        [{"when": {"operation": "reply", "nth": 2}, "then": STATUS}],
        ["list A", "list A", "reply A", "reply A"],
        [None, None, None, STATUS],
    ),
    "each state of an alarm counts by itself": (
        [{"when": {"alarm": "SCALE_IN", "nth": 2}, "then": DROP}],
        ["MAINTENANCE A", "SCALE_IN A", "SCALE_IN A"],
        [None, None, DROP],
    ),
    "operation alarm means every state": (
        [{"when": {"operation": "alarm", "nth": 2}, "then": DROP}],
        ["MAINTENANCE A", "SCALE_IN A", "reply A"],
        [None, DROP, None],
    ),
    "a project is named by number or name": (
        [
            {"when": {"operation": "reply", "project": 2}, "then": STATUS},
            {"when": {"operation": "list", "project": "alpha"}, "then": DROP},
        ],
        ["reply A", "reply B", "list A", "list B"],
        [None, STATUS, DROP, None],
    ),
    "the first that applies happens, the others count on": (
        [
            {"when": {"operation": "reply", "nth": 1}, "then": STATUS},
            {"when": {"operation": "reply", "nth": 1}, "times": 2, "then": DROP},
            {"when": {"operation": "reply"}, "then": LATE},
        ],
        ["reply A", "reply A", "reply A"],
        [STATUS, DROP, LATE],
    ),
    "whoever is no project of the inventory meets none": (
        [{"when": {"operation": "reply"}, "then": STATUS}, {"when": {"operation": "alarm"}, "then": DROP}],
        ["reply C", "MAINTENANCE admin", "reply A"],
        [None, None, STATUS],
    ),
}


@pytest.mark.parametrize(("faults", "exchanges", "happens"), TABLE.values(), ids=TABLE.keys())
def test_what_happens(faults, exchanges, happens):
    board = _board(*faults)
    assert [_meet(board, tuple(one.split())) for one in exchanges] == happens


# -- against the text ------------------------------------------------------------------------------------------------

_conditions = st.one_of(
    st.fixed_dictionaries(
        {"operation": st.sampled_from(["list", "reply", "alarm"])},
        optional={"project": st.sampled_from([1, "beta", "A"]), "nth": st.integers(1, 4)},
    ),
    st.fixed_dictionaries(
        {"alarm": st.sampled_from(["MAINTENANCE", "SCALE_IN"])},
        optional={"project": st.sampled_from([1, "beta", "A"]), "nth": st.integers(1, 4)},
    ),
)
_faults = st.lists(
    st.tuples(_conditions, st.none() | st.integers(1, 3)).map(
        lambda drawn: {"when": drawn[0], "then": DROP} | ({} if drawn[1] is None else {"times": drawn[1]})
    ),
    max_size=5,
).map(
    # A delay of its own tells which one happened.
    lambda faults: [{**fault, "then": {**DROP, "delay": f"{number}s"}} for number, fault in enumerate(faults, 1)]
)
_exchanges = st.lists(
    st.tuples(st.sampled_from(["list", "reply", "MAINTENANCE", "SCALE_IN"]), st.sampled_from(["A", "B", "C"])),
    max_size=25,
)


def _expected(faults: Sequence[dict], exchanges: Sequence[tuple[str, str]]) -> list[object]:
    """What the scenario files' documentation says happens, read as naively as possible."""
    expected: list[object] = []
    for position, (what, project) in enumerate(exchanges):
        happens = None
        for fault in faults:
            when = fault["when"]

            def fits(exchange: tuple[str, str], when: dict = when) -> bool:
                is_alarm = exchange[0] not in ("list", "reply")
                if "project" in when and NAMES[when["project"]] != exchange[1]:
                    return False
                if "alarm" in when:
                    return exchange[0] == when["alarm"]
                return is_alarm if when["operation"] == "alarm" else exchange[0] == when["operation"]

            if happens is not None or project == "C" or not fits((what, project)):
                continue
            number = sum(1 for one in exchanges[: position + 1] if one[1] == project and fits(one))
            nth, times = when.get("nth"), fault.get("times")
            first = nth or 1
            last = None if nth is None and times is None else first + (times or 1) - 1
            if first <= number and (last is None or number <= last):
                happens = fault["then"]
        expected.append(happens)
    return expected


@given(faults=_faults, exchanges=_exchanges)
def test_what_happens_is_what_the_documentation_says(faults, exchanges):
    board = _board(*faults)
    assert [_meet(board, one) for one in exchanges] == _expected(faults, exchanges)


@given(faults=_faults, exchanges=_exchanges, data=st.data())
def test_a_server_that_starts_again_goes_on_counting(faults, exchanges, data):
    """The journal is all that is left of the server before; what happened does not happen again."""
    cut = data.draw(st.integers(0, len(exchanges)))
    added = data.draw(st.booleans())
    journal = MemoryJournal()
    before = _board(*([] if added else faults), journal=journal)
    for fault in faults if added else ():
        before.add(fault)
    happened = [_meet(before, one) for one in exchanges[:cut]]
    after = _board(*([] if added else faults), journal=journal)
    after.restore(journal.read(limit=10_000))
    assert after.list() == before.list()
    happened += [_meet(after, one) for one in exchanges[cut:]]
    assert happened == _expected(faults, exchanges)


def test_what_happened_and_what_was_counted_is_in_the_journal():
    journal = MemoryJournal()
    board = _board(
        {"when": {"operation": "reply", "nth": 2}, "then": STATUS},
        {"when": {"operation": "reply", "project": "beta"}, "then": LATE},
        journal=journal,
    )
    for project in ("A", "A", "A", "B"):
        board.request("reply", project, "s")
    told = [(one.type, one.session_id, one.project_id, one.data) for one in journal.read()]
    assert told == [
        ("FaultCounted", "s", "A", {"fault": 1, "count": 1}),
        ("FaultHappened", "s", "A", {"fault": 1, "count": 2, "operation": "reply", "effect": STATUS}),
        ("FaultCounted", "s", "B", {"fault": 1, "count": 1}),
        ("FaultHappened", "s", "B", {"fault": 2, "count": None, "operation": "reply", "effect": LATE}),
    ]


def test_without_faults_nothing_is_written():
    journal = MemoryJournal()
    board = _board(journal=journal)
    assert board.request("list", "A") is None
    assert board.alarm(_alarm("A")) is None
    assert journal.last == 0


def test_exactly_as_many_happen_however_many_come_at_once():
    board = _board({"when": {"operation": "reply", "nth": 3}, "times": 5, "then": STATUS})
    met: Counter[bool] = Counter()
    counting, start = threading.Lock(), threading.Barrier(8)

    def send() -> None:
        start.wait(10)
        mine = Counter(board.request("reply", "A") is not None for _ in range(50))
        with counting:
            met.update(mine)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert met == {True: 5, False: 395}


def test_a_fault_counts_from_when_it_was_added():
    board = _board()
    board.request("reply", "A")
    board.add({"when": {"operation": "reply", "nth": 1}, "then": STATUS})
    assert [_meet(board, ("reply", "A")) for _ in range(2)] == [STATUS, None]


def test_clear_takes_all_away_and_rearm_brings_back_the_scenarios():
    fault = {"when": {"operation": "reply", "nth": 1}, "then": STATUS}
    journal = MemoryJournal()
    board = _board(fault, journal=journal)
    board.add({"when": {"operation": "list"}, "then": DROP})
    assert _meet(board, ("reply", "A")) == STATUS
    board.clear()
    assert board.list() == []
    assert _meet(board, ("list", "A")) is None
    board.rearm()
    again = _board(fault, journal=journal)
    again.restore(journal.read())
    for one in (board, again):
        assert _plain(one) == [fault]
        assert [_meet(one, ("reply", "A")) for _ in range(2)] == [STATUS, None]


def test_what_cannot_be_armed_is_refused_and_changes_nothing():
    board = FaultBoard((), NAMES, MemoryJournal(), CLOCK, limit=1)
    good = {"when": {"operation": "reply"}, "then": STATUS}
    with pytest.raises(FaultInvalid, match="then does nothing"):
        board.add({**good, "then": {}})
    with pytest.raises(UnknownProject):
        board.add({**good, "when": {"operation": "reply", "project": "gamma"}})
    assert board.list() == []
    board.add(good)
    with pytest.raises(LimitReached):
        board.add(good)
    assert _plain(board) == [good]


def test_a_fault_that_the_journal_does_not_take_does_not_happen():
    journal = MemoryJournal()
    board = _board({"when": {"operation": "reply"}, "then": STATUS}, journal=journal)
    journal.close()
    with pytest.raises(JournalError):
        board.request("reply", "A")
    with pytest.raises(JournalError):
        board.clear()
    assert len(board.list()) == 1


# -- chance, sessions, states ----------------------------------------------------------------------------------------


def _drawn(seed: int, exchanges: Sequence[tuple[str, str]], *faults: dict) -> list[int | None]:
    """The number of the fault that each exchange meets."""
    board = FaultBoard([Fault.model_validate(one) for one in faults], NAMES, MemoryJournal(), CLOCK, seed=seed)
    met = [board.request(what, project) for what, project in exchanges]
    return [None if one is None else one.fault for one in met]


_chances = st.lists(
    st.builds(
        lambda operation, probability, nth, times: (
            {
                "when": {"operation": operation, "probability": probability} | ({} if nth is None else {"nth": nth}),
                "then": DROP,
            }
            | ({} if times is None else {"times": times})
        ),
        st.sampled_from(["list", "reply"]),
        st.sampled_from([0.1, 0.5, 0.9, 1]),
        st.none() | st.integers(1, 4),
        st.none() | st.integers(1, 3),
    ),
    min_size=1,
    max_size=4,
)
_requests = st.lists(st.tuples(st.sampled_from(["list", "reply"]), st.sampled_from(["A", "B"])), max_size=40)


@given(faults=_chances, exchanges=_requests, seed=st.integers(0, 5))
def test_the_same_seed_draws_the_same(faults, exchanges, seed):
    """For each project by itself: what another does in between makes no difference."""
    drawn = _drawn(seed, exchanges, *faults)
    assert _drawn(seed, exchanges, *faults) == drawn
    for project in "AB":
        alone = [one for one in exchanges if one[1] == project]
        assert _drawn(seed, alone, *faults) == [
            fault for fault, one in zip(drawn, exchanges, strict=True) if one[1] == project
        ]


@given(faults=_chances, exchanges=_requests, seed=st.integers(0, 5))
def test_what_is_drawn_begins_with_the_nth_and_happens_so_often_at_most(faults, exchanges, seed):
    (fault, *_) = faults
    operation, nth = fault["when"]["operation"], fault["when"].get("nth")
    most = fault.get("times") or (None if nth is None else 1)
    drawn = _drawn(seed, exchanges, fault)
    for project in "AB":
        mine = [met for met, one in zip(drawn, exchanges, strict=True) if one == (operation, project)]
        assert not any(mine[: (nth or 1) - 1])
        if most is not None:
            assert mine.count(1) <= most
        if fault["when"]["probability"] == 1:
            reached = mine[(nth or 1) - 1 :]
            assert mine.count(1) == (len(reached) if most is None else min(most, len(reached)))


@given(faults=_chances, exchanges=_requests, seed=st.integers(0, 5), data=st.data())
def test_a_server_that_starts_again_goes_on_drawing_and_knows_the_hits(faults, exchanges, seed, data):
    cut = data.draw(st.integers(0, len(exchanges)))
    journal = MemoryJournal()

    def board() -> FaultBoard:
        return FaultBoard([Fault.model_validate(one) for one in faults], NAMES, journal, CLOCK, seed=seed)

    before, after = board(), board()
    met = [before.request(*one) for one in exchanges[:cut]]
    after.restore(journal.read(limit=10_000))
    assert after.list() == before.list()
    met += [after.request(*one) for one in exchanges[cut:]]
    assert [None if one is None else one.fault for one in met] == _drawn(seed, exchanges, *faults)


def test_a_chance_is_about_what_it_says_and_another_seed_draws_something_else():
    fault = {"when": {"operation": "list", "probability": 0.25}, "then": DROP}
    drawn = [_drawn(seed, [("list", "A")] * 2_000, fault) for seed in (1, 2)]
    assert all(420 < one.count(1) < 580 for one in drawn)
    assert drawn[0] != drawn[1]


def test_faults_of_the_same_chance_are_drawn_apart_and_rearming_draws_the_same_again():
    chance = {"when": {"operation": "list", "probability": 0.5}, "then": DROP}
    board = FaultBoard([Fault.model_validate(chance)] * 2, NAMES, MemoryJournal(), CLOCK)
    first = [board.request("list", "A") for _ in range(64)]
    assert {None if one is None else one.fault for one in first} == {None, 1, 2}
    board.rearm()
    again = [board.request("list", "A") for _ in range(64)]
    assert [one and one.fault - 2 for one in again] == [one and one.fault for one in first]


def test_what_was_drawn_is_in_the_journal():
    """Each exchange that fitted is there: counted, or happened."""
    journal = MemoryJournal()
    board = _board({"when": {"operation": "list", "probability": 0.5}, "then": DROP}, journal=journal)
    met = [board.request("list", "A") is not None for _ in range(20)]
    told = [(one.type == "FaultHappened", one.data["count"]) for one in journal.read()]
    assert told == [(happened, count) for count, happened in enumerate(met, 1)]


def test_a_state_and_a_session_have_to_fit():
    board = FaultBoard(
        [
            Fault.model_validate({"when": {"operation": "list", "state": "SCALE_IN", "nth": 1}, "then": STATUS}),
            Fault.model_validate({"when": {"operation": "reply", "session": 2}, "then": DROP}),
            Fault.model_validate({"when": {"operation": "alarm", "state": "SCALE_IN"}, "then": DROP}),
        ],
        NAMES,
        MemoryJournal(),
        CLOCK,
        sessions=lambda: ["s", "t"],
    )
    lists = [board.request("list", "A", "s", state) for state in (None, "MAINTENANCE", "SCALE_IN", "SCALE_IN")]
    assert [one is not None for one in lists] == [False, False, True, False]
    assert [board.request("reply", "A", session) is not None for session in ("s", "t", "u")] == [False, True, False]
    assert [board.alarm(_alarm("A", state)) is not None for state in ("MAINTENANCE", "SCALE_IN")] == [False, True]


def test_requests_that_name_no_project_count_together_where_they_may():
    board = _board(
        {"when": {"operation": "control", "nth": 2}, "then": DROP}, {"when": {"operation": "list"}, "then": DROP}
    )
    assert [board.request("control", project) is not None for project in (None, "C", "A", "A")] == [
        False,
        True,
        False,
        True,
    ]
    assert board.request("list", None) is None
    assert _hits(board) == [{"": 1, "A": 1}, {}]


def test_hits_are_counted_by_project_and_a_fault_is_removed_by_its_number():
    board = _board({"when": {"operation": "list"}, "then": DROP}, {"when": {"operation": "list"}, "then": STATUS})
    for project in "AAB":
        board.request("list", project)
    assert _hits(board) == [{"A": 2, "B": 1}, {}]
    board.remove(1)
    with pytest.raises(UnknownFault, match="no fault 1"):
        board.remove(1)
    met = board.request("list", "A")
    assert met is not None
    assert met.fault == 2
    assert board.add({"when": {"operation": "list"}, "then": DROP})["number"] == 3


def test_a_journal_of_before_is_gone_on_with():
    """Entries that know neither places nor hits."""
    fault = {"when": {"operation": "reply", "nth": 1}, "times": 3, "then": STATUS}
    entries = [
        ("FaultsChanged", None, {"faults": [{"number": 4, "fault": fault}]}),
        ("FaultCounted", "B", {"fault": 4, "count": 1}),
        ("FaultHappened", "A", {"fault": 4, "count": 1, "operation": "reply", "effect": STATUS}),
        ("FaultHappened", "A", {"fault": 4, "count": 2, "operation": "reply", "effect": STATUS}),
    ]
    board = _board()
    board.restore(
        Recorded(number, CLOCK.now(), "fault", kind, None, project, data)
        for number, (kind, project, data) in enumerate(entries, 1)
    )
    assert board.list() == [{"number": 4, "hits": {"A": 2}, **fault}]
    assert [_meet(board, ("reply", project)) for project in "AABBB"] == [STATUS, None, STATUS, STATUS, None]
    assert board.add(fault)["number"] == 5
