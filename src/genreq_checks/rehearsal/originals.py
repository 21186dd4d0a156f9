"""The rows as they were before the forward SQL, kept where no migration can change them, and compared with the present rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import quoted

# The originals are in temporary tables, visible only to their session: each has the key and this many columns.
# A row of more than about 450 texts may not fit into a page, and a join of more than 1,664 columns is an error.
TOGETHER = 400
_PARTS = """
    SELECT c.relname::text, ARRAY(SELECT a.attname::text FROM pg_catalog.pg_attribute a
                                  WHERE a.attrelid = c.oid AND a.attnum > 0 ORDER BY a.attnum)
    FROM pg_catalog.pg_class c
    WHERE c.relnamespace = pg_catalog.pg_my_temp_schema() AND c.relname ~ '^genreq_original_[0-9]+$' ORDER BY c.oid
"""
_COLUMNS = """
    SELECT attname FROM pg_catalog.pg_attribute WHERE attrelid = pg_catalog.to_regclass(%s) AND attnum > 0 AND NOT attisdropped
    ORDER BY attnum
"""
_DIFFERS = sql.SQL("""
    count(*) FILTER (WHERE n.{key} IS NOT NULL AND o.{name} COLLATE "C" IS DISTINCT FROM n.{name} COLLATE "C" AND {had})
""")
_FILLED = sql.SQL("count(*) FILTER (WHERE n.{key} IS NOT NULL AND o.{name} IS NULL AND n.{name} IS NOT NULL)")


@dataclass(frozen=True, slots=True)
class Changes:
    """How the present rows differ from the originals: missing rows, and per column the rows with another value.

    `filled` are the rows that have a value where they had NULL, for the columns that the plan back-fills; these rows are
    not in `values`.
    """

    rows: int
    missing: int
    values: dict[str, int]
    filled: dict[str, int]

    @property
    def words(self) -> list[str]:
        """One phrase per difference; empty when every value is as it was."""
        lost = [f"{self.missing:,} of {self.rows:,} rows are gone"] if self.missing else []
        return lost + [
            f"{name}: {count:,} of {self.rows:,} rows differ" for name, count in self.values.items() if count
        ]

    @property
    def meant(self) -> list[str]:
        """One phrase per column that was back-filled as the plan says."""
        return [
            f"{name}: {count:,} of {self.rows:,} rows back-filled, as planned"
            for name, count in self.filled.items()
            if count
        ]


def keep_originals(connection: psycopg.Connection, plan: Plan) -> tuple[int, int]:
    """Keep every value of the table as text in temporary tables of this session, which depend on no other object.

    Returns the number of rows and of distinct keys.
    """
    others = [name for name in columns_of(connection, plan) if name not in plan.table.key]
    for number, start in enumerate(range(0, max(1, len(others)), TOGETHER)):
        names = (*plan.table.key, *others[start : start + TOGETHER])
        kept = _kept(f"genreq_original_{number}")
        connection.execute(sql.SQL("CREATE TEMPORARY TABLE {} AS {}").format(kept, _as_texts(plan, names)))
        connection.execute(sql.SQL("ANALYZE {}").format(kept))
    key = sql.SQL(", ").join(map(sql.Identifier, plan.table.key))
    distinct = sql.SQL("SELECT count(*), count(DISTINCT ({})) FROM {}").format(key, _kept("genreq_original_0"))
    row = connection.execute(distinct).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def columns_of(connection: psycopg.Connection, plan: Plan) -> list[str]:
    """The columns that the table has now."""
    table = quoted(plan.table).as_string(connection)
    return [str(row[0]) for row in connection.execute(_COLUMNS, [table]).fetchall()]


def changes(connection: psycopg.Connection, plan: Plan, leave_out: Iterable[str] = ()) -> Changes:
    """Compare by key every column that existed before and exists now, byte by byte. New rows do not count.

    A value instead of NULL is not a difference in a column that the plan back-fills: it is counted separately.
    """
    there = columns_of(connection, plan)
    parts = connection.execute(_PARTS).fetchall()
    if not set(plan.table.key) <= set(there) - set(leave_out):
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(_kept(parts[0][0]))).fetchone()
        assert row is not None
        return Changes(int(row[0]), int(row[0]), {}, {})
    rows = missing = 0
    differing: dict[str, int] = {}
    filled: dict[str, int] = {}
    for table, was in parts:
        common = [name for name in there if name in was and name not in set(leave_out)]
        rows, missing, *found = _compared(connection, plan, _kept(table), common)
        differing |= dict(zip(common, found, strict=False))
        filled |= dict(zip(_back_filled(plan, common), found[len(common) :], strict=True))
    return Changes(rows, missing, {name: differing[name] for name in there if name in differing}, filled)


def _compared(connection: psycopg.Connection, plan: Plan, kept: sql.Composable, common: list[str]) -> list[int]:
    """The number of rows, of missing rows, of differing rows of each column, and of back-filled rows of each column."""
    same_key = sql.SQL(" AND ").join(sql.SQL("o.{0} = n.{0}").format(sql.Identifier(name)) for name in plan.table.key)
    first = sql.Identifier(plan.table.key[0])
    filled = _back_filled(plan, common)
    had = {name: sql.SQL("o.{} IS NOT NULL").format(sql.Identifier(name)) for name in filled}
    counts = [
        _DIFFERS.format(key=first, name=sql.Identifier(name), had=had.get(name, sql.SQL("true"))) for name in common
    ]
    counts += [_FILLED.format(key=first, name=sql.Identifier(name)) for name in filled]
    query = sql.SQL(
        "SELECT count(*), count(*) FILTER (WHERE n.{} IS NULL), {} FROM {} o LEFT JOIN ({}) n ON {}"
    ).format(first, sql.SQL(", ").join(counts), kept, _as_texts(plan, common), same_key)
    row = connection.execute(query).fetchone()
    assert row is not None
    return [int(count) for count in row]


def _as_texts(plan: Plan, names: Iterable[str]) -> sql.Composed:
    """The table's rows now, these columns as text."""
    texts = sql.SQL(", ").join(sql.SQL("CAST({0} AS text) AS {0}").format(sql.Identifier(name)) for name in names)
    return sql.SQL("SELECT {} FROM {}").format(texts, quoted(plan.table))


def _back_filled(plan: Plan, names: Iterable[str]) -> list[str]:
    return [name for name in names if name in plan.kept and plan.kept[name].backfilled]


def _kept(name: str) -> sql.Identifier:
    return sql.Identifier("pg_temp", name)
