"""Forward files that do more than drop columns: each is a clear failure of its step, or is allowed by the plan."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

import pytest

from conftest import Server
from genreq_checks.errors import PlanError
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.rehearsal import rehearse
from genreq_checks.report import Report
from rows import execute, insert
from test_rehearsal import DROP_BOTH, GITHUB, Rehearse, step

pytestmark = pytest.mark.slow

MADE_AGAIN = "DROP TABLE generation_requests CASCADE; CREATE TABLE generation_requests (id serial PRIMARY KEY{});"


@pytest.fixture
def rehearsed(server: Server, plan: Plan, database: str, tmp_path: Path) -> Rehearse:
    insert(
        database,
        {"download_url": "https://d.example/1.zip", "github_url": GITHUB, "completed_at": "2025-01-01"},
        {"conversation": "[]", "status": "queued"},
    )

    def run(forward: str, using: Plan = plan) -> Report:
        file = tmp_path / "forward.sql"
        file.write_text(forward, "utf-8")
        return rehearse(using, database, forward=file, sample=None, scratch_url=server.url("postgres"))

    return run


@pytest.mark.parametrize(
    ("columns", "missing"),
    [
        ("", "status and no completed_at"),
        (", completed_at timestamp, github_url text", "status"),
        (", status text, github_url text", "completed_at"),
    ],
)
def test_a_table_that_is_dropped_and_created_again_fails_the_step(
    rehearsed: Rehearse, columns: str, missing: str
) -> None:
    report = rehearsed(MADE_AGAIN.format(columns))
    forward = step(report, "forward")
    assert forward.outcome == "fail"
    assert "public.generation_requests was dropped and created again" in forward.message
    assert "renamed" not in forward.message
    assert "added again" not in forward.message
    generation = step(report, "generation")
    assert (generation.outcome, generation.message) == (
        "fail",
        f"A generation fails: public.generation_requests has no column {missing}.",
    )
    assert report.exit_code() == 1


@pytest.mark.parametrize("column", ["status", "completed_at", "id CASCADE"])
def test_a_column_that_the_plan_counts_by_must_stay(rehearsed: Rehearse, column: str) -> None:
    report = rehearsed(f"{DROP_BOTH} ALTER TABLE generation_requests DROP COLUMN {column};")
    assert step(report, "forward").outcome == "fail"
    assert step(report, "generation").outcome == "fail"
    assert f"has no column {column.split()[0]}" in step(report, "generation").message


FILL = "UPDATE generation_requests SET deployment_url = coalesce(deployment_url, 'https://a.fly.dev');"


def backfilling(plan: Plan, *columns: str) -> Plan:
    kept = {
        name: column.model_copy(update={"backfilled": "the new server reads it"} if name in columns else {})
        for name, column in plan.kept.items()
    }
    return plan.model_copy(update={"kept": kept})


def test_a_back_fill_in_the_plan_passes(rehearsed: Rehearse, plan: Plan) -> None:
    report = rehearsed(f"{DROP_BOTH} {FILL}", backfilling(plan, "deployment_url"))
    assert [(s.name, s.message) for s in report.steps if s.outcome != "pass"] == []
    told = "deployment_url: 2 of 2 rows back-filled, as planned"
    for name in ("forward", "rollback", "compare", "forward-again"):
        assert told in step(report, name).message


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (FILL, "deployment_url: 2 of 2 rows differ"),
        ("UPDATE generation_requests SET github_url = 'x';", "github_url: 1 of 2 rows differ"),
        ("UPDATE generation_requests SET github_url = NULL;", "github_url: 1 of 2 rows differ"),
        ("UPDATE generation_requests SET github_url = '' WHERE github_url IS NOT NULL;", "github_url: 1 of 2 rows"),
        ("UPDATE generation_requests SET error_message = 'x';", "error_message: 2 of 2 rows differ"),
    ],
)
def test_an_unplanned_change_fails_next_to_a_planned_one(
    rehearsed: Rehearse, plan: Plan, change: str, words: str
) -> None:
    report = rehearsed(f"{DROP_BOTH} {change}", backfilling(plan, "github_url"))
    forward = step(report, "forward")
    assert forward.outcome == "fail"
    assert words in forward.message


def test_the_plan_file_allows_a_back_fill() -> None:
    text = (files("genreq_checks") / "plans" / "generation_requests.toml").read_text("utf-8")
    meant = parse_plan(text.replace("[kept.deployment_url]", "[kept.deployment_url]\nbackfilled = 'why'"), "p")
    assert meant.kept["deployment_url"].backfilled == "why"
    with pytest.raises(PlanError, match="backfilled"):
        parse_plan(text.replace("[kept.deployment_url]", "[kept.deployment_url]\nbackfilled = ''"), "p")


def test_a_column_that_cannot_be_archived_leaves_nothing_to_restore(rehearsed: Rehearse, database: str) -> None:
    execute(database, "ALTER TABLE generation_requests ALTER conversation TYPE regclass USING 'pg_class'::regclass")
    report = rehearsed(DROP_BOTH)
    assert step(report, "archive").outcome == "unknown"
    assert "conversation is of type regclass" in step(report, "archive").message
    restore = step(report, "restore")
    assert (restore.outcome, restore.message) == ("unknown", "Not made: the step archive did not succeed.")
    assert step(report, "compare").outcome == "fail"
    assert report.check("rollback").outcome == "fail"
