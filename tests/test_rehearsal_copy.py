"""What a rehearsal copies: each row once, a row of every class whatever the name of its type, tables of many columns."""

from __future__ import annotations

from pathlib import Path

import pytest

from conftest import Server
from genreq_checks.facts import Step
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.rehearsal import rehearse
from genreq_checks.report import Report
from rows import execute, insert

pytestmark = pytest.mark.slow

MANY = 858  # with as many again of the originals more than a target list of the server's can have (1,664)
PARTED = """
plan_version = 1
title = "Parted"
table = {schema = "public", name = "parted", key = ["id"]}
cohort = {column = "state", values = ["done"], time = "done_at"}
kept.more = {type = "text"}
dropped.note = {claim = {holds = "always-null", text = "n"}}
sql = {forward = "ALTER TABLE parted DROP COLUMN note", rollback = "ALTER TABLE parted ADD COLUMN note text"}
"""


def step(report: Report, name: str) -> Step:
    return next(s for s in report.steps if s.name == name)


def widen(database: str, column: str) -> None:
    added = ", ".join(f"ADD COLUMN extra_{number} {column}" for number in range(MANY - 20))
    execute(database, f"ALTER TABLE generation_requests {added}")


@pytest.mark.parametrize("column", ["smallint DEFAULT 7", "timestamptz DEFAULT now()"])
def test_a_table_of_many_columns_is_compared_completely(server: Server, plan: Plan, database: str, column: str) -> None:
    insert(database, {"download_url": "https://d.example/1.zip"}, {"status": "failed"})
    widen(database, column)
    report = rehearse(plan, database, scratch_url=server.url("postgres"))
    assert [(s.name, s.message) for s in report.steps if s.outcome != "pass"] == []
    assert f"All {MANY} columns of 2 rows" in step(report, "compare").message


@pytest.mark.parametrize("number", [0, 400, MANY - 21])
def test_a_changed_value_in_any_of_many_columns_is_found(
    server: Server, plan: Plan, database: str, number: int, tmp_path: Path
) -> None:
    insert(database, {"download_url": "https://d.example/1.zip"}, {"status": "failed"})
    widen(database, "smallint DEFAULT 7")
    forward = tmp_path / "forward.sql"
    forward.write_text(
        "ALTER TABLE generation_requests DROP COLUMN download_url, DROP COLUMN conversation;"
        f"UPDATE generation_requests SET extra_{number} = -1 WHERE id = 2; DELETE FROM generation_requests WHERE id = 1;"
    )
    report = rehearse(plan, database, forward=forward, scratch_url=server.url("postgres"))
    message = step(report, "forward").message
    assert step(report, "forward").outcome == "fail"
    assert f"extra_{number}: 1 of 2 rows differ" in message
    assert message.count("1 of 2 rows are gone") == 1


@pytest.mark.parametrize("sample", [None, 100, 1])
def test_a_row_whose_key_is_not_unique_is_copied_once(server: Server, empty_database: str, sample: int | None) -> None:
    execute(
        empty_database,
        """CREATE TABLE parted (id int, state text, done_at timestamp, note text, more text) PARTITION BY LIST (state);
           CREATE TABLE parted_done PARTITION OF parted FOR VALUES IN ('done');
           CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
           INSERT INTO parted SELECT 1, state, '2025-01-11', NULL FROM unnest(ARRAY['done', 'failed', 'queued']) state""",
    )
    report = rehearse(parse_plan(PARTED, "parted"), empty_database, sample=sample, scratch_url=server.url("postgres"))
    assert step(report, "copy").message.startswith("3 rows ")
    assert (step(report, "before").outcome, step(report, "before").message) == (
        "unknown",
        "The key (id) is not unique: rows cannot be compared.",
    )


@pytest.mark.parametrize("depth", [1, 3])
def test_every_class_of_a_column_with_a_domain_over_a_domain_is_copied(
    server: Server, plan: Plan, database: str, depth: int
) -> None:
    insert(database, *({"conversation": '{"a": 1}'} for _ in range(60)))
    insert(database, {"conversation": "null"}, {"conversation": "[]"})
    execute(database, "CREATE DOMAIN d0 AS jsonb")
    for level in range(1, depth):
        execute(database, f"CREATE DOMAIN d{level} AS d{level - 1}")
    execute(database, f"ALTER TABLE generation_requests ALTER COLUMN conversation TYPE d{depth - 1}")
    report = rehearse(plan, database, sample=10, scratch_url=server.url("postgres"))
    assert step(report, "copy").message.startswith("10 rows")
    assert "1 json-null, 1 empty, 8 populated" in step(report, "before").message
