"""`genreq-checks snapshot`: everything of one instant in a file, which is later the baseline or the source of a report."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from genreq_checks.cli.evidence import Named, with_evidence
from genreq_checks.cli.options import (
    Cutover,
    DeadlineSeconds,
    PlanFile,
    Replace,
    Source,
    Spark,
    TableName,
    Timeout,
    Workers,
    begin_deadline,
    narrate,
    read_cutover,
    source_or_variable,
    the_plan,
)
from genreq_checks.errors import SourceError, UsageError

Output = Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The file to write, usually …​.json.")]

NoValues = Annotated[
    bool,
    typer.Option(
        "--no-values", help="Leave out the values of the columns that go: to fingerprint them reads all of them."
    ),
]


RowHashes = Annotated[
    Path | None,
    typer.Option(
        "--row-hashes",
        metavar="FILE",
        help="Also write a hash of each row's key and values there (Parquet), for an exact comparison later.",
    ),
]


@partial(with_evidence, but=("row_hashes",))
def snapshot(
    output: Output,
    source: Source = None,
    cutover: Cutover = None,
    *,
    evidence: Named,
    plan: PlanFile = None,
    table: TableName = None,
    replace: Replace = False,
    timeout: Timeout = 300,
    deadline: DeadlineSeconds = None,
    workers: Workers = None,
    spark: Spark = None,
    no_values: NoValues = False,
    row_hashes: RowHashes = None,
) -> None:
    """Save the present state of the table: after the drop it can no longer be read."""
    from genreq_checks.evidence.doubts import source_notes
    from genreq_checks.run import observe
    from genreq_checks.sources.evidence.source import Depth
    from genreq_checks.text import line

    end = begin_deadline(deadline)
    moment, _ = read_cutover(cutover)
    if row_hashes is not None and row_hashes.exists():  # said before a long read, and not after it
        raise UsageError(f"{row_hashes} is there already, and row hashes replace nothing.", "Name another file.")
    chosen = the_plan(plan, table)
    with narrate("Reading the table…") as progress:
        depth: Depth = "kept" if no_values else "all"
        # the hashes go into a file at once, and the snapshot tells its name and digest
        reading = partial(
            observe,
            timeout=timeout,
            deadline=end,
            workers=workers,
            spark=spark,
            progress=progress,
            fingerprints=depth,
            hash_rows_to=row_hashes,
        )
        taken = reading(chosen, source_or_variable(source), moment, **evidence)
    if taken.tally is None:
        problem = taken.problem("tally")
        raise SourceError(f"No snapshot was written: {problem.text if problem else 'nothing was counted.'}")
    taken.save(output, replace=replace)
    for note in (
        *([f"The source is {state.words}."] if (state := taken.source.recovery) else []),
        *source_notes(taken),
    ):
        print(line(note), file=sys.stderr)
    print(
        f"{output}: {taken.tally.total:,} rows of {taken.plan_table}, read {taken.source.read_at:%Y-%m-%d %H:%M:%S} UTC",
        file=sys.stderr,
    )
