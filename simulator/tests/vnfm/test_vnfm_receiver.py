"""The alarm receiver: it takes what comes, whatever comes."""

from __future__ import annotations

import contextlib
import socket
import threading
from contextlib import ExitStack, closing

import pytest

from fenix_vnfm import AlarmReceiver


@pytest.fixture
def connect(receiver):
    """Opens raw connections to the receiver; ``answer`` reads one answer's status line and what follows it."""
    with ExitStack() as stack:

        def open_one(to=receiver):
            host, port = to.url.removeprefix("http://").split(":")
            return stack.enter_context(closing(socket.create_connection((host, int(port)), timeout=10)))

        yield open_one


def read_all(sock):
    """Everything until the receiver closes."""
    parts = []
    while data := sock.recv(65536):
        parts.append(data)
    return b"".join(parts)


def read_answer(sock):
    """One answer without a body."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(65536)
        assert part, data
        data += part
    return data


def request(body, *headers, path="/maintenance", method="POST", version="HTTP/1.1"):
    lines = [f"{method} {path} {version}", "Host: x", *headers]
    if not any(header.lower().startswith(("content-length", "transfer")) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def test_an_alarm_is_recorded_with_its_arrival_and_raw_request(receiver, alarm, post):
    url = receiver.route()
    body = alarm("MAINTENANCE", session_id="s9")
    assert post(url, body).status == 200
    one = receiver.wait_for(lambda one: one.state == "MAINTENANCE")
    assert (one.number, one.path, one.body, one.session_id, one.project_id) == (1, "/maintenance", body, "s9", "p1")
    assert one.headers["content-type"] == "application/json"
    assert one.at.utcoffset().total_seconds() == 0
    assert one.message.message_id
    assert receiver.alarms == (one,)


def test_paths_are_kept_apart_and_unknown_ones_are_not_found(receiver, alarm, post):
    seen = {"a": [], "b": []}
    urls = {name: receiver.route(f"/{name}/maintenance", found.append) for name, found in seen.items()}
    for url in (urls["a"], urls["b"], urls["b"] + "/", urls["b"] + "?x=1"):
        assert post(url, alarm("MAINTENANCE")).status == 200
    receiver.wait_for(lambda one: one.number == 4)
    assert post(receiver.url + "/other", alarm("MAINTENANCE")).status == 404
    receiver.unroute("/a/maintenance")
    assert post(urls["a"], alarm("MAINTENANCE")).status == 404
    assert receiver.count == 4


def test_a_path_can_be_taken_once(receiver):
    receiver.route("/x")
    with pytest.raises(ValueError, match="/x"):
        receiver.route("/x/")


def test_an_inline_handler_runs_before_the_answer_and_chooses_it(receiver, alarm, post):
    url = receiver.route("/inline", lambda one: 500 if one.state == "SCALE_IN" else None, inline=True)
    assert post(url, alarm("SCALE_IN")).status == 500
    assert post(url, alarm("MAINTENANCE")).status == 200


def test_another_handler_runs_after_the_answer(receiver, alarm, post):
    go, ran = threading.Event(), threading.Event()

    def wait(_):
        assert go.wait(10)
        ran.set()

    url = receiver.route("/later", wait)
    assert post(url, alarm("MAINTENANCE")).status == 200
    assert not ran.is_set()
    go.set()
    assert ran.wait(5)


def test_a_handler_that_fails_is_a_500_where_it_is_inline_and_costs_nothing_else(receiver, alarm, post):
    def fail(_):
        raise RuntimeError("broken")

    assert post(receiver.route("/inline", fail, inline=True), alarm("MAINTENANCE")).status == 500
    later = receiver.route("/later", fail)
    assert post(later, alarm("MAINTENANCE")).status == 200
    assert post(later, alarm("MAINTENANCE")).status == 200


def test_only_json_posts_are_alarms(receiver, alarm, post, connect):
    url = receiver.route()
    assert post(url, alarm("MAINTENANCE"), "text/plain").status == 415
    for content_type in ("application/json; charset=utf-8", "application/vnd.x+json", None):
        assert post(url, alarm("MAINTENANCE"), content_type).status == 200
    for method in ("GET", "PUT", "DELETE", "HEAD", "BREW"):
        sock = connect()
        sock.sendall(request(b"", "Connection: close", method=method))
        answer = read_all(sock)
        assert answer.startswith(b"HTTP/1.1 405 ")
        assert b"\r\nAllow: POST\r\n" in answer
        assert answer.endswith(b"\r\n\r\n") == (method == "HEAD")


def test_a_connection_is_kept_and_requests_may_be_sent_ahead(receiver, alarm, connect):
    receiver.route()
    sock = connect()
    sock.sendall(b"".join(request(alarm("MAINTENANCE", session_id=f"s{number}")) for number in range(20)))
    receiver.wait_for(lambda one: one.session_id == "s19")
    sock.sendall(request(alarm("MAINTENANCE"), "Connection: close"))
    assert read_all(sock).count(b"HTTP/1.1 200 OK") == 21


def test_http_1_0_is_answered_and_closed(receiver, alarm, connect):
    receiver.route()
    sock = connect()
    sock.sendall(request(alarm("MAINTENANCE"), version="HTTP/1.0"))
    assert read_all(sock).startswith(b"HTTP/1.1 200 ")


def test_a_chunked_body_is_put_together(receiver, alarm, connect):
    receiver.route()
    body = alarm("MAINTENANCE", session_id="chunked")
    parts = [body[:1], body[1:500], body[500:]]
    chunks = b"".join(b"%x;name=value\r\n%s\r\n" % (len(part), part) for part in parts)
    sock = connect()
    sock.sendall(request(chunks + b"0\r\nTrailer: x\r\n\r\n", "Transfer-Encoding: chunked", "Connection: close"))
    assert read_all(sock).startswith(b"HTTP/1.1 200 ")
    assert receiver.alarms[0].body == body


def test_a_client_that_expects_to_be_asked_on_is(receiver, alarm, connect):
    receiver.route()
    body = alarm("MAINTENANCE")
    sock = connect()
    sock.sendall(request(b"", f"Content-Length: {len(body)}", "Expect: 100-continue", "Connection: close"))
    assert read_answer(sock) == b"HTTP/1.1 100 Continue\r\n\r\n"
    sock.sendall(body)
    assert read_all(sock).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", 400),
        (b"hello\r\n\r\n", 400),
        (b"POST  / HTTP/1.1\r\n\r\n", 400),
        (b"POST maintenance HTTP/1.1\r\n\r\n", 400),
        (b"POST / HTTP/2\r\n\r\n", 505),
        (b"POST / HTTP/1.1\r\nno colon\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\n folded: x\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1e3\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffff\r\n", 413),
        (b"POST / HTTP/1.1\r\nContent-Length: 1048577\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nContent-Length: " + b"9" * 5000 + b"\r\n\r\n", 413),
        (b"POST / HTTP/1.1\r\nX: " + b"x" * 20_000, 431),
        (b"POST / HTTP/1.1\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", 431),
    ],
    ids=lambda value: repr(value[:60]) if isinstance(value, bytes) else None,
)
def test_what_is_no_request_is_refused_and_the_connection_closed(receiver, connect, alarm, post, sent, status):
    url = receiver.route()
    sock = connect()
    sock.sendall(sent)
    assert read_all(sock).startswith(b"HTTP/1.1 %d " % status)
    assert post(url, alarm("MAINTENANCE")).status == 200


def test_empty_lines_before_a_request_and_a_whole_url_in_it_are_fine(receiver, alarm, connect):
    receiver.route()
    sock = connect()
    sock.sendall(
        b"\r\n\r\n" + request(alarm("MAINTENANCE"), "Connection: close", path="http://127.0.0.1/maintenance?x")
    )
    assert read_all(sock).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_is_too_large_is_refused_while_it_is_being_sent(receiver, connect):
    """The client gets to read the answer, although the receiver does not read all that it sends."""
    receiver.route()
    sock = connect()
    sock.sendall(request(b"", f"Content-Length: {3 << 20}") + b"x" * (3 << 20))
    assert read_all(sock).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("begun", [b"POST /maint", b"POST /maintenance HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"])
def test_a_request_that_does_not_end_is_given_up(connect, begun):
    with AlarmReceiver(request_timeout=0.05) as receiver:
        receiver.route()
        sock = connect(receiver)
        sock.sendall(begun)
        assert read_all(sock).startswith(b"HTTP/1.1 408 ")


def test_an_idle_connection_is_closed(connect):
    with AlarmReceiver(idle_timeout=0.05) as receiver:
        assert read_all(connect(receiver)) == b""


def test_half_open_clients_do_not_stop_others(receiver, connect, alarm, post):
    url = receiver.route()
    held = [connect() for _ in range(40)]
    for number, sock in enumerate(held):
        if number % 2:
            sock.sendall(b"POST /maintenance HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    assert post(url, alarm("MAINTENANCE")).status == 200


def test_more_connections_than_the_limit_are_closed_and_a_free_one_is_given_again(connect, alarm):
    with AlarmReceiver(max_connections=2) as receiver:
        receiver.route()
        first, second = connect(receiver), connect(receiver)
        for sock in (first, second):
            sock.sendall(request(alarm("MAINTENANCE")))
            assert read_answer(sock).startswith(b"HTTP/1.1 200 ")
        assert connect(receiver).recv(1) == b""
        first.sendall(request(alarm("MAINTENANCE"), "Connection: close"))
        read_all(first)
        sock = connect(receiver)
        sock.sendall(request(alarm("MAINTENANCE")))
        assert read_answer(sock).startswith(b"HTTP/1.1 200 ")


def test_the_record_is_bounded_and_the_count_is_not(alarm, post):
    with AlarmReceiver(keep=3) as receiver:
        url = receiver.route()
        for number in range(5):
            post(url, alarm("MAINTENANCE", session_id=f"s{number}"))
        assert [one.session_id for one in receiver.alarms] == ["s2", "s3", "s4"]
        assert receiver.count == 5


def test_waiting_looks_at_what_came_before_and_after(receiver, alarm, post):
    url = receiver.route()
    post(url, alarm("MAINTENANCE"))
    assert receiver.wait_for(lambda one: True).number == 1
    sender = threading.Thread(target=post, args=(url, alarm("SCALE_IN")))
    sender.start()
    assert receiver.wait_for(lambda one: True, after=1).state == "SCALE_IN"
    sender.join(5)
    with pytest.raises(TimeoutError, match="MAINTENANCE, SCALE_IN"):
        receiver.wait_for(lambda one: False, timeout=0.01)
    with pytest.raises(TimeoutError, match="nothing"):
        receiver.wait_for(lambda one: True, timeout=0.01, after=2)


def test_a_closed_receiver_takes_nothing_and_drops_its_connections(connect):
    receiver = AlarmReceiver()
    sock = connect(receiver)
    receiver.close()
    receiver.close()
    with contextlib.suppress(ConnectionResetError):  # where the connection had not been taken yet
        assert sock.recv(1) == b""
    with pytest.raises(ConnectionRefusedError):
        connect(receiver)


def test_the_urls_given_out_name_the_advertised_host():
    with AlarmReceiver(advertise="vnfm.example") as receiver:
        assert receiver.route("/x").startswith("http://vnfm.example:")


def test_an_address_that_is_taken_is_an_oserror(receiver):
    with pytest.raises(OSError, match="in use"):
        AlarmReceiver(port=int(receiver.url.rpartition(":")[2]))


def test_hundreds_of_alarms_at_once_all_arrive(receiver, alarm, connect):
    receiver.route()
    count, each = 16, 25

    def send(number):
        sock = connect()
        for index in range(each):
            sock.sendall(request(alarm("MAINTENANCE", session_id=f"{number}-{index}")))
            assert read_answer(sock).startswith(b"HTTP/1.1 200 ")

    threads = [threading.Thread(target=send, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    receiver.wait_for(lambda one: one.number == count * each, timeout=20)
    for thread in threads:
        thread.join(5)
    assert len({one.session_id for one in receiver.alarms}) == count * each
