"""An archive counts only as long as it holds the values that the table holds: a value that was replaced since is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from genreq_checks.archive.write import write_archive
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.report import CheckResult
from genreq_checks.run import check, observe
from rows import execute

PLAN = '''
plan_version = 1
title = "Orders"
[table]
name = "orders"
key = ["x", "Y"]
[cohort]
column = "state"
values = ["done"]
time = "done_at"
[kept.a]
[dropped."Old %"]
[dropped.padded]
[dropped.document]
[dropped.at]
[dropped.bytes]
[dropped.numbers]
[sql]
forward = 'ALTER TABLE orders DROP COLUMN "Old %", DROP padded, DROP document, DROP at, DROP bytes, DROP numbers'
rollback = """
ALTER TABLE orders ADD "Old %" text, ADD padded character(9), ADD document jsonb, ADD at timestamptz, ADD bytes bytea,
    ADD numbers float8[];
"""
'''
MADE = """
    CREATE TABLE orders (x int, "Y" text, state text, done_at timestamp, a text, "Old %" text, padded character(9),
        document jsonb, at timestamptz, bytes bytea, numbers float8[], PRIMARY KEY (x, "Y"));
    INSERT INTO orders SELECT i, 'k' || i, 'done', timestamp '2025-01-01' + i * interval '1 hour', 'a',
        CASE WHEN i % 2 = 0 THEN 'o ' || i || '  ' END, 'p' || i, jsonb_build_object('i', i, 'u', '\u00e9'), now(),
        decode(md5(i::text), 'hex'), ARRAY[i / 3.0, NULL]
    FROM generate_series(1, 30) i
"""
TEXT = "loss.Old %"


@pytest.fixture
def plan() -> Plan:
    return parse_plan(PLAN, "orders")


@pytest.fixture
def archived(empty_database: str, plan: Plan, tmp_path: Path) -> tuple[str, Path]:
    execute(empty_database, MADE)
    write_archive(plan, empty_database, tmp_path / "a.parquet")
    return empty_database, tmp_path / "a.parquet"


def judged(plan: Plan, archived: tuple[str, Path], name: str) -> CheckResult:
    url, file = archived
    return check(plan, observe(plan, url, archive=file), phase="before").check(name)


def test_every_value_of_every_type_is_the_archived_one(archived: tuple[str, Path], plan: Plan) -> None:
    for name in plan.dropped:
        assert judged(plan, archived, f"loss.{name}").outcome == "pass", name


@pytest.mark.parametrize(
    ("change", "column", "rows"),
    [
        ("""UPDATE orders SET "Old %" = 'other' WHERE x IN (2, 4)""", "Old %", "2 rows"),
        ("""UPDATE orders SET "Old %" = "Old %" || ' ' WHERE x = 2""", "Old %", "1 row"),
        ("UPDATE orders SET padded = 'P1' WHERE x = 1", "padded", "1 row"),
        ("UPDATE orders SET document = '{\"i\": 1}' WHERE x < 4", "document", "3 rows"),
        ("UPDATE orders SET at = at + interval '1 microsecond'", "at", "30 rows"),
        ("UPDATE orders SET bytes = '\\x00' WHERE x = 7", "bytes", "1 row"),
        ("UPDATE orders SET numbers = ARRAY[1] WHERE x = 7", "numbers", "1 row"),
        (  # as many values as before, in other rows
            "UPDATE orders SET \"Y\" = 'moved' WHERE x = 9",
            "bytes",
            "1 row",
        ),
    ],
)
def test_a_value_that_was_replaced_makes_the_archive_stale(
    archived: tuple[str, Path], plan: Plan, change: str, column: str, rows: str
) -> None:
    execute(archived[0], change)
    result = judged(plan, archived, f"loss.{column}")
    assert result.outcome == "fail"
    assert f"is stale: {rows} of the table by now hold a value that it does not have" in result.findings[0].message


def test_a_value_that_was_cleared_is_still_in_the_archive(archived: tuple[str, Path], plan: Plan) -> None:
    execute(archived[0], "UPDATE orders SET bytes = NULL WHERE x = 7")
    assert judged(plan, archived, "loss.bytes").outcome == "pass"


def test_a_table_that_cannot_be_compared_tells_why_in_its_own_words(archived: tuple[str, Path], plan: Plan) -> None:
    execute(archived[0], "ALTER TABLE orders RENAME TO other")
    assert "There is no table public.orders" in judged(plan, archived, TEXT).findings[0].message


def test_an_archive_that_was_not_compared_with_the_table_is_no_pass(archived: tuple[str, Path], plan: Plan) -> None:
    url, file = archived
    now = observe(plan, url)
    result = check(plan, observe(plan, now, archive=file), phase="before").check("loss.bytes")
    assert result.outcome == "unknown"
    assert "the two were not compared" in result.findings[0].message


def test_after_a_rollback_the_archive_tells_of_every_row(archived: tuple[str, Path], plan: Plan) -> None:
    url, file = archived
    execute(url, "UPDATE orders SET state = 'open' WHERE x > 20")
    baseline = observe(plan, url)

    def back() -> tuple[str, str]:
        report = check(plan, observe(plan, url, baseline=baseline, archive=file), baseline, phase="rolled-back")
        return report.check("values.bytes").outcome, report.check("loss.bytes").outcome

    assert back() == ("pass", "pass")
    execute(url, "UPDATE orders SET bytes = '\\x00' WHERE x = 25")
    assert back() == ("unknown", "fail")
