"""The server under test over HTTP: the administrator's API, and the simulator's control API where there is one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

from fenix_vnfm import CloudClient, CloudInstance, Exchange, FenixClient, JsonClient

#: How far ahead a maintenance is announced at least: the simulator leaps over it, another server waits it out.
LEAD_SIMULATED = timedelta(hours=1)
LEAD = timedelta(seconds=0.25)

METADATA = {"openstack_release": "Queens"}


class Fenix:
    """Sessions as an administrator starts, sees and deletes them. ``client`` also sends replies for the projects."""

    def __init__(self, url: str, aodh_url: str | None = None, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        self.aodh_url = (aodh_url or url).rstrip("/")
        self.client = FenixClient(token=token, timeout=timedelta(seconds=10))

    def start_session(
        self, hosts: Sequence[str], lead: timedelta, metadata: Mapping[str, str] = METADATA
    ) -> tuple[str, datetime]:
        """Start a maintenance of these hosts (of all where there are none); the session's id and its begin."""
        at = (datetime.now(UTC) + lead).replace(microsecond=0) + timedelta(seconds=1)  # the wire has whole seconds
        body = {
            "hosts": list(hosts),
            "state": "MAINTENANCE",
            "maintenance_at": at.strftime("%Y-%m-%d %H:%M:%S"),
            "metadata": dict(metadata),
            "workflow": "default",
            "download": [],
            "actions": [],
        }
        exchange = self.client.request("POST", f"{self.url}/v1/maintenance", body)
        answer = exchange.json() if exchange.accepted else None
        session_id = answer.get("session_id") if isinstance(answer, dict) else None
        assert isinstance(session_id, str), f"no session was started: {exchange}"
        return session_id, at

    def state(self, session_id: str) -> str | None:
        """The session's workflow state; None where the server does not say, or does not answer."""
        exchange = self.client.request("GET", f"{self.url}/v1/maintenance/{quote(session_id, safe='')}")
        answer = exchange.json() if exchange.accepted else None
        state = answer.get("state") if isinstance(answer, dict) else None
        return state if isinstance(state, str) else None

    def delete_session(self, session_id: str) -> None:
        """Take a session away; one that is gone already is fine."""
        self.client.request("DELETE", f"{self.url}/v1/maintenance/{quote(session_id, safe='')}")

    def close(self) -> None:
        """Close the kept connections."""
        self.client.close()


class Control:
    """The simulator's control API: the cloud and the journal, for looking at."""

    def __init__(self, url: str) -> None:
        self._base = f"{url}/simulator/v1"
        self._client = JsonClient(timeout=timedelta(seconds=10))
        self.cloud = CloudClient(url)

    def session(self, session_id: str) -> Mapping[str, Any]:
        """A session in whole."""
        return self._get(f"/sessions/{quote(session_id, safe='')}")

    def hosts(self) -> Sequence[Mapping[str, Any]]:
        """The hosts: ``name``, ``vcpus``, ``free_vcpus``, ``instances`` (how many) and more."""
        hosts: list[Mapping[str, Any]] = self._get("/hosts")["hosts"]
        return hosts

    def instances(self, project_id: str) -> Sequence[CloudInstance]:
        """A project's instances."""
        return self.cloud.instances(project_id)

    def journal(self, session_id: str, entry_type: str) -> Sequence[Mapping[str, Any]]:
        """The ``data`` of the session's journal entries of a type, oldest first."""
        query = urlencode({"session_id": session_id, "type": entry_type, "limit": 10_000})
        return [entry["data"] for entry in self._get(f"/journal?{query}")["entries"]]

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()
        self.cloud.close()

    def _get(self, path: str) -> dict[str, Any]:
        exchange: Exchange = self._client.request("GET", self._base + path)
        answer = exchange.json() if exchange.accepted else None
        assert isinstance(answer, dict), f"the control API did not answer: {exchange}"
        return answer
