"""The server under test as an administrator and a project's deployment see it: sessions, and Aodh's subscriptions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from fenix_contract.vocabulary import EventType
from fenix_vnfm.client import Exchange, FenixClient
from fenix_vnfm.subscribe import SubscriptionError, subscribe, unsubscribe

#: What a project is subscribed for: the first is in upstream's code, the second in its documents.
EVENT_TYPES = (EventType.SCHEDULED, EventType.PLANNED)


class SetUpError(Exception):
    """The server could not be reached, or refuses what the load test needs; the message is one line for people."""


class Admin:
    """Starts, sees and deletes sessions; subscribes projects and takes the subscriptions away again."""

    def __init__(self, url: str, aodh_url: str | None, token: str | None, timeout: float) -> None:
        self._url = url.rstrip("/")
        self._aodh_url = (aodh_url or url).rstrip("/")
        self._token = token
        self.client = FenixClient(token=token, timeout=timedelta(seconds=timeout))
        self._alarm_ids: list[str] = []

    def knock(self) -> None:
        """See whether anybody answers, whatever the answer. Raises SetUpError."""
        exchange = self.client.request("GET", f"{self._url}/v1/maintenance")
        if exchange.status is None:
            raise SetUpError(f"the server could not be reached: {exchange}")

    def start_session(self, lead: float) -> tuple[str, float]:
        """Start a maintenance of all hosts; the session's id and the seconds until its begin. Raises SetUpError."""
        now = datetime.now(UTC)
        # The wire has whole seconds.
        begins = (now + timedelta(seconds=lead)).replace(microsecond=0) + timedelta(seconds=1)
        body = {
            "hosts": [],
            "state": "MAINTENANCE",
            "maintenance_at": begins.strftime("%Y-%m-%d %H:%M:%S"),
            "metadata": {"started_by": "fenix-loadtest"},
            "workflow": "default",
            "download": [],
            "actions": [],
        }
        exchange = self.client.request("POST", f"{self._url}/v1/maintenance", body)
        answer = exchange.json() if exchange.accepted else None
        session_id = answer.get("session_id") if isinstance(answer, dict) else None
        if not isinstance(session_id, str) or not session_id:
            raise SetUpError(f"no session could be started: {exchange}{_excerpt(exchange)}")
        return session_id, (begins - now).total_seconds()

    def state(self, session_id: str, otherwise: str) -> str | None:
        """The session's state; None where the session is gone, ``otherwise`` where the server does not say."""
        exchange = self.client.request("GET", f"{self._url}/v1/maintenance/{quote(session_id, safe='')}")
        if exchange.status == 404:
            return None
        answer = exchange.json() if exchange.accepted else None
        state = answer.get("state") if isinstance(answer, dict) else None
        return state if isinstance(state, str) else otherwise

    def delete_session(self, session_id: str) -> bool:
        """Take a session away; whether it is gone."""
        exchange = self.client.request("DELETE", f"{self._url}/v1/maintenance/{quote(session_id, safe='')}")
        return exchange.accepted or exchange.status == 404

    def subscribe(self, projects: Sequence[str | None], alarm_url: str) -> None:
        """Subscribe each project (None: whatever the token sees) for ``alarm_url``. Raises SetUpError."""
        for project in projects:
            for event_type in EVENT_TYPES:
                try:
                    alarm_id = subscribe(self._aodh_url, project, alarm_url, self._token, event_type=event_type)
                except SubscriptionError as error:
                    raise SetUpError(str(error)) from error
                self._alarm_ids.append(alarm_id)

    def unsubscribe(self) -> list[str]:
        """Take the subscriptions away; those that could not be."""
        left = [one for one in self._alarm_ids if not unsubscribe(self._aodh_url, one, self._token)]
        self._alarm_ids = []
        return left

    def close(self) -> None:
        """Close the kept connections."""
        self.client.close()


def _excerpt(exchange: Exchange) -> str:
    text = " ".join(exchange.body[:200].decode(errors="replace").split())
    return text and f", {text}"
