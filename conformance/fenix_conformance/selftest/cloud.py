"""What the reference server's sessions share: the subscriptions, the reply window, the address."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from fenix_conformance.selftest.courier import Courier, plain
from fenix_conformance.selftest.inventory import build
from fenix_conformance.selftest.manners import Manners
from fenix_conformance.selftest.question import Refused
from fenix_conformance.selftest.reference import Session
from fenix_contract.vocabulary import State


class Cloud:
    """Makes, finds and ends sessions; ``window`` is the reply window in seconds."""

    def __init__(self, manners: Manners, courier: Courier, session_type: type[Session], window: float) -> None:
        self.manners = manners
        self.courier = courier
        self.session_type = session_type
        self.window = window
        self.url = ""
        self.sessions: dict[str, Session] = {}
        self.lock = threading.Lock()
        inventory = build(manners.layout, opaque_ids=manners.opaque_ids)
        self.hosts = inventory.hosts
        self.projects = tuple(dict.fromkeys(inventory.owner.values()))

    def project_url(self, session_id: str, project: str) -> str:
        return f"{self.url}/v1/maintenance/{session_id}/{project}{'/' if self.manners.url_slash else ''}"

    def create(self, request: Mapping[str, Any]) -> Session:
        """Start a session as the admin API asks; raises Refused with 400."""
        hosts, metadata = request.get("hosts") or self.hosts, request.get("metadata", {})
        if not isinstance(hosts, (list, tuple)) or not set(plain(hosts)) <= set(self.hosts):
            raise Refused(400, f"hosts is a list of {', '.join(self.hosts)}; an empty one means all")
        if not isinstance(metadata, dict) or request.get("state", State.MAINTENANCE) != State.MAINTENANCE:
            raise Refused(400, "metadata is an object, and state is MAINTENANCE")
        try:
            text = request.get("maintenance_at") or datetime.now(UTC).isoformat()
            moment = datetime.fromisoformat(text)
            moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (TypeError, ValueError, OverflowError) as error:
            raise Refused(400, "maintenance_at is YYYY-MM-DD HH:MM:SS, in UTC") from error
        with self.lock:
            word = f"session-{len(self.sessions) + 1}-of-{uuid.uuid4().hex[:4]}"
            session_id = word if self.manners.session_ids == "word" else str(uuid.uuid4())
            session = self.sessions[session_id] = self.session_type(self, session_id, hosts, moment, metadata)
        threading.Thread(target=session.run, name=session_id, daemon=True).start()
        return session

    def session(self, session_id: str) -> Session:
        with self.lock:
            session = self.sessions.get(session_id)
        if session is None:
            raise Refused(self.manners.unknown, f"there is no session {session_id}")
        return session

    def delete(self, session_id: str) -> None:
        session = self.session(session_id)
        with self.lock:
            self.sessions.pop(session_id, None)
        session.leave()

    def stop(self) -> None:
        with self.lock:
            sessions = list(self.sessions.values())
        for session in sessions:
            session.leave()
        self.courier.stop()
