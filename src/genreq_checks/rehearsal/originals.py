"""The rows as they were before the forward SQL, kept where no migration reaches them, and held against those of now."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psycopg
from psycopg import sql

from genreq_checks.plan import Plan
from genreq_checks.sources.catalog import quoted

_KEPT = sql.Identifier("pg_temp", "genreq_original")  # visible to the one session that made it
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
    """How the rows of now differ from the originals: rows that are missing, and per column the rows with another value.

    `filled` are the rows that have a value where they had NULL, of the columns that the plan says are back-filled; these
    rows are not in `values`.
    """

    rows: int
    missing: int
    values: dict[str, int]
    filled: dict[str, int]

    @property
    def words(self) -> list[str]:
        """One phrase per difference; none when every value is as it was."""
        lost = [f"{self.missing:,} of {self.rows:,} rows are gone"] if self.missing else []
        return lost + [
            f"{name}: {count:,} of {self.rows:,} rows differ" for name, count in self.values.items() if count
        ]

    @property
    def meant(self) -> list[str]:
        """One phrase per column that was back-filled as the plan says."""
        return [
            f"{name}: {count:,} of {self.rows:,} rows back-filled, as the plan means it"
            for name, count in self.filled.items()
            if count
        ]


def keep_originals(connection: psycopg.Connection, plan: Plan) -> tuple[int, int]:
    """Keep every value of the table as text in a temporary table of this session, which depends on nothing.

    Returns the number of rows and of distinct keys.
    """
    table = quoted(plan.table)
    names = columns_of(connection, plan)
    texts = sql.SQL(", ").join(sql.SQL("CAST({0} AS text) AS {0}").format(sql.Identifier(name)) for name in names)
    connection.execute(sql.SQL("CREATE TEMPORARY TABLE genreq_original AS SELECT {} FROM {}").format(texts, table))
    key = sql.SQL(", ").join(map(sql.Identifier, plan.table.key))
    connection.execute(sql.SQL("ANALYZE {}").format(_KEPT))
    distinct = sql.SQL("SELECT count(*), count(DISTINCT ({})) FROM {}").format(key, _KEPT)
    row = connection.execute(distinct).fetchone()
    assert row is not None
    return int(row[0]), int(row[1])


def columns_of(connection: psycopg.Connection, plan: Plan) -> list[str]:
    """The columns that the table has now."""
    table = quoted(plan.table).as_string(connection)
    return [str(row[0]) for row in connection.execute(_COLUMNS, [table]).fetchall()]


def changes(connection: psycopg.Connection, plan: Plan, leave_out: Iterable[str] = ()) -> Changes:
    """Compare by key every column that is there now and was there then, byte by byte. Rows that are new do not count.

    A value where there was NULL is no difference in a column that the plan says is back-filled: it is counted apart.
    """
    there = columns_of(connection, plan)
    was = {str(c.name) for c in connection.execute(sql.SQL("SELECT * FROM {} LIMIT 0").format(_KEPT)).description or ()}
    common = [name for name in there if name in was and name not in set(leave_out)]
    if not set(plan.table.key) <= set(common):
        row = connection.execute(sql.SQL("SELECT count(*) FROM {}").format(_KEPT)).fetchone()
        assert row is not None
        return Changes(int(row[0]), int(row[0]), {}, {})
    texts = sql.SQL(", ").join(sql.SQL("CAST({0} AS text) AS {0}").format(sql.Identifier(name)) for name in common)
    same_key = sql.SQL(" AND ").join(sql.SQL("o.{0} = n.{0}").format(sql.Identifier(name)) for name in plan.table.key)
    first = sql.Identifier(plan.table.key[0])
    filled = [name for name in common if name in plan.kept and plan.kept[name].backfilled]
    had = {name: sql.SQL("o.{} IS NOT NULL").format(sql.Identifier(name)) for name in filled}
    counts = [
        _DIFFERS.format(key=first, name=sql.Identifier(name), had=had.get(name, sql.SQL("true"))) for name in common
    ]
    counts += [_FILLED.format(key=first, name=sql.Identifier(name)) for name in filled]
    query = sql.SQL(
        "SELECT count(*), count(*) FILTER (WHERE n.{} IS NULL), {} FROM {} o LEFT JOIN ({}) n ON {}"
    ).format(
        first,
        sql.SQL(", ").join(counts),
        _KEPT,
        sql.SQL("SELECT {} FROM {}").format(texts, quoted(plan.table)),
        same_key,
    )
    row = connection.execute(query).fetchone()
    assert row is not None
    rows, missing, *found = map(int, row)
    return Changes(
        rows, missing, dict(zip(common, found, strict=False)), dict(zip(filled, found[len(common) :], strict=True))
    )
