"""The environment of a command that must reach the copy and nothing else: each PostgreSQL URL in it is the copy's."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, unquote, urlencode

from psycopg import Error, conninfo

from genreq_checks.postgres.connection import Target

POSTGRESQL_URL = re.compile(
    r"(?P<scheme>(?:jdbc:)?(?:postgres|postgresql|postgis)(?:\+\w+)?)://(?P<rest>[^\s\"'<>`]*)", re.IGNORECASE
)
_KEYWORDS = re.compile(r"\b(?:host|hostaddr|dbname|service)\s*=\s*\S")
# What belongs to the place that the URL was for. The copy has no TLS.
_NAMES = """
    host hostaddr port user password dbname database service passfile ssl requiressl channel_binding require_auth gssencmode
    krbsrvname target_session_attrs load_balance_hosts tcp_user_timeout
"""
_OF_THE_PLACE = frozenset(_NAMES.split())
_LOCAL = frozenset(("localhost", "127.0.0.1", "::1"))


@dataclass(frozen=True, slots=True)
class Login:
    """A role of the copy's server, with its password."""

    role: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Environment:
    """The variables of the command; the names of those that were `replaced`, and of those that were `removed`."""

    variables: Mapping[str, str] = field(repr=False)
    replaced: tuple[str, ...]
    removed: tuple[str, ...]


def environment(
    given: Mapping[str, str], port: int, database: str, login: Callable[[str], Login], source: Target
) -> Environment:
    """The environment for a command. `login` gives the role of the copy for the user's name in a URL, '' without one.

    libpq's own variables (PG…) are left out, and any other one that is the source's host or password, or a URL with one of them:
    a command that puts its connection together from parts would reach the source.
    """

    def copied(found: re.Match[str]) -> str:
        return _copied(found["scheme"], found["rest"], port, database, login)

    variables: dict[str, str] = {}
    replaced: list[str] = []
    removed: list[str] = []
    for name, value in given.items():
        if POSTGRESQL_URL.search(value):
            variables[name] = POSTGRESQL_URL.sub(copied, value)
            replaced.append(name)
        elif (keywords := _keywords(value)) is not None:
            one = login(keywords.get("user", ""))
            variables[name] = conninfo.make_conninfo(
                "", host="127.0.0.1", port=port, dbname=database, user=one.role, password=one.password
            )
            replaced.append(name)
        elif name.startswith("PG"):
            continue
        elif _leads_there(value, source):
            removed.append(name)
        else:
            variables[name] = value
    return Environment(variables, tuple(sorted(replaced)), tuple(sorted(removed)))


def _copied(scheme: str, rest: str, port: int, database: str, login: Callable[[str], Login]) -> str:
    """The URL of the copy, with the driver and the parameters of the client that the URL had."""
    authority, _, query = rest.partition("?")
    named = dict(parse_qsl(query, keep_blank_values=True))
    user = unquote(authority.rpartition("@")[0].partition(":")[0]) or named.get("user", "")
    one = login(user)
    kept = {
        name: value
        for name, value in named.items()
        if name.lower() not in _OF_THE_PLACE and not name.lower().startswith("ssl")
    }
    place = f"127.0.0.1:{port}/{quote(database, safe='')}"
    if scheme.lower().startswith("jdbc:"):  # it has the user in its query
        return f"{scheme}://{place}?{urlencode(kept | {'user': one.role, 'password': one.password})}"
    tail = f"?{urlencode(kept)}" if kept else ""
    return f"{scheme}://{quote(one.role, safe='')}:{quote(one.password, safe='')}@{place}{tail}"


def _keywords(value: str) -> dict[str, str] | None:
    """The parts of libpq's `host=… dbname=…` form; None where the value is not one."""
    if not _KEYWORDS.search(value):
        return None
    try:
        return {name: str(part) for name, part in conninfo.conninfo_to_dict(value).items()}
    except Error:
        return None


def _leads_there(value: str, source: Target) -> bool:
    """Is it the source's host or password, or a URL of another kind with one of them?

    Within any other text they are not searched: a password may be a part of PATH.
    """
    hosts = {one for name in ("host", "hostaddr") for one in source.parameters.get(name, "").split(",") if one} - _LOCAL
    if value.strip() in (*hosts, *source.secrets):
        return True
    in_a_url = any(re.search(rf"(?:@|://){re.escape(host)}(?![\w.-])", value) for host in hosts)
    return in_a_url or any(
        f":{form}@" in value for secret in source.secrets for form in (secret, quote(secret, safe=""))
    )
