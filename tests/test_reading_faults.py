"""A fault at each statement of a reading: what could be read is right, the rest is unknown, and nothing is raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from genreq_checks.plan import Plan
from genreq_checks.results import Phase, Report
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Snapshot
from rows import execute, insert

CUTOVER = datetime(2025, 1, 10, 12, tzinfo=UTC)
GITHUB = "https://github.com/leo/app"


def terminate(url: str, pid: int) -> None:
    with psycopg.connect(url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def refuse(url: str, pid: int) -> str:
    return "SELECT 1 / 0"


def cancel(url: str, pid: int) -> str:
    return "SET LOCAL statement_timeout = 1; SELECT pg_sleep(10)"


@contextmanager
def fault_at(number: int, url: str, plant: Callable[[str, int], str | None]) -> Iterator[list[int]]:
    """Plant a fault in place of, or before, the statement of that number; the list has the number of statements seen."""
    seen = [0]

    def before(conn: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> tuple[str, Any]:
        seen[0] += 1
        if seen[0] == number:
            other = plant(url, cursor.connection.info.backend_pid)
            if other is not None:
                return other, ()
        return statement, parameters

    sa.event.listen(sa.Engine, "before_cursor_execute", before, retval=True)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", before)


def outcomes(report: Report) -> dict[str, str]:
    return {one.id: one.outcome for one in report.checks}


@pytest.fixture
def filled(database: str) -> str:
    insert(
        database,
        *(
            {
                "github_url": GITHUB,
                "artifacts_github_url": f"{GITHUB}-artifacts",
                "completed_at": f"2025-01-{day:02} 13:00",
            }
            for day in range(1, 28)
        ),
    )
    return database


@pytest.mark.parametrize("plant", [terminate, refuse, cancel], ids=lambda plant: plant.__name__)
@pytest.mark.parametrize("phase", ["before", "after"])
def test_a_fault_at_any_statement_makes_nothing_green(
    filled: str, plan: Plan, plant: Callable[[str, int], str | None], phase: Phase
) -> None:
    before = observe(plan, filled, CUTOVER)
    if phase == "after":
        execute(filled, plan.sql.forward)
    with fault_at(0, filled, plant) as seen:
        clean = observe(plan, filled, CUTOVER)
    good, baseline = outcomes(judged(plan, clean, before, phase)), seen[0]
    assert clean.problems == ()
    assert baseline > 8
    for number in range(1, baseline + 1):
        with fault_at(number, filled, plant):
            broken = observe(plan, filled, CUTOVER)
        found = outcomes(judged(plan, broken, before, phase))
        worse = {name for name, outcome in found.items() if outcome not in (good[name], "unknown")}
        assert worse <= {"identity"}  # which warns when the server does not say what it is
        assert found["identity"] in (good["identity"], "unknown", "warn")
        for name in ("table", "tally", "dependents", "books"):
            part = {"books": "bookkeeping"}.get(name, name)
            there = getattr(broken, name)
            assert there == getattr(clean, name) or name == "table" or broken.problem(part) is not None, (number, name)
        if broken.problem("tally"):
            assert judged(plan, broken, before, phase).exit_code() in (1, 3)


def judged(plan: Plan, now: Snapshot, before: Snapshot, phase: Phase) -> Report:
    baseline = before if phase == "after" else None
    return check(plan, now, baseline, cutover=CUTOVER if phase == "after" else None, phase=phase)
