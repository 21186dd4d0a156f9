"""May the retired columns be dropped? By the report of their hold, and by the catalog as it is now."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from genreq_checks.errors import UsageError, near_file
from genreq_checks.facts.identity import compare
from genreq_checks.facts.retired import Stamp
from genreq_checks.plan import Plan
from genreq_checks.report import Report
from genreq_checks.snapshot import Column, Snapshot
from genreq_checks.staging.family import FamilyFacts
from genreq_checks.staging.refusals import first, of_the_table, readers
from genreq_checks.staging.writing import of_the_table as asserted
from genreq_checks.text import shown_path

FRESH = timedelta(days=1)  # how old the report may be: nothing is known of the time since
MADE_BY = "genreq-checks check SOURCE --phase held --format json --output held.json"


def load_report(path: Path, made_by: str = MADE_BY) -> Report:
    """A report in JSON; `made_by` is the command that makes one. Raises: UsageError for a file that is not one."""
    try:
        return Report.model_validate_json(path.read_bytes())
    except OSError as error:
        hint = near_file(path, ".json")
        raise UsageError(f"The report {shown_path(str(path))} could not be read: {error.strerror}.", hint) from None
    except ValidationError:
        raise UsageError(f"{shown_path(str(path))} is not a report of this version.", f"Make one: {made_by}") from None


def held_columns(plan: Plan, now: Snapshot) -> dict[str, Column]:
    """The plan's columns that are renamed away, by their own names."""
    found = {name: now.table.held(name) if now.table is not None else None for name in plan.dropped}
    return {name: column for name, column in found.items() if column is not None}


def why_not(plan: Plan, now: Snapshot, report: Report, family: FamilyFacts) -> list[str]:
    """Everything that speaks against dropping the columns."""
    return [*_of_the_report(plan, now, report), *of_the_table(now, family), *_of_the_columns(plan, now, report, family)]


def _of_the_report(plan: Plan, now: Snapshot, report: Report) -> Iterator[str]:
    if report.phase != "held":
        yield f"the report is of phase {report.phase}, not of phase held."
        return
    if report.only:
        yield f"the report has a part of the checks only ({' '.join(report.only)})."
    if report.plan.fingerprint != plan.fingerprint:
        yield f"the report is about another plan (fingerprint {report.plan.fingerprint}, here {plan.fingerprint})."
    if report.outcome not in ("pass", "warn"):
        made = [check.id for check in report.checks if check.outcome in ("fail", "unknown")]
        yield f"the report does not pass, it says {report.outcome}: {first(made)}."
    source = report.sources.get("after")
    if source is None:
        yield "the report does not say what was read."
        return
    comparison = compare(source.identity, now.source.identity)
    if comparison.kind != "same":
        yield f"it is not proved that the report is of this database: {comparison.text}."
    age = datetime.now(UTC) - source.read_at
    if age > FRESH or age < -FRESH:
        yield f"the report is from {source.read_at:%Y-%m-%d %H:%M} UTC, and nothing is known of the time since: make it again."


def _of_the_columns(plan: Plan, now: Snapshot, report: Report, family: FamilyFacts) -> Iterator[str]:
    held = held_columns(plan, now)
    for name in plan.dropped:
        column = held.get(name)
        if column is None or column.retired is None:
            yield f"{name} is not retired, or its comment has no stamp."
            continue
        yield from _not_proved(name, column.retired, report)
        until = column.retired.at + timedelta(days=plan.hold_days)
        if datetime.now(UTC) < until:
            yield f"{name} must be held until {until:%Y-%m-%d %H:%M} UTC."
        blocking = family.columns[column.name].blocking
        if blocking:
            yield f"{name}: the drop is blocked by {first(list(blocking))}. Drop or change it first."
        yield from readers(now, name)


def _not_proved(name: str, stamp: Stamp, report: Report) -> Iterator[str]:
    """Does the report have the checks of this column, of this hold?"""
    results = {check.id: check for check in report.checks}
    for check in (f"held.{name}", f"readers.{name}"):
        if check not in results or results[check].outcome not in ("pass", "warn"):
            yield f"the report has no passing {check}."
            return
    told = {one.evidence.get("since") for one in results[f"held.{name}"].findings} - {None}
    if told != {stamp.at.isoformat()}:
        yield f"the report is about another hold of {name} than the one since {stamp.at:%Y-%m-%d %H:%M:%S} UTC."


def to_drop(plan: Plan, now: Snapshot, family: FamilyFacts) -> dict[str, Any]:
    """What the guard of finalise asserts."""
    columns: list[dict[str, Any]] = []
    for name, column in held_columns(plan, now).items():
        stamp, staged = column.retired, family.columns[column.name]
        assert stamp is not None
        columns.append(
            {
                "column": name,
                "retired": column.name,
                "position": staged.position,
                "type": staged.type,
                "since": f"{stamp.at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}",
                "dependents": list(staged.dependents),
            }
        )
    return asserted(plan) | {"columns": columns}
