"""`make bench`: the simulator beside other servers that can stand in for an API, on the same work in one run.

The generator and the ways to start `serve` are those of ``simulator/benchmarks``; what is here installs and starts the
others, makes pairs of rounds, and writes docs/benchmarks.md.
"""

import sys
from pathlib import Path

#: The checkout's root, and where the simulator's own benchmarks are.
ROOT = Path(__file__).parents[3]
OURS = ROOT / "simulator" / "benchmarks"

if str(OURS) not in sys.path:
    sys.path.append(str(OURS))
