"""``fenix-conformance vnfm URL --fuzz N``: made-up scenarios, and the smallest that shows a failure as a file."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click

from fenix_conformance.commands.options import Problem
from fenix_conformance.commands.vnfm_telling import telling

if TYPE_CHECKING:
    from fenix_conformance.commands.verdict import Judging
    from fenix_conformance.results import RunResult
    from fenix_conformance.vnfm.fuzz.search import Search
    from fenix_conformance.vnfm.fuzz.trial import Trial
    from fenix_conformance.vnfm.options import Options


def fuzz(options: Options, judged: Judging, number: int, seed: int, folder: Path) -> None:
    """Try ``number`` scenarios drawn from ``seed``; where one fails, write the smallest into ``folder``. Ends the
    command with the exit code of the verdict. Raises Problem, SystemExit."""
    try:
        from hypothesis.configuration import set_hypothesis_home_dir
    except ImportError as error:
        raise Problem('--fuzz needs hypothesis: pip install "fenix-harness[conformance]"') from error
    from fenix_conformance.reports import Progress
    from fenix_conformance.vnfm.fuzz.search import search
    from fenix_conformance.vnfm.fuzz.trial import SubjectGone, Trials

    started, clock = datetime.now(UTC), time.monotonic()
    with telling(options) as interruption:
        if not folder.is_dir():
            raise Problem(f"--fuzz-dir {folder} is no folder: make it first, or name another")
        with (
            TemporaryDirectory() as home,
            Progress() as progress,
            Trials(options, judged.selection, interruption) as trials,
        ):
            # What it keeps for itself is nothing for the user's folder.
            set_hypothesis_home_dir(home)

            def on_trial(count: int, trial: Trial) -> None:
                progress.tell(f"{count} scenarios tried{', looking for a smaller one' * bool(trial.broken)}")

            try:
                found = search(trials, number, seed, on_trial)
            except SubjectGone as error:
                raise Problem(str(error), 4) from error
    seconds = time.monotonic() - clock
    path = _write(options, judged, found, seed, folder) if found.smallest is not None else None
    result = _result(options, judged, found, started, seconds, path)
    _say(options, judged, found, path)
    judged.conclude(result)


def _write(options: Options, judged: Judging, found: Search, seed: int, folder: Path) -> Path:
    from fenix_conformance.vnfm.fuzz.written import file_name, file_text, replay_command

    assert found.smallest is not None  # noqa: S101 - called where there is one
    assert found.rule is not None  # noqa: S101 - it comes with a rule
    path = folder / file_name(found.rule, seed)
    command = replay_command(options, found.rule, path, strict=judged.selection.strict)
    path.write_text(file_text(found.smallest.document, found.rule, found.smallest.broken[found.rule], command), "utf-8")
    return path


def _result(
    options: Options, judged: Judging, found: Search, started: datetime, seconds: float, path: Path | None
) -> RunResult:
    """The verdict over the smallest scenario that failed, or over all that were tried."""
    from dataclasses import replace

    from fenix_conformance.vnfm.fuzz.written import replay_command
    from fenix_conformance.vnfm.judge import judge
    from fenix_conformance.vnfm.options import rerun_command

    strict = judged.selection.strict
    name = path.stem if path is not None else "made-up"
    trials = [found.smallest] if found.smallest is not None else found.tried
    recordings = [
        replace(trial.recording, scenario=name if len(trials) == 1 else f"{name}-{number}")
        for number, trial in enumerate(trials, 1)
    ]

    def rerun(rule: str) -> str:
        if path is not None:
            return replay_command(options, rule, path, strict=strict)
        return rerun_command(options, rule, strict=strict)

    return judge(recordings, judged.selection, subject=options.url, started=started, seconds=seconds, rerun=rerun)


def _say(options: Options, judged: Judging, found: Search, path: Path | None) -> None:
    """What the search came to, on stderr: the report is about the VNFM."""
    from fenix_conformance.vnfm.fuzz.written import replay_command

    tried = f"{len(found.tried)} scenarios were tried"
    if path is None or found.rule is None:
        click.echo(f"{tried}, none of them showed a failure", err=True)
        return
    click.echo(f"{tried}; the smallest that shows that {found.rule} is not kept is {path}", err=True)
    if not found.is_shrunk:
        click.echo(
            "it is the first one found, not the smallest: after the failure the VNFM could not be asked any more; "
            "with --command the suite starts it anew each time",
            err=True,
        )
    elif not found.is_seen_again:
        click.echo("played once more it did not show the failure: what the VNFM does is not always the same", err=True)
    click.echo(f"play it again: {replay_command(options, found.rule, path, strict=judged.selection.strict)}", err=True)
