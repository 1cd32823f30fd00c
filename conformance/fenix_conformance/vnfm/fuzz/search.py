"""The search: draws scenarios until one shows a failure, then looks for the smallest that shows the same one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fenix_conformance.vnfm.fuzz.drawing import Document, documents
from fenix_conformance.vnfm.fuzz.plainer import plainer
from fenix_conformance.vnfm.fuzz.trial import OnTrial, SubjectGone, Trial, Trials

#: So many further scenarios are played to find a smaller one: first as hypothesis shrinks, then one thing at a time.
#: Each that fails may take a whole reply window.
_SHRINKING: Final = 40
_TRIMMING: Final = 60


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
    last = number
    stop: Exception | None = None

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
        nonlocal rule, last, stop
        if stop is not None or (trials.played >= last and not trials.knows(document)):
            return  # enough: hypothesis ends with the smallest so far
        try:
            trial = trials.play(document)
            tried.append(trial)
            on_trial(len(tried), trial)
            is_first = rule is None and bool(trial.broken)
            if is_first:
                # The later rows are about narrower matters: they tell more of the cause than, say, a missing reply.
                rule = list(trial.broken)[-1]
                last = trials.played + _SHRINKING
                _check_recovery(trials, tried, rule)
        except Exception as error:
            # It is not the scenario's: hypothesis must not shrink it.
            stop = error
            return
        if rule is not None and rule in trial.broken:
            failing.append(trial)
            raise _Shown

    try:
        probe()
    except _Shown:
        pass
    except Exception:
        if stop is None:
            raise
    if stop is not None and not (isinstance(stop, SubjectGone) and rule is not None):
        raise stop
    if rule is None:
        return Search(tuple(tried))
    if stop is not None:
        first = next(trial for trial in tried if rule in trial.broken)
        return Search(tuple(tried), rule, first, is_shrunk=False, is_seen_again=False)
    smallest = _trimmed(trials, failing[-1], rule, tried)
    return Search(tuple(tried), rule, smallest, is_seen_again=_is_seen_again(trials, smallest, rule))


def _is_seen_again(trials: Trials, smallest: Trial, rule: str) -> bool:
    """Whether the rule breaks when it is played once more."""
    try:
        return rule in trials.play(smallest.document, again=True).broken
    except SubjectGone:
        return False


def _trimmed(trials: Trials, smallest: Trial, rule: str, tried: list[Trial]) -> Trial:
    """The trial with everything taken away that it can do without: hypothesis may have had no time for that."""
    last = trials.played + _TRIMMING
    while trials.played < last:
        for document in plainer(smallest.document):
            try:
                trial = trials.play(document)
            except SubjectGone:
                return smallest
            tried.append(trial)
            if rule in trial.broken:
                smallest = trial
                break
            if trials.played >= last:
                return smallest
        else:
            return smallest
    return smallest
