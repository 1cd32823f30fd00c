"""Tokens: which door opens to whom, for every route that the server has, over real sockets.

The table below is held against the application's own routes: whoever adds one has to say here whom it is for.
"""

from __future__ import annotations

import re
from itertools import product
from urllib.parse import quote

import pytest

TOKENS = {"root": "root-token-1a2b", "own": "own-token-3c4d", "other": "other-token-5e6f", "wrong": "wrong-token"}

#: Whom a route is for: everybody ("open"), the administrator ("admin"), the project that its path, its instance or its
#: alarm belongs to ("owner"), or any project, which sees what is its own ("each").
DOORS = {
    "GET /v1/maintenance/<session_id>/<project_id>": "owner",
    "PUT /v1/maintenance/<session_id>/<project_id>": "owner",
    "GET /v1/maintenance": "admin",
    "POST /v1/maintenance": "admin",
    "GET /v1/maintenance/<session_id>": "admin",
    "DELETE /v1/maintenance/<session_id>": "admin",
    "GET /v2/alarms": "each",
    "POST /v2/alarms": "each",
    "POST /v2/query/alarms": "each",
    "GET /v2/capabilities": "each",
    "GET /v2/alarms/<alarm_id>": "owner",
    "PUT /v2/alarms/<alarm_id>": "owner",
    "DELETE /v2/alarms/<alarm_id>": "owner",
    "GET /v2/alarms/<alarm_id>/state": "owner",
    "PUT /v2/alarms/<alarm_id>/state": "owner",
    "GET /simulator/v1/health": "open",
    "GET /simulator/v1/ready": "open",
    "GET /simulator/v1/version": "admin",
    "GET /simulator/v1/openapi.json": "admin",
    "GET /simulator/v1/state": "admin",
    "PUT /simulator/v1/state": "admin",
    "POST /simulator/v1/reset": "admin",
    "GET /simulator/v1/clock": "admin",
    "POST /simulator/v1/clock/advance": "admin",
    "GET /simulator/v1/faults": "admin",
    "POST /simulator/v1/faults": "admin",
    "DELETE /simulator/v1/faults": "admin",
    "DELETE /simulator/v1/faults/<int:number>": "admin",
    "GET /simulator/v1/sessions": "admin",
    "POST /simulator/v1/sessions": "admin",
    "POST /simulator/v1/sessions/<session_id>/step": "admin",
    "POST /simulator/v1/sessions/<session_id>/reset": "admin",
    "POST /simulator/v1/deliveries/<int:number>/resend": "admin",
    "GET /simulator/v1/sessions/<session_id>": "admin",
    "POST /simulator/v1/sessions/<session_id>/pause": "admin",
    "POST /simulator/v1/sessions/<session_id>/resume": "admin",
    "GET /simulator/v1/hosts": "admin",
    "GET /simulator/v1/projects": "admin",
    "GET /simulator/v1/journal": "admin",
    "GET /simulator/v1/instances": "each",
    "POST /simulator/v1/instances": "each",
    "GET /simulator/v1/instances/<plain_id:instance_id>": "owner",
    "DELETE /simulator/v1/instances/<plain_id:instance_id>": "owner",
    "POST /simulator/v1/instances/<id:instance_id>/move": "owner",
    "GET /metrics": "admin",
}
#: What the newer dialect adds. Who puts constraints first owns them; there are none at the start.
PER_INSTANCE = {
    "GET /v1/maintenance/<session_id>/<project_id>/<id:instance_id>": "owner",
    "PUT /v1/maintenance/<session_id>/<project_id>/<id:instance_id>": "owner",
    "GET /v1/<any(instance, instance_group):kind>/<id:item_id>": "each",
    "PUT /v1/<any(instance, instance_group):kind>/<id:item_id>": "each",
    "DELETE /v1/<any(instance, instance_group):kind>/<id:item_id>": "each",
}
VARIANTS = {
    "strict": ({}, DOORS),
    "upstream": ({"behaviour": "upstream"}, DOORS),
    "per-instance": ({"dialect": "per-instance"}, {**DOORS, **PER_INSTANCE}),
}


class Place:
    """A server with tokens, a session, and an alarm and instances of each project."""

    def __init__(self, simulator, client) -> None:
        self.simulator = simulator
        self.session_id = simulator.service.create_session()
        self.owner, self.neighbour = (project.project_id for project in simulator.inventory.projects)
        self.asks = {who: client(simulator, token) for who, token in {**TOKENS, "nobody": None}.items()}
        self.alarms = {
            project: self.asks["root"]("POST", "/v2/alarms", self.alarm(project_id=project)).json()["alarm_id"]
            for project in (self.owner, self.neighbour)
        }
        self.instances = {
            project: next(simulator.service.instances(project)).instance_id for project in (self.owner, self.neighbour)
        }

    @staticmethod
    def alarm(**members) -> dict:
        return {"name": "a", "type": "event", "alarm_actions": ["http://127.0.0.1:9/"], **members}

    def path(self, rule: str) -> str:
        known = {
            "session_id": self.session_id,
            "project_id": self.owner,
            "instance_id": self.instances[self.owner],
            "item_id": self.instances[self.owner],
            "alarm_id": self.alarms[self.owner],
            "kind": "instance",
            "number": "1",
        }
        return re.sub(r"<(?:[^<>]+:)?(\w+)>", lambda match: quote(known[match[1]], safe=""), rule)


@pytest.fixture(params=VARIANTS)
def variant(request):
    """How the server behaves, and whom each of its routes is for."""
    return VARIANTS[request.param]


@pytest.fixture
def place(serve, client, variant):
    """A server with tokens for the administrator and both of its projects."""
    changes, _ = variant
    return make_place(serve, client, changes)


def make_place(serve, client, changes) -> Place:
    names = [project.name for project in serve().inventory.projects]
    tokens = {names[0]: TOKENS["own"], names[1]: TOKENS["other"]}
    return Place(serve(changes=changes, admin_token=TOKENS["root"], project_tokens=tokens), client)


def routes(simulator) -> set[str]:
    """Every method and route that the application has, without those that Flask answers by itself."""
    return {
        f"{method} {rule.rule.rstrip('/')}"
        for rule in simulator.app.url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }


def test_every_route_says_whom_it_is_for(place, variant):
    assert routes(place.simulator) == set(variant[1])


def expected(whom: str, who: str) -> set[str]:
    """What may become of a request: let in, told that there is no such thing, forbidden, or asked for a token."""
    if whom == "open":
        return {"in"}
    if who in ("nobody", "wrong"):
        return {"401"}
    if who == "root":
        return {"in"}
    if whom == "admin":
        return {"403"}
    if who == "other" and whom == "owner":
        return {"403", "404"}
    return {"in"}


def test_each_route_opens_to_whom_it_is_for(place, variant):
    """The bodies are empty: whoever is let in hears of that, or of nothing; nobody else does."""
    # What takes something away comes last, and what would end the session for all others at the very end.
    for door, slash in sorted(product(variant[1], ("", "/")), key=lambda one: _destroys(one[0])):
        method, rule = door.split(" ", 1)
        if slash and f"{rule}/" not in {one.rule for one in place.simulator.app.url_map.iter_rules()}:
            continue
        for who in ("nobody", "wrong", "other", "own", "root"):
            if who == "own" and _destroys(door):
                continue  # The administrator's turn needs something to take away, too.
            answer = place.asks[who](method, place.path(rule) + slash)
            outcome = str(answer.status) if answer.status in (401, 403, 404) else "in"
            allowed = expected(variant[1][door], who)
            if "in" in allowed:
                # There are no constraints yet; and what was taken away by the form without a slash is gone.
                allowed = allowed | ({"404"} if "item_id" in rule or _destroys(door) else set())
            assert outcome in allowed, f"{door}{slash} for {who}: {answer.status} {answer.body[:200]!r}"


def _destroys(door: str) -> int:
    return door.startswith("DELETE") + 2 * (door in ("POST /simulator/v1/reset", "DELETE /v1/maintenance/<session_id>"))


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "PATCH", "TRACE", "BREW"])
def test_without_a_token_no_method_says_anything(serve, client, method):
    place = make_place(serve, client, {})
    for rule in {door.split(" ", 1)[1] for door, whom in DOORS.items() if whom != "open"} | {"/", "/nothing/there"}:
        answer = place.asks["nobody"](method, place.path(rule))
        assert answer.status == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_project_sees_and_changes_its_own_only(serve, client):
    place = make_place(serve, client, {})
    own, other, root = (place.asks[who] for who in ("own", "other", "root"))

    listed = {one["project_id"] for one in own("GET", "/simulator/v1/instances?limit=10000").json()["instances"]}
    assert listed == {place.owner}
    for query in (f"project_id={place.neighbour}", f"project_id={place.neighbour}&session_id={place.session_id}"):
        assert own("GET", f"/simulator/v1/instances?{query}").status == 403
    for host in place.simulator.inventory.hosts:
        shown = own("GET", f"/simulator/v1/instances?host={host.name}").json()["instances"]
        assert {one["project_id"] for one in shown} <= {place.owner}
    before = list(place.simulator.service.instances())
    theirs = quote(place.instances[place.neighbour], safe="")
    assert own("DELETE", f"/simulator/v1/instances/{theirs}").status == 403
    assert own("POST", f"/simulator/v1/instances/{theirs}/move").status == 403
    assert own("POST", "/simulator/v1/instances", {"project_id": place.neighbour}).status == 403
    assert list(place.simulator.service.instances()) == before

    assert [one["alarm_id"] for one in own("GET", "/v2/alarms").json()] == [place.alarms[place.owner]]
    for query in (f"project_id={place.neighbour}", "all_projects=true", f"alarm_id={place.alarms[place.neighbour]}"):
        shown = own("GET", f"/v2/alarms?{query}").json()
        assert {one["project_id"] for one in shown} <= {place.owner}
    everything = own("POST", "/v2/query/alarms", {"filter": '{"not": {"=": {"name": "x"}}}'}).json()
    assert {one["project_id"] for one in everything} == {place.owner}
    everybodys = root("POST", "/v2/alarms", place.alarm()).json()["alarm_id"]
    for alarm_id in (place.alarms[place.neighbour], everybodys):
        assert own("GET", f"/v2/alarms/{alarm_id}").status == 404
        assert own("PUT", f"/v2/alarms/{alarm_id}", place.alarm()).status == 404
        assert own("PUT", f"/v2/alarms/{alarm_id}/state", "ok").status == 404
        assert own("DELETE", f"/v2/alarms/{alarm_id}").status == 404
    known = place.simulator.subscriptions.list()
    assert own("POST", "/v2/alarms", place.alarm(project_id=place.neighbour)).status == 403
    changed = own("PUT", f"/v2/alarms/{place.alarms[place.owner]}", place.alarm(project_id=place.neighbour))
    assert changed.status == 403
    assert place.simulator.subscriptions.list() == known
    # A project cannot make itself everybody's: where it names none, the alarm is its own.
    made = own("POST", "/v2/alarms", place.alarm(project_id="")).json()
    assert made["project_id"] == place.owner

    replied = other("PUT", f"/v1/maintenance/{place.session_id}/{place.owner}", {"state": "NACK_MAINTENANCE"})
    assert replied.status == 403
    assert place.simulator.service.session_view(place.session_id).replies == {}

    assert own("DELETE", f"/v2/alarms/{place.alarms[place.owner]}").status == 204
    assert own("DELETE", f"/simulator/v1/instances/{quote(place.instances[place.owner], safe='')}").status == 204


def test_constraints_belong_to_who_put_them_first(serve, client):
    place = make_place(serve, client, {"dialect": "per-instance"})
    own, other, root = (place.asks[who] for who in ("own", "other", "root"))
    for path in ("/v1/instance/vm-1", "/v1/instance_group/group-1"):
        assert own("PUT", path, {"max_interruption_time": 120}).status == 200
        assert other("GET", path).status == 403
        assert other("PUT", path, {"project_id": place.neighbour}).status == 403
        assert other("DELETE", path).status == 403
        assert root("GET", path).json() == own("GET", path).json() == {"max_interruption_time": 120}
        assert own("PUT", path, {"project_id": place.neighbour}).status == 403
        assert own("DELETE", path).status == 200


def test_each_header_is_enough_and_two_that_differ_are_the_first_s(serve, client):
    place = make_place(serve, client, {})
    ask = place.asks["nobody"]
    for headers, status in (
        ({"Authorization": f"Bearer {TOKENS['root']}"}, 200),
        ({"X-Auth-Token": TOKENS["root"]}, 200),
        ({"X-Auth-Token": TOKENS["own"], "Authorization": f"Bearer {TOKENS['root']}"}, 403),
        ({"X-Auth-Token": TOKENS["root"][:-1]}, 401),
        ({"X-Auth-Token": TOKENS["root"] + "x"}, 401),
        ({"X-Auth-Token": TOKENS["root"].upper()}, 401),
        ({"X-Auth-Token": f"{TOKENS['own']}, {TOKENS['root']}"}, 401),
        ({"Authorization": TOKENS["root"]}, 401),
        ({"Cookie": f"X-Auth-Token={TOKENS['root']}"}, 401),
    ):
        assert ask("GET", "/v1/maintenance", headers=headers).status == status, headers
    assert ask("GET", f"/v1/maintenance?token={TOKENS['root']}&X-Auth-Token={TOKENS['root']}").status == 401
