"""Which alarm URLs may be connected to.

A URL given on the command line is trusted. One that arrived over HTTP must be allowed, or the simulator could be used
to reach what only its own machine can reach. The check is made on the resolved address, and the connection goes to
exactly that address: a name server that changes its answer between check and connection gains nothing, and odd
spellings of an address (decimal, octal, hexadecimal) do not matter.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from fenix_simulator.domain.errors import MaintenanceError

#: What may be told unless ``--allow-target`` says otherwise: programs on this machine.
LOOPBACK = ("127.0.0.0/8", "::1")

#: No alarm URL is longer.
MAX_URL = 2048

#: Resolves a host to the texts of its addresses, in the order in which they are to be tried.
Resolve = Callable[[str, int], Sequence[str]]

#: ``socket.setsockopt`` arguments.
SocketOptions = Sequence[tuple[int, int, int | bytes]]

#: Prefixes of IPv6 that carry an IPv4 address in their last four bytes (NAT64, IPv4-compatible).
_CARRYING_IPV4 = (IPv6Network("64:ff9b::/96"), IPv6Network("::/96"))

_THIS_NETWORK = IPv4Network("0.0.0.0/8")


class TargetRefused(MaintenanceError):
    """An alarm URL that may not be connected to (422)."""


class TargetGuard:
    """Checks alarm URLs, and connects to those that may be.

    ``allow`` lists networks (``10.0.0.0/8``), addresses and host names. A host name allows whatever it resolves to.
    Link-local and unspecified addresses, multicast and IPv4 addresses dressed as IPv6 are refused to everybody.
    """

    def __init__(self, allow: Iterable[str] = LOOPBACK, resolve: Resolve | None = None) -> None:
        """Errors: ValueError for an entry that is neither a network nor a host name."""
        self._networks: list[IPv4Network | IPv6Network] = []
        self._names: set[str] = set()
        self._entries = tuple(allow)
        self._resolve = resolve or resolve_host
        for entry in self._entries:
            network = _network(entry)
            if network is None:
                self._names.add(_plain(entry))
            else:
                self._networks.append(network)

    def check_url(self, url: str, *, trusted: bool = False) -> None:
        """Refuse what can be refused without asking a name server: at subscription time, with the reason.

        Errors: TargetRefused for a URL that is no absolute http or https URL, that carries a user name or password,
        or whose host is an address that is not allowed. A name is judged when it is connected to.
        """
        host = _parse(url).host or ""
        address = _literal(host)
        if address is not None:
            self._judge(address, host, trusted)

    def connect(
        self,
        host: str,
        port: int,
        *,
        trusted: bool = False,
        timeout: float | None = None,
        options: SocketOptions = (),
    ) -> socket.socket:
        """Connect to an address of the host that may be connected to; ``timeout`` (seconds) covers all addresses.

        Errors: TargetRefused when none of its addresses is allowed; OSError (socket.gaierror, TimeoutError, …) when
        the name does not resolve or nobody answers.
        """
        host = host.strip("[]")
        literal = _literal(host)
        texts = [str(literal)] if literal is not None else self._resolve(host, port)
        refused: TargetRefused | None = None
        failed: OSError | None = None
        deadline = None if timeout is None else time.monotonic() + timeout
        for address in dict.fromkeys(ip_address(text) for text in texts):
            try:
                self._judge(address, host, trusted)
                return _dial(address, port, deadline, options)
            except TargetRefused as error:
                refused = error
            except OSError as error:
                failed = error
        raise failed or refused or OSError(f"{host} has no address")

    def _judge(self, address: IPv4Address | IPv6Address, host: str, trusted: bool) -> None:
        """Refuse an address that may not be connected to for the sake of that host."""
        named = host if host == str(address) else f"{host} ({address})"
        if (why := _never(address)) is not None:
            raise TargetRefused(
                f"the alarm target {named} is {why}, which is never connected to",
                expected="the address of a host that runs a project manager",
                hint="give the address on which the project manager listens",
            )
        if trusted or _plain(host) in self._names:
            return
        if any(address.version == network.version and address in network for network in self._networks):
            return
        raise TargetRefused(
            f"the alarm target {named} is not among the allowed targets",
            expected=f"a target in {', '.join(self._entries) or 'an empty list'}",
            hint="start the server with --allow-target CIDR or --allow-target HOST, or name the URL with --alarm-url",
        )


def resolve_host(host: str, port: int) -> Sequence[str]:
    """The addresses that the system's resolver gives, in its order. Errors: socket.gaierror."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a host name") from None
    return [str(sockaddr[0]) for *_, sockaddr in found]


def _parse(url: str) -> Url:
    """Parse a URL with the parser that the connection uses: two parsers that differ are a way round any check."""
    expected = "http://HOST[:PORT]/PATH or https://HOST[:PORT]/PATH"
    if len(url) > MAX_URL:
        raise TargetRefused(f"the alarm URL has {len(url)} characters", expected=f"at most {MAX_URL} characters")
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in url):
        raise TargetRefused(
            "the alarm URL contains a space, a backslash or a control character",
            expected=expected,
            hint="percent-encode it",
        )
    try:
        parsed = parse_url(url)
    except LocationParseError:
        raise TargetRefused("the alarm URL cannot be parsed", expected=expected) from None
    # Before anything else, so that no other message repeats a password.
    if parsed.auth is not None:
        raise TargetRefused(
            "the alarm URL carries a user name or password",
            expected=expected,
            hint="leave out what stands before the @: Aodh has no use for it, and it would end up in logs",
        )
    if parsed.scheme not in ("http", "https"):
        scheme = repr(parsed.scheme) if parsed.scheme else "none"
        raise TargetRefused(f"the alarm URL's scheme is {scheme}", expected=expected)
    if not parsed.host:
        raise TargetRefused("the alarm URL names no host", expected=expected)
    if parsed.port == 0:
        raise TargetRefused("the alarm URL's port is 0", expected="a port from 1 to 65535")
    return parsed


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    """The address that the host's text is, in any spelling that the system would take for one; None for a name."""
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, UnicodeEncodeError):
        return None


def _network(entry: str) -> IPv4Network | IPv6Network | None:
    """The network or single address that an entry of the allow list is; None for a host name."""
    try:
        return ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        labels = _plain(entry).split(".")
        odd = any(not label.replace("-", "").replace("_", "").isalnum() for label in labels)
        if odd or labels[-1].isdigit() or _literal(entry) is not None:
            raise ValueError(
                f"{entry!r} is neither a network (10.0.0.0/8), an address nor a host name (vnfm.example)"
            ) from None
        return None


def _plain(host: str) -> str:
    return host.strip("[]").rstrip(".").lower()


def _never(address: IPv4Address | IPv6Address) -> str | None:
    """What makes the address one that nobody may be made to connect to; None where nothing does."""
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return "an IPv4 address written as IPv6"
        inner = _carried(address)
        if inner is not None and (why := _never(inner)) is not None:
            return why
    if address.is_link_local:
        return "a link-local address"
    if address.is_unspecified or (isinstance(address, IPv4Address) and address in _THIS_NETWORK):
        return "an unspecified address"
    if address.is_multicast or address == IPv4Address("255.255.255.255"):
        return "a multicast or broadcast address"
    return None


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that a translator or tunnel would deliver to."""
    if address.sixtofour is not None:
        return address.sixtofour
    if any(address in network for network in _CARRYING_IPV4) and int(address) & 0xFFFFFFFF > 1:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return None


def _dial(
    address: IPv4Address | IPv6Address, port: int, deadline: float | None, options: SocketOptions
) -> socket.socket:
    """Open a TCP connection to that address and no other; the socket is numeric, so nothing is resolved again."""
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        for option in options:
            connection.setsockopt(*option)
        if deadline is not None:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            connection.settimeout(left)
        connection.connect((str(address), port))
    except BaseException:
        connection.close()
        raise
    return connection
