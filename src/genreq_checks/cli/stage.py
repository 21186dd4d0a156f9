"""`genreq-checks stage`: files of guarded SQL that hide the columns, bring them back, and at last drop them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from genreq_checks.cli.archive import database
from genreq_checks.cli.evidence import Named, with_evidence
from genreq_checks.cli.options import (
    DeadlineSeconds,
    OtherDatabase,
    PlanFile,
    Source,
    TableName,
    Timeout,
    begin_deadline,
    the_plan,
)
from genreq_checks.errors import UsageError, near

if TYPE_CHECKING:
    from genreq_checks.staging import Written

Folder = Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="The folder for the files.")]
Baseline = Annotated[
    Path | None,
    typer.Option("--baseline", metavar="SNAPSHOT", help="The snapshot from before: it must be of this database."),
]
HeldReport = Annotated[
    Path | None,
    typer.Option(
        "--finalise", metavar="REPORT", help="Write the file that drops: needs a passing JSON report of phase held."
    ),
]
Fill = Annotated[
    bool, typer.Option("--backfill", help="Write the file that gives old rows the derived values; nothing else.")
]
FormName = Annotated[
    str, typer.Option("--for", metavar="TOOL", help="psql, drizzle or alembic: the tool that applies the files.")
]


@with_evidence
def stage(
    source: Source = None,
    output: Folder = Path("staging"),
    baseline: Baseline = None,
    finalise: HeldReport = None,
    form: FormName = "psql",
    backfill: Fill = False,
    *,
    evidence: Named,
    other_database: OtherDatabase = False,
    plan: PlanFile = None,
    table: TableName = None,
    timeout: Timeout = 300,
    deadline: DeadlineSeconds = None,
) -> None:
    """Write files that rename the columns away and back; after the hold, the file that drops them. Nothing is run."""
    from genreq_checks.run import observe
    from genreq_checks.snapshot import load_snapshot
    from genreq_checks.staging import stage_backfill, stage_finalise, stage_retire
    from genreq_checks.staging.finalise import load_report
    from genreq_checks.staging.forms import FORMS

    end = begin_deadline(deadline)
    if form not in FORMS:
        raise UsageError(f"There is no form '{form[:40]}'.", near(form, FORMS))
    chosen = the_plan(plan, table)
    url = database(source)
    then = load_snapshot(baseline) if baseline is not None else None
    report = load_report(finalise) if finalise is not None else None
    if backfill:
        if finalise is not None:
            raise UsageError("--backfill and --finalise write different files.", "Call it twice.")
        tell(stage_backfill(chosen, url, output, timeout=timeout, deadline=end))
        return
    only = ["dropped.*", "dependents.*"]  # they read the catalog, and no rows
    now = observe(chosen, url, only=only, timeout=timeout, deadline=end, fingerprints="none", **evidence)
    limits: dict[str, Any] = {"form": form, "timeout": timeout, "deadline": end}
    if report is not None:
        written = stage_finalise(chosen, url, now, report, output, **limits)
    else:
        written = stage_retire(chosen, url, now, output, then, other_database=other_database, **limits)
    tell(written)


def tell(written: Written) -> None:
    """Say what was written, and what the user should know."""
    print(f"{written.folder}: {', '.join(written.files)}. Nothing was run.")
    for one in written.told:
        print(f"- {one}", file=sys.stderr)
