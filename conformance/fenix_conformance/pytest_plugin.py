"""The checks inside your own pytest: ``pytest --fenix-url http://127.0.0.1:8919`` adds one test per requirement.

Installed with the package (entry point ``pytest11``); without ``--fenix-url`` it adds nothing. The server is judged
once, when the first of these tests runs, and only by those that were selected (``-k reply``, ``--deselect``).

A MUST that failed or could not be tested fails; a SHOULD that is not met warns, with ``--fenix-strict`` it fails; what
does not concern the server is skipped with the reason.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from fenix_conformance.requirements import Requirement
    from fenix_conformance.results import Result, RunResult

_RUN: pytest.StashKey[RunResult] = pytest.StashKey()


class RequirementNotMet(Exception):
    """A requirement that the server under test does not meet, or that could not be tested."""


class RequirementWarning(UserWarning):
    """A SHOULD that the server under test does not meet."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options; a run without ``--fenix-url`` is left as it is."""
    group = parser.getgroup("fenix", "conformance of a Fenix server")
    group.addoption("--fenix-url", metavar="URL", help="judge the Fenix server at URL, one test per requirement")
    group.addoption("--fenix-aodh-url", metavar="URL", default="", help="where Aodh's alarm API is (default: the same)")
    group.addoption("--fenix-project", metavar="ID", action="append", default=[], help="a project to play; repeatable")
    group.addoption("--fenix-token", metavar="TOKEN", help="sent as X-Auth-Token")
    group.addoption("--fenix-reply-window", metavar="SECONDS", type=float, help="where reply_at does not tell it")
    group.addoption("--fenix-strict", action="store_true", help="every SHOULD is a MUST")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the requirements' tests, before pytest selects among all (``-k``, ``--deselect``)."""
    if config.getoption("--fenix-url"):
        items.extend(_items(session))


def _items(session: pytest.Session) -> Iterable[RequirementItem]:
    from fenix_conformance.requirements import requirements_of
    from fenix_conformance.results import Role

    home = RequirementCollector.from_parent(session, name="fenix", path=Path(__file__).parent)
    for row in requirements_of(Role.SERVER):
        yield RequirementItem.from_parent(home, name=row.id, requirement=row)


class RequirementCollector(pytest.Collector):
    """The parent of all requirements."""

    def collect(self) -> list[pytest.Item]:
        """Nothing more than what was added."""
        return []


class RequirementItem(pytest.Item):
    """One requirement, as a test; its name is the requirement's id."""

    def __init__(self, *, requirement: Requirement, **settings: Any) -> None:
        super().__init__(**settings)
        self.requirement = requirement

    def runtest(self) -> None:
        """Take the requirement's result from the one run that all share."""
        result = self._run().result(self.requirement.id)
        outcome = str(result.outcome)
        binding = result.level == "MUST" or self.config.getoption("--fenix-strict")
        if outcome == "not-applicable" or (outcome == "untestable" and not binding):
            pytest.skip(result.message)
        if outcome == "warn":
            warnings.warn(RequirementWarning(f"{result.id}: {result.message}"), stacklevel=1)
        elif outcome != "pass":
            raise RequirementNotMet(_told(result))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """The requirement's own words instead of a traceback of ours."""
        if isinstance(excinfo.value, RequirementNotMet):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        """Where pytest says that the test is."""
        return self.path, None, f"{self.requirement.level} {self.requirement.id}"

    def _run(self) -> RunResult:
        stash = self.session.stash
        if _RUN not in stash:
            from fenix_conformance.server.options import Options
            from fenix_conformance.server.run import Selection, judge_server

            option = self.config.getoption
            options = Options(
                url=option("--fenix-url"),
                aodh_url=option("--fenix-aodh-url"),
                projects=tuple(option("--fenix-project")),
                token=option("--fenix-token"),
                reply_window=option("--fenix-reply-window"),
            )
            chosen = frozenset(item.name for item in self.session.items if isinstance(item, RequirementItem))
            stash[_RUN] = judge_server(options, Selection(only=chosen, strict=option("--fenix-strict")))
        return stash[_RUN]


def _told(result: Result) -> str:
    lines = [
        f"Requirement  {result.id} ({result.level}, {result.source})",
        f"             {result.statement}",
        f"Outcome      {result.outcome}: {result.message}",
    ]
    if result.expected:
        lines.append(f"Expected     {result.expected}")
    if result.actual:
        lines.append(f"Actual       {result.actual}")
    lines += [f"Request      {piece.curl()}" for piece in result.evidence[:1] if str(piece.kind) == "request"]
    lines.append(f"Again        {result.rerun}")
    return "\n".join(lines)
