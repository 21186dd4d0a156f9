"""Same rows, same values: what fingerprints say of a table that was changed is held against a full comparison in Python."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from conftest import Server
from genreq_checks.history.runs import fold
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Snapshot, load_snapshot
from rows import execute

PLAN = """
plan_version = 1
title = "Orders"
[table]
name = "orders"
key = {key}
[cohort]
column = "state"
values = ["done"]
time = "done_at"
[kept.a]
{stable}
[kept.b]
[dropped.old]
[sql]
forward = "ALTER TABLE orders DROP COLUMN old"
rollback = "ALTER TABLE orders ADD COLUMN old text"
"""
FILL = """
    INSERT INTO orders SELECT {key}, CASE WHEN i % 7 = 0 THEN 'open' ELSE 'done' END,
        timestamp '2025-01-01' + i * interval '5 hours', CASE WHEN i % 4 > 0 THEN 'a' || i END,
        CASE WHEN i % 3 = 0 THEN 'b' || i END, CASE WHEN i % 5 > 0 THEN 'o' || i END
    FROM generate_series(1, 24) i
"""


@dataclass(frozen=True)
class Shape:
    """A kind of table: its key, how it is made, and the key's columns."""

    name: str
    key: str
    columns: tuple[str, ...]
    made: str


TEXT = "state text NOT NULL, done_at timestamp, a text, b text, old text"
SHAPES = (
    Shape("plain", "i", ("id",), f"CREATE TABLE orders (id int PRIMARY KEY, {TEXT})"),
    Shape(
        "composite key, partitioned",
        "i / 5, (i % 5)::text",
        ("x", "y"),
        f"CREATE TABLE orders (x bigint, y text, {TEXT}, PRIMARY KEY (x, y)) PARTITION BY HASH (x, y); "
        "CREATE TABLE orders_0 PARTITION OF orders FOR VALUES WITH (MODULUS 2, REMAINDER 0); "
        "CREATE TABLE orders_1 PARTITION OF orders FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
    ),
    Shape(
        "uuid key",
        "('00000000-0000-4000-8000-' || lpad(i::text, 12, '0'))::uuid",
        ("id",),
        f"CREATE TABLE orders (id uuid PRIMARY KEY, {TEXT})",
    ),
)
Rows = dict[tuple[Any, ...], tuple[Any, ...]]


def plan_of(shape: Shape, stable: bool = False) -> Plan:
    key = "[" + ", ".join(f'"{name}"' for name in shape.columns) + "]"
    return parse_plan(PLAN.format(key=key, stable="stable = true" if stable else ""), "orders")


def fill(url: str, shape: Shape) -> None:
    execute(url, shape.made)
    execute(url, FILL.format(key=shape.key))


@pytest.fixture(params=SHAPES, ids=lambda shape: shape.name)
def shape(request: pytest.FixtureRequest) -> Shape:
    found: Shape = request.param
    return found


@pytest.fixture
def orders(empty_database: str, shape: Shape) -> str:
    fill(empty_database, shape)
    return empty_database


def judged(plan: Plan, url: str, baseline: Snapshot, **more: Any) -> dict[str, str]:
    report = check(plan, observe(plan, url, baseline=baseline, **more), baseline)
    return outcomes(report)


def outcomes(report: Report) -> dict[str, str]:
    return {one.id: one.outcome for one in report.checks if one.id.split(".")[0] in ("rows", "values")}


GREEN = {"rows": "pass", "values.a": "pass", "values.b": "pass", "values.old": "skip"}
NEW = "INSERT INTO orders ({}state, done_at, a, b, old) SELECT {}'done', '2025-02-01', 'n', NULL, NULL FROM orders LIMIT 1"


def test_an_unchanged_table_and_one_with_newer_rows_pass(orders: str, shape: Shape) -> None:
    plan = plan_of(shape)
    baseline = observe(plan, orders)
    assert judged(plan, orders, baseline) == GREEN
    execute(orders, "UPDATE orders SET state = 'done', done_at = '2025-02-01', a = 'late' WHERE state = 'open'")
    assert judged(plan, orders, baseline) == GREEN  # in flight then, done since
    execute(orders, "UPDATE orders SET old = NULL WHERE state = 'gone'; ALTER TABLE orders DROP COLUMN old")
    assert judged(plan, orders, baseline) == GREEN


@pytest.mark.parametrize(
    ("change", "wanted"),
    [
        ("DELETE FROM orders WHERE done_at > '2025-01-01 10:00'", {"rows": "fail"}),
        ("DELETE FROM orders WHERE a = 'a1'", {"rows": "fail"}),
        ("UPDATE orders SET state = 'open' WHERE a = 'a1'", {"rows": "left"}),
        ("UPDATE orders SET done_at = NULL WHERE a = 'a1'", {"rows": "left"}),
        ("UPDATE orders SET done_at = '2025-02-01' WHERE a = 'a1'", {"rows": "left"}),  # completed again
        ("UPDATE orders SET a = 'one' WHERE a IS NOT NULL", {"values.a": "fail"}),
        ("UPDATE orders SET a = 'one' WHERE a = 'a1'", {"values.a": "fail"}),
        ("UPDATE orders SET a = NULL WHERE a = 'a1'", {"values.a": "fail"}),
        ("UPDATE orders SET b = NULL WHERE b = 'b3'", {"values.b": "fail"}),
        ("UPDATE orders SET b = 'c' WHERE b = 'b3'", {"values.b": "unknown"}),
        ("UPDATE orders SET b = 'c' WHERE a = 'a1'", {"values.b": "unknown"}),
        (
            "UPDATE orders SET a = CASE a WHEN 'a1' THEN 'a2' ELSE 'a1' END WHERE a IN ('a1', 'a2')",
            {"values.a": "fail"},
        ),
        ("UPDATE orders SET done_at = done_at - interval '2 days' WHERE a = 'a17'", {}),  # the same row with its values
    ],
)
def test_a_change_that_no_rate_shows_is_told(orders: str, shape: Shape, change: str, wanted: dict[str, str]) -> None:
    plan = plan_of(shape, stable=True)
    baseline = observe(plan, orders)
    execute(orders, change)
    found = judged(plan, orders, baseline)
    if wanted == {"rows": "fail"}:
        assert found["rows"] == "fail"
        assert found["values.a"] != "pass"
    elif wanted == {"rows": "left"}:
        assert found["rows"] == ("pass" if shape.name == "plain" else "unknown")  # by its key it is there
        assert found["values.a"] == "unknown"
    else:
        assert found == GREEN | wanted


def test_rows_that_are_exchanged_one_for_one_are_unknown_and_not_green(orders: str, shape: Shape) -> None:
    plan = plan_of(shape)
    baseline = observe(plan, orders)
    another = {"id": "1000", "x": "1000"} if shape.name != "uuid key" else {"id": "gen_random_uuid()"}
    execute(orders, f"UPDATE orders SET {shape.columns[0]} = {another[shape.columns[0]]} WHERE a = 'a1'")
    found = judged(plan, orders, baseline)
    assert found["rows"] == ("fail" if shape.name == "plain" else "unknown")
    assert (found["values.a"], found["values.b"]) == ("unknown", "unknown")


def test_the_plan_can_allow_it_with_a_reason(orders: str, shape: Shape) -> None:
    plan = plan_of(shape)
    baseline = observe(plan, orders)
    execute(orders, "DELETE FROM orders WHERE a = 'a1'; UPDATE orders SET b = 'c' WHERE b = 'b3'")
    kept = {"a": plan.kept["a"], "b": plan.kept["b"].model_copy(update={"may_change": "They are edited."})}
    cohort = plan.cohort.model_copy(update={"may_go": "Old orders are deleted."})
    allowed = plan.model_copy(update={"kept": kept, "cohort": cohort})
    found = judged(allowed, orders, baseline)
    assert (found["rows"], found["values.b"], found["values.a"]) == ("pass", "pass", "unknown")


def test_a_saved_baseline_tells_the_same_and_an_old_one_nothing(orders: str, shape: Shape, tmp_path: Path) -> None:
    plan = plan_of(shape)
    first = observe(plan, orders)
    first.save(tmp_path / "before.json")
    baseline = load_snapshot(tmp_path / "before.json")
    assert baseline.fingerprints == first.fingerprints
    assert judged(plan, orders, baseline) == GREEN
    without = baseline.model_copy(update={"fingerprints": None})
    assert set(judged(plan, orders, without).values()) == {"unknown", "skip"}
    unasked = outcomes(check(plan, observe(plan, orders), baseline))  # read without its baseline: of other rows
    assert (unasked["rows"], unasked["values.a"]) == ("pass", "pass")  # none came since, so they are the same rows
    execute(orders, "UPDATE orders SET state = 'done', done_at = '2025-02-01' WHERE state = 'open'")
    unasked = outcomes(check(plan, observe(plan, orders), baseline))
    assert (unasked["rows"], unasked["values.a"]) == ("unknown", "unknown")
    assert set(outcomes(check(plan, observe(plan, orders))).values()) == {"skip"}


@pytest.mark.parametrize("difference", ["hashing", "key", "cohort"])
def test_fingerprints_by_another_rule_are_not_compared(orders: str, shape: Shape, difference: str) -> None:
    plan = plan_of(shape)
    baseline = observe(plan, orders)
    assert baseline.fingerprints is not None
    other = {"hashing": 1, "key": ("other",), "cohort": ("other",)}[difference]
    changed = baseline.model_copy(update={"fingerprints": baseline.fingerprints.model_copy(update={difference: other})})
    found = judged(plan, orders, changed)
    assert {found["rows"], found["values.a"], found["values.b"]} == {"unknown"}


def test_a_database_that_was_dumped_and_restored_is_compared_when_it_is_meant(
    server: Server, orders: str, shape: Shape
) -> None:
    plan = plan_of(shape)
    baseline = observe(plan, orders)
    copy = server.create_database(f"{psycopg.conninfo.conninfo_to_dict(orders)['dbname']}_copy")
    try:
        fill(copy, shape)
        now = observe(plan, copy, baseline=baseline)
        assert outcomes(check(plan, now, baseline))["rows"] == "unknown"
        assert outcomes(check(plan, now, baseline, other_database=True)) == GREEN
        execute(copy, "UPDATE orders SET a = 'x' WHERE a = 'a1'")
        now = observe(plan, copy, baseline=baseline)
        assert outcomes(check(plan, now, baseline, other_database=True))["values.a"] == "unknown"
    finally:
        server.drop_database(f"{psycopg.conninfo.conninfo_to_dict(orders)['dbname']}_copy")


TYPES = {
    "timestamptz": "now()",
    "interval": "make_interval(secs => i * 1000.5)",
    "double precision": "i / 3.0::float8",
    "bytea": "decode(md5(i::text), 'hex')",
    "money": "i::numeric::money",
    "json": "json_build_object('a', i)",
    "jsonb": "jsonb_build_object('a', i)",
    "point": "point(i, i / 3.0)",
    "numeric": "i / 7.0",
    "text[]": "ARRAY['a', i::text]",
    "inet": "('10.0.0.' || i)::inet",
    "tsvector": "to_tsvector('simple', 'x y ' || i)",
}


def test_values_of_every_type_are_hashed_alike_whatever_the_role_has_set(empty_database: str, server: Server) -> None:
    columns = ", ".join(f'"{name}" {name}' for name in TYPES)
    execute(
        empty_database,
        f"CREATE TABLE orders (id int PRIMARY KEY, state text, done_at timestamptz, {columns}, old text)",
    )
    made = ", ".join(f"({value})::{name}" for name, value in TYPES.items())
    at = "timestamptz '2025-01-01' + i * interval '1 day'"
    execute(empty_database, f"INSERT INTO orders SELECT i, 'done', {at}, {made} FROM generate_series(1, 20) i")
    text = PLAN.format(key='["id"]', stable="").replace("[kept.a]\n", "").replace("[kept.b]\n", "")
    text = text.replace("[dropped.old]", "".join(f'[kept."{name}"]\n' for name in TYPES) + "[dropped.old]")
    plan = parse_plan(text, "types")
    baseline = observe(plan, empty_database)
    assert baseline.fingerprints is not None, baseline.problems
    name = psycopg.conninfo.conninfo_to_dict(empty_database)["dbname"]
    for setting in (
        "TimeZone = 'Asia/Tokyo'",
        "DateStyle = 'German'",
        "IntervalStyle = 'postgres_verbose'",
        "extra_float_digits = 0",
        "bytea_output = 'escape'",
    ):
        execute(empty_database, f'ALTER DATABASE "{name}" SET {setting}')
    now = observe(plan, empty_database, baseline=baseline)
    assert now.fingerprints == baseline.fingerprints
    for one in TYPES:
        execute(empty_database, f'UPDATE orders SET "{one}" = NULL WHERE id = 7')
        result = check(plan, observe(plan, empty_database, baseline=baseline), baseline).check(f"values.{one}")
        assert result.outcome == "fail", one


def test_a_key_that_is_gone_or_may_not_be_read_leaves_the_counts_standing(empty_database: str) -> None:
    plain = SHAPES[0]
    fill(empty_database, plain)
    plan = plan_of(plain)
    baseline = observe(plan, empty_database)
    execute(empty_database, "ALTER TABLE orders RENAME id TO number")
    now = observe(plan, empty_database, baseline=baseline)
    assert now.tally is not None
    result = check(plan, now, baseline).check("rows")
    assert result.outcome == "unknown"
    assert "'id'" in result.findings[0].message


@pytest.fixture(scope="module")
def changing(server: Server) -> Iterator[str]:
    """A database with a table that examples change, and its copy from which each begins anew."""
    url = server.create_database("same_rows")
    fill(url, SHAPES[0])
    execute(url, "CREATE TABLE first AS TABLE orders")
    yield url
    server.drop_database("same_rows")


IDS = st.integers(1, 26)
VALUES = st.sampled_from(["NULL", "'v'", "'a1'", "'a2'", "'b3'"])
TIMES = st.sampled_from(["'2025-01-02'", "'2025-01-04 07:00'", "'2025-03-01'", "NULL"])
STATEMENTS = st.one_of(
    st.builds("DELETE FROM orders WHERE id = {}".format, IDS),
    st.builds("UPDATE orders SET a = {} WHERE id = {}".format, VALUES, IDS),
    st.builds("UPDATE orders SET b = {} WHERE id = {}".format, VALUES, IDS),
    st.builds("UPDATE orders SET a = {} WHERE id BETWEEN {} AND {}".format, VALUES, IDS, IDS),
    st.builds("UPDATE orders SET done_at = {} WHERE id = {}".format, TIMES, IDS),
    st.builds("UPDATE orders SET state = CASE state WHEN 'done' THEN 'open' ELSE 'done' END WHERE id = {}".format, IDS),
    st.builds(
        "INSERT INTO orders VALUES ({}, 'done', {}, {}, {}, NULL) ON CONFLICT (id) DO NOTHING".format,
        *(IDS, TIMES, VALUES, VALUES),
    ),
    st.builds("INSERT INTO orders SELECT * FROM first WHERE id = {} ON CONFLICT (id) DO NOTHING".format, IDS),
    st.builds("UPDATE orders SET id = id + 100 WHERE id = {}".format, IDS),
    st.builds("UPDATE orders o SET a = f.a, b = f.b FROM first f WHERE f.id = o.id AND o.id = {}".format, IDS),
)  # fmt: skip


def covered(url: str) -> Rows:
    """What a full comparison needs: the rows until the newest time of the baseline, by key."""
    with psycopg.connect(url) as connection:
        found = connection.execute(
            "SELECT id, a, b FROM orders WHERE state = 'done' "
            "AND done_at <= (SELECT max(done_at) FROM first WHERE state = 'done')"
        ).fetchall()
    return {row[:1]: row[1:] for row in found}


def keys(url: str) -> set[int]:
    """The keys of all rows."""
    with psycopg.connect(url) as connection:
        return {row[0] for row in connection.execute("SELECT id FROM orders").fetchall()}


def change(url: str, statements: list[str]) -> None:
    """Run the statements; one that would make two rows of one key changes nothing."""
    with psycopg.connect(url, autocommit=True) as connection:
        for statement in statements:
            with contextlib.suppress(psycopg.errors.UniqueViolation):
                connection.execute(statement)  # type: ignore[call-overload]


def compare(url: str, plan: Plan, statements: list[str]) -> None:
    execute(url, "TRUNCATE orders; INSERT INTO orders TABLE first")
    baseline, then = observe(plan, url), covered(url)
    change(url, statements)
    now, every = covered(url), keys(url)
    found = judged(plan, url, baseline)
    assert found["rows"] == ("pass" if set(range(1, 25)) <= every else "fail")  # of every status, by their keys
    assert baseline.fingerprints is not None
    by_time = baseline.model_copy(update={"fingerprints": baseline.fingerprints.model_copy(update={"known": None})})
    outcome = judged(plan, url, by_time)["rows"]
    assert (outcome == "pass") == (then.keys() == now.keys())
    if outcome == "fail":
        assert len(every) < 24
        assert len(now) < len(then)
    for place, column in enumerate(("a", "b")):
        was, here = ({key: row[place] for key, row in rows.items()} for rows in (then, now))
        outcome = found[f"values.{column}"]
        assert (outcome == "pass") == (was == here)
        lost = any(was[key] is not None and here.get(key) is None for key in was)
        if outcome == "fail":
            changed = column == "a" and any(was[key] != here[key] for key in was.keys() & here.keys())
            assert lost or changed


@pytest.mark.slow
@settings(max_examples=300)
@given(statements=st.lists(STATEMENTS, max_size=6))
def test_no_pass_that_a_full_comparison_contradicts(changing: str, statements: list[str]) -> None:
    compare(changing, plan_of(SHAPES[0], stable=True), statements)


@pytest.mark.soak
@settings(max_examples=3000)
@given(statements=st.lists(STATEMENTS, max_size=12))
def test_no_pass_that_a_full_comparison_contradicts_in_many_examples(changing: str, statements: list[str]) -> None:
    compare(changing, plan_of(SHAPES[0], stable=True), statements)


def back(plan: Plan, url: str, baseline: Snapshot) -> str:
    report = check(plan, observe(plan, url, baseline=baseline), baseline, phase="rolled-back")
    return report.check("values.old").outcome


def test_values_that_came_back_are_compared_in_rows_of_every_status(orders: str, shape: Shape) -> None:
    plan = plan_of(shape)
    baseline = observe(plan, orders)
    whole = "pass" if shape.name == "plain" else "unknown"  # by a range of keys; else only an archive tells it
    assert back(plan, orders, baseline) == whole
    execute(orders, "UPDATE orders SET old = 'other' WHERE state = 'open' AND old IS NOT NULL")
    assert back(plan, orders, baseline) == "unknown"
    execute(orders, "UPDATE orders SET old = NULL WHERE state = 'open'")
    assert back(plan, orders, baseline) == ("fail" if shape.name == "plain" else "unknown")
    execute(orders, "UPDATE orders SET old = 'other' WHERE a = 'a1'")
    assert back(plan, orders, baseline) == "fail"


def test_a_kept_run_has_no_fingerprints(empty_database: str) -> None:
    fill(empty_database, SHAPES[0])
    taken = observe(plan_of(SHAPES[0]), empty_database)
    assert taken.fingerprints is not None
    assert fold(taken, None).fingerprints is None
