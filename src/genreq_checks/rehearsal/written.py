"""What triggers and rules of the table write into other tables, compared before and after the forward SQL.

`INSERT INTO audit SELECT NEW.*` goes by position: without a column its values may move to other columns, without an error.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import psycopg
from psycopg import sql
from psycopg.errors import FeatureNotSupported, ForeignKeyViolation

from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import quoted
from genreq_checks.postgres.connection import identifier
from genreq_checks.rehearsal.apply import explain
from genreq_checks.text import plural

__tracebackhide__ = True  # pytest prints the arguments of a call, and these may hold values

ROWS = 3  # rows of the table that are written: those with the most values, by which a shift is seen
MOST_ARGUMENTS = 100  # of a function
_WROTE = """
    SELECT s.schemaname::text, s.relname::text FROM pg_catalog.pg_stat_xact_user_tables s
    WHERE s.n_tup_ins + s.n_tup_upd > 0 AND s.schemaname !~ '^pg_temp' AND s.relid <> ALL (%s) ORDER BY 1, 2
"""
_FAMILY = """
    WITH RECURSIVE tree(oid) AS (SELECT pg_catalog.to_regclass(%s)::oid
        UNION SELECT i.inhrelid FROM pg_catalog.pg_inherits i JOIN tree t ON i.inhparent = t.oid)
    SELECT array_agg(oid) FROM tree
"""
_COLUMNS = """
    SELECT attname::text, attidentity <> 'a' FROM pg_catalog.pg_attribute
    WHERE attrelid = pg_catalog.to_regclass(%s) AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""
Place = tuple[str, int, str]  # the statement, the row of the plan's table, the table that was written
Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Written:
    """By place, the rows that were written there; by statement and row, why it failed. `keys` are those of the rows."""

    keys: tuple[tuple[object, ...], ...]
    rows: Mapping[Place, tuple[Row, ...]] = field(repr=False)
    failed: Mapping[tuple[str, int], str]


def write_rows(url: str, search_path: str, plan: Plan, keys: Sequence[tuple[object, ...]] | None = None) -> Written:
    """UPDATE, DELETE and INSERT some rows as they are, all rolled back, and read what other tables got by that.

    Raises: psycopg.Error when the table cannot be read.
    """
    rows: dict[Place, tuple[Row, ...]] = {}
    failed: dict[tuple[str, int], str] = {}
    with psycopg.connect(url, prepare_threshold=None) as connection:
        connection.execute("SELECT pg_catalog.set_config('search_path', %s, false)", [search_path])
        connection.commit()
        chosen = tuple(_keys(connection, plan) if keys is None else keys)
        for number, key in enumerate(chosen):
            for name, statements in _statements(connection, plan).items():
                try:
                    for table, found in _wrote(connection, plan, statements, key):
                        rows[name, number, table] = found
                except psycopg.Error as error:
                    failed[name, number] = (
                        "" if isinstance(error, ForeignKeyViolation | FeatureNotSupported) else explain(error)
                    )
                connection.rollback()
    return Written(chosen, rows, failed)


def differences(plan: Plan, first: Written, second: Written, after: Written) -> tuple[list[str], list[str]]:
    """How rows that are written now differ from those before: what is wrong, and what only lacks the dropped columns.

    Values that differ between the two writings before (times, sequences) are not compared.
    """
    wrong: list[str] = []
    lacking: list[str] = []
    for (name, number), reason in after.failed.items():
        if (name, number) not in first.failed and name != "UPDATE":  # an UPDATE is tested on more rows elsewhere
            wrong.append(f"{name} of a row fails: {reason or 'a constraint rejects it'}")
    places = [place for place in {**first.rows, **after.rows} if place[:2] not in {*first.failed, *after.failed}]
    for name, number, table in sorted(places):
        place = (name, number, table)
        old, again, new = (one.rows.get(place, ()) for one in (first, second, after))
        if len(old) != len(again):
            continue
        if len(old) != len(new):
            wrong.append(f"{name} wrote {plural(len(old), 'row')} into {table}, and {len(new):,} now")
            continue
        differing = {column for rows in zip(old, again, new, strict=True) for column in _differing(plan, *rows)}
        others = sorted(differing - set(plan.dropped))
        if others:
            wrong.append(f"{name} writes other values into {table} than before: {', '.join(others)}")
        elif differing:
            lacking.append(f"{name} writes no {', '.join(sorted(differing))} into {table} any more")
    return list(dict.fromkeys(wrong)), list(dict.fromkeys(lacking))


def _differing(plan: Plan, old: Row, again: Row, new: Row) -> Iterator[str]:
    """The columns that have another value now. What a whole row in JSON lacks of the dropped columns is no difference."""
    for column in dict.fromkeys((*old, *new)):
        was, now = _without(plan, old.get(column)), _without(plan, new.get(column))
        if old.get(column) == again.get(column) and was != now:
            yield column


def _without(plan: Plan, value: object) -> object:
    return {k: v for k, v in value.items() if k not in plan.dropped} if isinstance(value, dict) else value


def _keys(connection: psycopg.Connection, plan: Plan) -> list[tuple[object, ...]]:
    """The keys of the rows with the most values; none where the plan has no key."""
    if not plan.table.key:
        return []
    table = quoted(plan.table)
    names = [row[0] for row in connection.execute(_COLUMNS, [table.as_string(connection)]).fetchall()]
    query = sql.SQL("SELECT {} FROM {} ORDER BY num_nonnulls({}) DESC, {} LIMIT {}")
    key = sql.SQL(", ").join(map(sql.Identifier, plan.table.key))
    some = sql.SQL(", ").join(map(sql.Identifier, names[:MOST_ARGUMENTS]))
    return connection.execute(query.format(key, table, some, key, sql.Literal(ROWS))).fetchall()


def _statements(connection: psycopg.Connection, plan: Plan) -> dict[str, tuple[sql.Composed, ...]]:
    """By name the statements that write one row: what leads to it, and last the one of which the effect is read."""
    table = identifier(plan.table.schema_name, plan.table.name)
    found = connection.execute(_COLUMNS, [quoted(plan.table).as_string(connection)]).fetchall()
    every = sql.SQL(", ").join(identifier(name) for name, _ in found)
    one = sql.SQL(" AND ").join(
        sql.SQL("{} = {}").format(identifier(name), sql.Placeholder(f"key_{n}"))
        for n, name in enumerate(plan.table.key)
    )
    kept = [name for name, may_be_set in found if may_be_set and name not in (*plan.table.key, *plan.dropped)]
    same = sql.SQL(", ").join(sql.SQL("{0} = {0}").format(identifier(name)) for name in kept)
    keep = sql.SQL("CREATE TEMPORARY TABLE genreq_row AS SELECT {} FROM {} WHERE {}").format(every, table, one)
    delete = sql.SQL("DELETE FROM {} WHERE {}").format(table, one)
    insert = sql.SQL("INSERT INTO {} ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM pg_temp.genreq_row")
    return {
        "UPDATE": (sql.SQL("UPDATE {} SET {} WHERE {}").format(table, same, one),),
        "DELETE": (delete,),
        "INSERT": (keep, delete, insert.format(table, every, every)),
    }


def _wrote(
    connection: psycopg.Connection, plan: Plan, statements: Sequence[sql.Composed], key: tuple[object, ...]
) -> list[tuple[str, tuple[Row, ...]]]:
    """What other tables have of the last of the statements, which are one transaction, and the deferred triggers."""
    given = {f"key_{n}": value for n, value in enumerate(key)}
    for statement in statements[:-1]:
        connection.execute(statement, given)
    found = connection.execute("SELECT pg_catalog.txid_current() % 4294967296").fetchone()
    connection.execute("SAVEPOINT genreq_written")  # what is written from here on has a later transaction id
    connection.execute(statements[-1], given)
    connection.execute("SET CONSTRAINTS ALL IMMEDIATE")
    assert found is not None
    family = connection.execute(_FAMILY, [quoted(plan.table).as_string(connection)]).fetchone()
    assert family is not None
    wrote: list[tuple[str, tuple[Row, ...]]] = []
    for schema, name in connection.execute(_WROTE, [family[0]]).fetchall():
        query = sql.SQL("SELECT to_jsonb(t) FROM ONLY {} t WHERE CAST(CAST(xmin AS text) AS bigint) > %s ORDER BY ctid")
        rows = connection.execute(query.format(identifier(schema, name)), [found[0]]).fetchall()
        wrote.append((f"{schema}.{name}", tuple(row[0] for row in rows)))
    return wrote
