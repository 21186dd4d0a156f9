"""The copy: structure and rows of the source in the scratch database. The source is read in one transaction."""

from __future__ import annotations

import time
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import psycopg
import sqlalchemy as sa
from psycopg import sql

from genreq_checks.errors import SourceError
from genreq_checks.facts import SourceInfo
from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import find_table, hides_rows, quoted
from genreq_checks.postgres.connection import Target, reading
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.encoding import known_white_space
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.postgres.foreign_code import foreign_code
from genreq_checks.rehearsal.sampling import sampled
from genreq_checks.scratch.clone import finish, structure
from genreq_checks.scratch.database import Scratch
from genreq_checks.scratch.dump import Dump
from genreq_checks.sources.readable import read_types

OTHER_ROWS = 1000  # of each other table: enough to detect a change

_WHO = sa.text("""
    SELECT current_user::text AS role, current_database()::text AS database, pg_catalog.now() AS read_at,
           pg_catalog.current_setting('server_version') AS server,
           (SELECT reset_val FROM pg_catalog.pg_settings WHERE name = 'search_path') AS search_path
""")
_FOREIGN = sa.text("""
    SELECT n.nspname AS schema, c.relname AS name FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind = 'f'
""")
_FOREIGN_KEYS = sa.text("""
    SELECT n.nspname AS schema, c.relname AS "table", k.conname AS name, pg_catalog.pg_get_constraintdef(k.oid) AS definition
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.conrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND k.conparentid = 0 ORDER BY 1, 2, 3
""")
_PARENTS = sa.text("""
    SELECT n.nspname AS schema, c.relname AS "table",
           ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(num, place)
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.num ORDER BY u.place) AS own,
           ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(num, place)
                 JOIN pg_catalog.pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.num ORDER BY u.place) AS theirs
    FROM pg_catalog.pg_constraint k JOIN pg_catalog.pg_class c ON c.oid = k.confrelid
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE k.contype = 'f' AND k.conrelid = CAST(:oid AS oid) AND k.confrelid <> k.conrelid
""")
_POSITIONS = sa.text("""
    SELECT schemaname AS schema, sequencename AS name, last_value FROM pg_catalog.pg_sequences
    WHERE last_value IS NOT NULL AND increment_by > 0
""")
_HERE = """
    SELECT n.nspname, c.relname,
           ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
                 AND NOT a.attisdropped AND a.attgenerated = '' ORDER BY a.attnum)
    FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid) ORDER BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Copy:
    """What was copied: the number of the table's rows, the session's search_path, and what could not be copied."""

    source: SourceInfo
    rows: int
    search_path: str
    failed: tuple[str, ...]
    notes: tuple[str, ...]


def copy_source(
    plan: Plan, target: Target, scratch: Scratch, sample: int | None, timeout: float, deadline: Deadline | None = None
) -> Copy:
    """Copy the structure of the whole database, the sampled rows of the plan's table, the rows it refers to, and a
    few rows of each other table that the role may read.

    Raises: SourceError when the table does not exist, cannot be read completely (row level security) or be copied.
    """
    started = time.monotonic()
    try:
        with reading(target, timeout, deadline) as connection:
            return _copy(connection, plan, target, scratch, sample, started, deadline)
    except DRIVER_ERRORS as error:
        raise explain(error, target, plan.table, "Copying") from None


def _copy(
    connection: sa.Connection,
    plan: Plan,
    target: Target,
    scratch: Scratch,
    sample: int | None,
    started: float,
    deadline: Deadline | None,
) -> Copy:
    who = connection.execute(_WHO).one()
    found = find_table(connection, plan.table)
    if found.problem or found.oid is None or found.facts is None:
        problem = found.problem
        raise SourceError(problem.message, problem.hint) if problem else SourceError("The table was not found.")
    if hides_rows(connection, found.oid):
        raise SourceError(
            f"Row level security would hide rows of {plan.table.qualified} from this role.",
            "Rehearse as the table's owner or as a role with BYPASSRLS.",
        )
    danger = foreign_code(connection, found.oid, plan)
    if danger is not None:
        raise danger
    missing = [name for name in plan.table.key if found.facts.column(name) is None]
    if missing:
        raise SourceError(f"{plan.table.qualified} has no column '{missing[0]}', which is the plan's key.")
    gone = [name for name in plan.dropped if found.facts.column(name) is None]
    if len(gone) == len(plan.dropped):
        raise SourceError(
            f"{plan.table.qualified} no longer has the dropped columns ({', '.join(gone)}): there is nothing to rehearse.",
            "Rehearse on a database from before the drop.",
        )
    types = read_types(connection, found.oid)
    with structure(connection, target, plan.table, scratch, deadline) as made:
        dump = made.dump
        with psycopg.connect(scratch.url, autocommit=True, prepare_threshold=None) as there:
            rows = _copy_rows(connection, there, plan, types, found.oid, sample, dump.left_out)
        refused = [*made.refused, *finish(made, scratch)]
        failed = [f"{one.label} ({one.reason})" for one in refused if not one.label.startswith("FK CONSTRAINT")]
        with psycopg.connect(scratch.url, autocommit=True, prepare_threshold=None) as there:
            notes = _add_foreign_keys(connection, there, dump)
            _advance_sequences(there, plan)
            _copy_positions(connection, there)
    info = SourceInfo(
        kind="postgresql",
        location=target.location,
        read_at=who.read_at.astimezone(UTC),
        seconds=round(time.monotonic() - started, 3),
        server=f"PostgreSQL {who.server}",
        database=who.database,
        role=who.role,
        notes=target.notes,
    )
    partly = (
        () if dump.whole else (f"only the schema {plan.table.schema_name} could be copied, not the complete database",)
    )
    stood_in = tuple(one.text for one in made.stand_ins)
    return Copy(info, rows, who.search_path, tuple(failed), (*partly, *stood_in, *notes))


def _copy_rows(
    source: sa.Connection,
    there: psycopg.Connection,
    plan: Plan,
    types: dict[str, str],
    oid: int,
    sample: int | None,
    left_out: Collection[tuple[str, str]],
) -> int:
    """Copy the rows of every table in the scratch database; returns the number of rows of the plan's table.

    Foreign tables are plain ones there, and their rows stay on the other server. Tables that the role may not read are
    `left_out`.
    """
    elsewhere = {*left_out, *((row.schema, row.name) for row in source.execute(_FOREIGN))}
    tables = {(schema, name): columns for schema, name, columns in there.execute(_HERE).fetchall()}
    ours = (plan.table.schema_name, plan.table.name)
    if ours in left_out:
        raise SourceError(
            f"This role may not read all of {plan.table.qualified}, so that its structure cannot be copied as it is.",
            "Rehearse as a role with SELECT on the whole table.",
        )
    if ours not in tables:
        raise SourceError(
            f"The table {plan.table.qualified} could not be created in the scratch database.",
            "It needs an extension or a type that is missing: name a server that has it with --scratch URL.",
        )
    query = sampled(plan, types, tables[ours], sample)
    rows = _stream(source, there, query, ours, tables[ours])
    parents: dict[tuple[str, str], list[tuple[list[str], list[str]]]] = {}
    for parent in source.execute(_PARENTS, {"oid": oid}):
        parents.setdefault((parent.schema, parent.table), []).append((parent.theirs, parent.own))
    for name, columns in tables.items():
        if name == ours or not columns or name in elsewhere:
            continue
        other = sa.table(name[1], *(sa.column(c) for c in columns), schema=name[0])
        few = sa.select(*other.c)
        if name in parents:
            wanted = [
                sa.tuple_(*(other.c[c] for c in theirs)).in_(sampled(plan, types, own, sample))
                for theirs, own in parents[name]
            ]
            few = few.where(sa.or_(*wanted))
        else:
            few = few.limit(OTHER_ROWS)
        try:
            with source.begin_nested():
                _stream(source, there, few, name, columns)
        except (sa.exc.DBAPIError, psycopg.Error):
            if source.closed or source.invalidated or source.connection.driver_connection.closed:  # type: ignore[union-attr]
                raise
            continue  # not readable, or a constraint rejects it: its structure is copied, its rows are optional
    return rows


def _stream(
    source: sa.Connection, there: psycopg.Connection, query: sa.Select[Any], into: tuple[str, str], columns: list[str]
) -> int:
    """COPY a query's rows from the source to a table of the scratch database, as a stream."""
    compiled = query.compile(dialect=source.dialect, compile_kwargs={"render_postcompile": True})
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    back = sql.SQL("COPY {} ({}) FROM STDIN").format(sql.Identifier(*into), names)
    driver: psycopg.Connection = source.connection.driver_connection  # type: ignore[assignment]
    # COPY has no parameters; and psycopg does not change a doubled % in a statement without parameters
    select = psycopg.ClientCursor(driver).mogrify(str(compiled), {**compiled.params, **known_white_space(source)})
    out = sql.SQL("COPY ({}) TO STDOUT").format(sql.SQL(select))
    with driver.cursor() as reader, there.cursor() as writer:
        with reader.copy(out) as rows, writer.copy(back) as sink:
            for block in rows:
                sink.write(block)
        return writer.rowcount


def _add_foreign_keys(source: sa.Connection, there: psycopg.Connection, dump: Dump) -> tuple[str, ...]:
    """Create the foreign keys that the sample's rows did not satisfy, without checking those rows."""
    present = there.execute("""
        SELECT n.nspname, c.relname, k.conname FROM pg_catalog.pg_constraint k
        JOIN pg_catalog.pg_class c ON c.oid = k.conrelid JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        WHERE k.contype = 'f'
    """).fetchall()
    missing: list[str] = []
    for key in source.execute(_FOREIGN_KEYS):
        if (key.schema, key.table, key.name) in present or (not dump.whole):
            continue
        tail = "" if "NOT VALID" in key.definition or "NOT ENFORCED" in key.definition else " NOT VALID"
        statement = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}").format(
            sql.Identifier(key.schema, key.table), sql.Identifier(key.name), sql.SQL(key.definition + tail)
        )
        try:
            there.execute(statement)
        except psycopg.Error:
            missing.append(key.name)
    return (f"foreign keys that could not be copied: {', '.join(missing)}",) if missing else ()


def _copy_positions(source: sa.Connection, there: psycopg.Connection) -> None:
    """Give each sequence of the copy the position that it has in the source, also one that no column owns."""
    for row in source.execute(_POSITIONS):
        there.execute(
            "SELECT pg_catalog.setval(s.oid::regclass, greatest(%s, coalesce(p.last_value, %s))) FROM pg_catalog.pg_class s "
            "JOIN pg_catalog.pg_namespace n ON n.oid = s.relnamespace JOIN pg_catalog.pg_sequences p "
            "ON p.schemaname = n.nspname AND p.sequencename = s.relname "
            "WHERE s.relkind = 'S' AND n.nspname = %s AND s.relname = %s AND p.increment_by > 0",
            [row.last_value, row.last_value, row.schema, row.name],
        )


def _advance_sequences(there: psycopg.Connection, plan: Plan) -> None:
    """Set the table's own sequences to its largest key, so that a new row gets a free key."""
    table = quoted(plan.table)
    owned = there.execute(
        """SELECT a.attname, pg_catalog.pg_get_serial_sequence(%s, a.attname) FROM pg_catalog.pg_attribute a
           WHERE a.attrelid = %s::regclass AND a.attnum > 0 AND NOT a.attisdropped""",
        [table.as_string(there), table.as_string(there)],
    ).fetchall()
    for column, sequence in owned:
        if sequence is not None:
            statement = sql.SQL("SELECT pg_catalog.setval({}::regclass, max({})) FROM {} HAVING max({}) > 0")
            name = sql.Identifier(column)
            there.execute(statement.format(sql.Literal(sequence), name, table, name))
