"""Faults of which paths and methods are served, of unknown ids, and of how soon the list comes."""

# ruff: noqa: ARG002 - what overrides a method keeps its parameters

from __future__ import annotations

import threading

from fenix_conformance.selftest.cloud import Cloud
from fenix_conformance.selftest.mutation import mutant
from fenix_conformance.selftest.question import Refused
from fenix_conformance.selftest.reference_api import Answer, Api, Request, Table, as_json


def _crash() -> Answer:
    return Answer(500, b"<h1>Internal Server Error</h1>", {"Content-Type": "text/html"})


# ---- list-both-paths, list-unknown, list-prompt


@mutant("list-both-paths", "reply-unknown", "methods")
class SlashIsNotFound(Api):
    """The published path, with its slash, is 404."""

    def project_with_slash(self, request: Request, session_id: str, project: str) -> Table:
        raise Refused(404, "there is nothing at this path")


@mutant("list-both-paths", "list-shape", "list-unknown", "reply-unknown")
class SlashIsEmpty(Api):
    """The published path, with its slash, gives an empty object."""

    def project_with_slash(self, request: Request, session_id: str, project: str) -> Table:
        return {"GET": lambda: as_json({}), "PUT": lambda: as_json({})}


@mutant("list-both-paths", "list-unknown", "reply-unknown", "methods")
class SlashRedirectsToNowhere(Api):
    """The published path redirects to the session's, where there is no list."""

    def project_with_slash(self, request: Request, session_id: str, project: str) -> Table:
        redirect = Answer(308, headers={"Location": f"/v1/maintenance/{session_id}"})
        return {"GET": lambda: redirect, "PUT": lambda: redirect}


@mutant("list-unknown", "list-shape")
class UnknownSessionIsNull(Api):
    """The list of an unknown session is 200 null."""

    def get_list(self, session_id: str, project: str) -> Answer:
        return super().get_list(session_id, project) if session_id in self.cloud.sessions else as_json(None)


@mutant("list-unknown")
class UnknownSessionIsEmpty(Api):
    """The list of an unknown session is 200 and empty."""

    def get_list(self, session_id: str, project: str) -> Answer:
        known = session_id in self.cloud.sessions
        return super().get_list(session_id, project) if known else as_json(self.represent([]))


@mutant("list-unknown")
class UnknownProjectCrashes(Api):
    """The list of an unknown project is 500."""

    def get_list(self, session_id: str, project: str) -> Answer:
        return super().get_list(session_id, project) if project in self.cloud.projects else _crash()


@mutant("list-prompt", least_window=8.0)
class FirstGetIsSlow(Api):
    """The first GET of each session and project takes more than 5 s."""

    def __init__(self, cloud: Cloud) -> None:
        super().__init__(cloud)
        self._seen: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def get_list(self, session_id: str, project: str) -> Answer:
        with self._lock:
            is_first = (session_id, project) not in self._seen
            self._seen.add((session_id, project))
        if is_first:
            self.cloud.courier.stopped.wait(5.4)
        return super().get_list(session_id, project)


# ---- methods


@mutant("methods")
class OtherMethodsCrash(Api):
    """A method that is not served is 500."""

    def refuse_method(self, request: Request, allowed: str) -> Answer:
        return _crash()


@mutant("methods")
class OtherMethodsWithoutAllow(Api):
    """405 comes without Allow."""

    def refuse_method(self, request: Request, allowed: str) -> Answer:
        return self.refusal(Refused(405, "not served here"))


@mutant("methods")
class OtherMethodsNotFound(Api):
    """A method that is not served is 404."""

    def refuse_method(self, request: Request, allowed: str) -> Answer:
        return self.refusal(Refused(404, "there is nothing at this path"))


@mutant("methods")
class PatchNotImplemented(Api):
    """PATCH is 501."""

    def refuse_method(self, request: Request, allowed: str) -> Answer:
        return Answer(501) if request.method == "PATCH" else super().refuse_method(request, allowed)


@mutant("methods")
class DeleteIsServed(Api):
    """DELETE on the project's URL is 200."""

    def refuse_method(self, request: Request, allowed: str) -> Answer:
        return as_json({}) if request.method == "DELETE" else super().refuse_method(request, allowed)
