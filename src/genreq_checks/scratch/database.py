"""A scratch database: created here, marked as created here, and dropped however the rehearsal ends."""

from __future__ import annotations

import secrets
import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import psycopg
from psycopg import conninfo, sql

from genreq_checks.embedded import EmbeddedServer, start
from genreq_checks.embedded.launch import find_wheel
from genreq_checks.errors import SourceError, UsageError
from genreq_checks.postgres.connection import Target, parse, redact, unreachable

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

MARK = "Scratch database of a genreq-checks rehearsal; may be dropped."


@dataclass(frozen=True, slots=True)
class Scratch:
    """Where a rehearsal may write. `embedded`: the server is used by this run only, so roles may be created in it.

    `running` is that server, None where it is not embedded.
    """

    url: str = field(repr=False)
    embedded: bool
    server: str
    running: EmbeddedServer | None = None


@contextmanager
def open_scratch(
    url: str | None, source: Target, settings: Mapping[str, str] | None = None, *, network: bool = False
) -> Iterator[Scratch]:
    """An empty database: in an embedded server, or on the server that `url` names; both are removed at the end.

    `settings` and `network` are the embedded server's.

    SIGTERM and SIGHUP end the block as Ctrl-C does.
    Raises: UsageError when `url` is the source; SourceError when no database can be created there.
    """
    with ExitStack() as stack:
        stack.enter_context(_ended_by_signals())
        if url is None:
            server = stack.enter_context(start(settings, network=network))
            yield Scratch(server.create_database("rehearsal"), True, "an embedded PostgreSQL", server)
            return
        target = parse(url)
        if _place(target) == _place(source):
            raise UsageError(
                "--scratch names the source itself, which a rehearsal must not write.",
                "Name another database or server; a new database is created there.",
            )
        yield stack.enter_context(_database(target))


def _place(target: Target) -> tuple[str, ...]:
    given = conninfo.conninfo_to_dict("", **target.parameters)
    user = str(given.get("user") or "")
    host = str(given.get("host") or given.get("hostaddr") or "localhost")
    return host, str(given.get("port") or "5432"), str(given.get("dbname") or user)


@contextmanager
def _database(target: Target) -> Iterator[Scratch]:
    name = f"genreq_scratch_{secrets.token_hex(6)}"
    parameters = {key: value for key, value in target.parameters.items() if key != "application_name"}
    admin = conninfo.make_conninfo("", **parameters)
    try:
        with psycopg.connect(admin, autocommit=True, prepare_threshold=None) as connection:
            version = connection.info.parameter_status("server_version") or "?"
            create = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'")
            _create(connection, create.format(sql.Identifier(name)), target)
            mark = sql.SQL("COMMENT ON DATABASE {} IS {}").format(sql.Identifier(name), sql.Literal(MARK))
            connection.execute(mark)
    except psycopg.OperationalError as error:
        raise unreachable(target, error) from None
    try:
        url = conninfo.make_conninfo(admin, dbname=name)
        yield Scratch(url, False, f"the scratch database {name} (PostgreSQL {version.split()[0]})")
    finally:
        try:
            _drop(admin, name)
        except psycopg.Error as error:
            problem = unreachable(target, error)
            raise SourceError(f"The scratch database {name} may still exist. {problem.message}", "Drop it.") from None


def _create(connection: psycopg.Connection, statement: sql.Composed, target: Target) -> None:
    try:
        connection.execute(statement)
    except psycopg.Error as error:
        text = redact(str(error.diag.message_primary), target)
        raise SourceError(
            f"No scratch database could be created on {target.location}: {text}.",
            "Name a server where the role may create databases, or leave --scratch out for an embedded one.",
        ) from None


def _drop(admin: str, name: str) -> None:
    """Drop the database that was created here; a database of that name without the mark is not ours and stays."""
    query = """SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database WHERE datname = %s"""
    with psycopg.connect(admin, autocommit=True, prepare_threshold=None) as connection:
        row = connection.execute(query, [name]).fetchone()
        if row is not None and row[0] == MARK:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP raise SystemExit while the block runs; only the main thread can handle signals."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(number: int, _: FrameType | None) -> None:
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def programs() -> Path:
    """The folder of pg_dump and pg_restore. Raises: EmbeddedServerError when they are not installed."""
    return find_wheel() / "pginstall" / "bin"
