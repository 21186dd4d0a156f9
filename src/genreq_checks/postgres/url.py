"""A URL split into its parts as libpq splits it, and rejected where a password in it could be read as another part."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from genreq_checks.errors import UsageError

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password
_PORT = re.compile(r"[0-9]{0,5}")
_HOST = re.compile(r"\[[0-9A-Fa-f:.]+(?:%\w+)?\]|(?:[\w.~-]|%(?!3A|40)[0-9A-F]{2})*", re.IGNORECASE)
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_WRITTEN = {"/": "%2F", "?": "%3F", "#": "%23"}


def is_database_url(text: str) -> bool:
    """Is this a database URL, or libpq's `host=… dbname=…` form, and not a file's path? Also where it is not well-formed."""
    return "://" in text or bool(re.match(r"^\s*[A-Za-z_]+\s*=", text))


@dataclass(frozen=True, slots=True)
class UrlParts:
    """The parts as they were written; `user` is everything before the `@`, `place` hosts and ports."""

    scheme: str
    user: str = field(repr=False)
    place: str
    path: str
    query: str = field(repr=False)

    @property
    def authority(self) -> str:
        """User, password, hosts and ports."""
        return f"{self.user}@{self.place}" if self.user else self.place


def split_url(url: str, what: str = "The database URL") -> UrlParts:
    """The parts of a URL; `what` is its name in a message.

    Raises: UsageError for one that can be read in two ways. Its message holds no part of the URL.
    """
    _require_plain_text(url, what)
    scheme, _, rest = url.partition("://")
    user, at, tail = rest.rpartition("@")
    for sign, written in _WRITTEN.items():
        if sign in user:
            # An '@' in a database's name cannot be distinguished from the end of a password.
            raise UsageError(
                f"{what} has an unescaped '{sign}' in its user or password.",
                f"Write it as {written}; write an '@' after the host as %40.",
            )
    if "@" in user:
        raise UsageError(f"{what} has more than one '@'.", "Write an '@' in the password as %40.")
    if _BAD_PERCENT.search(user):
        raise UsageError(f"{what} has an unescaped '%' in its user or password.", "Write it as %25.")
    if "#" in tail:
        raise UsageError(f"{what} has a '#'.", "Write a '#' in the password as %23.")
    place, path, query = _cut(tail)
    _require_hosts(place, what)
    return UrlParts(scheme.lower(), user if at else "", place, path, query)


def _require_plain_text(url: str, what: str) -> None:
    try:
        url.encode()
    except UnicodeEncodeError:
        raise UsageError(f"{what} is not UTF-8.", "Write each non-ASCII byte of the password as %XX.") from None
    if any(c.isspace() for c in url):
        raise UsageError(f"{what} contains white space.", "Write a space in the password as %20.")
    if any(c < " " or c == "\x7f" for c in url):
        raise UsageError(f"{what} contains a control character.", "Write it as %XX.")


def _cut(tail: str) -> tuple[str, str, str]:
    """Hosts, path with its slash, query without its mark."""
    front, _, query = tail.partition("?")
    place, slash, path = front.partition("/")
    return place, slash + path, query


def _require_hosts(place: str, what: str) -> None:
    for one in place.split(","):
        host = _HOST.match(one)
        assert host is not None
        port = one[host.end() :]
        if port and port[0] != ":":
            raise UsageError(f"{what} has a host that cannot be read.", "Check its brackets, and escape the password.")
        if not _PORT.fullmatch(port[1:]):
            raise UsageError(f"{what} has a port that is not a number.", "Write user:password@ before the host.")
