"""The statements that pg_stat_statements has of the database: what ran, and not all that ran."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa
from sqlalchemy.sql import quoted_name

from genreq_checks.errors import UsageError
from genreq_checks.postgres.marker import own
from genreq_checks.sources.queries.entries import Entry
from genreq_checks.text import plural

NAME: Final = "pg_stat_statements"
_HIDDEN = "<insufficient privilege>"
_AT = sa.text("""
    SELECT n.nspname AS schema, pg_catalog.current_database()::text AS database,
           EXISTS (SELECT FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid
                   WHERE c.relname = 'pg_stat_statements' AND c.relnamespace = n.oid AND a.attname = 'stats_since') AS has_since,
           pg_catalog.to_regclass(quote_ident(n.nspname) || '.pg_stat_statements_info') IS NOT NULL AS has_info
    FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n ON n.oid = e.extnamespace
    WHERE e.extname = 'pg_stat_statements'
""")


@dataclass(frozen=True, slots=True)
class Stats:
    """Its entries, the most called first, with the query's id in place of a line; and what is known to be missing."""

    entries: tuple[Entry, ...]
    note: str


def read_stats(connection: sa.Connection) -> Stats:
    """Everything that the role may see of this database's statements.

    Raises: UsageError where the extension is not there; sqlalchemy.exc.DBAPIError when it cannot be read.
    """
    at = connection.execute(_AT).one_or_none()
    if at is None:
        raise UsageError(f"The database has no extension {NAME}.", "Give a server's log or a file of SQL.")
    schema = quoted_name(at.schema, True)
    query, calls, ident = (
        sa.column("query", sa.Text),
        sa.column("calls", sa.BigInteger),
        sa.column("queryid", sa.BigInteger),
    )
    since = sa.column("stats_since", sa.DateTime(timezone=True)) if at.has_since else sa.null()
    database = sa.select(sa.column("oid", sa.BigInteger)).select_from(sa.table("pg_database", schema="pg_catalog"))
    here = database.where(sa.column("datname") == at.database).scalar_subquery()
    wanted = sa.select(query, calls, ident, since.label("since"), own(query).label("is_own"))
    wanted = wanted.select_from(sa.table(NAME, schema=schema)).order_by(calls.desc(), ident)
    every = connection.execute(wanted.where(sa.column("dbid", sa.BigInteger) == here)).all()
    rows = [row for row in every if not row.is_own]
    hidden = sum(row.query == _HIDDEN for row in rows)
    notes = [f"{hidden:,} statements of other roles are hidden"] if hidden else []
    if len(rows) < len(every):
        notes.append(f"{plural(len(every) - len(rows), 'statement')} of this tool left out")
    if at.has_info:
        info = sa.table("pg_stat_statements_info", sa.column("dealloc"), sa.column("stats_reset"), schema=schema)
        one = connection.execute(sa.select(info.c.dealloc, info.c.stats_reset)).one()
        notes.append(f"since {one.stats_reset:%Y-%m-%d %H:%M}, with {one.dealloc:,} evictions")
    entries = (Entry(row.queryid or 0, row.query, row.since, calls=row.calls) for row in rows if row.query != _HIDDEN)
    return Stats(tuple(entries), "; ".join(notes))
