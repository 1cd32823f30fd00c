"""``python -m fenix_simulator``."""

from fenix_simulator.cli import main

main(prog_name="fenix-simulator")
