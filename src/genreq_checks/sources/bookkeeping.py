"""The bookkeeping of migration tools, read in the snapshot's own transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa

from genreq_checks.plan import Bookkeeping
from genreq_checks.postgres.failure import NOT_ALLOWED, kind_and_state, sqlstate
from genreq_checks.snapshot import AppliedMigration, Books, Problem
from genreq_checks.text import quote_name

MOST = 10_000
_COLUMNS: tuple[tuple[str, sa.types.TypeEngine[Any]], ...] = (
    ("id", sa.BigInteger()),
    ("hash", sa.Text()),
    ("created_at", sa.BigInteger()),
)

# By its columns a table is recognized, since each tool lets its user name it, or by its usual name: what is not as
# expected there cannot be read, and is not taken as absent.
_ALIKE = sa.text("""
    SELECT schema, name, columns, tool FROM (
        SELECT n.nspname AS schema, c.relname AS name, pg_catalog.array_agg(a.attname::text) AS columns,
               CASE WHEN pg_catalog.count(*) FILTER (WHERE
                         (a.attname = 'id' AND t.kind = 'integer')
                         OR (a.attname = 'hash' AND t.kind = 'text')
                         OR (a.attname = 'created_at' AND a.atttypid = CAST('int8' AS regtype))) = 3 THEN 'drizzle'
                    WHEN c.relname = 'alembic_version' OR (pg_catalog.count(*) = 1
                         AND pg_catalog.bool_and(a.attname = 'version_num' AND t.kind = 'text')) THEN 'alembic'
                    WHEN c.relname = 'flyway_schema_history' OR pg_catalog.count(*) FILTER (WHERE
                         (a.attname IN ('installed_rank', 'checksum') AND t.kind = 'integer')
                         OR (a.attname IN ('version', 'type', 'script') AND t.kind = 'text')
                         OR (a.attname = 'success' AND a.atttypid = CAST('bool' AS regtype))) = 6 THEN 'flyway'
                    WHEN pg_catalog.count(*) = 2 AND pg_catalog.bool_and(
                         (a.attname = 'version' AND t.kind = 'integer')
                         OR (a.attname = 'dirty' AND a.atttypid = CAST('bool' AS regtype))) THEN 'golang-migrate'
               END AS tool
        FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        CROSS JOIN LATERAL (SELECT CASE
            WHEN a.atttypid IN (CAST('int2' AS regtype), CAST('int4' AS regtype), CAST('int8' AS regtype)) THEN 'integer'
            WHEN a.atttypid IN (CAST('text' AS regtype), CAST('varchar' AS regtype)) THEN 'text' END AS kind) t
        WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        GROUP BY 1, 2) alike
    WHERE tool IS NOT NULL ORDER BY 1, 2 LIMIT 20
""")
_EXISTS = sa.text("""
    SELECT true FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = :schema AND c.relname = :name
""")


# What a row of Flyway's history says, by its type; the others are migrations.
_KINDS = {"BASELINE": "baseline", "SQL_BASELINE": "baseline", "DELETE": "undone"}


def read_books(connection: sa.Connection, where: Bookkeeping) -> tuple[Books | Problem, tuple[Books, ...]]:
    """The bookkeeping table that the plan names: its rows, or that it is absent (and where a similar one is), or why it
    cannot be read. And the bookkeeping tables of other tools, each with its rows or why they cannot be read.
    """
    name = (where.schema_name, where.table)
    try:
        with connection.begin_nested():
            alike = {(row.schema, row.name): row for row in connection.execute(_ALIKE)}
            if name in alike:
                main: Books | Problem = _read(connection, alike[name])
            elif connection.execute(_EXISTS, {"schema": name[0], "name": name[1]}).scalar():
                hint = "Name the right one with --migrations-table SCHEMA.NAME or in the plan."
                message = f"{'.'.join(name)} is not a bookkeeping table of a migration tool that is read."
                main = Problem(part="bookkeeping", message=message, hint=hint)
            else:
                elsewhere = tuple(".".join(one) for one, row in alike.items() if row.tool == "drizzle")
                main = Books(table=".".join(name), present=False, elsewhere=elsewhere)
    except sa.exc.DBAPIError as error:
        return _refused(error, *name), ()
    others: list[Books] = []
    for row in (row for one, row in alike.items() if one != name and row.tool != "drizzle"):
        try:
            with connection.begin_nested():
                others.append(_read(connection, row))
        except sa.exc.DBAPIError as error:
            problem = _refused(error, row.schema, row.name).text
            others.append(Books(table=f"{row.schema}.{row.name}", present=True, tool=row.tool, problem=problem))
    return main, tuple(others)


def _read(connection: sa.Connection, here: Any) -> Books:
    """The rows of a table that the catalog shows to be a tool's."""
    table = sa.table(here.name, schema=here.schema)

    def rows(*columns: sa.ColumnElement[Any], order: Sequence[sa.ColumnElement[Any]]) -> list[tuple[Any, ...]]:
        chosen = sa.select(*columns).select_from(table).order_by(*order).limit(MOST)
        return [tuple(row) for row in connection.execute(chosen)]

    applied: list[AppliedMigration]
    match here.tool:
        case "alembic":
            revision = sa.column("version_num", sa.Text())
            applied = [AppliedMigration(hash="", name=row[0]) for row in rows(revision, order=[revision])]
        case "flyway":
            rank, checksum = sa.column("installed_rank", sa.BigInteger()), sa.column("checksum", sa.BigInteger())
            texts = [sa.column(name, sa.Text()) for name in ("version", "type", "script")]
            found = rows(rank, checksum, *texts, sa.column("success", sa.Boolean()), order=[rank])
            applied = [_of_flyway(*row) for row in found if row[3] != "SCHEMA"]
        case "golang-migrate":
            version = sa.column("version", sa.BigInteger())
            applied = [
                AppliedMigration(hash="", name=str(row[0]), kind="failed" if row[1] else "applied")
                for row in rows(version, sa.column("dirty", sa.Boolean()), order=[version])
            ]
        case _:
            number, text, time = (sa.column(name, kind) for name, kind in _COLUMNS)
            tag = sa.cast(sa.column("name"), sa.Text) if "name" in here.columns else sa.null()
            found = rows(number, text, time, tag, order=[time, number])
            applied = [AppliedMigration(id=row[0], hash=row[1] or "", created_at=row[2], name=row[3]) for row in found]
    return Books(table=f"{here.schema}.{here.name}", present=True, applied=tuple(applied), tool=here.tool)


def _of_flyway(
    rank: int, checksum: int | None, version: str | None, kind: str, script: str, success: bool
) -> AppliedMigration:
    """A row of the history; a repeatable migration has no version, and goes by its file's name."""
    name = version or script.rpartition("/")[2].removesuffix(".sql")
    said = _KINDS.get(kind, "undone" if kind.startswith("UNDO") else "applied") if success else "failed"
    total = "" if checksum is None else str(checksum)
    return AppliedMigration.model_validate({"id": rank, "hash": total, "name": name, "kind": said})


def _refused(error: sa.exc.DBAPIError, schema: str, table: str) -> Problem:
    """Why a table could not be read. Raises: the error itself when the connection is lost, which the caller reports."""
    state = sqlstate(error)
    if error.connection_invalidated or state is None:
        raise error
    if state == NOT_ALLOWED:
        hint = f"GRANT USAGE ON SCHEMA {quote_name(schema)} and SELECT ON {quote_name(schema, table)} to the role."
        return Problem(part="bookkeeping", message=f"The role may not read {schema}.{table}.", hint=hint)
    return Problem(part="bookkeeping", message=f"{schema}.{table} could not be read: {kind_and_state(error)}.")
