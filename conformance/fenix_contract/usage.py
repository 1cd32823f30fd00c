"""How the project's commands end: a wrong call is one line on stderr, and the status says what happened."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def status_of(call: Callable[[], Any], stopped: int, *, notice: str = "") -> Any:
    """The exit status of a click command that ``call`` runs with ``standalone_mode=False``.

    A wrong value is one line on stderr that names the command's ``--help`` (status 2, as click's). ``stopped`` is the
    status of a command that was interrupted, ``notice`` the line that says so.
    """
    try:
        return call()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message(), err=True)
        return error.exit_code
    except click.UsageError as error:
        sentence = " ".join(error.format_message().split()).rstrip(".")
        command = f"; see {error.ctx.command_path} --help" if error.ctx is not None else ""
        click.echo(f"Error: {sentence}{command}", err=True)
        return error.exit_code
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        if notice:
            click.echo(notice, err=True)
        return stopped
