"""Bytes per instance of a cloud of a million, and of one session's copy of it.

python simulator/benchmarks/memory.py [INSTANCES]
"""

from __future__ import annotations

import sys
from pathlib import Path

from fenix_simulator.domain.cloud import Cloud
from fenix_simulator.inventory import generate

PAGE = 4096


def resident() -> int:
    """The process's resident bytes."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE


def main(instances: int) -> None:
    """Build, copy and tell."""
    projects = max(1, instances // 1_000)
    generate(1, 10, None, 2, 2, 1)
    before = resident()
    inventory = generate(1, max(10, instances // 100), None, projects, instances // projects, 1)
    records = resident()
    cloud = Cloud(inventory.hosts, inventory.instances)
    indexed = resident()
    copy = cloud.copy()
    copied = resident()
    print(f"{len(cloud)} instances on {len(cloud.hosts)} hosts in {projects} projects, bytes per instance:")
    print(f"  records {(records - before) / instances:.0f}, with indexes {(indexed - before) / instances:.0f}")
    print(f"  a session's copy {(copied - indexed) / instances:.0f} more ({len(copy)} instances)")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
