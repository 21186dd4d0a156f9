"""A read-only transaction on a PostgreSQL server, from any form of URL, that leaves no trace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import psycopg
import sqlalchemy as sa
from psycopg import conninfo, pq, sql

from genreq_checks.errors import SourceError, UsageError, near
from genreq_checks.sources.bounded import connect
from genreq_checks.sources.deadline import Deadline
from genreq_checks.sources.engine import PinError, make_engine, pin
from genreq_checks.text import scrub

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+asyncpg")
# Parameters of other clients that say nothing to libpq, and may be left out without changing where we connect.
FOREIGN = frozenset(
    (
        *("pgbouncer", "connection_limit", "pool_timeout", "pool_size", "max_connections", "schema", "currentschema"),
        *("statement_cache_size", "statement_cache_mode", "prepared_statements", "prepare_threshold"),
        *("preparethreshold", "socket_timeout", "supa", "workaround", "uselibpqcompat", "idle_timeout", "max_lifetime"),
    )
)
SETTINGS = {  # SET LOCAL, each of them: a pooler's next client must not find them
    "row_security": "off",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "3",  # PostgreSQL 12 and later need but 1
    "search_path": "pg_catalog",
    "enable_sort": "off",
    "jit": "off",
    "standard_conforming_strings": "on",
    "work_mem": "64MB",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "10min",
}


@dataclass(frozen=True, slots=True)
class Target:
    """Where to connect: libpq's parameters, what may be shown of them, and what was left out."""

    parameters: dict[str, str]
    location: str
    notes: tuple[str, ...] = ()


def parse(url: str) -> Target:
    """The connection parameters in a URL (`postgres://…`, `postgresql://…`) or in libpq's `host=… dbname=…` form.

    Raises: UsageError for what cannot be meant; its message holds nothing of the URL that could be a password.
    """
    if not re.match(r"^[a-z][a-z0-9+]*://", url):
        return _target(_libpq(url), ())
    try:
        parts = urlsplit(url)
    except ValueError:
        raise UsageError("The database URL has a host that cannot be read.", "Check its brackets.") from None
    if parts.scheme not in SCHEMES:
        raise UsageError(
            f"A database URL begins with postgresql://, not {parts.scheme}://.", near(parts.scheme, SCHEMES)
        )
    if parts.netloc.count("@") > 1:
        raise UsageError("The database URL has more than one '@'.", "Write an '@' in the password as %40.")
    kept, notes = _own_parameters(parts.query)
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in kept.items())
    if parts.fragment:
        raise UsageError("The database URL has a '#'.", "Write a '#' in the password as %23.")
    return _target(_libpq(f"postgresql://{parts.netloc}{parts.path}" + (f"?{query}" if query else "")), notes)


def _own_parameters(query: str) -> tuple[dict[str, str], tuple[str, ...]]:
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    kept: dict[str, str] = {}
    left_out: list[str] = []
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in known:
            kept[name] = value
        elif name == "ssl" and value in ("true", "1"):
            kept["sslmode"] = "require"
        elif name.lower() in FOREIGN or not near(name, known).startswith("Did"):
            left_out.append(name)
        else:
            raise UsageError(f"The database URL has an unknown parameter '{name[:40]}'.", near(name, known))
    kept.pop("options", None)  # poolers refuse them, and all that matters is SET LOCAL
    return kept, (f"URL parameters of other clients left out: {', '.join(left_out)}",) if left_out else ()


def _libpq(dsn: str) -> dict[str, str]:
    try:
        return {name: str(value) for name, value in conninfo.conninfo_to_dict(dsn).items() if value is not None}
    except psycopg.Error:
        raise UsageError(
            "SOURCE is neither a database URL nor a file that is there.",
            "Give postgresql://user@host/database, a snapshot (.json) or row files (.parquet, .csv).",
        ) from None


def _target(parameters: dict[str, str], notes: tuple[str, ...]) -> Target:
    user = quote(parameters.get("user", ""), safe="")
    host = parameters.get("host") or parameters.get("hostaddr") or "localhost"
    port = f":{parameters['port']}" if "port" in parameters else ""
    name = quote(parameters.get("dbname", ""), safe="")
    shown = f"postgresql://{user}@" if user else "postgresql://"
    shown += f"/{name}?host={host}{port}" if host.startswith("/") else f"{host}{port}/{name}"
    fixed = {"client_encoding": "UTF8"}  # what the user, the role or the environment says of it is for other clients
    return Target({"connect_timeout": "10", "application_name": "genreq-checks"} | parameters | fixed, shown, notes)


def engine(target: Target, timeout: float = 0, deadline: Deadline | None = None) -> sa.Engine:
    """An engine without a pool and without prepared statements, so that a transaction pooler serves it.

    Its connections keep the limits by themselves, whatever the server does: `timeout` of each statement and `deadline`.
    """
    return make_engine(lambda: connect(target.parameters, timeout, deadline))


def identifier(*parts: str) -> sql.Identifier:
    """A name in a statement that has parameters, in which psycopg takes a single % for one of them."""
    return sql.Identifier(*(part.replace("%", "%%") for part in parts))


@contextmanager
def reading(target: Target, timeout: float = 300, deadline: Deadline | None = None) -> Iterator[sa.Connection]:
    """One REPEATABLE READ, READ ONLY transaction: everything read in it is of one instant; rolled back at the end.

    `timeout` is each statement's, in seconds, `deadline` bounds all of them.
    Raises: SourceError when the server cannot be reached or refuses.
    """
    try:
        connection = engine(target, timeout, deadline).connect()
    except (sa.exc.DBAPIError, psycopg.Error, OSError, UnicodeError) as error:
        raise unreachable(target, error) from None
    with connection:
        try:
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            settings = SETTINGS | {"statement_timeout": f"{int(timeout * 1000)}ms"}
            pin(connection, settings)
        except PinError as error:
            raise SourceError(
                f"The server of {target.location} does not keep the setting {error}: nothing would be read reliably.",
                "Connect to the server itself, or through another pooler.",
            ) from None
        except sa.exc.DBAPIError as error:
            raise unreachable(target, error) from None
        yield connection
        with suppress(sa.exc.DBAPIError):  # all was read, and nothing written: a server that is gone now does no harm
            connection.rollback()


def unreachable(target: Target, error: BaseException) -> SourceError:
    """Why the server could not be reached, in one line, without a password, with what to do."""
    cause = getattr(error, "orig", None) or error
    text = redact(" ".join(str(cause).split()), target)[:300]
    lowered = text.lower()
    if "password" in lowered or "authentication" in lowered or "no pg_hba.conf entry" in lowered:
        hint = "Check user and password (PGPASSWORD, ~/.pgpass or the URL)."
    elif "does not exist" in lowered:
        hint = "Check the database's and the role's name."
    elif "ssl" in lowered:
        hint = "Check sslmode in the URL: the server and it must agree."
    elif "translate host name" in lowered or "resolve" in lowered or "name or service" in lowered:
        hint = "Check the host's name."
    else:
        hint = "Check host and port, and that the server is up."
    return SourceError(f"The database {target.location} could not be read: {text.rstrip('.?')}.", hint)


def redact(text: str, target: Target) -> str:
    """Text without the password, and without control characters."""
    for secret in ("password", "sslpassword", "passfile", "oauth_client_secret"):
        value = target.parameters.get(secret)
        if value:
            text = text.replace(value, "***").replace(quote(value, safe=""), "***").replace(unquote(value), "***")
    return scrub(text)
