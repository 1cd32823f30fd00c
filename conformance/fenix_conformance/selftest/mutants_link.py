"""Faults of where the alarms lead to, whom they reach, which actions they offer and until when."""

# ruff: noqa: ARG002 - what overrides a method keeps its parameters

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fenix_conformance.selftest.courier import Alarm, Courier
from fenix_conformance.selftest.manners import Manners
from fenix_conformance.selftest.mutants_alarm import Says
from fenix_conformance.selftest.mutation import STUCK, UNTOLD, mutant
from fenix_contract.vocabulary import AlarmState, State

_DONE = str(AlarmState.INSTANCE_ACTION_DONE)


# ---- alarm-link


@mutant("alarm-link", "alarm-traits", "list-scoped", "list-current-state", *STUCK)
class LinkToNeighbour(Says):
    """instance_ids is the URL of another project."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"instance_ids": self.cloud.project_url(self.session_id, self.neighbour(project))}


@mutant("alarm-link", "alarm-traits", *UNTOLD)
class LinkToNoSession(Says):
    """instance_ids is the URL of a session that does not exist."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"instance_ids": self.cloud.project_url(str(uuid.UUID(int=7)), project)}


@mutant("alarm-link", "alarm-traits", *UNTOLD)
class LinkToSession(Says):
    """instance_ids is the session's URL, where there is no list."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"instance_ids": f"{self.cloud.url}/v1/maintenance/{self.session_id}"}


@mutant("alarm-link", "alarm-traits", *UNTOLD)
class LinkIsRelative(Says):
    """instance_ids and reply_url are paths, not URLs."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        path = f"/v1/maintenance/{self.session_id}/{project}"
        return {"instance_ids": path, "reply_url": path}


@mutant("alarm-link", "alarm-traits", "list-current-state", "reply-all", *STUCK)
class ReplyUrlOfNeighbour(Says):
    """reply_url is another project's."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"reply_url": self.cloud.project_url(self.session_id, self.neighbour(project))}


@mutant("alarm-link", "alarm-traits", *UNTOLD)
class PlannedNamesIds(Says):
    """In PLANNED instance_ids is the (short) list itself."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"instance_ids": self.listing(project)[:2]} if payload["state"] == State.PLANNED_MAINTENANCE else {}


# ---- alarm-addressed


@mutant("alarm-addressed", "alarm-traits", "alarm-link", "flow-once", "flow-complete", "flow-order", "action-done")
class AlarmToEverybody(Courier):
    """An alarm goes to every subscriber, whatever its project."""

    def is_meant(self, alarm: Alarm, project: str) -> bool:
        return super().is_meant(alarm | {"project_id": None}, project)


@mutant("alarm-addressed", "alarm-traits", "alarm-link", "flow-once", "flow-order", "action-done")
class PlannedToEverybody(Courier):
    """The alarms of PLANNED_MAINTENANCE go to every subscriber."""

    def deliver(self, project: str, payload: Mapping[str, Any]) -> None:
        super().deliver(project, payload)
        if payload["state"] == State.PLANNED_MAINTENANCE:
            with self.lock:
                others = {str(alarm["project_id"]) for alarm in self.alarms.values()} - {project}
            for other in sorted(others):
                super().deliver(other, payload)


@mutant("alarm-addressed", "alarm-traits", "action-done")
class DoneToNeighbour(Says):
    """INSTANCE_ACTION_DONE goes to another project as well."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {}

    def notify(self, project: str, payload: Mapping[str, Any]) -> None:
        super().notify(project, payload)
        if payload["state"] == _DONE:
            super().notify(self.neighbour(project), payload)


# ---- alarm-actions


@mutant("alarm-actions", "reply-action-allowed", *STUCK)
class PlannedOffersNothing(Says):
    """In PLANNED allowed_actions is empty."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"allowed_actions": []} if payload["state"] == State.PLANNED_MAINTENANCE else {}


@mutant("alarm-actions", "reply-action-allowed", *STUCK)
class PlannedWithoutActions(Says):
    """In PLANNED there are no allowed_actions."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"allowed_actions": None} if payload["state"] == State.PLANNED_MAINTENANCE else {}


@mutant("alarm-actions", "reply-action-allowed", *STUCK)
class PlannedOffersUnknown(Says):
    """In PLANNED allowed_actions has a word that nobody knows."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        unknown = [*payload["allowed_actions"], "EVACUATE"]
        return {"allowed_actions": unknown} if payload["state"] == State.PLANNED_MAINTENANCE else {}


@mutant("alarm-actions", "reply-action-allowed", *STUCK, manners=Manners(layout="prepare"))
class PrepareOffersNothing(Says):
    """In PREPARE allowed_actions is empty."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"allowed_actions": []} if payload["state"] == State.PREPARE_MAINTENANCE else {}


# ---- alarm-deadline

_TIMED = ("reply-needed", "reply-silence", "reply-all", "default-behaviour")


@mutant("alarm-deadline", *_TIMED)
class DeadlineIsPast(Says):
    """reply_at is the window before now, not after."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"reply_at": datetime.now(UTC) - timedelta(seconds=self.cloud.window)}


@mutant("alarm-deadline", *_TIMED)
class DeadlineInLocalTime(Says):
    """reply_at is in the local time of a place to the west."""

    def change(self, project: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        return {"reply_at": payload["reply_at"] - timedelta(hours=5)}
