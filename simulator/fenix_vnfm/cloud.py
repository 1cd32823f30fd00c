"""The project's hands in the cloud: the simulator's control API stands where Nova or Kubernetes would."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from fenix_vnfm.client import Exchange, JsonClient

#: Where a simulator has its control API.
PREFIX = "/simulator/v1"


class CloudError(Exception):
    """The cloud did not do what was asked; ``exchange`` is the request and its answer."""

    def __init__(self, exchange: Exchange) -> None:
        answer = exchange.json()
        detail = answer.get("detail") if isinstance(answer, dict) else None
        super().__init__(f"{exchange}{f', {detail}' if detail else ''}")
        self.exchange = exchange


@dataclass(frozen=True, slots=True)
class CloudInstance:
    """An instance as the cloud lists it."""

    instance_id: str
    project_id: str
    name: str
    vcpus: int
    host: str = ""
    flavor: str = ""
    floating_ip: bool = False


class Cloud(Protocol):
    """What a project can do with its own instances. Every method raises CloudError."""

    def instances(self, project_id: str) -> Sequence[CloudInstance]:
        """The project's instances."""
        ...

    def remove(self, instance_id: str) -> None:
        """Delete an instance; one that is gone already is fine."""
        ...

    def add(self, project_id: str, *, name: str, vcpus: int, flavor: str = "", floating_ip: bool = False) -> None:
        """Create an instance."""
        ...

    def move(self, instance_id: str) -> None:
        """Move an instance to another host."""
        ...


class CloudClient:
    """A ``Cloud`` over the control API at ``control_url`` (with or without ``/simulator/v1``).

    Each request is sent once; ``CloudError.exchange`` tells whether another try may help.
    """

    def __init__(self, control_url: str, *, token: str | None = None, client: JsonClient | None = None) -> None:
        self._base = control_url.rstrip("/").removesuffix(PREFIX) + PREFIX
        self._client = client or JsonClient(token=token)

    def instances(self, project_id: str) -> Sequence[CloudInstance]:
        """The project's instances, page by page."""
        found: list[CloudInstance] = []
        asked = {"project_id": project_id}
        while True:
            exchange = self._client.request("GET", f"{self._base}/instances?{urlencode(asked)}")
            answer = exchange.json() if exchange.accepted else None
            listed = answer.get("instances") if isinstance(answer, dict) else None
            if not isinstance(listed, list):
                raise CloudError(exchange)
            found.extend(_instance(item) for item in listed if isinstance(item, dict) and "instance_id" in item)
            marker = answer.get("next") if isinstance(answer, dict) else None
            if not listed or not isinstance(marker, str):
                return found
            asked["marker"] = marker

    def remove(self, instance_id: str) -> None:
        """Delete an instance; one that is gone already is fine."""
        exchange = self._client.request("DELETE", self._instance_url(instance_id))
        if not exchange.accepted and exchange.status != 404:
            raise CloudError(exchange)

    def add(self, project_id: str, *, name: str, vcpus: int, flavor: str = "", floating_ip: bool = False) -> None:
        """Create an instance."""
        body: dict[str, Any] = {"project_id": project_id, "name": name, "vcpus": vcpus}
        if flavor:
            body["flavor"] = flavor
        if floating_ip:
            body["floating_ip"] = True
        _expect(self._client.request("POST", f"{self._base}/instances", body))

    def move(self, instance_id: str) -> None:
        """Move an instance to another host."""
        _expect(self._client.request("POST", f"{self._instance_url(instance_id)}/move", {}))

    def close(self) -> None:
        """Close the kept connections."""
        self._client.close()

    def _instance_url(self, instance_id: str) -> str:
        return f"{self._base}/instances/{quote(instance_id, safe='')}"


def _expect(exchange: Exchange) -> None:
    if not exchange.accepted:
        raise CloudError(exchange)


def _instance(item: dict[str, Any]) -> CloudInstance:
    vcpus = item.get("vcpus")
    return CloudInstance(
        instance_id=str(item["instance_id"]),
        project_id=str(item.get("project_id") or ""),
        name=str(item.get("name") or item["instance_id"]),
        vcpus=vcpus if isinstance(vcpus, int) else 1,
        host=str(item.get("host") or ""),
        flavor=str(item.get("flavor") or ""),
        floating_ip=bool(item.get("floating_ip")),
    )
