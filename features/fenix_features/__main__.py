"""``python -m fenix_features``."""

from fenix_features.run import main

main(prog_name="fenix-features")
