"""``python -m fenix_conformance.selftest.serve``: the reference server, a mutant or a variant as a process."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from queue import SimpleQueue

from fenix_conformance.selftest.mutants import MUTANTS
from fenix_conformance.selftest.reference_http import running
from fenix_conformance.selftest.variants import VARIANTS


def main(argv: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or Ctrl-C. Exit 0 then, 2 for a bad option."""
    options = _parser().parse_args(argv)
    if options.list:
        for subject in (*MUTANTS.values(), *VARIANTS.values()):
            kind = f"breaks {subject.breaks[0]}" if subject.breaks else "correct"
            sys.stdout.write(f"{subject.name:34} {kind:30} {subject.description}\n")
        return 0
    # A handler may put into this queue whatever the thread that it interrupts is at.
    ending: SimpleQueue[int] = SimpleQueue()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: ending.put(number))
    with running(
        options.mutant, options.variant, window=options.window, host=options.host, port=options.port
    ) as server:
        ready = {"url": server.url, "aodh_url": server.url, "projects": server.projects, "pid": os.getpid()}
        if options.ready_file:
            draft = options.ready_file.with_name(f"{options.ready_file.name}.{os.getpid()}")
            draft.write_text(json.dumps(ready), encoding="utf-8")
            draft.replace(options.ready_file)
        sys.stdout.write(f"{server.subject.name} at {server.url}\n")
        sys.stdout.flush()
        ending.get()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fenix_conformance.selftest.serve",
        description="The reference Fenix server that the conformance suite is judged by.",
        epilog="Example: python -m fenix_conformance.selftest.serve --mutant nack-counts-as-ack --port 8919",
    )
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--mutant", choices=sorted(MUTANTS), metavar="NAME", help="a server with one fault")
    which.add_argument("--variant", choices=sorted(VARIANTS), metavar="NAME", help="a correct server of another manner")
    which.add_argument("--list", action="store_true", help="print all mutants and variants, and end")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any free one")
    parser.add_argument("--window", type=float, default=3.0, help="the reply window, in seconds")
    parser.add_argument("--ready-file", type=Path, help="written once connections are accepted")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
