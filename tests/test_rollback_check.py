"""The check rollback outside a rehearsal: the columns are back, and hold as much as in the baseline."""

from __future__ import annotations

from datetime import UTC, datetime

from genreq_checks.facts import SourceInfo
from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Problem, Snapshot
from rows import execute, insert

VALUES = ({"download_url": "x", "conversation": "{}"}, {"download_url": "y", "conversation": "null"}, {})


def test_columns_with_as_many_values_as_in_the_baseline_pass(database: str, plan: Plan) -> None:
    insert(database, *VALUES)
    baseline = observe(plan, database)
    insert(database, {"github_url": "later"})
    result = check(plan, observe(plan, database), baseline, phase="rolled-back").check("rollback")
    assert [f.outcome for f in result.findings] == ["pass", "pass"]
    assert "2 populated" in result.findings[0].message


def test_columns_that_came_back_empty_fail(database: str, plan: Plan) -> None:
    insert(database, *VALUES)
    baseline = observe(plan, database)
    execute(database, plan.sql.forward)
    execute(database, plan.sql.rollback)
    result = check(plan, observe(plan, database), baseline, phase="rolled-back").check("rollback")
    assert [f.outcome for f in result.findings] == ["fail", "fail"]
    assert result.findings[0].remedy.startswith("Restore the archive")


def test_a_column_that_is_not_back_fails_whatever_the_baseline(database: str, plan: Plan) -> None:
    insert(database, *VALUES)
    execute(database, "ALTER TABLE generation_requests DROP COLUMN conversation")
    findings = check(plan, observe(plan, database), phase="rolled-back").check("rollback").findings
    assert [f.outcome for f in findings] == ["unknown", "fail"]
    assert "without a baseline" in findings[0].message


def test_more_values_than_in_the_baseline_warn(database: str, plan: Plan) -> None:
    insert(database, *VALUES)
    baseline = observe(plan, database)
    insert(database, {"download_url": "new"})
    findings = check(plan, observe(plan, database), baseline, phase="rolled-back").check("rollback").findings
    assert [f.outcome for f in findings] == ["warn", "pass"]


def test_nothing_to_compare_with_is_unknown(database: str, plan: Plan) -> None:
    empty = observe(plan, database)
    insert(database, *VALUES)
    now = observe(plan, database)
    assert check(plan, now, empty, phase="rolled-back").check("rollback").outcome == "unknown"
    gone = now.model_copy(update={"tally": None, "problems": (Problem(part="tally", message="Locked."),)})
    assert check(plan, gone, now, phase="rolled-back").check("rollback").outcome == "unknown"
    execute(database, plan.sql.forward)
    late = observe(plan, database)
    execute(database, plan.sql.rollback)
    result = check(plan, observe(plan, database), late, phase="rolled-back").check("rollback")
    assert result.outcome == "unknown"
    assert "did not count" in result.findings[0].message


def test_it_is_not_checked_in_other_phases(plan: Plan) -> None:
    source = SourceInfo(kind="postgresql", location="here", read_at=datetime(2025, 1, 1, tzinfo=UTC))
    nothing = Snapshot(tool_version="0", plan_fingerprint="", plan_table="t", source=source)
    assert check(plan, nothing).check("rollback").outcome == "skip"
    assert check(plan, nothing, phase="rehearsal").check("rollback").outcome == "unknown"
    assert check(plan, nothing, phase="rehearsal").check("forward").outcome == "unknown"
