"""The client: what it sends, where it follows, what it says when something fails."""

from __future__ import annotations

import socket
import threading
from datetime import timedelta

import pytest

from fenix_vnfm import Exchange, FenixClient, JsonClient, listed_instances


@pytest.fixture
def client():
    """A client with a token and a short time-out."""
    one = FenixClient(token="secret-1", timeout=timedelta(seconds=5))
    yield one
    one.close()


@pytest.fixture
def other(fenix):
    """A second Fenix, on another port."""
    another = type(fenix)()
    yield another
    another.close()


def test_a_reply_is_a_put_of_json_with_the_token(fenix, client):
    exchange = client.send_reply(f"{fenix.url}/v1/maintenance/s/p", {"state": "ACK_MAINTENANCE"})
    request = fenix.requests()[0]
    assert (request.method, request.path, request.json) == ("PUT", "/v1/maintenance/s/p", {"state": "ACK_MAINTENANCE"})
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-auth-token"] == "secret-1"
    assert exchange.accepted
    assert exchange.status == 200
    assert exchange.seconds >= 0
    assert "secret-1" not in repr(exchange)


def test_a_list_has_no_content_type(fenix, client):
    fenix.lists["/l"] = ["a", "b", "a"]
    exchange = client.list_instances(f"{fenix.url}/l")
    assert listed_instances(exchange) == ("a", "b")
    assert "content-type" not in fenix.requests()[0].headers


def test_bytes_are_sent_as_they_are(fenix, client):
    client.request("PUT", f"{fenix.url}/", b"{ broken")
    assert fenix.requests()[0].body == b"{ broken"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
@pytest.mark.parametrize("method", ["GET", "PUT"])
def test_a_redirect_on_the_same_server_is_followed_with_the_same_request(fenix, client, method, status):
    """The slash form of a URL is often reached so."""
    fenix.script(method, (status, {"Location": "/x/"}, b""), path="/x")
    exchange = client.request(method, f"{fenix.url}/x", {"a": 1} if method == "PUT" else None)
    assert exchange.status == 200
    assert [(one.method, one.path) for one in fenix.requests()] == [(method, "/x"), (method, "/x/")]
    assert len({one.body for one in fenix.requests()}) == 1


@pytest.mark.parametrize(
    "location", ["{other}/x", "https://127.0.0.1/x", "//fenix.example/x", "ftp://x", "http://[::1"]
)
def test_a_redirect_to_another_place_is_not_followed(fenix, other, client, location):
    fenix.script("GET", (307, {"Location": location.format(other=other.url)}, b""))
    exchange = client.list_instances(f"{fenix.url}/x")
    assert (exchange.status, exchange.accepted, exchange.barred) == (307, False, True)
    assert not exchange.may_pass
    assert other.requests() == []


def test_redirects_end(fenix, client):
    fenix.script("GET", *[(307, {"Location": "/x"}, b"")] * 10)
    exchange = client.list_instances(f"{fenix.url}/x")
    assert exchange.barred
    assert len(fenix.requests()) == 4


@pytest.mark.parametrize(
    "url", ["", "x", "ftp://h/", "file:///etc/passwd", "http://", "http://[::1", "http://h:99999/"]
)
def test_what_is_no_url_is_not_asked(client, url):
    exchange = client.list_instances(url)
    assert (exchange.status, exchange.barred, exchange.may_pass) == (None, True, False)
    assert exchange.error


def test_a_client_may_be_kept_to_some_hosts(fenix):
    bound = JsonClient(hosts=frozenset({"fenix.example"}))
    assert bound.request("GET", fenix.url).barred
    for allowed in ("127.0.0.1", fenix.url.removeprefix("http://")):
        assert JsonClient(hosts=frozenset({allowed})).request("GET", fenix.url).accepted
    assert len(fenix.requests()) == 2


def test_no_answer_is_told_and_may_pass(fenix, client):
    fenix.script("GET", None)
    exchange = client.list_instances(f"{fenix.url}/x")
    assert (exchange.status, exchange.may_pass) == (None, True)
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        exchange = client.list_instances(f"http://127.0.0.1:{closed.getsockname()[1]}/")
    assert (exchange.status, exchange.error, exchange.may_pass) == (None, "no connection", True)
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        url = f"http://127.0.0.1:{hanging.getsockname()[1]}/"
        exchange = client.list_instances(url, timedelta(seconds=0.05))
    assert (exchange.status, exchange.error, exchange.may_pass) == (None, "no answer in time", True)


def test_what_is_not_http_is_no_answer(client):
    with socket.create_server(("127.0.0.1", 0)) as server:

        def talk():
            with server.accept()[0] as sock:
                sock.sendall(b"220 mail.example ESMTP\r\n\r\n")

        thread = threading.Thread(target=talk)
        thread.start()
        exchange = client.list_instances(f"http://127.0.0.1:{server.getsockname()[1]}/")
        thread.join(5)
    assert exchange.status is None
    assert exchange.error


@pytest.mark.parametrize(
    ("status", "accepted", "may_pass"),
    [
        (200, True, False),
        (204, True, False),
        (409, False, False),
        (429, False, True),
        (503, False, True),
        (500, False, True),
    ],
)
def test_the_status_tells_whether_another_try_may_help(fenix, client, status, accepted, may_pass):
    fenix.script("PUT", status)
    exchange = client.send_reply(fenix.url, {"state": "ACK_MAINTENANCE"})
    assert (exchange.accepted, exchange.may_pass) == (accepted, may_pass)


@pytest.mark.parametrize("text", ["-1", "1.5", "soon", "9" * 20, "²"])
def test_a_retry_after_that_is_no_number_of_seconds_asks_for_nothing(client, text):
    exchange = Exchange("GET", "u", None, 0, {}, b"", 503, {"retry-after": text})
    assert exchange.retry_after == timedelta()


def test_connections_are_kept(fenix, client):
    for _ in range(5):
        client.list_instances(f"{fenix.url}/x")
    assert len(fenix.clients) == 1


def test_a_kept_connection_that_was_closed_meanwhile_is_renewed(client):
    """The server answers once per connection and closes it without having said so."""
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n" + b'{"instance_ids": []}'
    closed = threading.Semaphore(0)

    def serve(server):
        for _ in range(3):
            with server.accept()[0] as sock:
                sock.recv(65536)
                sock.sendall(answer)
            closed.release()

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        for _ in range(3):
            assert client.list_instances(f"http://127.0.0.1:{server.getsockname()[1]}/").accepted
            assert closed.acquire(timeout=5)
        thread.join(5)


def test_an_answer_that_is_cut_short_is_none(fenix, client):
    fenix.script("GET", (200, {"Content-Length": "50", "Connection": "close"}, b"{}"))
    exchange = client.list_instances(f"{fenix.url}/x")
    assert (exchange.status, exchange.may_pass) == (None, True)


@pytest.mark.parametrize("path", ["/a b", "/\n", "/é", "/\x00"])
def test_a_url_that_cannot_be_written_is_not_sent_twice(fenix, client, path):
    exchange = client.list_instances(fenix.url + path)
    assert (exchange.status, exchange.may_pass) == (None, False)
    assert fenix.requests() == []


def test_many_threads_share_a_client(fenix, client):
    def ask(number):
        fenix.lists[f"/{number}"] = [f"i{number}"]
        for _ in range(10):
            assert listed_instances(client.list_instances(f"{fenix.url}/{number}")) == (f"i{number}",)
        done.append(number)

    done = []
    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(done) == list(range(12))
    assert len(fenix.clients) <= 12


def test_https_is_spoken_to_https_only(fenix, client):
    exchange = client.list_instances(fenix.url.replace("http:", "https:"))
    assert (exchange.status, exchange.may_pass) == (None, True)
    assert "secure" in exchange.error
    assert fenix.requests() == []
