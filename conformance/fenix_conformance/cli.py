"""The command ``fenix-conformance``. Each command is imported when called or listed, and imports its own needs."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

import click

from fenix_contract.usage import status_of

#: Command → module in ``fenix_conformance.commands`` whose ``command`` it is.
COMMANDS = {
    "server": "server",
    "vnfm": "vnfm",
    "journal": "journal",
    "explain": "explain",
    "selftest": "selftest",
    "compare": "compare",
    "version": "version",
}

#: The exit code of a command that was stopped before it had a verdict: the suite's own part did not come to its end.
_STOPPED = 4


class LazyCommands(click.Group):
    """A group whose commands are imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands in the order in which one meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's signature
        """The command of that name."""
        module = COMMANDS.get(cmd_name)
        if module is None:
            return None
        command = import_module(f"fenix_conformance.commands.{module}").command
        assert isinstance(command, click.Command)  # noqa: S101 - every module of the table has one
        return command

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        """As click's, but a wrong value is one line on stderr (exit 2), and a run that was stopped failed nothing."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **extra)
        call = partial(super().main, args, prog_name, complete_var, False, **extra)
        sys.exit(status_of(call, _STOPPED, notice="Error: interrupted"))


@click.group(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Start with: fenix-conformance server --list, or fenix-conformance vnfm --list",
)
def main() -> None:
    """Judge a Fenix server, or a VNFM: which requirements hold, which do not, and the evidence for it.

    Exit codes: 0 every MUST passed, 1 a MUST failed or a baseline entry is stale, 2 usage, 3 a MUST could not be
    tested, 4 what is to be judged could not be reached, or the suite itself broke.
    """
