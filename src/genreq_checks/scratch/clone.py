"""The source's structure in a scratch database, as complete as possible, with stand-ins for what that server does not have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import sqlalchemy as sa
from psycopg import sql

from genreq_checks.plan import Table
from genreq_checks.postgres.connection import Target
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.scratch.bare_tables import bare_tables
from genreq_checks.scratch.collations import stand_ins as collation_stubs
from genreq_checks.scratch.collations import used_collations
from genreq_checks.scratch.database import Scratch
from genreq_checks.scratch.dump import Dump, dumped, unreadable_tables
from genreq_checks.scratch.extension_stubs import stubs
from genreq_checks.scratch.foreign_tables import KIND as FOREIGN_TABLE
from genreq_checks.scratch.foreign_tables import WITH_THEM, plain_tables
from genreq_checks.scratch.members import extensions, read_extension
from genreq_checks.scratch.restore import Entry, Refused, contents, restore, script, without
from genreq_checks.scratch.stand_ins import StandIn, Stub
from genreq_checks.text import plural, quote_name

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

RELATIONS = ("TABLE ", "VIEW ", "MATERIALIZED VIEW ", "SEQUENCE ")
_VERSION = sa.text("SELECT CAST(pg_catalog.current_setting('server_version_num') AS int)")
_ROLES = sa.text("SELECT rolname FROM pg_catalog.pg_roles WHERE rolname !~ '^pg_' ORDER BY 1")


@dataclass(frozen=True, slots=True)
class Structure:
    """The structure before the rows are copied: the dump, the stand-ins, and the entries that the server rejected."""

    dump: Dump
    stand_ins: tuple[StandIn, ...]
    refused: tuple[Refused, ...]


@contextmanager
def structure(
    connection: sa.Connection, target: Target, table: Table, scratch: Scratch, deadline: Deadline | None = None
) -> Iterator[Structure]:
    """Create everything that comes before rows in the scratch database; the dump exists while the block runs.

    `connection` reads the source, with only pg_catalog in its search_path.
    Raises: SourceError when pg_dump fails; sqlalchemy.exc.DBAPIError when the source's catalog cannot be read.
    """
    version = int(connection.execute(_VERSION).scalar_one())
    left_out = unreadable_tables(connection)
    with dumped(target, table, version, deadline, left_out) as dump:
        with psycopg.connect(scratch.url, autocommit=True, prepare_threshold=None) as there:
            if scratch.embedded:
                _make_roles(there, [row.rolname for row in connection.execute(_ROLES)])
            made = _extensions(connection, there)
            made += _collations(connection, there)
            present = _present(there, [one.name for one in made if one.kind == "extension"])
        entries = without(contents(dump, "pre-data"), WITH_THEM, present)
        foreign = [entry for entry in entries if entry.text.startswith(f"{FOREIGN_TABLE} ")]
        first, rest = _cut(without(entries, (FOREIGN_TABLE,)), apart=bool(foreign or left_out))
        refused = restore(dump, scratch, "pre-data", first)
        made += _foreign_tables(scratch, dump, foreign)
        bare, later, sequences = _bare_tables(connection, scratch, left_out)
        refused += restore(dump, scratch, "pre-data", without(rest, starts=sequences))
        if bare:  # pg_dump did not know that something hangs on these
            numbers = {one.number for one in refused}
            refused = restore(dump, scratch, "pre-data", [one for one in entries if one.number in numbers])
        with psycopg.connect(scratch.url, autocommit=True, prepare_threshold=None) as there:
            _make(there, later)
        made += bare
        yield Structure(dump, tuple(made), tuple(refused))


def finish(structure: Structure, scratch: Scratch) -> list[Refused]:
    """Create what comes after the rows: indexes, constraints, triggers, policies; returns the rejected entries."""
    return restore(structure.dump, scratch, "post-data", contents(structure.dump, "post-data"))


def _make_roles(there: psycopg.Connection, names: Sequence[str]) -> None:
    """Create the roles that policies and grants name, only in the embedded server, and without login."""
    here = {row[0] for row in there.execute("SELECT rolname FROM pg_catalog.pg_roles")}
    for name in names:
        if name not in here:
            there.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))


def available_extensions(there: psycopg.Connection) -> set[str]:
    """The extensions that the clone's server has."""
    return {row[0] for row in there.execute("SELECT name FROM pg_catalog.pg_available_extensions")}


def _extensions(connection: sa.Connection, there: psycopg.Connection) -> list[StandIn]:
    available = available_extensions(there)
    made: list[StandIn] = []
    for name, schema in extensions(connection).items():
        if name in available:
            continue
        extension = read_extension(connection, name, schema)
        done, failed = _make(there, list(stubs(extension)))
        reason = f"the clone's server does not have it; {plural(len(done), 'stub')} in its place"
        reason += f", {len(failed):,} more could not be created" if failed else ""
        made.append(StandIn("extension", name, reason, tuple(dict.fromkeys(stub.name for stub in done if stub.name))))
    return made


def _collations(connection: sa.Connection, there: psycopg.Connection) -> list[StandIn]:
    rows = there.execute("""
        SELECT n.nspname, c.collname FROM pg_catalog.pg_collation c JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace
        WHERE c.collencoding IN (-1, 6)""").fetchall()
    wanted = used_collations(connection)
    for schema in {schema for schema, _ in wanted}:
        _make(there, [Stub("", f"CREATE SCHEMA IF NOT EXISTS {quote_name(schema)}")])
    done, _ = _make(there, list(collation_stubs(wanted, [(schema, name) for schema, name in rows])))
    reason = 'the clone compares by "C" instead'
    return [StandIn("collation", stub.name, reason, (stub.name,)) for stub in done]


def _foreign_tables(scratch: Scratch, dump: Dump, foreign: Sequence[Entry]) -> list[StandIn]:
    if not foreign:
        return []
    with psycopg.connect(scratch.url, autocommit=True, prepare_threshold=None) as there:
        done, failed = _make(there, list(plain_tables(script(dump, "pre-data", foreign))))
    found = [StandIn("foreign table", stub.name, "a plain table in its place", (stub.name,)) for stub in done]
    return found + [
        StandIn("not made", stub.name, "a foreign table that could not be created as a plain one") for stub in failed
    ]


def _bare_tables(
    connection: sa.Connection, scratch: Scratch, left_out: Sequence[tuple[str, str]]
) -> tuple[list[StandIn], list[Stub], list[str]]:
    """Tables that the role may not read, by the catalog; what of them can only be created when the rest is there; and how
    the entries of their sequences begin, which are there with them.
    """
    if not left_out:
        return [], [], []
    tables, after = bare_tables(connection, left_out)
    with psycopg.connect(scratch.url, autocommit=True, prepare_threshold=None) as there:
        done, _ = _make(there, tables)
        _, later = _make(there, after)
        rows = there.execute("""
            SELECT n.nspname, c.relname FROM pg_catalog.pg_class c
            JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'S'""").fetchall()
    there_now = {stub.name for stub in done}
    found: list[StandIn] = []
    for name in (quote_name(*one) for one in left_out):
        if name in there_now:
            reason = "this role may not read it; its columns and keys are those of the catalog"
            found.append(StandIn("table left out", name, reason, (name,)))
        else:
            found.append(StandIn("not made", name, "this role may not read it, and the catalog was not enough"))
    return found, later, [f"SEQUENCE {schema} {name} " for schema, name in rows]


def _make(there: psycopg.Connection, wanted: Sequence[Stub]) -> tuple[list[Stub], list[Stub]]:
    """Create what can be created, and retry while a retry creates more; returns what was created, and what was not."""
    done: list[Stub] = []
    left = list(wanted)
    while left:
        failed: list[Stub] = []
        for stub in left:
            try:
                there.execute(stub.sql.encode())
                done.append(stub)
            except psycopg.Error:
                failed.append(stub)
        if len(failed) == len(left):
            return done, failed
        left = failed
    return done, []


def _present(there: psycopg.Connection, stubbed: Sequence[str]) -> list[str]:
    """The beginnings of the entries that already have a stand-in: extensions, their schemas, collations."""
    names = [f"EXTENSION - {name} " for name in stubbed]
    names += [f"COMMENT - EXTENSION {form}" for name in stubbed for form in (f"{name} ", f'"{name}" ')]
    names += [f"SCHEMA - {row[0]} " for row in there.execute("SELECT nspname FROM pg_catalog.pg_namespace")]
    made = there.execute("""
        SELECT n.nspname, c.collname FROM pg_catalog.pg_collation c
        JOIN pg_catalog.pg_namespace n ON n.oid = c.collnamespace WHERE n.nspname <> 'pg_catalog'""")
    return names + [f"COLLATION {schema} {name} " for schema, name in made]


def _cut(entries: Sequence[Entry], *, apart: bool) -> tuple[Sequence[Entry], Sequence[Entry]]:
    """What comes before the first relation, and the rest; foreign tables are created between the two."""
    place = next((n for n, entry in enumerate(entries) if entry.text.startswith(RELATIONS)), len(entries))
    return (entries[:place], entries[place:]) if apart else (entries, ())
