"""scale-in-done, scale-out."""

from __future__ import annotations

import pytest

from fenix_conformance.results import Outcome

from .history import OTHER_PROJECT, OTHER_SESSION, SESSION, Asked, History, bad, verdict

PASS, WARN, FAIL, NOT_JUDGED = Outcome.PASS, Outcome.WARN, Outcome.FAIL, Outcome.NOT_APPLICABLE


def acknowledged(*removed: str, word: str = "ACK_", status: int = 200) -> tuple[History, Asked]:
    """A session in which these instances were given up and SCALE_IN was acknowledged then."""
    history = History().session()
    asked = history.get(history.deliver(history.ask("SCALE_IN")))
    history.now = 0.04
    for one in removed:
        history.removed(one)
    history.put(asked, body=asked.reply(word), status=status)
    history.now = 1.0
    return history, asked


def test_removed() -> None:
    """Room was made."""
    history, _ = acknowledged("instance-3")
    history.enter("PREPARE_MAINTENANCE")
    assert verdict("scale-in-done", history) is PASS


def test_removed_and_created_again() -> None:
    """As many as before: there is no more room than there was."""
    history = History().session()
    asked = history.get(history.deliver(history.ask("SCALE_IN")))
    history.now = 0.04
    history.removed("instance-3")
    history.added("instance-4")
    history.put(asked)
    history.now = 1.0
    history.enter("SCALE_IN")
    assert bad(history) == {"scale-in-done"}


def test_nothing_removed_and_there_is_room() -> None:
    """The session goes on: there was enough."""
    history, _ = acknowledged()
    history.enter("PLANNED_MAINTENANCE")
    assert verdict("scale-in-done", history) is PASS


@pytest.mark.parametrize("following", ["SCALE_IN", "MAINTENANCE_FAILED"])
def test_nothing_removed_and_there_is_no_room(following: str) -> None:
    """It is asked again, or fails for it."""
    history, _ = acknowledged()
    if following == "SCALE_IN":
        history.enter("SCALE_IN")
    else:
        history.event("SessionFailed", "47479bca-7f0e-11ea-99c9-2c600c9893ee", None, reason="no room", project_id=None)
        history.enter("MAINTENANCE_FAILED")
    assert bad(history) == {"scale-in-done"}


def test_session_failed_for_another_project() -> None:
    """Somebody else refused: that is no word on room."""
    history, _ = acknowledged()
    history.end(failed_by=OTHER_PROJECT)
    assert verdict("scale-in-done", history) is NOT_JUDGED


@pytest.mark.parametrize(("word", "status"), [("NACK_", 200), ("ACK_", 409), ("ACK_", 503)])
def test_not_acknowledged(word: str, status: int) -> None:
    """Whoever refuses, or is not heard, has promised nothing."""
    history, _ = acknowledged(word=word, status=status)
    history.enter("SCALE_IN")
    assert verdict("scale-in-done", history) is NOT_JUDGED


def test_recording_ends_before_it_shows() -> None:
    """Nobody knows whether there is room."""
    history, _ = acknowledged()
    assert verdict("scale-in-done", history) is NOT_JUDGED


def test_removed_after_the_reply_and_before_the_decision() -> None:
    """Late, but in time."""
    history, _ = acknowledged()
    history.now = 0.8
    history.removed("instance-3")
    history.now = 1.0
    history.enter("SCALE_IN")
    assert verdict("scale-in-done", history) is PASS


def test_removed_by_another_project() -> None:
    """Others' room is not one's own doing."""
    history, _ = acknowledged()
    history.now = 0.5
    history.removed("foreign-1", project=OTHER_PROJECT)
    history.now = 1.0
    history.enter("SCALE_IN")
    assert verdict("scale-in-done", history) is FAIL


# -- scale-out ---------------------------------------------------------------------------------------------------------


def completed(*removed: str) -> History:
    """The same, and the maintenance came to its end."""
    history, _ = acknowledged(*removed)
    history.answered("MAINTENANCE_COMPLETE")
    history.end()
    return history


@pytest.mark.parametrize(
    ("removed", "added", "outcome"),
    [
        (["a"], ["b"], PASS),
        (["a", "b"], ["c", "d"], PASS),
        (["a", "b"], ["c"], WARN),
        (["a"], [], WARN),
        (["a"], ["b", "c"], PASS),
        ([], [], NOT_JUDGED),
        ([], ["a"], NOT_JUDGED),
    ],
)
def test_back_at_its_size(removed: list[str], added: list[str], outcome: Outcome) -> None:
    """As many as there were."""
    history = completed(*removed)
    history.now += 0.5
    for one in added:
        history.added(one)
    assert verdict("scale-out", history) is outcome


def test_taken_back_before_the_end_was_told() -> None:
    """It is the size that counts, not when it was reached."""
    history, _ = acknowledged("a", "b")
    history.added("c")
    history.now += 0.5
    history.answered("MAINTENANCE_COMPLETE")
    history.added("d")
    assert verdict("scale-out", history) is PASS


def test_size_of_others() -> None:
    """Each project has its own."""
    history = completed("a")
    history.added("foreign-2", project=OTHER_PROJECT)
    assert verdict("scale-out", history) is WARN


def test_maintenance_never_came_to_its_end() -> None:
    """Then there is nothing to go back from."""
    history, _ = acknowledged("a")
    history.end(failed_by=OTHER_PROJECT)
    assert verdict("scale-out", history) is NOT_JUDGED


def test_end_was_refused() -> None:
    """Whoever refuses MAINTENANCE_COMPLETE promises nothing."""
    history, _ = acknowledged("a")
    asked = history.get(history.deliver(history.ask("MAINTENANCE_COMPLETE")))
    history.put(asked, body=asked.reply("NACK_"))
    assert verdict("scale-out", history) is NOT_JUDGED


def test_given_up_for_another_session() -> None:
    """One that failed, and that never told of its end."""
    history = History().session(SESSION).session(OTHER_SESSION)
    asked = history.get(history.deliver(history.ask("SCALE_IN", session=OTHER_SESSION)))
    history.now = 0.04
    history.removed("a", session=OTHER_SESSION)
    history.put(asked)
    history.now = 1
    history.end(session=OTHER_SESSION, failed_by=OTHER_PROJECT)
    history.answered("MAINTENANCE_COMPLETE")
    history.end()
    assert verdict("scale-out", history) is NOT_JUDGED
