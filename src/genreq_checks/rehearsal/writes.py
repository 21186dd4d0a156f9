"""INSERT, UPDATE and DELETE of real rows of the scratch table, all rolled back: what of it works before, and what after.

All triggers and rules fire, so one that reads a dropped column makes a statement fail. Nothing is known here of what an
application writes: a row is written as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import psycopg
from psycopg import sql

from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import quoted
from genreq_checks.postgres.connection import identifier
from genreq_checks.rehearsal.apply import explain

TRIED = 100  # rows
VERBS = ("UPDATE", "DELETE", "INSERT")
_COLUMNS = """
    SELECT a.attname::text, a.attgenerated <> '', a.attnotnull FROM pg_catalog.pg_attribute a
    WHERE a.attrelid = pg_catalog.to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""


@dataclass(frozen=True, slots=True)
class Writes:
    """So many rows were tried; for each kind of statement how many rows refused it, and the first reason."""

    tried: int
    refused: Mapping[str, int]
    reasons: Mapping[str, str]

    def worse_than(self, before: Writes) -> list[str]:
        """What fails now and did not before, in words."""
        return [
            f"{verb} fails for {self.refused[verb]:,} of {self.tried:,} tested rows: {self.reasons[verb]}"
            for verb in VERBS
            if self.refused[verb] > before.refused[verb]
        ]

    @property
    def usable(self) -> list[str]:
        """The kinds of statements that work for some row."""
        return [verb for verb in VERBS if self.refused[verb] < self.tried]


def try_writes(url: str, search_path: str, plan: Plan) -> Writes:
    """Write rows as they are, one by one."""
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("SELECT pg_catalog.set_config('search_path', %s, false)", [search_path])
        table = quoted(plan.table)
        columns = connection.execute(_COLUMNS, [table.as_string(connection)]).fetchall()
        stored = [name for name, generated, _ in columns if not generated]
        places = connection.execute(
            sql.SQL("SELECT tableoid::bigint, ctid::text FROM {} LIMIT {}").format(table, sql.Literal(TRIED))
        ).fetchall()
        refused, reasons = dict.fromkeys(VERBS, 0), dict[str, str]()
        for place in places:
            for verb, statement in _statements(plan, stored).items():
                problem = _try(connection, statement, place)
                if problem:
                    refused[verb] += 1
                    reasons.setdefault(verb, problem)
    return Writes(len(places), refused, reasons)


def _statements(plan: Plan, stored: Sequence[str]) -> dict[str, sql.Composed]:
    """The statements, each for one row. An INSERT is of the row that the same statement deletes, so that its key is free."""
    table = identifier(plan.table.schema_name, plan.table.name)
    here = sql.SQL("tableoid = %s::bigint::oid AND ctid = %s::tid")
    others = [name for name in stored if name not in plan.table.key and name not in plan.dropped]
    column = identifier((others or [name for name in stored if name not in plan.dropped] or list(stored))[0])
    names = sql.SQL(", ").join(map(identifier, stored))
    return {
        "UPDATE": sql.SQL("UPDATE {0} SET {1} = {1} WHERE {2}").format(table, column, here),
        "DELETE": sql.SQL("DELETE FROM {} WHERE {}").format(table, here),
        "INSERT": sql.SQL(
            "WITH gone AS (DELETE FROM {0} WHERE {1} RETURNING *) "
            "INSERT INTO {0} ({2}) OVERRIDING SYSTEM VALUE SELECT {2} FROM gone"
        ).format(table, here, names),
    }


def _try(connection: psycopg.Connection, statement: sql.Composed, place: tuple[object, ...]) -> str:
    """Why a statement does not work for a row; '' when it does."""
    try:
        with connection.transaction(force_rollback=True):
            if connection.execute(statement, place).rowcount != 1:
                return "it changes no row: a trigger or a rule suppresses it"
            connection.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what would fail at COMMIT
    except psycopg.Error as error:
        return explain(error)
    return ""


def rewritten_columns(url: str, search_path: str, plan: Plan) -> tuple[str, ...]:
    """The columns that the table's own triggers change when another column is updated, such as `updated_at`.

    Dropped columns are set to NULL, as a restore fills them, and to themselves; all of it is rolled back.
    """
    found: dict[str, None] = {}
    with psycopg.connect(url, autocommit=True, prepare_threshold=None) as connection:
        connection.execute("SELECT pg_catalog.set_config('search_path', %s, false)", [search_path])
        table = quoted(plan.table)
        columns = connection.execute(_COLUMNS, [table.as_string(connection)]).fetchall()
        stored = [name for name, generated, _ in columns if not generated]
        nullable = [name for name, generated, required in columns if name in plan.dropped and not generated | required]
        others = [str(name) for name, _, _ in columns if name not in plan.dropped]
        settings = [sql.SQL("{} = NULL").format(sql.Identifier(name)) for name in nullable]
        own = [name for name in stored if name in plan.dropped] or stored[:1]
        for setting in (settings, [sql.SQL("{0} = n.{0}").format(sql.Identifier(name)) for name in own]):
            if setting and others:
                found |= dict.fromkeys(_changed(connection, table, setting, others))
    return tuple(found)


def _changed(
    connection: psycopg.Connection, table: sql.Identifier, setting: Sequence[sql.Composable], names: Sequence[str]
) -> list[str]:
    """The columns that have another value after an UPDATE than before it."""
    differs = [
        sql.SQL("CAST(o.{0} AS text) IS DISTINCT FROM CAST(n.{0} AS text)").format(sql.Identifier(name))
        for name in names
    ]
    statement = sql.SQL(
        "UPDATE {0} n SET {1} FROM (SELECT tableoid AS genreq_table, ctid AS genreq_row, * FROM {0} LIMIT {2}) o "
        "WHERE n.tableoid = o.genreq_table AND n.ctid = o.genreq_row RETURNING {3}"
    ).format(table, sql.SQL(", ").join(setting), sql.Literal(TRIED), sql.SQL(", ").join(differs))
    try:
        with connection.transaction(force_rollback=True):
            rows = connection.execute(statement).fetchall()
    except psycopg.Error:
        return []
    return [name for place, name in enumerate(names) if any(row[place] for row in rows)]
