"""Faults of PUT on the project's URL: what is answered, and what is taken for a reply."""

# ruff: noqa: ARG002 - what overrides a method keeps its parameters

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fenix_conformance.selftest.mutation import mutant
from fenix_conformance.selftest.question import WORDS, Question, Refused, Reply
from fenix_conformance.selftest.reference import Session
from fenix_conformance.selftest.reference_api import Answer, Api, Request, as_json
from fenix_contract.vocabulary import REPLY_STATES

#: Requirements whose check awaits 200 on some reply.
_OK = ("reply-repeat", "reply-extra-members", "reply-concurrent", "reply-advances")

# ---- reply-200


@mutant("reply-200", *_OK)
class ReplyIs201(Api):
    """A reply is answered 201."""

    def accepted(self, body: Mapping[str, Any]) -> Answer:
        return as_json(body, 201)


@mutant("reply-200", *_OK)
class ReplyIs202(Api):
    """A reply is answered 202."""

    def accepted(self, body: Mapping[str, Any]) -> Answer:
        return as_json(body, 202)


@mutant("reply-200", *_OK)
class ReplyIs204(Api):
    """A reply is answered 204."""

    def accepted(self, body: Mapping[str, Any]) -> Answer:
        return Answer(204)


@mutant("reply-200", *_OK)
class CompleteIs204(Api):
    """Only the reply to MAINTENANCE_COMPLETE is answered 204."""

    def accepted(self, body: Mapping[str, Any]) -> Answer:
        return Answer(204) if body["state"] == "ACK_MAINTENANCE_COMPLETE" else super().accepted(body)


@mutant("reply-200", "reply-nack")
class NackIsRefused(Session):
    """NACK is answered 422, as if it were no reply."""

    def check(self, project: str, reply: Reply, question: Question) -> None:
        if reply.word.startswith("NACK_"):
            raise Refused(422, "that is no reply")
        super().check(project, reply, question)


@mutant("reply-200")
class ActionsAlwaysNeeded(Session):
    """A reply without instance_actions is 422, also where no actions are asked for."""

    def read(self, body: Mapping[str, Any]) -> Reply:
        if "instance_actions" not in body:
            raise Refused(422, "instance_actions is missing")
        return super().read(body)


# ---- reply-other-state


class _Generous(Session):
    """Takes any actions, so that what is wrong with a reply's ``state`` does not fail by them."""

    def check_actions(self, actions: Mapping[str, str], instances: Sequence[str]) -> None:
        return

    def acknowledgement(self) -> str:
        return f"ACK_{self.question.state}"


@mutant("reply-other-state", "reply-needed")
class StaleAckCounts(_Generous):
    """The ACK of an earlier state counts in this one."""

    def word(self, body: Mapping[str, Any]) -> Any:
        earlier = REPLY_STATES[: REPLY_STATES.index(self.question.state)]
        word = super().word(body)
        return self.acknowledgement() if word in {f"ACK_{state}" for state in earlier} else word


@mutant("reply-other-state", "reply-needed")
class FutureAckCounts(_Generous):
    """The ACK of a later state counts in this one."""

    def word(self, body: Mapping[str, Any]) -> Any:
        later = REPLY_STATES[REPLY_STATES.index(self.question.state) + 1 :]
        word = super().word(body)
        return self.acknowledgement() if word in {f"ACK_{state}" for state in later} else word


@mutant("reply-other-state", "reply-needed", "reply-malformed")
class LowerCaseAckCounts(_Generous):
    """Case does not matter in a reply's state."""

    def word(self, body: Mapping[str, Any]) -> Any:
        word = super().word(body)
        return word.upper() if isinstance(word, str) else word


@mutant("reply-other-state", "reply-needed", "reply-malformed")
class BareStateCounts(_Generous):
    """The state without a prefix counts as its ACK."""

    def word(self, body: Mapping[str, Any]) -> Any:
        word = super().word(body)
        return self.acknowledgement() if word == self.question.state else word


@mutant("reply-other-state", "reply-needed", "reply-malformed")
class UnknownPrefixCounts(_Generous):
    """Any prefix but NACK_ counts as ACK_."""

    def word(self, body: Mapping[str, Any]) -> Any:
        word = super().word(body)
        is_suffixed = isinstance(word, str) and word.endswith(f"_{self.question.state}")
        return self.acknowledgement() if is_suffixed and not word.startswith("NACK_") else word


@mutant("reply-other-state", "reply-needed", "reply-malformed")
class MissingStateCounts(_Generous):
    """A reply without a state counts as ACK."""

    def word(self, body: Mapping[str, Any]) -> Any:
        return super().word(body) if "state" in body else self.acknowledgement()


@mutant("reply-other-state", "reply-needed", "reply-malformed")
class AnyTextCounts(_Generous):
    """Whatever is not NACK counts as ACK."""

    def word(self, body: Mapping[str, Any]) -> Any:
        word = super().word(body)
        return self.acknowledgement() if isinstance(word, str) and word not in WORDS else word


# ---- reply-malformed, reply-unknown


@mutant("reply-malformed")
class MalformedCrashes(Api):
    """A body that is not JSON is 500."""

    def parse(self, request: Request) -> dict[str, Any]:
        try:
            return super().parse(request)
        except Refused as refused:
            raise Refused(500, "Unknown Error") from refused


@mutant("reply-malformed", "reply-other-state")
class ArrayIsAccepted(Api):
    """A body that is a JSON array is answered 200 and not looked at."""

    def put_reply(self, request: Request, session_id: str, project: str) -> Answer:
        if request.body.lstrip().startswith(b"["):
            return as_json([])
        return super().put_reply(request, session_id, project)


@mutant("reply-malformed", "reply-other-state")
class EmptyBodyIsAccepted(Api):
    """An empty body is answered 200."""

    def put_reply(self, request: Request, session_id: str, project: str) -> Answer:
        return super().put_reply(request, session_id, project) if request.body.strip() else as_json({})


@mutant("reply-malformed", "reply-other-state")
class WrongTypesCrash(Session):
    """A state or actions of a wrong type are 500."""

    def read(self, body: Mapping[str, Any]) -> Reply:
        try:
            return super().read(body)
        except Refused as refused:
            raise Refused(500, "AttributeError") from refused


@mutant("reply-malformed", "reply-other-state", "reply-needed", "reply-all")
class MalformedCounts(Api):
    """A body that is not JSON is 400, but counts as ACK nevertheless."""

    def put_reply(self, request: Request, session_id: str, project: str) -> Answer:
        try:
            json.loads(request.body)
        except ValueError:
            session = self.cloud.session(session_id)
            with session.changed:
                reply = Reply(f"ACK_{session.question.state}", {})
                session.question.replies.setdefault(project, reply)
                session.changed.notify_all()
        return super().put_reply(request, session_id, project)


@mutant("reply-unknown")
class UnknownSessionTakesReplies(Api):
    """A reply to an unknown session is answered 200."""

    def put_reply(self, request: Request, session_id: str, project: str) -> Answer:
        known = session_id in self.cloud.sessions
        return super().put_reply(request, session_id, project) if known else as_json({})


@mutant("reply-unknown")
class UnknownProjectCrashesOnPut(Api):
    """A reply of an unknown project is 500."""

    def put_reply(self, request: Request, session_id: str, project: str) -> Answer:
        known = project in self.cloud.projects
        return super().put_reply(request, session_id, project) if known else Answer(500)
