"""For ``locust -f loadtests/locustfile.py --host URL``: the same users and flags as ``fenix-loadtest``."""

from fenix_loadtest.locustfile import ProjectUser

__all__ = ["ProjectUser"]
