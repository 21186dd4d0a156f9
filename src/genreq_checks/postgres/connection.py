"""A read-only transaction on a PostgreSQL server, from any form of URL, that changes nothing on the server."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote

import psycopg
import sqlalchemy as sa
from psycopg import conninfo, pq, sql

from genreq_checks.errors import SourceError, UsageError, near
from genreq_checks.postgres.bounded import connect
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.engine import PinError, make_engine, pin
from genreq_checks.postgres.refusal import told
from genreq_checks.postgres.url import split_url
from genreq_checks.postgres.waiting import LimitError
from genreq_checks.text import redact as redact_text
from genreq_checks.text import scrub

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password
SECRETS = ("password", "sslpassword", "passfile", "oauth_client_secret")
SCHEMES = ("postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2", "postgresql+asyncpg")
# Parameters of other clients that libpq does not know; without them the connection goes to the same place.
FOREIGN = frozenset(
    (
        *("pgbouncer", "connection_limit", "pool_timeout", "pool_size", "max_connections", "schema", "currentschema"),
        *("statement_cache_size", "statement_cache_mode", "prepared_statements", "prepare_threshold"),
        *("preparethreshold", "socket_timeout", "supa", "workaround", "uselibpqcompat", "idle_timeout", "max_lifetime"),
    )
)
_RESOLVING = ("failed to resolve host", "[Errno", "could not translate host name")  # the client's own words
SETTINGS = {  # each by SET LOCAL: a pooler's next client must not have them
    "row_security": "off",
    "TimeZone": "UTC",
    "DateStyle": "ISO",
    "IntervalStyle": "iso_8601",
    "extra_float_digits": "3",  # PostgreSQL 12 and later need only 1
    "bytea_output": "hex",
    "lc_monetary": "C",
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
    """Where to connect: libpq's parameters, the part that may be shown, and what was left out."""

    parameters: dict[str, str] = field(repr=False)
    location: str
    notes: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no message may hold: the passwords, and what follows a colon in the user's name."""
        known = [self.parameters.get(name, "") for name in SECRETS]
        return self.unshown(*known, self.parameters.get("user", "").partition(":")[2], os.environ.get("PGPASSWORD", ""))

    def unshown(self, *secrets: str) -> tuple[str, ...]:
        """The secrets that are not equal to a shown name: hiding such a name would only show what the password is."""
        shown = {self.parameters.get(name) for name in ("user", "dbname", "host")}
        return tuple(secret for secret in secrets if secret and secret not in shown)


def parse(url: str) -> Target:
    """The connection parameters in a URL (`postgres://…`, `postgresql://…`) or in libpq's `host=… dbname=…` form.

    Raises: UsageError for what is invalid; its message holds no part of the URL that could be a password.
    """
    if "://" not in url or re.match(r"\s*\w+\s*=", url):
        return _target(_libpq(url), ())
    url = url.strip()
    scheme = url.partition("://")[0]
    if scheme.lower() not in SCHEMES:
        raise UsageError("A database URL begins with postgresql://.", near(scheme.lower(), SCHEMES))
    parts = split_url(url)
    kept, notes = _own_parameters(parts.query)
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in kept.items())
    return _target(_libpq(f"postgresql://{parts.authority}{parts.path}" + (f"?{query}" if query else "")), notes)


def _own_parameters(query: str) -> tuple[dict[str, str], tuple[str, ...]]:
    known = {option.keyword.decode() for option in pq.Conninfo.get_defaults()}
    kept: dict[str, str] = {}
    left_out: list[str] = []
    if any(part and "=" not in part for part in query.split("&")):
        raise UsageError("The database URL has a parameter without '='.", "Write a '&' in a password as %26.")
    for name, value in parse_qsl(
        query.replace("+", "%2B"), keep_blank_values=True
    ):  # libpq does not read a plus as a space
        if name in known:
            kept[name] = value
        elif name == "ssl" and value in ("true", "1"):
            kept["sslmode"] = "require"
        elif name.lower() in FOREIGN or not near(name, known).startswith("Did"):
            left_out.append(name.lower())
        else:
            raise UsageError("The database URL has an unknown parameter.", near(name, known))
    kept.pop("options", None)  # poolers reject them, and every setting that is needed is made by SET LOCAL
    return kept, _left_out(left_out)


def _left_out(names: list[str]) -> tuple[str, ...]:
    """A note on other clients' parameters; an unknown name may be a part of a password."""
    if not names:
        return ()
    foreign = [name for name in names if name in FOREIGN]
    shown = [*foreign, *(["others"] if len(foreign) < len(names) else [])]
    return (f"URL parameters of other clients left out: {', '.join(shown)}",)


def _libpq(dsn: str) -> dict[str, str]:
    try:
        if any(c < " " and not c.isspace() for c in dsn):  # libpq would stop reading at a NUL
            raise ValueError
        return {name: str(value) for name, value in conninfo.conninfo_to_dict(dsn).items() if value is not None}
    except (psycopg.Error, ValueError):
        raise UsageError(
            "SOURCE is neither a database URL nor an existing file.",
            "Give postgresql://user@host/database, a snapshot (.json) or row files (.parquet, .csv).",
        ) from None


def _target(parameters: dict[str, str], notes: tuple[str, ...]) -> Target:
    user = quote(parameters.get("user", ""), safe="")
    host = parameters.get("host") or parameters.get("hostaddr") or os.environ.get("PGHOST") or "localhost"
    port = (parameters.get("port") or os.environ.get("PGPORT") or "").strip(
        ","
    )  # one for each host, empty without a port
    name = quote(parameters.get("dbname", ""), safe="")
    _require_places(host, port, parameters.get("dbname", ""))
    if ":" in parameters.get("user", ""):  # user:password with an encoded colon, most likely
        user = "***"
    shown = f"postgresql://{user}@" if user else "postgresql://"
    if host[0] in "/@":
        shown += f"/{name}?host={quote(host, safe='/')}" + (f":{port}" if port else "")
    else:
        hosts = ",".join(f"[{one}]" if ":" in one else one for one in host.split(","))
        shown += f"{hosts}{f':{port}' if port else ''}/{name}"
    fixed = {"client_encoding": "UTF8"}  # settings of the user, the role or the environment are for other clients
    return Target({"connect_timeout": "10", "application_name": "genreq-checks"} | parameters | fixed, shown, notes)


def _require_places(host: str, port: str, database: str) -> None:
    """Raises: UsageError for an impossible host, port or database: a wrong escape may have put a password there."""
    if host[0] not in "/@" and not re.fullmatch(r"[\w.,:%~-]+", host):
        raise UsageError(
            "The database URL has a host that cannot be read.", "Check its escapes: ':' is %3A, '@' is %40."
        )
    if not re.fullmatch(r"[0-9,]*", port):
        raise UsageError("The database's port is not a number.", "Write it as port=5432.")
    if ":/" in database or re.search(r"password\s*=", database, re.IGNORECASE):
        raise UsageError("The database's name is itself a URL or a connection string.", "Give only that as SOURCE.")


def engine(target: Target, timeout: float = 0, deadline: Deadline | None = None) -> sa.Engine:
    """An engine without a pool and without prepared statements, so that a transaction pooler serves it.

    Its connections enforce the limits, whatever the server does: `timeout` of each statement and `deadline`.
    """
    return make_engine(lambda: connect(target.parameters, timeout, deadline))


def identifier(*parts: str) -> sql.Identifier:
    """A name in a statement with parameters, in which psycopg reads a single % as a parameter."""
    return sql.Identifier(*(part.replace("%", "%%") for part in parts))


@contextmanager
def reading(
    target: Target, timeout: float = 300, deadline: Deadline | None = None, workers: int | None = None
) -> Iterator[sa.Connection]:
    """One REPEATABLE READ, READ ONLY transaction: everything read in it is of one instant; rolled back at the end.

    `timeout` is each statement's, in seconds, `deadline` bounds all of them. `workers` is how many parallel workers the
    server may use for a statement, within its own limits; None leaves that to its settings.
    Raises: SourceError when the server cannot be reached or rejects the connection.
    """
    try:
        connection = engine(target, timeout, deadline).connect()
    except (sa.exc.DBAPIError, psycopg.Error, OSError, UnicodeError) as error:
        raise unreachable(target, error) from None
    with connection:
        try:
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            settings = SETTINGS | _parallel(workers) | {"statement_timeout": f"{int(timeout * 1000)}ms"}
            pin(connection, settings)
        except PinError as error:
            raise SourceError(
                f"The server of {target.location} does not keep the setting {error}: nothing would be read reliably.",
                "Connect to the server itself, or through another pooler.",
            ) from None
        except sa.exc.DBAPIError as error:
            raise unreachable(target, error) from None
        yield connection
        with suppress(
            sa.exc.DBAPIError
        ):  # everything was read and nothing was written: losing the server now does not matter
            connection.rollback()


def _parallel(workers: int | None) -> dict[str, str]:
    """The settings by which the planner uses so many workers.

    It expects as many groups as rows, so that to start workers and to pass rows would seem to cost more than it gains.
    """
    if workers is None:
        return {}
    free = ("parallel_setup_cost", "parallel_tuple_cost", "min_parallel_table_scan_size")
    return {"max_parallel_workers_per_gather": str(workers), **dict.fromkeys(free, "0")}


def unreachable(target: Target, error: BaseException) -> SourceError:
    """Why the server could not be reached, in one line, without a password, with what to do."""
    if isinstance(getattr(error, "orig", error), psycopg.errors.QueryCanceled):
        message = f"The database {target.location} took longer than the time limit to begin the reading."
        return SourceError(message, "Raise it with --timeout SECONDS.")
    text = scrub(shown_words(error, target))
    lowered = said(error, target)[:300].lower()  # it selects the hint, and is not shown
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


def shown_words(error: BaseException, target: Target) -> str:
    """The part of the error that may be shown: of the server's text only what is known to hold no value."""
    cause = getattr(error, "orig", None) or error
    if isinstance(cause, (LimitError, OSError, UnicodeError)) or not isinstance(cause, psycopg.Error):
        return said(error, target)[:300]
    if str(cause).startswith(_RESOLVING):
        return said(error, target)[:300]
    if cause.sqlstate is not None:
        return f"{type(cause).__name__} (SQLSTATE {cause.sqlstate})"
    given = [target.parameters.get(name, "") for name in ("user", "dbname", "host", "hostaddr")]
    ours = [*given, *target.parameters.get("host", "").split(","), os.environ.get("PGHOST", "")]
    return told(said(error, target), ours)[:300]


def said(error: BaseException, target: Target) -> str:
    """The message of the driver or the server, in one line, without secrets: also without those that libpq found in
    ~/.pgpass, in a service file or in the environment.
    """
    cause = getattr(error, "orig", None) or error
    used = getattr(getattr(cause, "pgconn", None), "password", None)
    found = used.decode("utf-8", "replace") if isinstance(used, bytes) else ""
    return " ".join(redact_text(str(cause), *target.secrets, *target.unshown(found)).split())


def redact(text: str, target: Target) -> str:
    """Text without the target's secrets, and without control characters."""
    return scrub(redact_text(text, *target.secrets))
