"""A first plan for any table: from its catalog and one read-only scan, with only what holds today.

proposal = propose("postgresql://…", Table(name="orders"), ["fax"])
print(proposal.text)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from genreq_checks import __version__
from genreq_checks.errors import SourceError, UsageError, near
from genreq_checks.evidence.contradictions import Contradiction, find_contradictions
from genreq_checks.facts import SourceInfo
from genreq_checks.plan import Plan, Table, parse_plan
from genreq_checks.postgres.back_again import BackAgain, read_back_again
from genreq_checks.postgres.catalog import find_table, hides_rows
from genreq_checks.postgres.connection import parse, reading
from genreq_checks.postgres.deadline import Deadline
from genreq_checks.postgres.failure import DRIVER_ERRORS, explain
from genreq_checks.postgres.foreign_code import foreign_code
from genreq_checks.snapshot import Snapshot, TableFacts
from genreq_checks.sources.migration_sql import read_plan_sql
from genreq_checks.sources.proposal.choices import Choices, choose
from genreq_checks.sources.proposal.measured import Measured, measure
from genreq_checks.sources.proposal.written import write
from genreq_checks.sources.readable import read_types

__tracebackhide__ = True  # pytest prints the arguments of a call, and a URL may hold a password
_NOW = sa.text("SELECT pg_catalog.now() AS read_at, pg_catalog.current_setting('server_version') AS server")
_PRIMARY = sa.text("""
    SELECT a.attname FROM pg_catalog.pg_index i
    JOIN pg_catalog.pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY (CAST(i.indkey AS int2[]))
    WHERE i.indrelid = CAST(:oid AS oid) AND i.indisprimary AND i.indisvalid ORDER BY a.attnum
""")


@dataclass(frozen=True, slots=True)
class Proposal:
    """A plan's text and the plan that it is, with what was seen of the table and what the table says against the plan."""

    text: str
    plan: Plan
    facts: TableFacts
    choices: Choices
    measured: Measured
    back: BackAgain
    source: SourceInfo
    contradictions: tuple[Contradiction, ...]


def propose(
    url: str, table: Table, dropped: Sequence[str], *, timeout: float = 300, deadline: Deadline | None = None
) -> Proposal:
    """Read the table and propose a plan that drops these columns. Nothing is written; `timeout` is each statement's.

    Raises: UsageError for an invalid URL or an unknown column; SourceError when the table is not there or cannot be read.
    """
    target = parse(url)
    try:
        with reading(target, timeout, deadline) as connection:
            found = find_table(connection, table)
            if found.problem is not None or found.oid is None or found.facts is None:
                problem = found.problem
                raise SourceError(*((problem.message, problem.hint) if problem else (f"No table {table.qualified}.",)))
            facts = found.facts
            _require_columns(facts, dropped)
            if hides_rows(connection, found.oid):
                raise SourceError(
                    f"Row level security would hide rows of {table.qualified} from this role.",
                    "Read as the table's owner or as a role with BYPASSRLS.",
                )
            now = connection.execute(_NOW).one()
            types = read_types(connection, found.oid)
            refused = _refused(connection, found.oid, table, types, dropped)
            primary = tuple(connection.execute(_PRIMARY, {"oid": found.oid}).scalars())
            usable = {name: of_type for name, of_type in types.items() if name not in refused}
            choices = choose(facts, usable, primary, dropped)
            measured = measure(connection, table, usable, choices, dropped)
            choices = choices.held_by(measured)
            back = read_back_again(connection, found.oid, dropped)
    except DRIVER_ERRORS as error:
        raise explain(error, target, table) from None
    text = write(table, facts, choices, measured, back, now.read_at)
    plan = parse_plan(text, "that was proposed")
    source = SourceInfo(
        kind="postgresql", location=target.location, read_at=now.read_at, server=f"PostgreSQL {now.server}"
    )
    against = find_contradictions(plan, "before", _snapshot(plan, facts, source), read_plan_sql(plan))
    return Proposal(text, plan, facts, choices, measured, back, source, against)


def _require_columns(facts: TableFacts, dropped: Sequence[str]) -> None:
    names = [column.name for column in facts.columns]
    name = f"{facts.schema_name}.{facts.name}"
    for column in dropped:
        if column not in names:
            raise UsageError(f"{name} has no column '{column}'.", near(column, names))
    if set(names) == set(dropped):
        raise UsageError(f"That is every column of {name}.", "Name the columns that are dropped with --drop.")


def _refused(
    connection: sa.Connection, oid: int, table: Table, types: dict[str, str], dropped: Sequence[str]
) -> frozenset[str]:
    """The columns whose reading as text would run user-defined code: they are not read."""
    plan = Plan.model_validate(
        {
            "plan_version": 1,
            "title": "init",
            "table": table.model_dump(by_alias=True),
            "dropped": {n: {} for n in dropped},
        }
    )
    return frozenset(name for name in types if foreign_code(connection, oid, plan, [name]) is not None)


def _snapshot(plan: Plan, facts: TableFacts, source: SourceInfo) -> Snapshot:
    return Snapshot(
        tool_version=__version__,
        plan_fingerprint=plan.fingerprint,
        plan_table=plan.table.qualified,
        source=source,
        table=facts,
    )
