"""The second layer: requests generated from openapi.yaml."""

from __future__ import annotations

from typing import Final

from fenix_conformance.server.judging import Case
from fenix_conformance.server.lab import Lab

#: What generated requests may find broken.
REQUIREMENTS: Final = ("list-shape", "list-json", "list-unknown", "reply-malformed", "reply-unknown", "methods")


def generate(lab: Lab, case: Case) -> None:
    """Send them."""
