"""One request's row, read by its key in a read-only transaction: what it holds now, as text."""

from __future__ import annotations

from collections.abc import Sequence

import psycopg
import sqlalchemy as sa

from genreq_checks.errors import SourceError, UsageError
from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import find_table
from genreq_checks.postgres.connection import Target, reading
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain, sqlstate
from genreq_checks.postgres.foreign_code import foreign_code
from genreq_checks.scan.fusion import relation

SESSION = "last_session_id"
_NO_SUCH_KEY = ("22P02", "22003", "22007", "42883")  # not of the key's type, out of its range, or not comparable to it


def readable_columns(plan: Plan, target: Target, timeout: float) -> tuple[str, ...]:
    """The columns of the plan's table that show the state of a request: status, time, the kept ones, the session.

    Raises: SourceError when the table, or a column that the plan keeps, does not exist or may not be read.
    """
    name = plan.table.qualified
    try:
        with reading(target, timeout) as connection:
            found = find_table(connection, plan.table)
            danger = foreign_code(connection, found.oid, plan) if found.oid is not None else None
    except DRIVER_ERRORS as error:
        raise _failed(plan, target, error) from None
    if found.problem or found.facts is None:
        raise SourceError(found.problem.text if found.problem else f"{name} could not be read.")
    if danger is not None:
        raise danger
    wanted = (plan.cohort.status, plan.cohort.clock, *plan.kept)
    for column in (*plan.table.key, *wanted):
        there = found.facts.column(column)
        if there is None:
            raise SourceError(f"{name} has no column '{column}'.", "Check the table, or name another with --table.")
        if not there.privilege:
            raise SourceError(
                f"The role may not read {name}.{column}.", f"GRANT SELECT ON {plan.table.in_sql} to the role."
            )
    session = found.facts.column(SESSION)
    return (*wanted, SESSION) if session and session.privilege and SESSION not in wanted else wanted


def read_row(
    plan: Plan, target: Target, columns: Sequence[str], key: str, timeout: float
) -> dict[str, str | None] | None:
    """The values of the columns as text, None for NULL; or None when no row has that key.

    Raises: SourceError when it cannot be read; UsageError when the key cannot be a key of this table.
    """
    table = relation(plan.table, *plan.table.key, *columns)
    wanted = [sa.cast(table.c[column], sa.Text).label(f"c{i}") for i, column in enumerate(columns)]
    # Without a type the parameter gets the key's type, so that the key's index is used.
    given = sa.bindparam("key", key, type_=sa.types.NullType())
    statement = sa.select(*wanted).where(table.c[plan.table.key[0]] == given)
    try:
        with reading(target, timeout) as connection:
            row = connection.execute(statement).first()
    except DRIVER_ERRORS as error:
        raise _failed(plan, target, error) from None
    return None if row is None else dict(zip(columns, row, strict=True))


def _failed(plan: Plan, target: Target, error: Exception) -> SourceError | UsageError:
    state, name = sqlstate(error), plan.table.qualified
    cannot_be_sent = state is None and isinstance(getattr(error, "orig", error), psycopg.DataError)
    if state in _NO_SUCH_KEY or cannot_be_sent:
        return UsageError(f"--request is not a key of {name}.", f"Give a value of {name}.{plan.table.key[0]}.")
    return explain(error, target, plan.table)
