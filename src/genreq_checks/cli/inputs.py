"""Options that name evidence beside the database, and what they read."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genreq_checks.errors import UsageError

if TYPE_CHECKING:
    from genreq_checks.plan import Plan
    from genreq_checks.reconciled import Reconciliation

Messages = Annotated[
    list[Path] | None,
    typer.Option(
        "--messages",
        metavar="FILE",
        help="Recorded completion messages (JSONL, plain or gzip, or a folder of them) to hold the rows against; repeatable.",
    ),
]
Migrations = Annotated[
    Path | None,
    typer.Option("--migrations", metavar="DIR", help="The folder of Drizzle migrations (drizzle-kit's out)."),
]
MigrationsTable = Annotated[
    str | None,
    typer.Option("--migrations-table", metavar="SCHEMA.NAME", help="Another bookkeeping table than the plan's."),
]


def with_bookkeeping(plan: Plan, qualified: str | None) -> Plan:
    """The plan with the bookkeeping table that the option names, as `schema.name` or `name`."""
    if qualified is None:
        return plan
    from pydantic import ValidationError

    from genreq_checks.plan import Bookkeeping

    schema, dot, name = qualified.rpartition(".")
    try:
        books = Bookkeeping(schema=schema if dot else plan.migrations.schema_name, table=name)
    except ValidationError:
        raise UsageError("--migrations-table names no table.", "Write it as SCHEMA.NAME.") from None
    return plan.model_copy(update={"migrations": books})


def read_messages(
    plan: Plan, source: str, paths: list[Path], cutover: datetime | None, timeout: float
) -> Reconciliation:
    """The messages held against the rows of SOURCE, which must be a database: nothing else has rows to ask for."""
    from genreq_checks.run import is_database_url

    if not is_database_url(source):
        from genreq_checks.reconciled import Reconciliation

        return Reconciliation(
            problem=f"{Path(source).name} has no rows that could be asked for by key.",
            remedy="Give the database's URL as SOURCE.",
        )
    from genreq_checks.sources.messages import reconcile

    return reconcile(plan, source, paths, cutover, timeout=timeout)
