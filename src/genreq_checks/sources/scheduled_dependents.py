"""Jobs that the database itself has (pg_cron, pgAgent, pg_timetable), and event triggers, which the drop fires."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from genreq_checks.plan import Plan
from genreq_checks.snapshot import Dependent
from genreq_checks.sources.function_bodies import read_body
from genreq_checks.sources.whole_rows import whole_row

_SCHEDULERS = {  # schema and table → the columns of a job's name and of its command
    ("cron", "job"): ("jobid", "command"),
    ("pgagent", "pga_jobstep"): ("jstid", "jstcode"),
    ("timetable", "task"): ("task_id", "command"),
}
_ELSEWHERE = sa.text("""
    SELECT pg_catalog.current_setting('cron.database_name', true) AS name
    WHERE pg_catalog.current_setting('cron.database_name', true) <> current_database()
""")
_EVENTS = sa.text("""
    SELECT format('%I', e.evtname) AS name, e.evtevent AS event, p.oid::regprocedure::text AS routine
    FROM pg_catalog.pg_event_trigger e JOIN pg_catalog.pg_proc p ON p.oid = e.evtfoid
    WHERE e.evtenabled <> 'D' AND e.evtevent IN ('ddl_command_start', 'ddl_command_end', 'sql_drop')
      AND (e.evttags IS NULL OR 'ALTER TABLE' = ANY (e.evttags))
      AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend d WHERE d.deptype = 'e'
                      AND d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid)
    ORDER BY 1
""")


@dataclass(frozen=True, slots=True)
class Jobs:
    """The jobs that need a column, and why some could not be read."""

    found: tuple[Dependent, ...]
    unread: tuple[str, ...]


def read_jobs(connection: sa.Connection, plan: Plan, columns: Sequence[str]) -> Jobs:
    """The scheduled commands of this database that name a column, or that use whole rows of the table."""
    found: list[Dependent] = []
    unread = [
        f"pg_cron's jobs are in the database {row.name}, and were not read" for row in connection.execute(_ELSEWHERE)
    ]
    for (schema, table), (key, command) in _SCHEDULERS.items():
        there = sa.select(sa.func.to_regclass(f"{schema}.{table}").is_not(None))
        if not connection.execute(there).scalar_one():
            continue
        text, ident = sa.column(command, sa.Text), sa.cast(sa.column(key), sa.Text)
        try:
            with connection.begin_nested():
                jobs = connection.execute(sa.select(ident, text).select_from(sa.table(table, schema=schema))).all()
        except sa.exc.DBAPIError as error:
            if error.connection_invalidated:
                raise
            unread.append(f"{schema}.{table} could not be read: its jobs are not known")
            continue
        for number, said in jobs:
            found += _of_job(f"{schema}.{table} {number}", said or "", plan, columns)
    return Jobs(tuple(found), tuple(unread))


def _of_job(name: str, command: str, plan: Plan, columns: Sequence[str]) -> Iterator[Dependent]:
    body = read_body(command, "sql")
    about_table = body.names(plan.table.name, "code", "text")
    rows = whole_row(body, plan.table.name, of_trigger=False)
    for column in columns:
        if body.names(column, "code", "text"):
            sure = about_table and body.names(column, "code")
            detail = "Its command names the column" + (" and the table." if sure else ".")
            yield Dependent(
                column=column,
                kind="job",
                name=name,
                fate="breaks",
                confidence="textual" if sure else "possible",
                detail=detail,
            )
        elif rows is not None:
            detail = f"Its command uses {rows.what}, and so the column, without naming it."
            yield Dependent(column=column, kind="job", name=name, fate=rows.fate, confidence="possible", detail=detail)


def read_event_triggers(connection: sa.Connection, columns: Sequence[str]) -> Iterator[Dependent]:
    """The event triggers that ALTER TABLE fires: each may refuse the drop."""
    for row in connection.execute(_EVENTS).all() if columns else ():
        for column in columns:
            detail = f"ALTER TABLE fires it ({row.event}), and its function {row.routine} may refuse the drop."
            yield Dependent(
                column=column, kind="event trigger", name=row.name, fate="blocks", confidence="possible", detail=detail
            )
