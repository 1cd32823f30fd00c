"""Where a server may be made to send alarms over HTTP: to loopback, and to what its command line allows."""

from __future__ import annotations

import http.server
import socket
import threading

import pytest

from fenix_simulator.adapters import target_guard
from fenix_simulator.ports import Filter

SOON = 30.0
DELIVERIES = Filter(kinds=frozenset({"delivery"}))


class Listener(http.server.ThreadingHTTPServer):
    """Answers every request as told, on loopback, and keeps what was asked."""

    daemon_threads = True

    def __init__(self, status: int = 200, headers=()) -> None:
        self.asked: list[str] = []
        self.connected = 0
        listener = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                listener.asked.append(f"{self.command} {self.path}")
                self.send_response(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_CONNECT = do_POST  # noqa: N815 - the names that are looked for

            def log_message(self, *_: object) -> None:
                """Nothing on stderr."""

        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def verify_request(self, *_: object) -> bool:
        self.connected += 1
        return True

    def url(self, path: str = "/maintenance", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.server_port}{path}"


@pytest.fixture
def listen():
    """Starts listeners and stops them with the test."""
    running = []

    def start(*given, **options) -> Listener:
        running.append(Listener(*given, **options))
        return running[-1]

    yield start
    for listener in running:
        listener.shutdown()
        listener.server_close()


class Resolver:
    """A name server that gives the next of its answers each time it is asked, and the last one for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def dialled(monkeypatch):
    """Every address that is connected to for an alarm, whether anybody answers there or not."""
    addresses: list[str] = []

    def dial(address, port, deadline, options):
        addresses.append(str(address))
        if not address.is_loopback:
            raise OSError("nobody is connected to in a test")
        return dial_really(address, port, deadline, options)

    dial_really = target_guard._dial
    monkeypatch.setattr(target_guard, "_dial", dial)
    return addresses


def alarm(url: str, **members) -> dict:
    """The body that subscribes a URL to what projects are told."""
    rule = {"event_type": "maintenance.scheduled"}
    return {"name": "a", "type": "event", "event_rule": rule, "alarm_actions": [url], "repeat_actions": True, **members}


def deliveries(simulator, count: int = 1) -> list:
    """The first deliveries, as they are recorded."""
    found: list = []
    while len(found) < count:
        last = simulator.journal.last
        found = simulator.journal.read(0, count, DELIVERIES)
        assert len(found) >= count or simulator.journal.wait(last, SOON), "nothing is delivered"
    return [entry.data for entry in found]


def one_project(serve, **options):
    """A server with one project to be told."""
    return serve(sizes={"projects": 1}, **options)


ALLOWED = [
    "http://127.0.0.1:9/maintenance",
    "https://127.0.0.1:9/maintenance",
    "HTTP://127.0.0.1:9/maintenance",
    "http://127.255.255.254:9/",
    "http://[::1]:9/",
    "http://localhost:9/",
    "http://2130706433/",  # 127.0.0.1, as one number
    "http://0x7f.1/",
]

REFUSED = {
    "private": "http://10.0.0.1/",
    "another private": "http://192.168.1.1:8774/",
    "public": "http://203.0.113.7/",
    "carrier": "http://100.64.0.1/",
    "link-local, where clouds keep credentials": "http://169.254.169.254/latest/meta-data/",
    "link-local as one number": "http://2852039166/",
    "link-local in hexadecimal": "http://0xa9.0xfe.0xa9.0xfe/",
    "private in octal": "http://012.0.0.1/",
    "private, short": "http://10.1/",
    "IPv6 link-local": "http://[fe80::1]/",
    "IPv6 link-local with a zone": "http://[fe80::1%25lo]/",
    "IPv6 private": "http://[fd00::1]/",
    "everywhere": "http://0.0.0.0:9/",
    "everywhere as a number": "http://0/",
    "everywhere in IPv6": "http://[::]:9/",
    "loopback dressed as IPv6": "http://[::ffff:127.0.0.1]:9/",
    "loopback dressed as IPv6, in hexadecimal": "http://[::ffff:7f00:1]:9/",
    "private dressed as IPv6": "http://[::ffff:10.0.0.1]/",
    "link-local through NAT64": "http://[64:ff9b::a9fe:a9fe]/",
    "link-local through 6to4": "http://[2002:a9fe:a9fe::]/",
    "multicast": "http://224.0.0.1/",
    "broadcast": "http://255.255.255.255/",
    "user name": "http://user@127.0.0.1:9/",
    "password": "http://user:secret@127.0.0.1:9/",
    "a host that is a user name": "http://127.0.0.1:9@10.0.0.1/",
    "backslash": "http://10.0.0.1\\@127.0.0.1/",
    "file": "file:///etc/passwd",
    "ftp": "ftp://127.0.0.1/",
    "gopher": "gopher://127.0.0.1:11211/_stats",
    "a log's scheme, which Aodh has": "log://",
    "script": "javascript:alert(1)",
    "relative": "/maintenance",
    "no scheme": "//127.0.0.1/",
    "no host": "http:///maintenance",
    "port 0": "http://127.0.0.1:0/",
    "port too large": "http://127.0.0.1:99999/",
    "line break": "http://127.0.0.1/\r\nX-Injected: yes",
    "space": "http://127.0.0.1/ HTTP/1.1",
    "too long": "http://127.0.0.1/" + "x" * 2048,
}


def test_a_subscription_may_name_loopback_and_nothing_else(serve, client):
    simulator = serve()
    ask = client(simulator)
    for url in ALLOWED:
        assert ask("POST", "/v2/alarms", alarm(url)).status == 201, url
    known = ask("GET", "/v2/alarms").json()
    for why, url in REFUSED.items():
        refused = ask("POST", "/v2/alarms", alarm(url))
        assert refused.status in (400, 422), why
        assert refused.headers["content-type"] == "application/problem+json"
        assert b"secret" not in refused.body
        among = ask("POST", "/v2/alarms", alarm("http://127.0.0.1/", alarm_actions=["http://127.0.0.1/", url]))
        assert among.status in (400, 422), why
        changed = ask("PUT", f"/v2/alarms/{known[0]['alarm_id']}", alarm(url))
        assert changed.status in (400, 422), why
    assert ask("GET", "/v2/alarms").json() == known


@pytest.mark.parametrize(
    ("allow", "url"),
    [
        (["10.0.0.0/8"], "http://10.1.2.3/"),
        (["203.0.113.7"], "http://203.0.113.7/"),
        (["fd00::/8"], "http://[fd00::7]/"),
    ],
)
def test_the_command_line_allows_more(serve, client, allow, url):
    ask = client(serve(allow_targets=tuple(allow)))
    assert ask("POST", "/v2/alarms", alarm(url)).status == 201
    for why, other in REFUSED.items():
        if not why.startswith(("private", "IPv6 private", "public")):
            assert ask("POST", "/v2/alarms", alarm(other)).status in (400, 422)


@pytest.mark.parametrize("allow", ["169.254.0.0/16", "0.0.0.0/0", "fe80::/10"])
def test_link_local_is_refused_whatever_the_command_line_allows(serve, client, allow):
    ask = client(serve(allow_targets=(allow,)))
    for url in ("http://169.254.169.254/", "http://[fe80::1]/", "http://0.0.0.0:9/"):
        assert ask("POST", "/v2/alarms", alarm(url)).status == 422


def test_a_name_that_means_another_address_by_the_time_of_the_alarm_is_not_connected_to(
    serve, client, listen, dialled, monkeypatch
):
    resolver = Resolver(["127.0.0.1"], ["10.0.0.1"], ["169.254.169.254"], ["0.0.0.0"], ["::ffff:127.0.0.1"])
    monkeypatch.setattr(target_guard, "resolve_host", resolver)
    listener = listen()
    simulator = one_project(serve)
    assert client(simulator)("POST", "/v2/alarms", alarm(listener.url(host="vnfm.example"))).status == 201
    # A name is asked for once: it is the address that was judged that is connected to. (The listener keeps no
    # connection, so each alarm needs a new one.)
    simulator.service.create_session()
    assert deliveries(simulator)[0]["status"] == 200
    assert (resolver.asked, dialled) == (["vnfm.example"], ["127.0.0.1"])
    for number in range(2, 6):
        simulator.service.create_session()
        refused = deliveries(simulator, number)[-1]
        assert refused["status"] is None
        assert "vnfm.example" in refused["error"]
    assert dialled == ["127.0.0.1"]
    assert len(listener.asked) == 1


def test_of_several_addresses_only_those_that_may_be_are_connected_to(serve, client, listen, dialled, monkeypatch):
    monkeypatch.setattr(target_guard, "resolve_host", Resolver(["10.0.0.1", "169.254.169.254", "127.0.0.1"]))
    listener = listen()
    simulator = one_project(serve)
    client(simulator)("POST", "/v2/alarms", alarm(listener.url(host="vnfm.example")))
    simulator.service.create_session()
    assert deliveries(simulator)[0]["status"] == 200
    assert dialled == ["127.0.0.1"]


def test_a_name_that_is_allowed_may_mean_any_address_but_those_that_nobody_may(serve, client, dialled, monkeypatch):
    monkeypatch.setattr(target_guard, "resolve_host", Resolver(["10.0.0.1", "169.254.169.254"]))
    simulator = one_project(serve, allow_targets=("vnfm.example",))
    client(simulator)("POST", "/v2/alarms", alarm("http://vnfm.example:9000/"))
    simulator.service.create_session()
    assert deliveries(simulator)[0]["status"] is None
    assert dialled == ["10.0.0.1"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(serve, client, listen, status):
    other = listen()
    listener = listen(status, headers=[("Location", other.url("/inside"))])
    simulator = one_project(serve)
    client(simulator)("POST", "/v2/alarms", alarm(listener.url()))
    simulator.service.create_session()
    assert deliveries(simulator)[0]["status"] == status
    assert (listener.asked, other.asked) == (["POST /maintenance"], [])


@pytest.mark.parametrize("trusted", [False, True])
def test_proxies_of_the_environment_are_not_used(serve, client, listen, monkeypatch, trusted):
    proxy, listener = listen(), listen()
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url(""))
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    simulator = one_project(serve, alarm_urls=((None, listener.url()),) if trusted else ())
    if not trusted:
        client(simulator)("POST", "/v2/alarms", alarm(listener.url()))
    simulator.service.create_session()
    assert deliveries(simulator)[0]["status"] == 200
    assert (len(listener.asked), proxy.connected) == (1, 0)


def test_a_state_from_elsewhere_brings_no_target_that_is_trusted(serve, client, dialled):
    """What is trusted comes from the command line; a state document could say of itself that it did."""
    simulator = one_project(serve)
    ask = client(simulator)
    ask("POST", "/v2/alarms", alarm("http://127.0.0.1:9/"))
    state = ask("GET", "/simulator/v1/state").json()
    (made,) = (entry["data"] for entry in state["entries"] if entry["kind"] == "subscription")
    made |= {"alarm_actions": ["http://10.0.0.1/"], "trusted": True}
    assert ask("PUT", "/simulator/v1/state", state).status == 204
    assert not any(alarm.trusted for alarm in simulator.subscriptions.list())
    simulator.service.create_session()
    assert "not among the allowed targets" in deliveries(simulator)[0]["error"]
    assert dialled == []


def test_a_target_of_the_command_line_loses_its_trust_with_its_url(serve, client, dialled):
    simulator = one_project(serve, alarm_urls=((None, "http://10.0.0.1/"),))
    ask = client(simulator)
    (known,) = ask("GET", "/v2/alarms").json()
    where = f"/v2/alarms/{known['alarm_id']}"
    assert ask("PUT", where, {**known, "name": "renamed"}).status == 200
    assert ask("PUT", where, {**known, "alarm_actions": ["http://10.0.0.2/"]}).status == 422
    simulator.service.create_session()
    deliveries(simulator)
    assert dialled == ["10.0.0.1"]


def test_the_simulator_s_own_port_is_loopback_too_and_takes_no_harm(serve, client):
    """An alarm that is sent to the server itself is one more request, to which its tokens apply."""
    simulator = one_project(serve, admin_token="root-token")
    ask = client(simulator, "root-token")
    ask("POST", "/v2/alarms", alarm(f"{simulator.url}/simulator/v1/reset"))
    session_id = simulator.service.create_session()
    assert deliveries(simulator)[0]["status"] == 401
    assert simulator.service.has_session(session_id)


def test_nothing_listens_but_on_the_address_that_was_asked_for(serve):
    simulator = serve()
    host, port = simulator.server.address
    assert host == "127.0.0.1"
    for other in ("127.0.0.2", "::1"):
        family = socket.AF_INET6 if ":" in other else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as elsewhere, pytest.raises(OSError, match=r"."):
            elsewhere.connect((other, port))
