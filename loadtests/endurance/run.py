"""Does `serve` last? Each run is real servers on loopback; --short takes less than 20 seconds.

    python loadtests/endurance/run.py soak          10 minutes at half the top rate, sessions begun and deleted
    python loadtests/endurance/run.py slow          200 connections that drip headers and bodies, beside others
    python loadtests/endurance/run.py kill          kill -9 under load, 20 times on one journal
    python loadtests/endurance/run.py disk          a disk that is full, a journal that is read-only

Exit 0 when everything held, 1 when something did not (each on a line of its own), 4 when the server did not start.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from fenix_endurance import disk, kill, slow, soak
from fenix_endurance.server import NotStarted

RUNS = {"soak": soak.run, "slow": slow.run, "kill": kill.run, "disk": disk.run}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is asked for; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", choices=RUNS)
    parser.add_argument("--short", action="store_true", help="the form for continuous integration")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="fenix-endurance-") as folder:
        try:
            wrong = RUNS[given.run](Path(folder), short=given.short, say=lambda text: print(text, flush=True))
        except NotStarted as error:
            print(error, file=sys.stderr)
            return 4
    for one in wrong:
        print(f"DOES NOT HOLD: {one}")
    print(f"{given.run}: {'does not hold' if wrong else 'holds'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
