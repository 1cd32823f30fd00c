"""The mutants cover every requirement of a Fenix server."""

from __future__ import annotations

from collections import Counter

import pytest

from fenix_conformance.selftest.manners import Manners
from fenix_conformance.selftest.mutants import FAMILIES, MUTANTS, mutant_named
from fenix_conformance.selftest.reference_http import running
from fenix_conformance.selftest.variants import VARIANTS, variant_named

MUSTS = (
    "list-shape", "list-json", "list-scoped", "list-current-state", "list-stable", "reply-200", "reply-needed",
    "reply-all", "reply-advances", "reply-nack", "reply-other-state", "reply-foreign-instance",
    "reply-action-allowed", "reply-concurrent", "reply-silence", "sessions-independent", "alarm-format",
    "alarm-traits", "alarm-length", "alarm-link", "alarm-addressed", "alarm-actions", "flow-order",
    "flow-every-instance", "flow-once", "flow-complete", "action-done", "default-behaviour", "ids-opaque",
)  # fmt: skip
SHOULDS = (
    "list-both-paths", "list-unknown", "list-prompt", "reply-malformed", "reply-unknown", "reply-repeat",
    "reply-extra-members", "methods", "alarm-deadline",
)  # fmt: skip

MAINLY = Counter(mutant.breaks[0] for mutant in MUTANTS.values())


@pytest.mark.parametrize("requirement", MUSTS)
def test_every_must_is_broken_in_several_manners(requirement: str) -> None:
    """One mutant could be killed by luck."""
    assert MAINLY[requirement] >= 2


@pytest.mark.parametrize("requirement", SHOULDS)
def test_every_should_is_broken(requirement: str) -> None:
    """At least one mutant is there for it first of all."""
    assert MAINLY[requirement] >= 1


@pytest.mark.parametrize("name", MUTANTS)
def test_mutant_is_well_described(name: str) -> None:
    """It names known requirements, each once, says what is wrong, and has one part exchanged."""
    mutant = mutant_named(name)
    assert mutant.name == name
    assert set(mutant.breaks) <= {*MUSTS, *SHOULDS}
    assert len(set(mutant.breaks)) == len(mutant.breaks)
    assert 10 < len(mutant.description) < 120
    assert "\n" not in mutant.description
    assert mutant_part(name).__module__ in {family.__name__ for family in FAMILIES}


def mutant_part(name: str) -> type:
    """The class that the mutant is made by."""
    mutant = mutant_named(name)
    return next(p for p in (mutant.session, mutant.api, mutant.courier) if "reference" not in p.__module__)


@pytest.mark.parametrize("name", VARIANTS)
def test_variant_is_correct_by_manners_alone(name: str) -> None:
    """A variant is the reference's own code with other manners, and so cannot have a mutant's fault."""
    variant = variant_named(name)
    assert variant.breaks == ()
    assert variant.manners != Manners()
    assert {part.__module__.rsplit(".", 1)[-1] for part in (variant.session, variant.api, variant.courier)} == {
        "reference", "reference_api", "courier",
    }  # fmt: skip


def test_every_liberty_is_taken_by_a_variant() -> None:
    """No choice in Manners is left untried."""
    default = Manners()
    names = Manners.__dataclass_fields__
    untried = {
        name for name in names if all(getattr(v.manners, name) == getattr(default, name) for v in VARIANTS.values())
    }
    assert untried == set()


def test_there_are_enough() -> None:
    """The gate asks for 45 mutants and 12 correct variants."""
    assert len(MUTANTS) >= 50
    assert len(VARIANTS) >= 14


def test_unknown_name_is_told() -> None:
    """A name that is not there is no reference server by accident."""
    with pytest.raises(KeyError), running(mutant="nobody"):
        pass
    with pytest.raises(KeyError), running(variant="nobody"):
        pass
