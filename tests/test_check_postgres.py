"""The complete path on a real PostgreSQL: observe, judge, report."""

from __future__ import annotations

from datetime import UTC, datetime

from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from rows import execute, insert

CUTOVER = datetime(2025, 1, 10, 12, 0, tzinfo=UTC)
GITHUB = "https://github.com/leo/app"


def test_a_clean_up_that_worked_passes(database: str, plan: Plan) -> None:
    for day in range(1, 6):
        insert(database, *({"completed_at": f"2025-01-0{day} 10:00", "github_url": GITHUB} for _ in range(8)))
    execute(database, plan.sql.forward)
    done = {"github_url": GITHUB, "artifacts_github_url": f"{GITHUB}-artifacts", "deployment_url": "https://a.fly.dev"}
    insert(database, *({"completed_at": "2025-01-10 12:00", **done} for _ in range(40)))
    report = check(plan, observe(plan, database, CUTOVER), cutover=CUTOVER)
    assert report.outcome == "pass"
    assert report.exit_code() == 0
    after = report.rate("github_url", "after")
    assert after is not None
    assert (after.rows, after.populated) == (40, 40)


def test_an_empty_table_is_unknown_and_never_a_pass(database: str, plan: Plan) -> None:
    execute(database, plan.sql.forward)
    report = check(plan, observe(plan, database, CUTOVER), cutover=CUTOVER)
    assert report.outcome == "unknown"
    assert report.exit_code() == 3
    assert report.check("population.github_url").outcome == "unknown"
