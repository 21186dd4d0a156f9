"""One HEAD request for a URL from a database, whose values are hostile: only to public addresses, without following far.

The name is resolved once, every address must be public, and the connection is made to the address that was judged: a name
that resolves to something else a moment later changes nothing. Proxies of the environment are not used.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from urllib.parse import SplitResult, urljoin, urlsplit

REDIRECTS = 5
AGENT = "genreq-checks"
PORTS = {"http": 80, "https": 443}
_NO_HEAD = (405, 501)
_MOVED = (301, 302, 303, 307, 308)
_CARRIERS = tuple(
    map(ipaddress.ip_network, ("64:ff9b::/96", "2002::/16", "2001::/32", "::/96"))
)  # an IPv4 address is inside


class NotRequestedError(Exception):
    """The address must not be requested."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The last answer: its status, and the address that gave it."""

    status: int
    url: str


def resolved(host: str, port: int) -> list[str]:
    """The addresses of a name."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_public(address: str) -> bool:
    """Is this an address of the public internet? Not one that carries an IPv4 address in it, which may be any."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        carries = ip.ipv4_mapped is not None or any(ip in net for net in _CARRIERS)
        if carries or ip.is_site_local:
            return False
    return ip.is_global and not ip.is_multicast


def connected(scheme: str, host: str, port: int, address: str, seconds: float) -> http.client.HTTPConnection:
    """A connection to the address, which shows the name to the server and, by https, checks its certificate for it."""
    sock = socket.create_connection((address, port), seconds)
    connection = http.client.HTTPConnection(host, port, timeout=seconds)
    try:
        connection.sock = _trusted().wrap_socket(sock, server_hostname=host) if scheme == "https" else sock
    except BaseException:
        sock.close()
        raise
    return connection


@cache
def _trusted() -> ssl.SSLContext:
    return ssl.create_default_context()


@dataclass(frozen=True, slots=True)
class Network:
    """How names are resolved, which addresses are allowed, and how a connection is made; a test has another."""

    resolve: Callable[[str, int], list[str]] = resolved
    allowed: Callable[[str], bool] = is_public
    connect: Callable[[str, str, int, str, float], http.client.HTTPConnection] = connected


@dataclass(frozen=True, slots=True)
class Secret:
    """A token, and the only hosts that may see it, by https."""

    token: str = field(repr=False)
    hosts: frozenset[str] = frozenset(("api.github.com",))

    def headers_for(self, parts: SplitResult) -> Mapping[str, str]:
        """The header with the token, where the address may see it."""
        if parts.scheme == "https" and parts.hostname in self.hosts:
            return {"Authorization": f"Bearer {self.token}"}
        return {}


def request(url: str, network: Network, secret: Secret | None, seconds: float) -> Reply:
    """The answer to HEAD, or to GET where HEAD is not allowed, after at most `REDIRECTS` redirects; no body is read.

    Raises: NotRequestedError; OSError, http.client.HTTPException and ValueError when there is no answer.
    """
    for _ in range(REDIRECTS + 1):
        parts = urlsplit(url)
        status, target = _ask(parts, "HEAD", network, secret, seconds)
        if status in _NO_HEAD:
            status, target = _ask(parts, "GET", network, secret, seconds)
        if status not in _MOVED or not target:
            return Reply(status, url)
        url = urljoin(url, target)
    raise http.client.HTTPException("too many redirects")


def _ask(parts: SplitResult, method: str, network: Network, secret: Secret | None, seconds: float) -> tuple[int, str]:
    """The status and the target of a redirect. Raises: NotRequestedError for an address that must not be requested."""
    host, port = parts.hostname, parts.port
    if parts.scheme not in PORTS or not host or parts.username is not None or parts.password is not None:
        raise NotRequestedError
    if port not in (None, PORTS[parts.scheme]):
        raise NotRequestedError
    name = host.encode("idna").decode("ascii")
    number = PORTS[parts.scheme]
    addresses = network.resolve(name, number)
    if not addresses or not all(map(network.allowed, addresses)):
        raise NotRequestedError
    connection = network.connect(parts.scheme, name, number, addresses[0], seconds)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        headers = {"User-Agent": AGENT, "Accept": "*/*", **(secret.headers_for(parts) if secret else {})}
        connection.request(method, path, headers=headers)
        response = connection.getresponse()
        return response.status, response.getheader("Location") or ""
    finally:
        connection.close()
