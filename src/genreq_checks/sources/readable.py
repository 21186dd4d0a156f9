"""What of the plan's table a role may read, and what would make a scan of it wrong or impossible."""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from genreq_checks.plan import Plan
from genreq_checks.postgres.catalog import hides_rows
from genreq_checks.postgres.foreign_code import foreign_code
from genreq_checks.postgres.recovery import replays
from genreq_checks.scan.fingerprints import INTEGERS
from genreq_checks.snapshot import Problem, TableFacts

WITH_TIME_ZONE = "timestamp with time zone"
TIMES = ("timestamp without time zone", WITH_TIME_ZONE, "date")

_TYPES = sa.text("""
    WITH RECURSIVE stripped(attnum, type) AS (
        SELECT a.attnum, a.atttypid FROM pg_catalog.pg_attribute a WHERE a.attrelid = CAST(:oid AS oid)
        UNION ALL
        SELECT s.attnum, t.typbasetype FROM stripped s JOIN pg_catalog.pg_type t ON t.oid = s.type AND t.typtype = 'd')
    SELECT a.attname AS name, pg_catalog.format_type(s.type, NULL) AS type
    FROM pg_catalog.pg_attribute a JOIN stripped s ON s.attnum = a.attnum
    JOIN pg_catalog.pg_type t ON t.oid = s.type AND t.typtype <> 'd'
    WHERE a.attrelid = CAST(:oid AS oid) AND a.attnum > 0 AND NOT a.attisdropped
      AND pg_catalog.has_column_privilege(a.attrelid, a.attnum, 'SELECT')
""")


def read_types(connection: sa.Connection, oid: int) -> dict[str, str]:
    """The columns that the role may read, with their types' names; a domain has the name of its base type."""
    return {row.name: row.type for row in connection.execute(_TYPES, {"oid": oid})}


def is_aware(plan: Plan, types: Mapping[str, str]) -> bool:
    """Has the plan's time a time zone?"""
    return plan.cohort.time is not None and types[plan.cohort.time] == WITH_TIME_ZONE


def _undated(plan: Plan, time: str, type_name: str) -> Problem | None:
    """Why a column does not date the rows; None when it does."""
    name = f"{plan.table.qualified}.{time}"
    if type_name in INTEGERS and plan.cohort.epoch is None:
        message = f"{name} is of type {type_name}, and the plan does not say what it counts: no row can be dated."
        hint = "Give cohort.epoch in the plan: seconds, milliseconds or microseconds since 1970."
        return Problem(part="tally", message=message, hint=hint)
    if type_name in (INTEGERS if plan.cohort.epoch is not None else TIMES):
        return None
    what = "an integer, as the plan's cohort.epoch says" if plan.cohort.epoch is not None else "a timestamp"
    message = f"{name} is of type {type_name}, not {what}: no row can be dated."
    return Problem(part="tally", message=message, hint="Name a timestamp column in the plan's cohort.time.")


def find_obstacle(connection: sa.Connection, plan: Plan, oid: int, facts: TableFacts) -> Problem | None:
    """A known reason why the scan would be wrong or impossible."""
    name = plan.table.qualified
    if hides_rows(connection, oid):
        return Problem(
            part="tally",
            message=f"Row level security would hide rows of {name} from this role, and every rate would be wrong.",
            hint="Read as the table's owner or as a role with BYPASSRLS.",
        )
    unlogged = [name] if facts.unlogged else [child.name for child in facts.children if child.unlogged]
    if unlogged and replays(connection):
        message = f"{unlogged[0]} is unlogged, and a standby does not have its rows."
        return Problem(part="tally", message=message, hint="Read the primary server.")
    for needed in plan.cohort.columns:
        column = facts.column(needed)
        if column is None:
            return Problem(part="tally", message=f"{name} has no column '{needed}', by which the plan counts.", hint="")
        if not column.privilege:
            hint = f"GRANT SELECT ON {plan.table.in_sql} to the role."
            return Problem(part="tally", message=f"The role may not read {name}.{needed}.", hint=hint)
    time = plan.cohort.time
    if time is not None:
        undated = _undated(plan, time, read_types(connection, oid).get(time, ""))
        if undated:
            return undated
    danger = foreign_code(connection, oid, plan)
    return Problem.of("tally", danger) if danger else None
