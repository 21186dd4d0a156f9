"""`genreq-checks init`: a first plan for any table, from its catalog and one scan."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from genreq_checks.cli.options import (
    VARIABLE,
    DeadlineSeconds,
    Source,
    Timeout,
    begin_deadline,
    narrate,
    source_or_variable,
)
from genreq_checks.errors import UsageError

if TYPE_CHECKING:
    from genreq_checks.plan import Table
    from genreq_checks.sources.proposal import Proposal

TableName = Annotated[
    str, typer.Option("--table", metavar="SCHEMA.NAME", help="The table; in the schema public when none is named.")
]
Dropped = Annotated[list[str], typer.Option("--drop", metavar="COLUMN", help="A column to drop; repeatable.")]
Output = Annotated[
    Path | None,
    typer.Option("--output", "-o", metavar="FILE", help="The file to write; none is replaced. Left out: stdout."),
]


def init(
    table: TableName,
    drop: Dropped,
    source: Source = None,
    output: Output = None,
    timeout: Timeout = 300,
    deadline: DeadlineSeconds = None,
) -> None:
    """Write a first plan for a table: what its catalog and its rows say today, ready for check and rehearse."""
    from genreq_checks.files import write_text
    from genreq_checks.postgres.url import is_database_url
    from genreq_checks.sources.proposal import propose

    end = begin_deadline(deadline)
    if output is not None and output.exists():
        raise UsageError(f"{output} is there already, and init replaces nothing.", "Name another file.")
    where = source_or_variable(source)
    if not is_database_url(where):
        raise UsageError(
            "A plan is made from a live database as SOURCE.", "Give a URL: postgresql://user@host/database."
        )
    chosen, names = _table(table), tuple(dict.fromkeys(drop))
    with narrate("Reading the table…"):
        proposal = propose(where, chosen, names, timeout=timeout, deadline=end)
    if output is None:
        print(proposal.text, end="")
    else:
        try:
            write_text(output, proposal.text, new=True)
        except FileExistsError:
            raise UsageError(f"{output} is there already, and init replaces nothing.", "Name another file.") from None
    for told in _told(proposal, output, VARIABLE if source is None else None):
        print(told, file=sys.stderr if output is None else sys.stdout)


def _table(text: str) -> Table:
    from genreq_checks.plan import Table

    schema, dot, name = text.partition(".")
    if not all((schema, name) if dot else (schema,)):
        raise UsageError(f"--table '{text[:40]}' does not name a table.", "Write SCHEMA.NAME, without quotes.")
    return Table(schema=schema, name=name) if dot else Table(name=schema)


def _told(proposal: Proposal, output: Path | None, variable: str | None) -> Iterator[str]:
    """Ten lines of what was seen, and the next three commands; `variable` named the source."""
    from genreq_checks.evidence.commands import Call, Commands
    from genreq_checks.text import line, plural, share

    seen, chosen, plan = proposal.measured, proposal.choices, proposal.plan
    yield line(
        f"{plan.table.qualified} in {proposal.source.server}: {plural(seen.rows, 'row')}, {len(proposal.facts.columns)} columns"
    )
    kind = "primary key" if chosen.is_primary else "unique, never NULL"
    yield line(
        f"key: {', '.join(chosen.key)} ({kind})" if chosen.key else "key: none is proved; rows cannot be compared"
    )
    yield line(
        f"cohort: {plan.cohort.words}; time: {plan.cohort.time or 'none stands out, so a baseline gives the side before'}"
    )
    for name in chosen.dropped[:4]:
        found = seen.columns.get(name)
        follows = seen.follows.get(name)
        why = f"follows from {follows.column}" if follows else "no other column is known to have its values"
        said = "not read" if found is None else f"{share(found.content, seen.rows)} rows have a value"
        if not seen.rows:
            said = "the table has no rows"
        empty = found is not None and not found.content
        yield line(f"dropped {name}: {said}{'' if found is None or empty else f'; {why}'}")
    if len(chosen.dropped) > 4:
        yield f"and {len(chosen.dropped) - 4} more dropped columns"
    yield f"kept: {len(plan.kept)} of {plural(len(chosen.kept), 'column')} that stay"
    back = f"{plural(len(proposal.back.statements), 'statement')}"
    late = f", and {len(proposal.back.late)} to run after restore" if proposal.back.late else ""
    yield f"rollback: {back}{late}"
    for one in proposal.contradictions[:1]:
        yield line(f"note: {one.problem}")
    commands = Commands(proposal.source, None, Call(plan=str(output or "plan.toml"), variable=variable))
    yield f"Next ({'written to ' + str(output) if output else 'save it as plan.toml'}):"
    for command in ("check SOURCE --phase before", "rehearse SOURCE", "snapshot SOURCE -o before.json"):
        yield f"  {commands.filled_in(f'genreq-checks {command}')}"
