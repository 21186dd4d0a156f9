"""`genreq-checks check`: observe, judge, report."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from genreq_checks.cli.checking import Wanted, baselines_of, run_one
from genreq_checks.cli.evidence import MigrationsTable, Named, files_named, with_bookkeeping, with_evidence
from genreq_checks.cli.options import (
    Cutover,
    DeadlineSeconds,
    OtherDatabase,
    Source,
    Spark,
    TableName,
    Timeout,
    Workers,
    begin_deadline,
    read_cutover,
    the_plan,
)
from genreq_checks.cli.output import Formats, Outputs, keep_files, pairs, tell_unread, write
from genreq_checks.errors import UsageError, near

Baselines = Annotated[
    list[str] | None,
    typer.Option(
        "--baseline",
        metavar="SOURCE",
        help="The table before the change: usually a snapshot. Repeatable with several plans: each takes its table's.",
    ),
]
Plans = Annotated[
    list[Path] | None,
    typer.Option("--plan", metavar="FILE", help="Another plan than the built-in one; repeatable, for one verdict."),
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
    baseline: Baselines = None,
    cutover: Cutover = None,
    phase: PhaseName = "after",
    *,
    evidence: Named,
    migrations_table: MigrationsTable = None,
    plan: Plans = None,
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
    from genreq_checks.report import PHASES, exit_code

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
        from genreq_checks.history.runs import prepare_folder

        prepare_folder(history)
    plans, baselines = tuple(plan or ()), tuple(baseline or ())
    given = {"--table": table, "--chart": chart, "--history": history}
    given |= {f"--{name.replace('_', '-')}": evidence[name] for name in ("archive", "row_hashes")}
    alone = next((name for name, value in given.items() if value), None)
    if len(plans) > 1 and alone is not None:
        raise UsageError(f"{alone} is of one table, and there are {len(plans)} plans.", "Check that plan by itself.")
    read = (source, *baselines, *plans, *files_named(evidence))
    keep_files([*(file for _, file in places), *(chart or ())], *read)
    moment, notes = read_cutover(cutover)
    wanted = Wanted(
        phase=phase,
        moment=moment,
        notes=notes,
        table=table,
        other_database=other_database,
        max_lag=max_lag,
        only=only,
        examples=not no_examples,
        timeout=timeout,
        deadline=end,
        workers=workers,
        spark=spark,
        all_findings=all_findings,
    )
    files = plans or (None,)
    chosen = [with_bookkeeping(the_plan(file, table), migrations_table) for file in files]
    before = baselines_of(chosen, baselines)
    runs = [
        run_one(wanted, one, file, source, then, dict(evidence))
        for one, file, then in zip(chosen, files, before, strict=True)
    ]
    reports = [one.report for one in runs]
    write(places, *reports)
    if chart:
        picture = charts.overview(reports[0])
        for file in chart:
            charts.save(picture, file)
    if history:
        from genreq_checks.history.runs import keep, make_run

        keep(make_run(reports[0], runs[0].now, datetime.now(UTC)), history)
    for one in runs:
        tell_unread(one.now, one.then)
    raise typer.Exit(exit_code(reports, strict))
