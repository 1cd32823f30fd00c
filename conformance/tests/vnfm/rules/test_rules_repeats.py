"""duplicate-alarm, late-alarm."""

from __future__ import annotations

from typing import Any

import pytest

from fenix_conformance.results import Outcome

from .history import BEFORE, IDS, Asked, History, bad, results, verdict

PASS, WARN, FAIL, NOT_JUDGED = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.NOT_APPLICABLE


def came_twice(state: str = "MAINTENANCE", **again: Any) -> tuple[History, Asked]:
    """A question that was answered, and whose alarm came again after it."""
    history = History().session()
    asked = history.put(history.get(history.deliver(history.ask(state))))
    history.deliver(asked, 0.2, effect={"duplicate": 1}, **again)
    history.now = 1
    return history, asked


def plain_play(scenario: str = "without") -> History:
    """Another scenario, in which no alarm comes twice and all are answered."""
    history = History(scenario, began=BEFORE).session()
    history.answered("MAINTENANCE")
    history.answered("MAINTENANCE_COMPLETE")
    return history.end()


def scaled_in_and_asked_again() -> History:
    """SCALE_IN, one instance given up and acknowledged, and the same alarm once more."""
    history = History().session()
    asked = history.get(history.deliver(history.ask("SCALE_IN")))
    history.now = 0.04
    history.removed("a")
    history.put(asked)
    history.deliver(asked, 0.2, effect={"duplicate": 1})
    return history


class TestDuplicate:
    """The same alarm again, while its state lasts."""

    @pytest.mark.parametrize("status", [200, 204, 400, 404, 409])
    def test_one_effect(self, status: int) -> None:
        """It may be refused by whoever knows it already."""
        history, _ = came_twice(status=status)
        assert verdict("duplicate-alarm", history) is PASS
        assert bad(history) == set()

    @pytest.mark.parametrize("status", [500, 503, None])
    def test_broke_on_it(self, status: int | None) -> None:
        """No handler breaks on what it has seen."""
        assert bad(came_twice(status=status)[0]) == {"duplicate-alarm"}

    def test_answered_again_with_the_same(self) -> None:
        """Nobody is hurt."""
        history, asked = came_twice()
        history.put(asked, 0.3)
        assert bad(history) == set()

    def test_answered_again_with_another(self) -> None:
        """The one who said yes says no."""
        history, asked = came_twice()
        history.put(asked, 0.3, body=asked.reply("NACK_"), status=409)
        assert bad(history) == {"duplicate-alarm", "reply-once"}

    def test_contradiction_before_it_came_again(self) -> None:
        """That is none of the repetition's doing."""
        history, asked = came_twice()
        history.put(asked, 0.1, body=asked.reply("NACK_"), status=409)
        assert bad(history) == {"reply-once"}

    def test_scaled_in_again(self) -> None:
        """What was given up after the reply had been accepted was given up for the repetition."""
        history = scaled_in_and_asked_again()
        history.now = 0.3
        history.removed("b")
        history.now = 1
        history.answered("PLANNED_MAINTENANCE")
        assert verdict("duplicate-alarm", history) is FAIL

    def test_what_leaves_by_its_own_action_is_no_scaling_in(self) -> None:
        """An instance with OWN_ACTION may be removed, and one that takes its place may come."""
        history = scaled_in_and_asked_again()
        history.now = 1
        own = history.get(history.deliver(history.ask("PLANNED_MAINTENANCE", ids=["b", "c"])))
        history.put(own, body=own.reply(action="OWN_ACTION"))
        history.now = 1.2
        for one in ("b", "c"):
            history.removed(one)
        history.added("d")
        assert verdict("duplicate-alarm", history) is PASS
        history.removed("e")
        assert verdict("duplicate-alarm", history) is FAIL

    def test_a_repetition_over_a_connection_that_was_closed_is_sent_anew(self) -> None:
        """Either end may close a connection that is kept; what came of the second try counts."""
        history, asked = came_twice()
        history.deliver(asked, 0.3, status=None, final=False, effect={"duplicate": 1})
        history.deliver(asked, 0.31, effect={"duplicate": 1})
        assert bad(history) == set()

    def test_went_silent_after_it(self) -> None:
        """Where no alarm comes twice it answers; here it answers no more."""
        history, _ = came_twice()
        history.get(history.deliver(history.ask("PLANNED_MAINTENANCE"), 0.01, status=None))
        silent = history.deliver(history.ask("MAINTENANCE_COMPLETE"))
        history.now = silent.at + 6
        assert verdict("duplicate-alarm", history, plain_play()) is FAIL

    def test_silence_of_one_who_is_silent_elsewhere_too(self) -> None:
        """The repetition is not to blame."""
        history, _ = came_twice()
        history.deliver(history.ask("PLANNED_MAINTENANCE"))
        history.now = 9
        without = History("without", began=BEFORE).session()
        without.answered("MAINTENANCE")
        without.deliver(without.ask("PLANNED_MAINTENANCE"))
        without.now = 9
        assert verdict("duplicate-alarm", history, without) is PASS

    def test_another_subscription_is_no_repetition(self) -> None:
        """Two listeners get one alarm each."""
        history = History().session()
        asked = history.put(history.get(history.deliver(history.ask("MAINTENANCE"))))
        history.deliver(asked, 0.2, url="http://127.0.0.1:9001/other")
        assert verdict("duplicate-alarm", history) is NOT_JUDGED

    def test_second_try_of_one_that_was_not_taken_is_no_repetition(self) -> None:
        """It is the first that arrives."""
        history = History().session()
        asked = history.deliver(history.ask("MAINTENANCE"), status=None)
        history.put(history.get(history.deliver(asked, 0.5), 0.6), 0.7)
        assert verdict("duplicate-alarm", history) is NOT_JUDGED

    @pytest.mark.parametrize(("status", "outcome"), [(200, NOT_JUDGED), (409, NOT_JUDGED), (500, FAIL), (None, FAIL)])
    def test_report_comes_twice(self, status: int | None, outcome: Outcome) -> None:
        """Reports are no questions, but nobody breaks on them either."""
        history = History().session()
        done = history.deliver(history.report(IDS[0]))
        history.deliver(done, 0.1, status=status)
        assert verdict("duplicate-alarm", history) is outcome


class TestLate:
    """The same alarm again, when its state is over."""

    def late(self, **again: Any) -> tuple[History, Asked, Asked]:
        """MAINTENANCE's alarm comes again while PLANNED_MAINTENANCE is asked, which is answered."""
        history = History().session()
        over = history.answered("MAINTENANCE")
        current = history.deliver(history.ask("PLANNED_MAINTENANCE"))
        history.deliver(over, current.at + 0.1, effect={"hold_back": "1s", "duplicate": 1}, **again)
        history.put(history.get(current))
        history.now += 1
        return history, over, current

    @pytest.mark.parametrize("status", [200, 400, 409])
    def test_no_harm(self, status: int) -> None:
        """Taken or refused."""
        history, _, _ = self.late(status=status)
        assert verdict("late-alarm", history) is PASS
        assert bad(history) == set()

    @pytest.mark.parametrize("status", [500, None])
    def test_broke_on_it(self, status: int | None) -> None:
        """A SHOULD."""
        history, _, _ = self.late(status=status)
        assert verdict("late-alarm", history) is WARN
        assert bad(history) == {"late-alarm"}

    def test_answered_with_the_old_state(self) -> None:
        """Though the current one is answered as well."""
        history, over, current = self.late()
        history.put(over, current.at + 0.2, status=409)
        assert bad(history) == {"late-alarm"}

    def test_answered_with_the_current_state(self) -> None:
        """No harm in that."""
        history, _, current = self.late()
        history.put(current, 0.2)
        assert bad(history) == set()

    def test_same_state_is_asked_again(self) -> None:
        """The words of an old round are the words of the new one."""
        history = History().session()
        over = history.answered("PLANNED_MAINTENANCE", ids=["instance-1"])
        current = history.deliver(history.ask("PLANNED_MAINTENANCE", ids=["instance-2"]))
        history.deliver(over, current.at + 0.02, effect={"hold_back": "1s", "duplicate": 1})
        history.put(history.get(current))
        assert bad(history) == set()
        assert verdict("late-alarm", history) is PASS

    def test_went_silent_after_it(self) -> None:
        """The current state is not answered."""
        history = History().session()
        over = history.answered("MAINTENANCE")
        history.answered("PLANNED_MAINTENANCE")
        history.deliver(over, history.now - 0.5, effect={"duplicate": 1})
        history.get(history.deliver(history.ask("MAINTENANCE_COMPLETE")))
        history.now += 6
        found = results(history, plain_play())
        assert found["late-alarm"].outcome is WARN
        assert found["reply-sent"].outcome is FAIL

    def test_not_judged(self) -> None:
        """No alarm came so late."""
        assert verdict("late-alarm", came_twice()[0]) is NOT_JUDGED
