"""The two other surfaces that a server is played with: Fenix's admin API and Aodh's alarm API."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from fenix_conformance.server.exchange import Client, Exchange
from fenix_contract.vocabulary import EventType, State


def _member(exchange: Exchange, name: str) -> Any:
    """A member of the answer's object, None when it is none or the answer is not 2xx."""
    if not exchange.is_accepted:
        return None
    try:
        document = exchange.json()
    except ValueError:
        return None
    return document.get(name) if isinstance(document, dict) else None


class Admin:
    """Starts, looks at and deletes sessions."""

    def __init__(self, client: Client, root: str) -> None:
        self._client = client
        self._root = f"{root}/v1/maintenance"

    def create(self, maintenance_at: datetime, metadata: Mapping[str, str]) -> tuple[str | None, Exchange]:
        """Start a session over every host; its id, None when it was refused."""
        exchange = self._client.send_json(
            "POST",
            self._root,
            {
                "hosts": [],
                "state": State.MAINTENANCE,
                "maintenance_at": f"{maintenance_at:%Y-%m-%d %H:%M:%S}",
                "metadata": dict(metadata),
                "workflow": "default",
                "download": [],
                "actions": [],
            },
            note="start a session",
        )
        session_id = _member(exchange, "session_id")
        return (session_id if isinstance(session_id, str) and session_id else None), exchange

    def state(self, session_id: str) -> tuple[str | None, Exchange]:
        """The session's workflow state, None when it is not given."""
        exchange = self._client.send("GET", f"{self._root}/{session_id}", note="look at the session", timeout=10)
        state = _member(exchange, "state")
        return (state if isinstance(state, str) else None), exchange

    def delete(self, session_id: str) -> Exchange:
        """Take the session away again."""
        return self._client.send("DELETE", f"{self._root}/{session_id}", note="delete the session", timeout=10)


class Aodh:
    """Subscribes a project's alarm URL, as an administrator may for any project."""

    def __init__(self, client: Client, root: str) -> None:
        self._client = client
        self._root = f"{root}/v2/alarms"

    def subscribe(self, project: str | None, event_type: EventType, url: str) -> tuple[str | None, Exchange]:
        """Create an event alarm; its id, None when it was refused. ``project`` None: whatever the server takes."""
        body: dict[str, Any] = {
            "name": f"conformance-{event_type}-{project or 'any'}",
            "type": "event",
            "event_rule": {"event_type": event_type, "query": []},
            "alarm_actions": [url],
            "repeat_actions": True,
            "severity": "low",
        }
        if project is not None:
            body["project_id"] = project
        exchange = self._client.send_json("POST", self._root, body, note="subscribe")
        alarm_id = _member(exchange, "alarm_id")
        return (alarm_id if isinstance(alarm_id, str) and alarm_id else None), exchange

    def unsubscribe(self, alarm_id: str) -> Exchange:
        """Delete an alarm again."""
        return self._client.send("DELETE", f"{self._root}/{alarm_id}", note="unsubscribe", timeout=10)
