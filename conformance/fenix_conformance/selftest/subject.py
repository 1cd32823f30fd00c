"""What a server to be judged is made of: the reference's parts, some of them exchanged."""

from __future__ import annotations

from dataclasses import dataclass

from fenix_conformance.selftest.courier import Courier
from fenix_conformance.selftest.manners import Manners
from fenix_conformance.selftest.reference import Session
from fenix_conformance.selftest.reference_api import Api


@dataclass(frozen=True, slots=True)
class Subject:
    """``breaks``: ids of the requirements that may fail because of it, the first of which must; a correct one has none.

    ``least_window`` is the shortest reply window, in seconds, in which the subject shows what it is for.
    """

    name: str
    description: str = "the reference server"
    breaks: tuple[str, ...] = ()
    manners: Manners = Manners()
    session: type[Session] = Session
    courier: type[Courier] = Courier
    api: type[Api] = Api
    least_window: float = 0.0
