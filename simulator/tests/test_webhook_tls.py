"""Delivery of alarms over TLS, and over IPv6."""

from __future__ import annotations

import queue
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from fenix_simulator.adapters.target_guard import TargetGuard
from fenix_simulator.adapters.webhook import WebhookAlarmSink
from fenix_simulator.delivery import parse_delivery
from fenix_simulator.ports import Alarm, Delivery

#: Bound of every wait, in seconds; reached only when something is broken.
BOUND = 10

NAME = "vnfm.example"
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"

Answer = Callable[[socket.socket], None]


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for NAME that signs itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the program openssl to make a certificate")
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={NAME}"]
    command += ["-addext", f"subjectAltName=DNS:{NAME}", "-out", str(certificate), "-keyout", str(key)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    return certificate, key


@pytest.fixture
def serve() -> Iterator[Callable[..., int]]:
    """Answer each request of each connection; gives the port."""
    listeners = []

    def run(listener: socket.socket, answer: Answer, context: ssl.SSLContext | None) -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(BOUND)
            try:
                with context.wrap_socket(connection, server_side=True) if context else connection as spoken:
                    while spoken.recv(65536):
                        answer(spoken)
            except OSError:
                """The sender went away, or did not like the certificate."""

    def start(answer: Answer, context: ssl.SSLContext | None = None, family: int = socket.AF_INET) -> int:
        listener = socket.create_server(("127.0.0.1" if family == socket.AF_INET else "::1", 0), family=family)
        listeners.append(listener)
        threading.Thread(target=run, args=(listener, answer, context), daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


@pytest.fixture
def deliver() -> Iterator[Callable[..., Delivery]]:
    """Send one alarm and give its delivery."""
    deliveries: queue.Queue[Delivery] = queue.Queue()
    guard = TargetGuard(resolve=lambda host, port: ["127.0.0.1"])
    sinks: list[WebhookAlarmSink] = []

    def send(url: str, seconds: float = BOUND) -> Delivery:
        if not sinks:
            sinks.append(
                WebhookAlarmSink(
                    parse_delivery("aodh"),
                    guard,
                    lambda alarm, delivery: deliveries.put(delivery),
                    timeout=timedelta(seconds=seconds),
                )
            )
        sinks[0].send(
            Alarm(
                key="p1",
                alarm_id="a1",
                url=url,
                notification="s1/1",
                state="MAINTENANCE",
                body=b"{}",
                request_id="req-1",
            )
        )
        return deliveries.get(timeout=BOUND)

    yield send
    for sink in sinks:
        sink.close(timeout=0.1)


@pytest.fixture
def server_context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


def test_an_alarm_is_delivered_over_tls(deliver, serve, server_context, certificate, monkeypatch) -> None:
    """To the checked address, with the certificate checked against the name; the connection is kept open."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    url = f"https://{NAME}:{serve(lambda connection: connection.sendall(OK), server_context)}/"
    assert [(made.status, made.error) for made in (deliver(url), deliver(url))] == [(200, None)] * 2


def test_a_certificate_that_nobody_vouches_for_is_refused(deliver, serve, server_context) -> None:
    """The alarm is not sent."""
    delivery = deliver(f"https://{NAME}:{serve(lambda connection: None, server_context)}/")
    assert delivery.status is None
    assert "CERTIFICATE_VERIFY_FAILED" in (delivery.error or "")


def test_a_certificate_of_another_name_is_refused(deliver, serve, server_context, certificate, monkeypatch) -> None:
    """Being at the right address is not enough."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    delivery = deliver(f"https://other.example:{serve(lambda connection: None, server_context)}/")
    assert delivery.status is None
    assert "Hostname mismatch" in (delivery.error or "")


def test_an_answer_that_drips_over_tls_is_cut(deliver, serve, server_context, certificate, monkeypatch) -> None:
    """The deadline of the whole answer holds under TLS, too."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate[0]))
    pause = threading.Event()

    def drip(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nx-drip: ")
        while not pause.wait(0.02):
            connection.sendall(b"a")

    delivery = deliver(f"https://{NAME}:{serve(drip, server_context)}/", seconds=0.3)
    assert (delivery.status, delivery.error) == (None, "no answer within 0.3 s")


def test_an_alarm_is_delivered_to_an_ipv6_address(deliver, serve) -> None:
    """Written in brackets, as URLs have it."""
    try:
        port = serve(lambda connection: connection.sendall(OK), family=socket.AF_INET6)
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")
    assert deliver(f"http://[::1]:{port}/").status == 200
