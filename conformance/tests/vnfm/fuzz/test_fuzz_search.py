"""The search on VNFMs that are made up too: each fails where a predicate of the document says so."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from fenix_conformance.vnfm.fuzz.drawing import Document
from fenix_conformance.vnfm.fuzz.search import Search, search
from fenix_conformance.vnfm.fuzz.trial import NAME, SubjectGone, Trial
from fenix_conformance.vnfm.fuzz.written import text_of
from fenix_conformance.vnfm.journal import Recording
from fenix_conformance.vnfm.stage import StageBroken

Flaw = Callable[[Document], bool]


@dataclass
class FakeTrials:
    """Plays nothing: a document breaks the rules whose predicate holds of it.

    ``before`` is called with how many were played and the document, and may raise what a real trial raises.
    """

    flaws: Mapping[str, Flaw]
    can_restart: bool = True
    before: Callable[[int, Document], None] = lambda _count, _document: None
    known: dict[str, Trial] = field(default_factory=dict)
    plays: list[Document] = field(default_factory=list)

    @property
    def played(self) -> int:
        return len(self.known)

    def knows(self, document: Document) -> bool:
        return text_of(document) in self.known

    def play(self, document: Document, *, again: bool = False) -> Trial:
        if self.knows(document) and not again:
            return self.known[text_of(document)]
        self.before(len(self.plays), document)
        self.plays.append(document)
        broken = {rule: f"{rule} is broken" for rule, flaw in self.flaws.items() if flaw(document)}
        trial = self.known[text_of(document)] = Trial(document, broken, Recording(NAME, ()))
        return trial


def effects(document: Document) -> list[Mapping[str, Any]]:
    return [fault["then"] for fault in document.get("faults", [])]


def has(effect: str) -> Flaw:
    return lambda document: any(effect in then for then in effects(document))


def two_sessions(document: Document) -> bool:
    return "sessions" in document


def no_spare_host(document: Document) -> bool:
    return bool(document["inventory"]["spare_hosts"] == 0)


def cloud(**other: Any) -> dict[str, Any]:
    """The smallest inventory, but for what is said."""
    smallest = {"hosts": 2, "vcpus": 1, "projects": 1, "instances_per_project": 1, "spare_hosts": 1}
    return {**smallest, "instance_vcpus": 1, **other}


def found(trials: FakeTrials, number: int = 200, seed: int = 7) -> Search:
    return search(trials, number, seed)  # type: ignore[arg-type]


#: What is wrong with the VNFM → the smallest inventory that shows it.
FLAWS: dict[str, tuple[Flaw, dict[str, Any]]] = {
    "any scenario": (lambda _: True, cloud()),
    "no spare host": (no_spare_host, cloud(spare_hosts=0)),
    "two sessions": (two_sessions, cloud(hosts=4)),
    "a path of its own": (lambda document: "base_path" in document, cloud()),
    "names for ids": (lambda document: "ids" in document["inventory"], cloud(ids="names")),
    "a second project": (lambda document: document["inventory"]["projects"] == 2, cloud(projects=2, vcpus=2)),
    "five instances": (
        lambda document: document["inventory"]["instances_per_project"] >= 5,
        cloud(instances_per_project=5, vcpus=5),
    ),
    "two instances and no spare host": (
        lambda document: no_spare_host(document) and document["inventory"]["instances_per_project"] >= 2,
        cloud(instances_per_project=2, spare_hosts=0, vcpus=2),
    ),
}


@pytest.mark.parametrize(("flaw", "inventory"), FLAWS.values(), ids=FLAWS)
@pytest.mark.parametrize("seed", [0, 7])
def test_the_smallest_cloud_that_shows_a_flaw_is_found(flaw, inventory, seed):
    result = found(FakeTrials({"retry": flaw}), seed=seed)
    assert (result.rule, result.is_shrunk, result.is_seen_again) == ("retry", True, True)
    assert result.smallest.document["inventory"] == inventory
    assert set(result.smallest.document) <= {"version", "seed", "inventory", "sessions", "base_path"}
    assert flaw(result.smallest.document)


@pytest.mark.parametrize("effect", ["duplicate", "hold_back", "status", "drop", "python2", "drip"])
def test_of_the_faults_the_one_that_shows_it_is_left(effect):
    result = found(FakeTrials({"retry": has(effect)}))
    (fault,) = result.smallest.document["faults"]
    assert effect in fault["then"]
    assert fault.get("times", 1) == 1
    assert fault["when"].get("nth", 1) == 1
    assert fault["then"].get("duplicate", 1) == 1
    assert result.smallest.document["inventory"] == cloud()


def test_two_faults_are_left_where_it_takes_two():
    def flaw(document: Document) -> bool:
        return has("duplicate")(document) and has("status")(document)

    result = found(FakeTrials({"retry": flaw}), number=1000)
    assert len(result.smallest.document["faults"]) == 2
    assert result.smallest.document["inventory"] == cloud()


def test_the_narrowest_of_several_broken_rules_is_looked_for():
    result = found(FakeTrials({"reply-sent": has("duplicate"), "duplicate-alarm": has("duplicate")}))
    assert result.rule == "duplicate-alarm"
    assert set(result.smallest.broken) == {"reply-sent", "duplicate-alarm"}


def test_another_rule_that_breaks_on_the_way_does_not_lead_the_search_astray():
    """Once one failure is known, only that one is made smaller."""
    result = found(FakeTrials({"retry": has("duplicate"), "sessions-apart": two_sessions}))
    assert result.rule in result.smallest.broken
    assert len(result.smallest.broken) == 1


@pytest.mark.parametrize("number", [1, 5, 30])
def test_where_nothing_fails_so_many_are_tried(number):
    trials = FakeTrials({"retry": lambda _: False})
    result = found(trials, number=number)
    assert (result.rule, result.smallest) == (None, None)
    assert len(result.tried) >= len(trials.plays) == number


def test_looking_for_a_smaller_one_has_a_bound():
    """Each scenario that fails takes a while, and there is always a smaller one to try."""
    trials = FakeTrials({"retry": lambda document: len(text_of(document)) > 120})
    result = found(trials)
    assert len(result.tried) < 150
    assert result.is_shrunk


def test_trials_are_told_of_as_they_are_made():
    told: list[tuple[int, bool]] = []
    trials = FakeTrials({"retry": no_spare_host})
    search(trials, 50, 7, lambda count, trial: told.append((count, bool(trial.broken))))  # type: ignore[arg-type]
    assert [count for count, _ in told] == list(range(1, len(told) + 1))
    assert any(broken for _, broken in told)


def test_the_same_seed_draws_the_same_and_another_one_others():
    first, same, other = (FakeTrials({"retry": lambda _: False}) for _ in range(3))
    found(first, number=25, seed=3), found(same, number=25, seed=3), found(other, number=25, seed=4)
    assert first.plays == same.plays
    assert first.plays != other.plays


def test_a_failing_search_comes_to_the_same_scenario_each_time():
    first, second = (found(FakeTrials({"retry": has("duplicate")}), seed=11) for _ in range(2))
    assert first.smallest.document == second.smallest.document
    assert [trial.document for trial in first.tried] == [trial.document for trial in second.tried]


# -- a VNFM that does not come through it ----------------------------------------------------------------------------


def test_a_vnfm_that_is_gone_after_the_failure_leaves_the_first_scenario_found():
    def before(_count: int, _document: Document) -> None:
        if any(trial.broken for trial in trials.known.values()):
            raise SubjectGone("nobody listens")

    trials = FakeTrials({"retry": two_sessions}, can_restart=False, before=before)
    result = found(trials)
    assert (result.rule, result.is_shrunk, result.is_seen_again) == ("retry", False, False)
    assert result.smallest.document == trials.plays[-1]


def test_a_vnfm_that_is_gone_before_any_failure_is_no_finding():
    def before(count: int, _document: Document) -> None:
        if count == 4:
            raise SubjectGone("nobody listens")

    trials = FakeTrials({"retry": lambda _: False}, can_restart=False, before=before)
    with pytest.raises(SubjectGone, match="nobody listens"):
        found(trials)
    assert len(trials.plays) == 4


def test_a_vnfm_that_fails_everything_after_its_first_failure_is_not_shrunk():
    """What it fails then says nothing about the scenario; with a command it would be started anew."""
    spoiled: list[Document] = []

    def flaw(document: Document) -> bool:
        if spoiled or two_sessions(document):
            spoiled.append(document)
        return bool(spoiled)

    trials = FakeTrials({"retry": flaw}, can_restart=False)
    result = found(trials)
    assert not result.is_shrunk
    assert two_sessions(result.smallest.document)
    assert len(spoiled) == 2


def test_a_vnfm_that_comes_through_its_failure_is_asked_on_without_a_command():
    result = found(FakeTrials({"retry": two_sessions}, can_restart=False))
    assert (result.is_shrunk, result.is_seen_again) == (True, True)
    assert result.smallest.document["inventory"] == cloud(hosts=4)


def test_a_vnfm_that_is_gone_at_the_last_look_leaves_the_smallest():
    """The same document for the second time: everything else was played once."""

    def before(_count: int, document: Document) -> None:
        if trials.knows(document) and two_sessions(document):
            raise SubjectGone("nobody listens")

    trials = FakeTrials({"retry": two_sessions}, can_restart=False, before=before)
    result = found(trials)
    assert (result.rule, result.is_shrunk, result.is_seen_again) == ("retry", True, False)
    assert result.smallest.document["inventory"] == cloud(hosts=4)


def test_a_failure_that_does_not_come_again_is_told_as_such():
    shown: list[Document] = []

    def flaw(document: Document) -> bool:
        if not two_sessions(document) or document in shown:
            return False
        shown.append(document)
        return True

    result = found(FakeTrials({"retry": flaw}))
    assert (result.is_shrunk, result.is_seen_again) == (True, False)


@pytest.mark.parametrize("at", [0, 3, "shrinking"])
def test_an_error_of_the_suite_is_raised_and_not_shrunk(at):
    def before(count: int, _document: Document) -> None:
        is_shrinking = any(trial.broken for trial in trials.known.values())
        if at == "shrinking" if is_shrinking else count == at:
            raise StageBroken("the simulator ended")

    trials = FakeTrials({"retry": two_sessions}, before=before)
    with pytest.raises(StageBroken, match="the simulator ended"):
        found(trials)
    failed = [document for document in trials.plays if two_sessions(document)]
    assert len(failed) == (1 if at == "shrinking" else 0)
    assert at == "shrinking" or len(trials.plays) == at
