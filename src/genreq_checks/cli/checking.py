"""One plan's part of `genreq-checks check`: what is read for it, and its report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from genreq_checks.cli.evidence import Named
from genreq_checks.cli.options import VARIABLE, narrate, source_or_variable
from genreq_checks.errors import UsageError

if TYPE_CHECKING:
    from genreq_checks.plan import Plan
    from genreq_checks.postgres.deadline import Deadline
    from genreq_checks.report import Phase, Report
    from genreq_checks.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the call wants of every plan."""

    phase: Phase
    moment: datetime | None
    notes: tuple[str, ...]
    table: str | None
    other_database: bool
    max_lag: float | None
    only: list[str] | None
    examples: bool
    all_findings: bool
    timeout: float
    deadline: Deadline | None
    workers: int | None
    spark: str | None


@dataclass(frozen=True, slots=True)
class Run:
    """One plan's report, and the snapshots behind it."""

    report: Report
    now: Snapshot
    then: Snapshot | None


def run_one(
    wanted: Wanted, plan: Plan, file: Path | None, source: str | None, baseline: str | None, evidence: Named
) -> Run:
    """Observe and judge by one plan."""
    from genreq_checks.checks import checks_of
    from genreq_checks.evidence.commands import Call
    from genreq_checks.postgres.url import is_database_url
    from genreq_checks.run import check, observe, with_examples
    from genreq_checks.sources.evidence.source import Depth

    where = source_or_variable(source)
    checks_of(plan, wanted.only)
    if wanted.spark is not None and where.endswith(".json"):
        raise UsageError("--spark reads row files and tables, and SOURCE is a saved snapshot.", "Leave --spark out.")
    with narrate("Reading the table…") as progress:
        reading = partial(
            observe,
            only=wanted.only,
            timeout=wanted.timeout,
            deadline=wanted.deadline,
            workers=wanted.workers,
            spark=wanted.spark,
            progress=progress,
        )
        then = reading(plan, baseline, wanted.moment) if baseline else None
        if evidence["row_hashes"] is None and then is not None and then.hashed is not None and baseline is not None:
            beside = Path(baseline).with_name(then.hashed.name)  # where `snapshot --row-hashes` wrote them, most likely
            evidence["row_hashes"] = beside if is_database_url(where) and beside.is_file() else None
        depth: Depth = "all" if then is not None and then.fingerprints is not None else "none"
        now = reading(plan, where, wanted.moment, baseline=then, fingerprints=depth, **evidence)
    report = check(
        plan,
        now,
        then,
        cutover=wanted.moment,
        phase=wanted.phase,
        other_database=wanted.other_database,
        max_lag=wanted.max_lag,
        only=wanted.only,
        notes=wanted.notes,
        all_findings=wanted.all_findings,
        call=Call(
            plan=str(file) if file is not None else None,
            table=wanted.table,
            variable=None if source else VARIABLE,
            row_hashes=str(evidence["row_hashes"]) if evidence["row_hashes"] is not None else None,
        ),
    )
    report = report.model_copy(update={"made_at": datetime.now(UTC)})
    if wanted.examples:
        with narrate("Reading the first rows behind each failing check…"):
            report = with_examples(report, plan, where, now, timeout=wanted.timeout, deadline=wanted.deadline)
    return Run(report, now, then)


def baselines_of(plans: Sequence[Plan], given: Sequence[str]) -> list[str | None]:
    """The baseline of each plan: the one of all that is given, or of several snapshots that of the plan's table.

    Raises: UsageError for several baselines of one table, and for one that fits no plan.
    """
    if not given:
        return [None for _ in plans]
    if len(plans) == 1:
        if len(given) > 1:
            raise UsageError(f"There are {len(given)} --baseline for one plan.", "Give one of them.")
        return [given[0]]
    from genreq_checks.snapshot import load_snapshot

    tables = {name: load_snapshot(name).plan_table for name in given if Path(name).suffix == ".json"}
    everywhere = [name for name in given if name not in tables]
    found: list[str | None] = []
    for plan in plans:
        fitting = [name for name in given if tables.get(name) == plan.table.qualified] or everywhere
        if len(fitting) > 1:
            raise UsageError(f"There are several --baseline of {plan.table.qualified}.", "Give one of each table.")
        found.append(fitting[0] if fitting else None)
    unused = next((name for name in given if name not in found), None)
    if unused is not None:
        raise UsageError(f"The baseline {unused} is of {tables.get(unused, 'no table')}, which no plan is about.")
    return found
