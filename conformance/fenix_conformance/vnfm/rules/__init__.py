"""The rules for a VNFM, one per row of the requirements; ``RULES`` has them all by their id."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from fenix_conformance.vnfm.finding import Rule
from fenix_conformance.vnfm.rules import actions, alarms, lists, repeats, replies, retries, scaling, sessions, unknown

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.id: rule
        for theme in (alarms, lists, replies, actions, scaling, retries, repeats, unknown, sessions)
        for rule in theme.RULES
    }
)
