"""The work: what is asked of every server, and what an answer has to be."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass

from generator import Request

NAMESPACE = uuid.UUID(int=42)
SESSION_ID = str(uuid.uuid5(NAMESPACE, "session"))


class Wrong(Exception):
    """A server does not answer as it has to, so that its speed says nothing."""


@dataclass(frozen=True, slots=True)
class Work:
    """A kind of request: its name, in words, the method, and how many instances it is about."""

    name: str
    title: str
    method: str
    instances: int

    @property
    def path(self) -> str:
        """Where others are asked for it: a path of the project API, one for each number of instances."""
        return f"/v1/maintenance/{SESSION_ID}/{uuid.uuid5(NAMESPACE, str(self.instances)).hex}"

    @property
    def listed(self) -> str:
        """The canned list, as JSON text."""
        ids = [str(uuid.uuid5(NAMESPACE, f"instance {number}")) for number in range(self.instances)]
        return json.dumps({"instance_ids": ids}, separators=(",", ":"))

    @property
    def reply(self) -> str:
        """A reply that names each instance, which is the canned answer to it as well."""
        actions = dict.fromkeys(json.loads(self.listed)["instance_ids"], "MIGRATE")
        return json.dumps({"instance_actions": actions, "state": "ACK_PLANNED_MAINTENANCE"}, separators=(",", ":"))

    @property
    def answer(self) -> str:
        """What a canned answer has as its body."""
        return self.listed if self.method == "GET" else self.reply

    @property
    def request(self) -> Request:
        """What others are asked."""
        return Request(self.method, self.path, self.reply if self.method == "PUT" else "")


WORKS = (
    Work("get-2", "GET of 2 ids", "GET", 2),
    Work("get-100", "GET of 100 ids", "GET", 100),
    Work("put-2", "PUT of 2 actions", "PUT", 2),
)


def ask(url: str, request: Request, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of one request. Errors: OSError."""
    body = request.body.encode() or None
    fields = {**({"Content-Type": "application/json"} if body else {}), **(headers or {})}
    asked = urllib.request.Request(url + request.path, body, fields, method=request.method)
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read()


def check(url: str, request: Request, work: Work, *, ids: int | None = None) -> None:
    """See that the server answers the work's request with 2xx and, to a GET, with the ids; and that it refuses what is
    nowhere. ``ids``: it has ids of its own, so many. Errors: Wrong."""
    status, body = ask(url, request)
    if not 200 <= status < 300:
        raise Wrong(f"{work.title} is answered {status}: {body[:100].decode('utf-8', 'replace')}")
    if work.method == "GET":
        _check_list(body, work, ids)
    status, _ = ask(url, Request("GET", "/nowhere/at/all"))
    if status < 400:
        raise Wrong(f"a path that is nowhere is answered {status}, so errors cannot be told from answers")


def _check_list(body: bytes, work: Work, ids: int | None) -> None:
    try:
        listed = json.loads(body)["instance_ids"]
        right = listed == json.loads(work.listed)["instance_ids"] if ids is None else len(listed) == ids
    except (ValueError, KeyError, TypeError):
        right = False
    if not right:
        raise Wrong(f"{work.title} is answered with something else: {body[:100].decode('utf-8', 'replace')}")
