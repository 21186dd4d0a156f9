"""The rollback SQL of a plan that has none: from the catalog of the copy, before the columns are dropped."""

from __future__ import annotations

from genreq_checks.errors import SourceError
from genreq_checks.plan import Plan
from genreq_checks.postgres.back_again import read_back_again
from genreq_checks.postgres.catalog import find_table
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.rehearsal.sql_file import SqlFile, parse_sql


def rollback_of(plan: Plan, url: str) -> tuple[SqlFile, SqlFile | None]:
    """What brings the plan's columns back, and what of it comes after the values, if anything.

    Raises: SourceError when the table is not there.
    """
    with reading(parse(url)) as connection:
        found = find_table(connection, plan.table)
        if found.oid is None:
            raise SourceError(f"The copy has no table {plan.table.qualified}.")
        back = read_back_again(connection, found.oid, list(plan.dropped))
        late = parse_sql(back.late_text, "the SQL after the restore") if back.late else None
        return parse_sql(back.text, "the rollback SQL of the catalog"), late
