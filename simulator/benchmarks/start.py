"""How long `fenix-simulator serve` takes to its first answer, and what it holds then.

python simulator/benchmarks/start.py [RUNS]
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
import urllib.request
from pathlib import Path


def once() -> tuple[float, float, float]:
    """(seconds to the first 200, CPU seconds until then, resident MB)."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "fenix_simulator", "serve", "--port", "0", "--format", "json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        url = json.loads(process.stdout.readline())["url"]
        with urllib.request.urlopen(f"{url}/v1/maintenance", timeout=10) as answer:
            assert answer.status == 200
        took = time.perf_counter() - began
        fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
        cpu = (int(fields[11]) + int(fields[12])) / 100
        resident = int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * 4096 / 1e6
        process.terminate()
    return took, cpu, resident


def main(runs: int) -> None:
    """Medians of some runs."""
    took, cpu, resident = zip(*(once() for _ in range(runs)), strict=True)
    print(
        f"first 200 after {statistics.median(took):.2f} s (of {runs}: {min(took):.2f} to {max(took):.2f}), "
        f"{statistics.median(cpu):.2f} s CPU, {statistics.median(resident):.0f} MB resident"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
