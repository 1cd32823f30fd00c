"""From what happened in a session to the alarm that a subscriber is sent."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fenix_contract.alarm import (
    TEXT_LENGTH,
    TRAITS_DOCTOR,
    TRAITS_HOST,
    TRAITS_TACKER,
    Notification,
    TraitDefinition,
    alarm_body,
    encode,
    traits,
)
from fenix_contract.vocabulary import AlarmState, EventType, HostState
from fenix_simulator.domain.errors import MaintenanceError
from fenix_simulator.domain.messages import HostMaintained, HostMaintenanceStarted, ProjectNotified
from fenix_simulator.domain.rules import Dialect
from fenix_simulator.ports import Alarm
from fenix_simulator.subscriptions import Subscription

_log = logging.getLogger(__name__)

#: Whom an administrator's notifications belong to, as upstream has it.
ADMIN = "admin"

SERVICE = "fenix"


class TraitTooLong(MaintenanceError):
    """An id or a URL that Ceilometer would cut off, because a text trait holds 255 characters (422)."""


class AlarmBuilder:
    """Builds alarms; the same event and subscription at the same time give the same bytes.

    ``base_url`` is where the projects reach this server, without a slash at its end; a callable is asked each time,
    because the port may be known late. ``namespace`` is what ids and signatures are derived from.
    """

    def __init__(
        self,
        base_url: Callable[[], str] | str,
        *,
        namespace: uuid.UUID,
        dialect: Dialect = Dialect.MAP,
        event_type: str = EventType.SCHEDULED,
    ) -> None:
        """``event_type`` is that of the projects' notifications: Fenix's code emits ``maintenance.scheduled``, its
        documents say ``maintenance.planned``."""
        self._base_url = base_url
        self._namespace = namespace
        # The Fenix that speaks the newer dialect names its service in the payload, and has other trait definitions.
        self._per_instance = dialect is Dialect.PER_INSTANCE
        self._definitions = TRAITS_TACKER if self._per_instance else TRAITS_DOCTOR
        self._event_type = str(event_type)
        self._shortened: set[str] = set()

    def project_url(self, session_id: str, project_id: str, instance_id: str | None = None) -> str:
        """The URL of the project's instances and replies, as upstream writes it: no slash at the end."""
        base = self._base_url if isinstance(self._base_url, str) else self._base_url()
        parts = (session_id, project_id) if instance_id is None else (session_id, project_id, instance_id)
        return "/".join((base.rstrip("/"), "v1/maintenance", *(quote(part, safe="") for part in parts)))

    def check(self, session_id: str, project_id: str, instance_ids: Iterable[str] = ()) -> None:
        """Refuse what would not fit into an alarm's traits; meant for the creation of a session.

        ``instance_ids`` are those that the project may be told of one by one. Errors: TraitTooLong.
        """
        longest = max(instance_ids, key=len, default="")
        url = self.project_url(session_id, project_id, longest if longest and self._per_instance else None)
        for what, text in (
            ("session_id", session_id),
            ("project_id", project_id),
            ("instance_ids", str([longest])),
            ("reply_url", url),
        ):
            if len(text) > TEXT_LENGTH:
                raise TraitTooLong(
                    f"the alarm's {what} would have {len(text)} characters: {text[:60]}…",
                    expected=f"at most {TEXT_LENGTH} characters, which is what a trait of an alarm holds",
                    hint="use shorter ids or a shorter base URL",
                )

    def project_alarm(
        self,
        session_id: str,
        event: ProjectNotified,
        metadata: Mapping[str, str],
        subscription: Subscription,
        previous: str,
        now: datetime,
    ) -> Alarm:
        """The alarm that tells a project of a state.

        ``metadata`` is the session's, ``previous`` the alarm's state before it fired. The alarm goes to the first of
        the subscription's ``alarm_actions``.
        """
        link = self.project_url(session_id, event.project_id)
        instance_ids: str | list[str] = link
        reply_url = link
        if event.state is AlarmState.INSTANCE_ACTION_DONE:
            instance_ids, metadata = list(event.instance_ids), {}
        elif event.instance_id is not None and event.allowed_actions:
            instance_ids = [event.instance_id]
            reply_url = self.project_url(session_id, event.project_id, event.instance_id)
        payload: dict[str, Any] = {
            "project_id": event.project_id,
            "instance_ids": instance_ids,
            "allowed_actions": [str(action) for action in event.allowed_actions],
            "state": str(event.state),
            "actions_at": wire_time(event.actions_at) if event.actions_at else None,
            "reply_at": wire_time(event.reply_at) if event.reply_at else None,
            "session_id": session_id,
            "metadata": self._fitting(metadata, session_id),
            "reply_url": reply_url,
            "service": SERVICE if self._per_instance else None,
        }
        notification = Notification(self._event_type, payload)
        return self._alarm(notification, self._definitions, session_id, event.notification, subscription, previous, now)

    def host_alarm(
        self,
        session_id: str,
        event: HostMaintenanceStarted | HostMaintained,
        subscription: Subscription,
        previous: str,
        now: datetime,
    ) -> Alarm:
        """The alarm that tells an administrator of a host (``maintenance.host``); arguments as for a project's."""
        state = HostState.MAINTENANCE_COMPLETE if isinstance(event, HostMaintained) else HostState.IN_MAINTENANCE
        payload = {"project_id": ADMIN, "host": event.host, "state": str(state), "session_id": session_id}
        notification = Notification(str(EventType.HOST), payload)
        return self._alarm(notification, TRAITS_HOST, session_id, event.notification, subscription, previous, now)

    def _alarm(
        self,
        notification: Notification,
        definitions: Sequence[TraitDefinition],
        session_id: str,
        number: int,
        subscription: Subscription,
        previous: str,
        now: datetime,
    ) -> Alarm:
        name = f"{session_id}/{number}"
        target = subscription.alarm_actions[0]
        made = traits(notification.payload, definitions)
        message_id = str(uuid.uuid5(self._namespace, name))
        body = alarm_body(
            alarm_name=subscription.name,
            alarm_id=subscription.alarm_id,
            severity=subscription.severity,
            previous=previous,
            reason_query=list(subscription.query),
            message_id=message_id,
            event_type=notification.event_type,
            generated=now,
            traits=made,
            message_signature=sign(self._namespace.bytes, message_id, notification.event_type, now, made),
        )
        project_id = str(notification.payload["project_id"])
        return Alarm(
            # Order matters to one listener only: a second one of the same project must not wait for the first.
            key=f"{project_id} {target}",
            alarm_id=subscription.alarm_id,
            url=target,
            notification=name,
            state=str(notification.payload["state"]),
            body=encode(body),
            request_id=f"req-{uuid.uuid5(self._namespace, f'{name} {subscription.alarm_id} {target}')}",
            session_id=session_id,
            project_id=project_id,
            trusted=subscription.trusted,
        )

    def _fitting(self, metadata: Mapping[str, str], session_id: str) -> dict[str, str]:
        """As many entries of the metadata as a trait holds: cut off in the middle it could not be read at all."""
        fitting = dict(metadata)
        while len(str(fitting)) > TEXT_LENGTH:
            fitting.popitem()
        if len(fitting) < len(metadata) and session_id not in self._shortened:
            self._shortened.add(session_id)
            left_out = ", ".join(list(metadata)[len(fitting) :])
            _log.warning(
                "session %s: metadata does not fit into an alarm (%d characters); left out: %s",
                session_id,
                TEXT_LENGTH,
                left_out[:TEXT_LENGTH],
            )
        return fitting


def sign(key: bytes, message_id: str, event_type: str, generated: datetime, made: Sequence[Sequence[Any]]) -> str:
    """HMAC-SHA256 over an event with these traits, in hexadecimal, as Ceilometer signs with its secret."""
    event = json.dumps([message_id, event_type, generated.isoformat(), made])
    return hmac.new(key, event.encode(), hashlib.sha256).hexdigest()


def wire_time(instant: datetime) -> str:
    """``YYYY-MM-DD HH:MM:SS`` in UTC, as upstream puts instants into a notification."""
    return instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
