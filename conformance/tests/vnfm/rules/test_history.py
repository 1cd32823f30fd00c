"""The made-up recordings have the shape of real ones, and a whole play in which all is right keeps every rule."""

from __future__ import annotations

from fenix_conformance.results import Outcome

from .history import History, bad, results


def whole_play() -> History:
    """One session from its beginning to its end."""
    play = History().session()
    play.answered("MAINTENANCE")
    asked = play.ask("SCALE_IN")
    play.deliver(asked)
    play.get(asked, ids=["instance-1", "instance-2", "instance-3"])
    play.now += 0.04
    play.removed("instance-3")
    play.put(asked)
    play.now += 1
    play.answered("PLANNED_MAINTENANCE")
    for one in ("instance-1", "instance-2"):
        play.moved(one)
        play.deliver(play.report(one))
        play.now += 0.1
    play.answered("MAINTENANCE_COMPLETE")
    play.end()
    play.now += 0.1
    play.added("instance-3")
    return play


def test_play_in_which_all_is_right_keeps_every_rule() -> None:
    """What has nothing to be judged by is said to be so; nothing else is."""
    found = results(whole_play())
    assert bad(whole_play()) == set()
    assert {name for name, one in found.items() if one.outcome is Outcome.NOT_APPLICABLE} == {
        "own-action-done",
        "retry",
        "duplicate-alarm",
        "unknown-tolerated",
        "sessions-apart",
        "late-alarm",
        "nack-honest",
    }


def test_nothing_at_all_judges_nothing() -> None:
    """An empty journal is no pass."""
    assert {one.outcome for one in results(History()).values()} == {Outcome.NOT_APPLICABLE}
