"""``python -m fenix_vnfm``."""

from fenix_vnfm.cli import main

main()
