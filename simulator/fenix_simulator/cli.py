"""The command ``fenix-simulator``. Each command is imported when it is called or listed, and imports its own needs."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Sequence
from functools import partial
from importlib import import_module
from typing import Any

import click

from fenix_contract.usage import status_of

#: Command → module in ``fenix_simulator.commands`` whose ``command`` it is.
COMMANDS = {
    "serve": "serve",
    "demo": "demo",
    "trigger": "trigger",
    "scenario": "scenario",
    "journal": "journal",
    "version": "version",
}

#: The exit code of a command that was stopped before it was done, as shells have it.
_STOPPED = 130


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
        command = import_module(f"fenix_simulator.commands.{module}").command
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
        """As click's, but a wrong value is one line on stderr (exit 2), and SIGTERM ends what Ctrl-C ends (130)."""
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, False, **extra)
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGTERM, signal.default_int_handler)
        sys.exit(status_of(partial(super().main, args, prog_name, complete_var, False, **extra), _STOPPED))


@click.group(
    cls=LazyCommands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog="Start with: fenix-simulator demo",
)
def main() -> None:
    """A simulated OpenStack Fenix: rolling maintenance that VNFMs can take part in, without a cloud."""
