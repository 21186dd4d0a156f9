"""`genreq-checks export`: the rows that checks need, in a Parquet file that is checked without the database."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from genreq_checks.cli.archive import NoLimit, Progress, database
from genreq_checks.cli.check import Only
from genreq_checks.cli.options import DeadlineSeconds, PlanFile, Source, TableName, begin_deadline, the_plan
from genreq_checks.text import plural, size

Output = Annotated[
    Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write, such as rows.parquet.")
]


def export(
    output: Output,
    source: Source = None,
    only: Only = None,
    plan: PlanFile = None,
    table: TableName = None,
    timeout: NoLimit = None,
    deadline: DeadlineSeconds = None,
) -> None:
    """Write the table's rows, with only the columns that checks need, into a Parquet file. It replaces no file.

    Of JSON that is only classified, the file has the class of each value: null, {} or true.
    """
    from genreq_checks.archive.export import export_rows

    end = begin_deadline(deadline)
    with Progress("exported") as progress:
        done = export_rows(
            the_plan(plan, table),
            database(source),
            output,
            only=only,
            timeout=timeout,
            deadline=end,
            progress=progress.show,
        )
    columns = ", ".join(f"{name} (classes)" if name in done.classes else name for name in done.columns)
    print(
        f"{output}: {plural(done.rows, 'row')} of {done.table} ({columns}), {size(output.stat().st_size)}",
        file=sys.stderr,
    )
