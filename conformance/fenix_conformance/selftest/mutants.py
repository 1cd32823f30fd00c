"""All mutants: servers with one fault each, which the suite must not pass."""

from __future__ import annotations

from fenix_conformance.selftest import (
    mutants_alarm,
    mutants_body,
    mutants_flow,
    mutants_link,
    mutants_list,
    mutants_paths,
    mutants_reply,
    mutants_workflow,
)
from fenix_conformance.selftest.mutation import MUTANTS
from fenix_conformance.selftest.subject import Subject

__all__ = ["FAMILIES", "MUTANTS", "mutant_named"]

#: The modules that the mutants come from; importing them fills the registry.
FAMILIES = (
    mutants_list,
    mutants_paths,
    mutants_reply,
    mutants_body,
    mutants_workflow,
    mutants_alarm,
    mutants_link,
    mutants_flow,
)


def mutant_named(name: str) -> Subject:
    """Raises KeyError."""
    return MUTANTS[name]
