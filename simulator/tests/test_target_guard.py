"""Which alarm URLs are refused, when, and with what words."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from fenix_simulator.adapters.target_guard import TargetGuard, TargetRefused, resolve_host


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def port_of(listener: socket.socket) -> int:
    return int(listener.getsockname()[1])


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("ftp://127.0.0.1/", "the alarm URL's scheme is 'ftp'"),
        ("file:///etc/passwd", "the alarm URL's scheme is 'file'"),
        ("127.0.0.1:80/maintenance", "the alarm URL's scheme is "),
        ("/maintenance", "the alarm URL's scheme is none"),
        ("", "the alarm URL's scheme is none"),
        ("http://", "the alarm URL names no host"),
        ("http:///maintenance", "the alarm URL names no host"),
        ("http://127.0.0.1:0/", "the alarm URL's port is 0"),
        ("http://127.0.0.1:99999/", "the alarm URL cannot be parsed"),
        ("http://[::1/", "the alarm URL cannot be parsed"),
        ("http://127.0.0.1/a b", "the alarm URL contains a space"),
        ("http://127.0.0.1/\r\nx: y", "the alarm URL contains a space"),
        ("http://10.0.0.1\\@127.0.0.1/", "the alarm URL contains a space, a backslash"),
        ("http://127.0.0.1/" + "a" * 2048, "the alarm URL has 2065 characters"),
    ],
)
def test_a_url_that_cannot_be_meant_is_refused_early(url: str, reason: str) -> None:
    """For trusted targets too: nobody means these."""
    for trusted in (False, True):
        with pytest.raises(TargetRefused) as refused:
            TargetGuard().check_url(url, trusted=trusted)
        assert refused.value.message.startswith(reason)
        assert refused.value.expected


@pytest.mark.parametrize("url", ["http://admin:secret@127.0.0.1/", "https://secret@127.0.0.1/", "ftp://a:secret@h/"])
def test_a_url_with_credentials_is_refused_without_repeating_them(url: str) -> None:
    """They would end up in the journal."""
    with pytest.raises(TargetRefused, match="carries a user name or password") as refused:
        TargetGuard().check_url(url, trusted=True)
    assert "secret" not in refused.value.message + refused.value.expected + refused.value.hint


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:8080/maintenance?key=1",
        "http://127.255.0.9/",
        "https://[::1]/maintenance",
        "HTTP://127.0.0.1",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://localhost/",
        "http://vnfm.example/",
    ],
)
def test_loopback_and_names_pass_the_early_check(url: str) -> None:
    """Loopback is the default, in any spelling; a name is judged by its address when it is connected to."""
    TargetGuard().check_url(url)


@pytest.mark.parametrize(
    "host",
    ["10.0.0.1", "192.168.1.1", "8.8.8.8", "167772161", "0x0a000001", "012.1", "[2001:db8::1]", "[fc00::1]"],
)
def test_other_addresses_are_refused_early_in_any_spelling(host: str) -> None:
    """With what is allowed, and what to do about it; a trusted URL may name them."""
    with pytest.raises(TargetRefused, match="is not among the allowed targets") as refused:
        TargetGuard().check_url(f"http://{host}/")
    assert refused.value.expected == "a target in 127.0.0.0/8, ::1"
    assert "--allow-target" in refused.value.hint
    TargetGuard().check_url(f"http://{host}/", trusted=True)


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "2852039166",
        "[fe80::1]",
        "[fe80::1%25eth0]",
        "0.0.0.0",
        "0",
        "0.1.2.3",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[::169.254.169.254]",
        "224.0.0.1",
        "255.255.255.255",
        "[ff02::1]",
    ],
)
@pytest.mark.parametrize("trusted", [False, True])
def test_some_addresses_are_refused_to_everybody(host: str, trusted: bool) -> None:
    """Link-local ones (where clouds keep their metadata), unspecified ones, and IPv4 in an IPv6 disguise."""
    guard = TargetGuard(allow=["0.0.0.0/0", "::/0"])
    with pytest.raises(TargetRefused, match="which is never connected to"):
        guard.check_url(f"http://{host}/", trusted=trusted)
    with pytest.raises(TargetRefused, match="which is never connected to"):
        guard.connect(host.replace("%25", "%"), 80, trusted=trusted)


@pytest.mark.parametrize(
    ("allow", "host", "allowed"),
    [
        ("10.0.0.0/8", "10.200.3.4", True),
        ("10.0.0.0/8", "11.0.0.1", False),
        ("10.0.0.7/8", "10.200.3.4", True),
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("2001:db8::/32", "[2001:db8:1::9]", True),
        ("[2001:db8::9]", "[2001:db8::9]", True),
        ("0.0.0.0/0", "[2001:db8::9]", False),
        ("vnfm.example", "192.0.2.7", False),
    ],
)
def test_the_allow_list_takes_networks_and_addresses(allow: str, host: str, allowed: bool) -> None:
    """IPv4 and IPv6 are apart, and the list replaces the default."""
    guard = TargetGuard(allow=[allow])
    if allowed:
        guard.check_url(f"http://{host}/")
    else:
        with pytest.raises(TargetRefused):
            guard.check_url(f"http://{host}/")


@pytest.mark.parametrize(
    "entry", ["", "10.0.0.0/40", "vnfm example", "http://vnfm.example", "*", "a..b", "1.2.3", "0x7f"]
)
def test_an_allow_list_entry_that_is_neither_network_nor_name_is_an_error(entry: str) -> None:
    """At the start, not at the first alarm."""
    with pytest.raises(ValueError, match="is neither a network"):
        TargetGuard(allow=[entry])


def test_a_name_is_connected_to_at_the_address_that_was_checked(listener) -> None:
    """The resolver is asked once; the socket's peer is what it said."""
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"]

    with TargetGuard(resolve=resolve).connect("vnfm.example", port_of(listener), timeout=5) as connection:
        assert connection.getpeername() == listener.getsockname()
    assert asked == ["vnfm.example"]


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1"])
def test_a_name_is_judged_by_its_address(listener, address: str) -> None:
    """Outside the allowed networks it is refused, whatever its name."""
    guard = TargetGuard(allow=["192.0.2.0/24"], resolve=lambda host, port: [address])
    with pytest.raises(TargetRefused, match=f"vnfm.example \\({address}\\) is not among") as refused:
        guard.connect("vnfm.example", port_of(listener))
    assert refused.value.expected == "a target in 192.0.2.0/24"


@pytest.mark.parametrize("host", ["vnfm.example", "VNFM.Example", "vnfm.example."])
def test_an_allowed_name_may_resolve_to_anything(listener, host: str) -> None:
    """But for what is refused to everybody."""
    guard = TargetGuard(allow=["vnfm.example"], resolve=lambda host, port: ["127.0.0.1"])
    guard.connect(host, port_of(listener), timeout=5).close()
    guard = TargetGuard(allow=["vnfm.example"], resolve=lambda host, port: ["169.254.169.254"])
    with pytest.raises(TargetRefused, match="link-local"):
        guard.connect(host, 80)


def test_an_allowed_name_allows_no_other_name(listener) -> None:
    """Not a longer one either."""
    guard = TargetGuard(allow=["vnfm.example"], resolve=lambda host, port: ["127.0.0.1"])
    for host in ("evil-vnfm.example", "a.vnfm.example", "vnfm.example.evil.example"):
        with pytest.raises(TargetRefused):
            guard.connect(host, port_of(listener))


def test_refused_addresses_of_a_name_are_passed_over(listener) -> None:
    """A host with an allowed and a forbidden address is reached at the allowed one."""
    addresses = ["10.0.0.1", "169.254.1.1", "127.0.0.1"]
    guard = TargetGuard(resolve=lambda host, port: addresses)
    with guard.connect("vnfm.example", port_of(listener), timeout=5) as connection:
        assert connection.getpeername()[0] == "127.0.0.1"


def test_a_dead_address_of_a_name_is_passed_over(listener) -> None:
    """As a browser does; when all are dead, the failure to connect is what is told."""
    port = port_of(listener)
    guard = TargetGuard(allow=["127.0.0.0/8"], resolve=lambda host, port: ["127.0.0.9", "127.0.0.1"])
    guard.connect("vnfm.example", port, timeout=5).close()
    guard = TargetGuard(resolve=lambda host, port: ["10.0.0.1", "127.0.0.9"])
    with pytest.raises(ConnectionRefusedError):
        guard.connect("vnfm.example", port, timeout=5)


def test_a_literal_address_is_not_asked_of_the_resolver(listener) -> None:
    """In whatever spelling."""

    def resolve(host: str, port: int) -> list[str]:
        raise AssertionError(host)

    for host in ("127.0.0.1", "2130706433", "0x7f000001", "0177.1"):
        TargetGuard(resolve=resolve).connect(host, port_of(listener), timeout=5).close()


def test_the_systems_resolver_is_used_by_default() -> None:
    """And a name that no resolver takes is a failed look-up, not a crash."""
    assert {"127.0.0.1", "::1"} & set(resolve_host("localhost", 80))
    with pytest.raises(socket.gaierror):
        resolve_host("a" * 70 + ".example", 80)
