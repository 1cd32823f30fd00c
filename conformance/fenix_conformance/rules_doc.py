"""Makes docs/rules.md: the rules that a VNFM is judged by, told to the person who writes one.

python -m fenix_conformance.rules_doc > docs/rules.md
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

from fenix_conformance.requirements import Requirement, requirements_of
from fenix_conformance.results import Level, Role
from fenix_conformance.vnfm.rules import RULES
from fenix_vnfm.behaviours import BEHAVIOURS, Behaviour

_INTRODUCTION = """\
# The rules for a VNFM

Made from `conformance/fenix_conformance/requirements.yaml`, the rules and the gallery of wrong VNFMs by `make docs`; do
not edit.

`fenix-conformance vnfm ALARM_URL` plays maintenance sessions against the VNFM that listens at ALARM_URL, as the manager
of one project, and judges from the journal what it did. Each rule is judged in each place where it has something to
say: in every scenario, session and state. It is met when it is met in all of them; a rule that had nothing to judge is
`not-applicable`, and a run in which nothing was judged is no pass.

A broken MUST makes the VNFM not conformant. A SHOULD that is not met is a warning, with `--strict` a failure. A MAY is
told and decides nothing.

    fenix-conformance vnfm http://127.0.0.1:9000/maintenance                      all rules, all bundled scenarios
    fenix-conformance vnfm http://127.0.0.1:9000/maintenance --only reply-state   one rule
    fenix-conformance vnfm http://127.0.0.1:9000/maintenance --keep-journals run  keep what happened

What is kept can be judged again and looked at, question by question; so can the journal of a simulator of your own
(`fenix-simulator serve --journal FILE`):

    fenix-conformance journal run/*.ndjson                                        the verdict once more
    fenix-conformance explain run --scenario happy-path                           its alarms, with their numbers
    fenix-conformance explain run --scenario happy-path --entry 42                one: asked, expected, sent, difference

Each rule below names VNFMs of the gallery that break it. To see a rule fail, judge one of these:

    fenix-vnfm --port 9000 --misbehave NAME
"""


def document() -> str:
    """The whole document."""
    return _INTRODUCTION + "\n" + "\n".join(_lines()) + "\n"


def breaking(rule: str) -> tuple[Behaviour, ...]:
    """The gallery's VNFMs that break the rule; those that are made to break it first of all come first."""
    breakers = [one for one in BEHAVIOURS.values() if rule in one.breaks]
    return tuple(sorted(breakers, key=lambda one: (one.breaks[0] != rule, one.name)))


def _lines() -> Iterator[str]:
    rows = requirements_of(Role.VNFM)
    yield "| rule | level | what it asks for |"
    yield "| --- | --- | --- |"
    yield from (f"| [{row.id}](#{row.id}) | {row.level} | {row.statement} |" for row in rows)
    for row in rows:
        yield from _rule(row)


def _rule(row: Requirement) -> Iterator[str]:
    only = f"--only {row.id}" + (" --strict" if row.level is Level.SHOULD else "")
    breakers = breaking(row.id)
    yield ""
    yield f"## {row.id}"
    yield ""
    yield f"**{row.level}.** {row.statement}."
    yield ""
    yield f"**Why.** {row.objective} Source: {row.source}."
    yield ""
    yield f"**How it is judged.** {row.preconditions}"
    yield ""
    yield from (f"{number}. {step}" for number, step in enumerate(row.steps, 1))
    yield ""
    yield f"Expected: {row.expected}"
    yield ""
    yield f"**Not judged** where {RULES[row.id].unjudged}."
    yield ""
    yield f"**What to change.** {row.advice}"
    yield ""
    yield f"**Shown by** {_listed(row.scenarios)}."
    if not breakers:
        yield ""
        yield f"    fenix-conformance vnfm ALARM_URL --scenario {row.scenarios[0]} {only}"
        return
    yield ""
    yield f"**Broken by** {'; '.join(_told(one) for one in breakers)}."
    yield ""
    scenario = next(iter(breakers[0].shown_by), row.scenarios[0])
    yield f"    fenix-vnfm --port 9000 --misbehave {breakers[0].name}"
    yield f"    fenix-conformance vnfm http://127.0.0.1:9000/maintenance --scenario {scenario} {only}"


def _told(behaviour: Behaviour) -> str:
    return f"`{behaviour.name}` ({behaviour.statement})"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


if __name__ == "__main__":
    sys.stdout.write(document())
