"""The SQL of a role that may read what the checks need, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from psycopg import sql

from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import quoted
from genreq_checks.postgres.foreign_code import columns_of

ROLE = "genreq_reader"


def grants(plan: Plan) -> Iterator[str]:
    """The statements, one for each line: the table's owner reads them, adds a password, and runs them."""
    role, table = sql.Identifier(ROLE), quoted(plan.table)
    schemas = dict.fromkeys((plan.table.schema_name, plan.migrations.schema_name))
    columns = sql.SQL(", ").join(map(sql.Identifier, columns_of(plan)))
    books = sql.Identifier(plan.migrations.schema_name, plan.migrations.table)
    yield "-- A role that reads what the checks need. BYPASSRLS where row level security is on: a policy would hide rows."
    yield _text("CREATE ROLE {} LOGIN BYPASSRLS;", role)
    yield _text("ALTER ROLE {} SET default_transaction_read_only = on;", role)
    for number, schema in enumerate(schemas):
        comment = "" if number == 0 else " -- where the migration tool keeps its books, if it is there"
        yield _text("GRANT USAGE ON SCHEMA {} TO {};", sql.Identifier(schema), role) + comment
    yield _text("GRANT SELECT ({}) ON {} TO {};", columns, table, role)
    yield _text("GRANT SELECT ON {} TO {};", books, role) + " -- if it is there"
    yield _text("GRANT pg_read_all_stats TO {};", role) + " -- to see which statements still name a column"


def _text(statement: str, *parts: sql.Composable) -> str:
    return sql.SQL(statement).format(*parts).as_string(None)
