"""Options that name evidence beside the database, and what they read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genreq_checks.errors import UsageError

if TYPE_CHECKING:
    from genreq_checks.inputs import Inputs
    from genreq_checks.plan import Plan
    from genreq_checks.reconciled import Reconciliation
    from genreq_checks.sources.deadline import Deadline

Code = Annotated[
    Path | None,
    typer.Option("--code", metavar="DIR", help="The source code, to look for what still names the columns."),
]
Generation = Annotated[
    Path | None, typer.Option("--generation", metavar="FILE", help="What 'genreq-checks generate --save FILE' kept.")
]
Archive = Annotated[
    Path | None, typer.Option("--archive", metavar="FILE", help="The archive of the dropped columns' values.")
]
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


@dataclass(frozen=True, slots=True)
class Named:
    """The evidence that a call names; None is not asked for."""

    messages: list[Path] | None = None
    migrations: Path | None = None
    code: Path | None = None
    generation: Path | None = None
    archive: Path | None = None


def read_inputs(
    named: Named, plan: Plan, source: str, cutover: datetime | None, timeout: float, deadline: Deadline | None = None
) -> Inputs:
    """Read what the call names. Raises UsageError and its like for an invalid file or folder."""
    from genreq_checks.inputs import Inputs

    folder, mentions, kept, values = None, None, None, None
    if named.migrations:
        from genreq_checks.sources.migrations import read_folder

        folder = read_folder(named.migrations, plan)
    if named.generation:
        from genreq_checks.generation_facts import load_facts

        kept = load_facts(named.generation)
    if named.archive:
        from genreq_checks.archive import read_facts

        values = read_facts(named.archive)
    if named.code:
        from genreq_checks.run import read_code

        mentions = read_code(plan, named.code)
    split = cutover if cutover is not None else plan.cutover
    recorded = read_messages(plan, source, named.messages, split, timeout, deadline) if named.messages else None
    return Inputs(code=mentions, messages=recorded, migrations=folder, generation=kept, archive=values)


def read_messages(
    plan: Plan,
    source: str,
    paths: list[Path],
    cutover: datetime | None,
    timeout: float,
    deadline: Deadline | None = None,
) -> Reconciliation:
    """The messages held against the rows of SOURCE, which must be a database: nothing else has rows to ask for."""
    from genreq_checks.run import is_database_url

    if not is_database_url(source):
        from genreq_checks.reconciled import Reconciliation
        from genreq_checks.text import shown_path

        return Reconciliation(
            problem=f"{shown_path(Path(source).name)} has no rows that could be asked for by key.",
            remedy="Give the database's URL as SOURCE.",
        )
    from genreq_checks.sources.messages import reconcile

    return reconcile(plan, source, paths, cutover, timeout=timeout, deadline=deadline)
