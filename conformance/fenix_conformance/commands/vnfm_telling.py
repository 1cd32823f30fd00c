"""What may go wrong in a run against a VNFM, told in one line with the right exit code; and signals that stop it."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from fenix_conformance.commands.options import Problem, stopping_by

if TYPE_CHECKING:
    from fenix_conformance.vnfm.interruption import Interruption
    from fenix_conformance.vnfm.options import Options


class WrongScenario(Problem):
    """A scenario that cannot be played: one line for each problem, as the simulator's `scenario validate` has them."""

    def __init__(self, lines: str) -> None:
        super().__init__(lines)
        self.lines = lines

    def show(self, file: Any = None) -> None:
        """Write the lines as they are: each begins with the file and line that it is about."""
        click.echo(self.lines, err=True, file=file)


@contextmanager
def telling(options: Options) -> Iterator[Interruption]:
    """Inside, a signal interrupts what was begun, and errors become Problems: 2 for usage, 4 for what is broken."""
    from fenix_conformance.vnfm.interruption import Interrupted, Interruption
    from fenix_conformance.vnfm.programme import ScenarioInvalid
    from fenix_conformance.vnfm.run import Unreachable
    from fenix_conformance.vnfm.stage import StageBroken
    from fenix_conformance.vnfm.subject_process import CommandInvalid, SubjectLost

    interruption = Interruption()
    try:
        with stopping_by(interruption.interrupt, (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)):
            yield interruption
    except ScenarioInvalid as error:
        raise WrongScenario(str(error)) from error
    except CommandInvalid as error:
        raise Problem(f"--command: {error}") from error
    except SubjectLost as error:
        if error.output:
            click.echo(error.output, err=True)
        raise Problem(str(error), 4) from error
    except (Unreachable, StageBroken) as error:
        raise Problem(str(error), 4) from error
    except Interrupted as error:
        raise Problem("interrupted; what the suite had started was stopped", 4) from error
    except OSError as error:
        raise Problem(f"{error.filename or options.keep_journals}: {error.strerror or error}") from error
