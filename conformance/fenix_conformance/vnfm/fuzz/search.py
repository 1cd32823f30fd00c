"""The search: draws scenarios until one shows a failure, then looks for the smallest that shows the same one."""

from __future__ import annotations

from dataclasses import dataclass

from fenix_conformance.vnfm.fuzz.drawing import Document, documents
from fenix_conformance.vnfm.fuzz.trial import OnTrial, SubjectGone, Trial, Trials


@dataclass(frozen=True, slots=True)
class Search:
    """What a search came to: ``tried`` scenarios, and where one failed the smallest with the rule that it breaks.

    ``is_shrunk`` is False where the VNFM could not be asked any more; ``is_seen_again`` tells whether the smallest,
    played once more at the end, failed in the same way.
    """

    tried: tuple[Trial, ...]
    rule: str | None = None
    smallest: Trial | None = None
    is_shrunk: bool = True
    is_seen_again: bool = True


class _Shown(Exception):
    """A scenario that shows the failure."""


def _check_recovery(trials: Trials, tried: list[Trial], rule: str) -> None:
    """Raise SubjectGone where the failure left the VNFM in a state in which it fails what it passed before.

    Nothing can be shrunk then, unless it can be started anew.
    """
    first = tried[0]
    if trials.can_restart or rule in first.broken:
        return
    if trials.play(first.document, again=True).broken:
        raise SubjectGone("after the failure it fails what it passed before")


def search(trials: Trials, number: int, seed: int, on_trial: OnTrial = lambda _, __: None) -> Search:
    """Try ``number`` scenarios; the same seed draws the same ones. Raises what ``Trials.play`` raises."""
    from hypothesis import HealthCheck, Phase, Verbosity, given, settings
    from hypothesis import seed as seeded

    tried: list[Trial] = []
    failing: list[Trial] = []
    rule: str | None = None
    is_shrunk = True

    @seeded(seed)
    @settings(
        max_examples=number,
        deadline=None,
        database=None,
        print_blob=False,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        verbosity=Verbosity.quiet,
        report_multiple_bugs=False,
    )
    @given(documents())
    def probe(document: Document) -> None:
        nonlocal rule
        trial = trials.play(document)
        tried.append(trial)
        on_trial(len(tried), trial)
        is_first = rule is None and bool(trial.broken)
        if is_first:
            # The later rows are about narrower matters: they tell more of the cause than, say, a missing reply.
            rule = list(trial.broken)[-1]
        if rule is None or rule not in trial.broken:
            return
        failing.append(trial)
        if is_first:
            _check_recovery(trials, tried, rule)
        raise _Shown

    try:
        probe()
    except _Shown:
        pass
    except SubjectGone:
        if not failing:
            raise
        is_shrunk = False
    if not failing or rule is None:
        return Search(tuple(tried))
    if not is_shrunk:
        return Search(tuple(tried), rule, failing[0], is_shrunk=False, is_seen_again=False)
    smallest = failing[-1]
    again = trials.play(smallest.document, again=True)
    return Search(tuple(tried), rule, smallest, is_seen_again=rule in again.broken)
