"""``python -m fenix_loadtest``."""

from fenix_loadtest.cli import main

main()
