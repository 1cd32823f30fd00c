"""Subscribing a project's URL at Aodh's API (v2), as a VNFM's deployment does."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from fenix_contract.vocabulary import EventType
from fenix_vnfm.client import Exchange, JsonClient


class SubscriptionError(Exception):
    """Aodh did not make the alarm; ``exchange`` is the request and its answer."""

    def __init__(self, exchange: Exchange) -> None:
        answer = " ".join(exchange.body[:200].decode(errors="replace").split())
        super().__init__(f"cannot subscribe: {exchange}{answer and f', {answer}'}")
        self.exchange = exchange


def subscribe(
    aodh_url: str,
    project_id: str | None,
    alarm_url: str,
    token: str | None = None,
    *,
    event_type: str = EventType.SCHEDULED,
) -> str:
    """Make an event alarm for ``event_type`` (a pattern) that POSTs to ``alarm_url``, and give its id.

    It fires every time (``repeat_actions``). ``project_id`` None leaves the project to the token. Raises
    SubscriptionError.
    """
    alarm: dict[str, Any] = {
        "name": f"fenix-vnfm {project_id or ''} {event_type}".replace("  ", " "),
        "type": "event",
        "event_rule": {"event_type": str(event_type), "query": []},
        "alarm_actions": [alarm_url],
        "repeat_actions": True,
    }
    if project_id is not None:
        alarm["project_id"] = project_id
    exchange = _send("POST", f"{aodh_url.rstrip('/')}/v2/alarms", token, alarm)
    answer = exchange.json() if exchange.accepted else None
    alarm_id = answer.get("alarm_id") if isinstance(answer, dict) else None
    if not isinstance(alarm_id, str):
        raise SubscriptionError(exchange)
    return alarm_id


def unsubscribe(aodh_url: str, alarm_id: str, token: str | None = None) -> bool:
    """Delete the alarm; whether it is gone."""
    exchange = _send("DELETE", f"{aodh_url.rstrip('/')}/v2/alarms/{quote(alarm_id, safe='')}", token)
    return exchange.accepted or exchange.status == 404


def _send(method: str, url: str, token: str | None, body: object = None) -> Exchange:
    client = JsonClient(token=token)
    try:
        return client.request(method, url, body)
    finally:
        client.close()
