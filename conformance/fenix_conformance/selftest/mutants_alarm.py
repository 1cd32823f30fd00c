"""Faults of the alarms: their form, what they say, whom they reach."""

# ruff: noqa: ARG002 - what overrides a method keeps its parameters

from __future__ import annotations

import json
import uuid
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fenix_conformance.selftest.courier import Alarm, Courier
from fenix_conformance.selftest.mutation import STUCK, UNTOLD, mutant
from fenix_conformance.selftest.question import Question
from fenix_conformance.selftest.reference import Session
from fenix_contract.vocabulary import State


class Says(Session, ABC):
    """Changes what an alarm about a state says; ``change`` gets the payload that the reference would send."""

    def payload(self, project: str, question: Question) -> dict[str, Any]:
        payload = super().payload(project, question)
        return payload | self.change(project, payload)

    @abstractmethod
    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """What the payload has in place of its own."""

    def neighbour(self, project: str) -> str:
        """Another project, always the same one."""
        projects = self.projects
        return projects[(projects.index(project) + 1) % len(projects)]


# ---- alarm-format


@mutant("alarm-format", *UNTOLD)
class TraitsAsObject(Courier):
    """The traits are an object, not a list of triples."""

    def traits(self, payload: Mapping[str, Any]) -> Any:
        return {name: value for name, _, value in super().traits(payload)}


@mutant("alarm-format", *UNTOLD)
class TraitsWithoutType(Courier):
    """A trait is a pair without its type."""

    def traits(self, payload: Mapping[str, Any]) -> Any:
        return [[name, value] for name, _, value in super().traits(payload)]


@mutant("alarm-format", *UNTOLD)
class EventNotInReasonData(Courier):
    """The event is a member of the alarm itself, and there is no reason_data."""

    def body(self, alarm: Alarm, previous: str, traits: Any) -> dict[str, Any]:
        body = super().body(alarm, previous, traits)
        return body | {"event": body.pop("reason_data")["event"]}


@mutant("alarm-format", *UNTOLD)
class ReasonDataAsText(Courier):
    """reason_data is JSON within a text."""

    def body(self, alarm: Alarm, previous: str, traits: Any) -> dict[str, Any]:
        body = super().body(alarm, previous, traits)
        return body | {"reason_data": json.dumps(body["reason_data"])}


@mutant("alarm-format", *UNTOLD)
class AlarmWithoutId(Courier):
    """An alarm has no alarm_id."""

    def body(self, alarm: Alarm, previous: str, traits: Any) -> dict[str, Any]:
        body = super().body(alarm, previous, traits)
        del body["alarm_id"]
        return body


@mutant("alarm-format", *UNTOLD)
class AlarmAsForm(Courier):
    """An alarm is form-encoded."""

    def content_type(self) -> str:
        return "application/x-www-form-urlencoded"

    def encode(self, body: Mapping[str, Any]) -> bytes:
        return urlencode(body).encode()


@mutant("alarm-format")
class OneMessageIdForAll(Courier):
    """Every alarm to a project has the same message_id."""

    def body(self, alarm: Alarm, previous: str, traits: Any) -> dict[str, Any]:
        body = super().body(alarm, previous, traits)
        body["reason_data"]["event"]["message_id"] = str(uuid.uuid5(uuid.NAMESPACE_URL, alarm["alarm_id"]))
        return body


# ---- alarm-traits


@mutant("alarm-traits", "alarm-link", "flow-order", *STUCK)
class NoReplyUrl(Says):
    """There is no reply_url."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"reply_url": None}


@mutant("alarm-traits", "alarm-link", "sessions-independent", *UNTOLD)
class NoSessionId(Says):
    """There is no session_id."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"session_id": None}


@mutant("alarm-traits", "sessions-independent", *UNTOLD)
class OtherSessionId(Says):
    """session_id is not the session's."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"session_id": str(uuid.uuid5(uuid.NAMESPACE_OID, self.session_id))}


@mutant("alarm-traits", *UNTOLD)
class NoState(Says):
    """There is no state."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"state": None}


@mutant("alarm-traits", *UNTOLD)
class UnknownState(Says):
    """PLANNED_MAINTENANCE is told in a word of no table."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"state": "ADMIN_ACTION"} if payload["state"] == State.PLANNED_MAINTENANCE else {}


@mutant("alarm-traits", *UNTOLD)
class LowerCaseState(Says):
    """The state is in lower case."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"state": str(payload["state"]).lower()}


@mutant("alarm-traits", "alarm-addressed", "alarm-link")
class ProjectOfNeighbour(Says):
    """project_id is another project's."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"project_id": self.neighbour(project)}


@mutant("alarm-traits", *UNTOLD)
class NoInstanceIds(Says):
    """There are no instance_ids."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"instance_ids": None}


# ---- alarm-length


@mutant("alarm-length")
class LongTrait(Courier):
    """A trait of its own has 300 characters."""

    def traits(self, payload: Mapping[str, Any]) -> Any:
        return [*super().traits(payload), ["description", 1, "maintenance " * 25]]


class _Uncropped(Courier):
    """Does not crop a text."""

    def text(self, value: object) -> str:
        return str(value)


@mutant("alarm-length", "alarm-link", *UNTOLD, courier=_Uncropped)
class InlinedIds(Says):
    """In MAINTENANCE instance_ids is the list itself, which is longer than a trait may be."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"instance_ids": self.listing(project)} if payload["state"] == State.MAINTENANCE else {}


@mutant("alarm-length")
class MetadataUncropped(_Uncropped):
    """Metadata is sent whole, however long."""
