"""Any sequence of changes, DDL, archives and restores after a baseline: no pass that a full comparison in Python contradicts."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conftest import Server
from genreq_checks.archive import restore, write_archive
from genreq_checks.errors import GenreqError
from genreq_checks.plan import Plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from rows import execute
from test_same_rows import IDS, SHAPES, VALUES, change, fill, plan_of
from test_same_rows import STATEMENTS as ROW_STATEMENTS

ATTACHED = "ALTER TABLE orders ALTER old SET DEFAULT 'none'; CREATE INDEX orders_old ON orders (old)"
ARCHIVE, RESTORE = "archive", "restore"
DDL = (
    "ALTER TABLE orders DROP COLUMN IF EXISTS old",
    "ALTER TABLE orders ADD COLUMN IF NOT EXISTS old text",
    f"ALTER TABLE orders ADD COLUMN IF NOT EXISTS old text; {ATTACHED}",
    "ALTER TABLE orders ALTER old TYPE varchar(9)",
    "ALTER TABLE orders ALTER old DROP DEFAULT",
    "DROP INDEX IF EXISTS orders_old; CREATE INDEX orders_old ON orders (upper(old))",
    "VACUUM FULL orders",
)
STEPS = st.one_of(
    st.sampled_from((ARCHIVE, RESTORE, *DDL)),
    st.sampled_from((ARCHIVE, RESTORE, *DDL[:3])),
    st.builds("UPDATE orders SET old = {} WHERE id = {}".format, VALUES, IDS),
    ROW_STATEMENTS,
)
CATALOG = """
    SELECT format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid),
        (SELECT array_agg(pg_get_indexdef(i.indexrelid) ORDER BY 1) FROM pg_index i WHERE i.indrelid = a.attrelid
            AND pg_get_indexdef(i.indexrelid) LIKE '%old%')
    FROM pg_attribute a LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum)
    WHERE a.attrelid = 'orders'::regclass AND a.attname = 'old'
"""


@pytest.fixture(scope="module")
def orders(server: Server) -> Iterator[str]:
    """A database in which each example makes the table again."""
    yield server.create_database("there_and_back")
    server.drop_database("there_and_back")


def state(url: str) -> tuple[dict[int, str | None], Any]:
    """The dropped column's value by key, and what the catalog has of it; no value and None when it is gone."""
    with psycopg.connect(url) as connection:
        catalog = connection.execute(CATALOG).fetchone()
        value = "old" if catalog else "NULL"
        rows = connection.execute(f"SELECT id, {value} FROM orders").fetchall()
        return dict(rows), catalog


def run(plan: Plan, url: str, steps: list[str], folder: Path) -> Path | None:
    """Take the steps; one that the database or the tool refuses changes nothing. The newest archive."""
    archive: Path | None = None
    for number, step in enumerate(steps):
        with contextlib.suppress(GenreqError, psycopg.Error):
            if step == ARCHIVE:
                file = folder / f"{number}.parquet"
                write_archive(plan, url, file)
                archive = file
            elif step == RESTORE and archive is not None:
                restore(plan, archive, url)
            elif step != RESTORE:
                change(url, step.split("; "))
    return archive


def judge(url: str, steps: list[str], folder: Path) -> Report:
    """Judge after the steps whether the table is as before, and hold each pass against the truth."""
    plan = plan_of(SHAPES[0])
    execute(url, "DROP TABLE IF EXISTS orders, first")
    fill(url, SHAPES[0])
    execute(url, ATTACHED)
    execute(url, "CREATE TABLE first AS TABLE orders")
    baseline, (values, catalog) = observe(plan, url), state(url)
    archive = run(plan, url, steps, folder)
    evidence = {} if archive is None else {"archive": archive}
    report = check(plan, observe(plan, url, baseline=baseline, **evidence), baseline, phase="rolled-back")
    values_now, catalog_now = state(url)
    if report.check("values.old").outcome == "pass":
        assert {key: values_now.get(key) for key in values} == values
    if report.check("dropped.old").outcome == "pass":
        assert catalog_now == catalog
    if report.check("rows").outcome == "pass":
        assert values.keys() <= values_now.keys()
    if report.check("loss.old").outcome == "pass":
        assert sum(v is not None for v in values_now.values()) >= sum(v is not None for v in values.values())
    return report


THERE_AND_BACK = [ARCHIVE, DDL[0], DDL[2], RESTORE]


def test_the_usual_way_there_and_back_passes(orders: str, tmp_path: Path) -> None:
    report = judge(orders, THERE_AND_BACK, tmp_path)
    found = {one.id: one.outcome for one in report.checks if one.outcome not in ("skip",)}
    assert set(found.values()) == {"pass"}, found
    report = judge(orders, [*THERE_AND_BACK[:3], "UPDATE orders SET old = 'other' WHERE id = 3", RESTORE], tmp_path)
    assert report.check("values.old").outcome in ("fail", "unknown")


@pytest.mark.slow
@settings(max_examples=40)
@given(steps=st.lists(STEPS, max_size=8))
@example(steps=[ARCHIVE, DDL[0], DDL[1], RESTORE])
@example(steps=[*THERE_AND_BACK, DDL[5]])
def test_no_pass_that_a_full_comparison_contradicts(
    orders: str, tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    judge(orders, steps, tmp_path_factory.mktemp("steps"))


@pytest.mark.soak
@pytest.mark.timeout(1800)
@settings(max_examples=1000)
@given(steps=st.lists(STEPS, max_size=12))
def test_no_pass_that_a_full_comparison_contradicts_in_many_examples(
    orders: str, tmp_path_factory: pytest.TempPathFactory, steps: list[str]
) -> None:
    judge(orders, steps, tmp_path_factory.mktemp("steps"))
