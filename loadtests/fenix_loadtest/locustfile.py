"""The locustfile: ``locust -f`` reads it, ``fenix-loadtest`` runs it."""

# locust comes first: it makes the standard library cooperative for all that is imported after it.
from locust import events  # noqa: F401

from fenix_loadtest import hooks  # noqa: F401
from fenix_loadtest.users import ProjectUser

__all__ = ["ProjectUser"]
