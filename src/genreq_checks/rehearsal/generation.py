"""A generation from end to end on the scratch table: INSERT, UPDATE, UPDATE by the completion message, SELECT.

All triggers and rules fire, so a trigger or rule that reads a dropped column makes it fail.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
from psycopg import sql
from psycopg.rows import class_row

from genreq_checks.leo.completion import create_all_work_complete_message, row_values
from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import quoted
from genreq_checks.postgres.connection import identifier
from genreq_checks.rehearsal.apply import explain

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password

TRIED = 100  # rows whose UPDATE is tested
EARLIER = ("queued", "generating")
_COLUMNS = """
    SELECT a.attname AS name, pg_catalog.format_type(a.atttypid, a.atttypmod) AS type, t.typcategory::text AS category,
           a.attnotnull AS required, a.atthasdef OR a.attidentity <> '' AS filled, a.attgenerated <> '' AS generated,
           EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indrelid = a.attrelid AND i.indisunique
                   AND a.attnum = ANY (i.indkey)) AS is_unique,
           ARRAY(SELECT e.enumlabel::text FROM pg_catalog.pg_enum e WHERE e.enumtypid = a.atttypid
                 ORDER BY e.enumsortorder) AS labels
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = pg_catalog.to_regclass(%s) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum
"""
PLAIN = {"N": "0", "B": "false", "D": "now", "A": "{}", "S": "rehearsal"}


@dataclass(frozen=True, slots=True)
class Shape:
    """A column as an INSERT sees it: `filled` has a default or is an identity."""

    name: str
    type: str
    category: str
    required: bool
    filled: bool
    generated: bool
    is_unique: bool
    labels: list[str]


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result: the statement that failed and why, or None; how many of the tested rows reject any UPDATE."""

    problem: str | None
    tried: int
    refused: int
    reason: str | None


def generate(url: str, search_path: str, plan: Plan, *, keep: bool) -> Outcome:
    """Run one generation, and test an UPDATE without changes on existing rows; `keep` commits the generated row."""
    with psycopg.connect(url, prepare_threshold=None) as connection:
        connection.execute("SELECT pg_catalog.set_config('search_path', %s, false)", [search_path])
        connection.execute("SET TIME ZONE 'UTC'")
        connection.commit()
        there = {shape.name for shape in _shapes(connection, plan)}
        needed = (*plan.table.key, plan.cohort.status, plan.cohort.clock)
        missing = [name for name in dict.fromkeys(needed) if name not in there]
        if missing:
            return Outcome(f"{plan.table.qualified} has no column {' and no '.join(missing)}", 0, 0, None)
        tried, refused, reason = _try_updates(connection, plan)
        connection.rollback()
        try:
            problem = _one(connection, plan)
            if keep and problem is None:
                connection.commit()
        except psycopg.Error as error:
            problem = f"COMMIT fails: {explain(error)}"
        with suppress(psycopg.Error):
            connection.rollback()
    return Outcome(problem, tried, refused, reason)


def _one(connection: psycopg.Connection, plan: Plan) -> str | None:
    table = quoted(plan.table)
    shapes = _shapes(connection, plan)
    stage = "INSERT"
    try:
        key = _insert(connection, plan, table, shapes)
        if key is None:
            return "INSERT stores no row: a trigger or a rule suppresses it"
        for stage, values in _updates(plan, shapes):
            if not _update(connection, plan, key, values):
                return f"{stage} changes no row: a trigger or a rule suppresses it"
        stage = "SELECT"
        types = {shape.name: sql.SQL(shape.type.replace("%", "%%")) for shape in shapes}
        same = sql.SQL(", ").join(  # in the column's own type, where a time may be a date and a status a boolean
            sql.SQL("CAST({0} AS text) IS NOT DISTINCT FROM CAST(CAST(%s AS {1}) AS text)").format(
                identifier(name), types[name]
            )
            for name in values
        )
        query = sql.SQL("SELECT {} FROM {} WHERE {}").format(same, _table(plan), _where(plan))
        stored = connection.execute(query, [*values.values(), *key]).fetchone()
    except psycopg.Error as error:
        return f"{stage} fails: {explain(error)}"
    if stored is None:
        return "SELECT does not find the row that was stored"
    other = [name for name, as_sent in zip(values, stored, strict=True) if not as_sent]
    return f"a trigger or a rule stored another value in {', '.join(other)}" if other else None


def _shapes(connection: psycopg.Connection, plan: Plan) -> list[Shape]:
    table = quoted(plan.table).as_string(connection)
    with connection.cursor(row_factory=class_row(Shape)) as cursor:
        return cursor.execute(_COLUMNS, [table]).fetchall()


def _insert(
    connection: psycopg.Connection, plan: Plan, table: sql.Identifier, shapes: list[Shape]
) -> tuple[object, ...] | None:
    """A new row with what the table requires: values of an existing row where there is one, and a new key."""
    given: dict[str, sql.Composable] = {}
    for shape in shapes:
        name, own = shape.name, shape.name in plan.table.key or shape.is_unique
        if shape.generated or (shape.filled and (own or name != plan.cohort.status)):
            continue
        if name == plan.cohort.status and (EARLIER[0] in shape.labels or shape.category == "S"):
            given[name] = sql.Literal(EARLIER[0])
        elif own and shape.required:
            given[name] = _fresh(shape, table)
        elif shape.required:
            given[name] = sql.SQL("coalesce(o.{}, {})").format(sql.Identifier(name), _plain(shape))
    statement = sql.SQL(
        "INSERT INTO {0} ({1}) SELECT {2} FROM (SELECT 1) one LEFT JOIN (SELECT * FROM {0} LIMIT 1) o ON true RETURNING {3}"
    ).format(
        table,
        sql.SQL(", ").join(map(sql.Identifier, given)),
        sql.SQL(", ").join(given.values()),
        sql.SQL(", ").join(map(sql.Identifier, plan.table.key)),
    )
    if not given:
        keys = sql.SQL(", ").join(map(sql.Identifier, plan.table.key))
        statement = sql.SQL("INSERT INTO {} DEFAULT VALUES RETURNING {}").format(table, keys)
    return connection.execute(statement).fetchone()


def _fresh(shape: Shape, table: sql.Identifier) -> sql.Composable:
    """A value that no row has yet."""
    if shape.category == "N":
        return sql.SQL("(SELECT coalesce(max({0}), 0) + 1 FROM {1})").format(sql.Identifier(shape.name), table)
    return sql.SQL("CAST(CAST(gen_random_uuid() AS text) AS {})").format(sql.SQL(shape.type))


def _plain(shape: Shape) -> sql.Composable:
    """Any value of the type, for a table without rows."""
    value = shape.labels[0] if shape.labels else PLAIN.get(shape.category)
    if shape.type == "uuid":
        return sql.SQL("gen_random_uuid()")
    if value is None:
        value = "{}" if shape.type in ("json", "jsonb") else ""
    return sql.SQL("CAST({} AS {})").format(sql.Literal(value), sql.SQL(shape.type))


def _updates(plan: Plan, shapes: list[Shape]) -> list[tuple[str, Mapping[str, object]]]:
    """The statements that follow the INSERT, the last one by the completion message where the table has its columns."""
    there = {shape.name: shape for shape in shapes}
    status = there[plan.cohort.status]
    steps: list[tuple[str, Mapping[str, object]]] = []
    if EARLIER[1] in status.labels or status.category == "S":
        steps.append(("UPDATE to generating", {plan.cohort.status: EARLIER[1]}))
    now = datetime.now(UTC)
    message = create_all_work_complete_message(
        "all_tasks_complete",
        "/rehearsal",
        1,
        session_id="genreq-rehearsal",
        total_duration=1,
        github_url="https://github.com/genreq-rehearsal/app",
        flyio_url="https://genreq-rehearsal.fly.dev",
    )
    values: Mapping[str, object] = row_values(message, now)
    if not set(values) <= set(there):
        values = {plan.cohort.status: plan.cohort.values[0], plan.cohort.clock: now.replace(tzinfo=None)}
        aware = there[plan.cohort.clock].type.endswith("with time zone")
        values = {**values, plan.cohort.clock: now} if aware else values
    return [*steps, ("UPDATE by the completion message", values)]


def _update(
    connection: psycopg.Connection,
    plan: Plan,
    key: tuple[object, ...],
    values: Mapping[str, object],
) -> bool:
    settings = sql.SQL(", ").join(sql.SQL("{} = %s").format(identifier(name)) for name in values)
    statement = sql.SQL("UPDATE {} SET {} WHERE {}").format(_table(plan), settings, _where(plan))
    return connection.execute(statement, [*values.values(), *key]).rowcount == 1


def _table(plan: Plan) -> sql.Identifier:
    return identifier(plan.table.schema_name, plan.table.name)


def _where(plan: Plan) -> sql.Composed:
    return sql.SQL(" AND ").join(sql.SQL("{} = %s").format(identifier(name)) for name in plan.table.key)


def _try_updates(connection: psycopg.Connection, plan: Plan) -> tuple[int, int, str | None]:
    """UPDATE rows to their present values, one by one, all rolled back; returns how many were tested and rejected."""
    table = _table(plan)
    names = sql.SQL(", ").join(map(identifier, plan.table.key))
    keys = connection.execute(sql.SQL("SELECT {} FROM {} LIMIT %s").format(names, table), [TRIED]).fetchall()
    setting = sql.SQL("{0} = {0}").format(identifier(plan.cohort.status))
    refused, reason = 0, None
    for key in keys:
        try:
            with connection.transaction(force_rollback=True):
                connection.execute(sql.SQL("UPDATE {} SET {} WHERE {}").format(table, setting, _where(plan)), key)
        except psycopg.Error as error:
            refused, reason = refused + 1, explain(error)
    return len(keys), refused, reason
