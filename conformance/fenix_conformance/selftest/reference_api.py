"""What the reference server answers: the project's URL, the admin API and Aodh's alarm API, without any socket."""

from __future__ import annotations

import html
import itertools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

from fenix_conformance.selftest.cloud import Cloud
from fenix_conformance.selftest.question import Refused

_LONGEST_BODY = 1 << 20


@dataclass(frozen=True, slots=True)
class Request:
    """``headers`` has lower-case names; ``target`` is the request line's."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


#: A resource: method to what answers it. HEAD and OPTIONS are added by the dispatcher.
Table = dict[str, Callable[[], Answer]]


def as_json(value: object, status: int = 200, content_type: str = "application/json") -> Answer:
    return Answer(status, json.dumps(value).encode(), {"Content-Type": content_type})


class Api:
    """Dispatches a request by the path's segments, then by the method."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.manners = cloud.manners
        self._turns = itertools.count(1)

    def handle(self, request: Request) -> Answer:
        try:
            return self.dispatch(request, self.resource(request))
        except Refused as refused:
            return self.refusal(refused)

    def resource(self, request: Request) -> Table:
        path = urlsplit(request.target).path
        match [unquote(segment) for segment in path.split("/")[1:]]:
            case ["v1", "maintenance", session_id, project] if project:
                return self.project(request, session_id, project)
            case ["v1", "maintenance", session_id, project, ""]:
                return self.project_with_slash(request, session_id, project)
            case ["v1", "maintenance"] | ["v1", "maintenance", ""]:
                return {"GET": self.list_sessions, "POST": lambda: self.create_session(request)}
            case ["v1", "maintenance", session_id]:
                return {
                    "GET": lambda: self.show_session(session_id),
                    "DELETE": lambda: self.delete_session(session_id),
                }
            case ["v2", "alarms"] | ["v2", "alarms", ""]:
                return {"GET": self.list_alarms, "POST": lambda: self.create_alarm(request)}
            case ["v2", "alarms", alarm_id]:
                return {
                    "GET": lambda: as_json(self.alarm(alarm_id)),
                    "PUT": lambda: self.replace_alarm(alarm_id, request),
                    "DELETE": lambda: self.delete_alarm(alarm_id),
                }
        raise Refused(404, "there is nothing at this path")

    def dispatch(self, request: Request, table: Table) -> Answer:
        served = {*table} | ({"HEAD"} if "GET" in table else set()) | ({"OPTIONS"} if self.manners.options else set())
        allowed = ", ".join(sorted(served))
        if request.method == "OPTIONS" and self.manners.options:
            return Answer(200, headers={"Allow": allowed})
        method = "GET" if request.method == "HEAD" else request.method
        if method not in table:
            return self.refuse_method(request, allowed)
        return table[method]()

    def refuse_method(self, request: Request, allowed: str) -> Answer:
        answer = self.refusal(Refused(405, f"{request.method} is not served here"))
        return Answer(answer.status, answer.body, {**answer.headers, "Allow": allowed})

    def refusal(self, refused: Refused) -> Answer:
        text = str(refused)
        match self.manners.errors:
            case "problem":
                problem = {"type": "about:blank", "title": text, "status": refused.status}
                return as_json(problem, refused.status, "application/problem+json")
            case "json":
                return as_json({"message": text, "code": refused.status}, refused.status)
            case "text":
                return Answer(refused.status, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
            case _:
                page = f"<html><body><h1>{refused.status}</h1><p>{html.escape(text)}</p></body></html>"
                return Answer(refused.status, page.encode(), {"Content-Type": "text/html; charset=utf-8"})

    # ---- the project's URL

    def project(self, request: Request, session_id: str, project: str) -> Table:
        if self.manners.latency:
            self.cloud.courier.stopped.wait(self.manners.latency)
        return {
            "GET": lambda: self.get_list(session_id, project),
            "PUT": lambda: self.put_reply(request, session_id, project),
        }

    def project_with_slash(self, request: Request, session_id: str, project: str) -> Table:
        if self.manners.slash == "both":
            return self.project(request, session_id, project)
        headers = {"Location": urlsplit(request.target).path.rstrip("/")}
        redirect = Answer(self.manners.slash, headers=headers)
        return {"GET": lambda: redirect, "PUT": lambda: redirect}

    def get_list(self, session_id: str, project: str) -> Answer:
        ids = self.ids(session_id, project)
        if self.manners.list_order == "rotating" and ids:
            turn = next(self._turns) % len(ids)
            ids = ids[turn:] + ids[:turn]
        return as_json(self.represent(ids), content_type=self.list_type())

    def ids(self, session_id: str, project: str) -> list[str]:
        self.check_ids(session_id, project)
        return self.cloud.session(session_id).listing(project)

    def check_ids(self, session_id: str, project: str) -> None:
        self.cloud.session(session_id)
        if project not in self.cloud.projects:
            raise Refused(self.manners.unknown, f"there is no project {project}")

    def represent(self, ids: list[str]) -> Any:
        extra = {"count": len(ids), "links": [{"rel": "self"}]} if self.manners.extra_members else {}
        return {"instance_ids": ids, **extra}

    def list_type(self) -> str:
        return "application/json; charset=utf-8" if self.manners.charset else "application/json"

    def put_reply(self, request: Request, session_id: str, project: str) -> Answer:
        self.check_ids(session_id, project)
        body = self.parse(request)
        self.cloud.session(session_id).reply(project, body)
        return self.accepted(body)

    def accepted(self, body: Mapping[str, Any]) -> Answer:
        match self.manners.put_body:
            case "echo":
                return as_json(body)
            case "other":
                return as_json([{"accepted": True}])
            case _:
                return Answer(200)

    def parse(self, request: Request) -> dict[str, Any]:
        """The body as an object; raises Refused with 413, 415 or 400."""
        if len(request.body) > _LONGEST_BODY:
            raise Refused(413, f"a body has at most {_LONGEST_BODY} bytes")
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json" and not self.manners.any_content_type:
            raise Refused(415, "the content type is application/json")
        try:
            body = json.loads(request.body.decode("utf-8"), parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise Refused(400, "the body is not JSON") from error
        if not isinstance(body, dict):
            raise Refused(400, "the body is no JSON object")
        return body

    # ---- the admin API

    def list_sessions(self) -> Answer:
        return as_json({"session_id": list(self.cloud.sessions)})

    def create_session(self, request: Request) -> Answer:
        return as_json({"session_id": self.cloud.create(self.parse(request)).session_id})

    def show_session(self, session_id: str) -> Answer:
        session = self.cloud.session(session_id)
        return as_json({"session_id": session_id, "state": str(session.state)})

    def delete_session(self, session_id: str) -> Answer:
        self.cloud.delete(session_id)
        return as_json({}) if self.manners.delete_status == 200 else Answer(204)

    # ---- Aodh's alarm API

    def list_alarms(self) -> Answer:
        return as_json(list(self.cloud.courier.alarms.values()))

    def alarm(self, alarm_id: str) -> dict[str, Any]:
        alarm = self.cloud.courier.alarms.get(alarm_id)
        if alarm is None:
            raise Refused(404, f"there is no alarm {alarm_id}")
        return alarm

    def create_alarm(self, request: Request) -> Answer:
        return as_json(self.cloud.courier.subscribe(self.checked_alarm(request)), 201)

    def replace_alarm(self, alarm_id: str, request: Request) -> Answer:
        self.alarm(alarm_id)
        return as_json(self.cloud.courier.subscribe(self.checked_alarm(request), alarm_id))

    def delete_alarm(self, alarm_id: str) -> Answer:
        self.alarm(alarm_id)
        self.cloud.courier.alarms.pop(alarm_id, None)
        return Answer(204)

    def checked_alarm(self, request: Request) -> dict[str, Any]:
        alarm = self.parse(request)
        rule, actions = alarm.get("event_rule", {}), alarm.get("alarm_actions", [])
        if not alarm.get("name") or alarm.get("type") != "event" or not isinstance(rule, dict):
            raise Refused(400, "an alarm has a name, the type event and an event_rule")
        if rule.get("query") or not isinstance(actions, list):
            raise Refused(400, "alarm_actions is a list of URLs; a query is not supported")
        if not all(isinstance(url, str) and url.startswith("http://") for url in actions):
            raise Refused(400, "alarms are sent to http URLs only")
        return alarm


def _refuse_constant(name: str) -> NoReturn:
    """NaN and Infinity are Python's, not JSON's."""
    raise ValueError(name)
