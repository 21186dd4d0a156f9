"""The rows of a table without a key, as sums of hashes: whether a migration changed them, and in which columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import psycopg
from psycopg import sql

from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import quoted
from genreq_checks.rehearsal.originals import columns_of

AT_ONCE = 400  # columns of one statement


def digests(connection: psycopg.Connection, plan: Plan) -> Mapping[str, tuple[int, int]]:
    """For each column the number of its rows and the sum of its values' hashes, of the table as it is now."""
    names, found = columns_of(connection, plan), dict[str, tuple[int, int]]()
    for start in range(0, len(names), AT_ONCE):
        part = names[start : start + AT_ONCE]
        hashes = sql.SQL(", ").join(
            sql.SQL("coalesce(sum(hashtextextended(CAST({} AS text), 0)), 0)::text").format(sql.Identifier(name))
            for name in part
        )
        row = connection.execute(sql.SQL("SELECT count(*), {} FROM {}").format(hashes, quoted(plan.table))).fetchone()
        assert row is not None
        found |= {name: (int(row[0]), int(value)) for name, value in zip(part, row[1:], strict=True)}
    return found


def differing(
    before: Mapping[str, tuple[int, int]], after: Mapping[str, tuple[int, int]], leave_out: Collection[str]
) -> list[str]:
    """One phrase per column that is not as it was; empty when every sum is the same."""
    common = [name for name in before if name in after and name not in leave_out]
    rows = {(before[name][0], after[name][0]) for name in common}
    counts = [f"{then:,} rows became {now:,}" for then, now in rows if then != now]
    return counts or [f"{name}: values changed" for name in common if before[name] != after[name]]
