"""`genreq-checks check`: observe, judge, report."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from genreq_checks.cli.evidence import MigrationsTable, Named, files_named, with_bookkeeping, with_evidence
from genreq_checks.cli.options import (
    VARIABLE,
    Cutover,
    DeadlineSeconds,
    OtherDatabase,
    PlanFile,
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
from genreq_checks.cli.output import Formats, Outputs, keep_files, pairs, tell_unread, write
from genreq_checks.errors import UsageError, near

Baseline = Annotated[
    str | None,
    typer.Option("--baseline", metavar="SOURCE", help="The table before the change: usually a snapshot."),
]
PhaseName = Annotated[
    str,
    typer.Option(
        "--phase",
        metavar="PHASE",
        help="before (is it safe?), held (may it be finalised?), after (did it work?) or rolled-back.",
    ),
]
Strict = Annotated[bool, typer.Option("--strict", help="A warning fails too.")]
Charts = Annotated[
    list[Path] | None,
    typer.Option("--chart", metavar="FILE", help="Draw the result too: FILE.svg, .png, .html or .json; repeatable."),
]
MaxLag = Annotated[
    float | None,
    typer.Option(
        "--max-lag", metavar="SECONDS", min=0, help="How late a standby may be; by default the plan's max_lag."
    ),
]
Only = Annotated[
    list[str] | None,
    typer.Option("--only", metavar="PATTERN", help="Only checks whose id matches: 'population.*'; repeatable."),
]
NoExamples = Annotated[
    bool, typer.Option("--no-examples", help="Do not read the first rows behind each check that failed or warns.")
]
AllFindings = Annotated[
    bool, typer.Option("--all-findings", help="Write all findings of each check; by default a list ends after 100.")
]
HistoryFolder = Annotated[
    Path | None, typer.Option("--history", metavar="DIR", help="Save this run there, for 'genreq-checks history DIR'.")
]


@with_evidence
def check(
    source: Source = None,
    baseline: Baseline = None,
    cutover: Cutover = None,
    phase: PhaseName = "after",
    *,
    evidence: Named,
    migrations_table: MigrationsTable = None,
    plan: PlanFile = None,
    table: TableName = None,
    formats: Formats = None,
    output: Outputs = None,
    chart: Charts = None,
    history: HistoryFolder = None,
    other_database: OtherDatabase = False,
    max_lag: MaxLag = None,
    only: Only = None,
    no_examples: NoExamples = False,
    all_findings: AllFindings = False,
    strict: Strict = False,
    timeout: Timeout = 300,
    deadline: DeadlineSeconds = None,
    workers: Workers = None,
    spark: Spark = None,
) -> None:
    """Check a table (or a snapshot of it) against the plan, and say whether it is safe, worked, or came back."""
    from genreq_checks.checks import checks_of
    from genreq_checks.evidence.commands import Call
    from genreq_checks.postgres.url import is_database_url
    from genreq_checks.report import PHASES
    from genreq_checks.run import check as judge
    from genreq_checks.run import observe, with_examples
    from genreq_checks.sources.evidence.source import Depth

    end = begin_deadline(deadline)
    if phase not in PHASES:
        raise UsageError(f"There is no phase '{phase[:40]}'.", near(phase, PHASES))
    places = pairs(formats, output)
    if only and history:
        raise UsageError(
            "--history saves complete runs, but --only makes a part of the checks.", "Leave one of them out."
        )
    if chart:
        from genreq_checks import charts

        for file in chart:
            charts.check_suffix(file)
    if history:
        from genreq_checks.history.runs import keep, make_run, prepare_folder

        prepare_folder(history)
    read = (source, baseline, plan, *files_named(evidence))
    keep_files([*(file for _, file in places), *(chart or ())], *read)
    moment, notes = read_cutover(cutover)
    chosen = with_bookkeeping(the_plan(plan, table), migrations_table)
    where = source_or_variable(source)
    checks_of(chosen, only)
    with narrate("Reading the table…") as progress:
        reading = partial(
            observe, only=only, timeout=timeout, deadline=end, workers=workers, progress=progress, spark=spark
        )
        then = reading(chosen, baseline, moment) if baseline else None
        if evidence["row_hashes"] is None and then is not None and then.hashed is not None and baseline is not None:
            beside = Path(baseline).with_name(then.hashed.name)  # where `snapshot --row-hashes` wrote them, most likely
            evidence["row_hashes"] = beside if is_database_url(where) and beside.is_file() else None
        depth: Depth = "all" if then is not None and then.fingerprints is not None else "none"
        now = reading(chosen, where, moment, baseline=then, fingerprints=depth, **evidence)
    report = judge(
        chosen,
        now,
        then,
        cutover=moment,
        phase=phase,
        other_database=other_database,
        max_lag=max_lag,
        only=only,
        notes=notes,
        all_findings=all_findings,
        call=Call(
            plan=str(plan) if plan is not None else None,
            table=table,
            variable=None if source else VARIABLE,
            row_hashes=str(evidence["row_hashes"]) if evidence["row_hashes"] is not None else None,
        ),
    )
    report = report.model_copy(update={"made_at": datetime.now(UTC)})
    if not no_examples:
        with narrate("Reading the first rows behind each failing check…"):
            report = with_examples(report, chosen, where, now, timeout=timeout, deadline=end)
    write(report, places)
    if chart:
        picture = charts.overview(report)
        for file in chart:
            charts.save(picture, file)
    if history:
        keep(make_run(report, now, datetime.now(UTC)), history)
    tell_unread(now, then)
    raise typer.Exit(report.exit_code(strict))
