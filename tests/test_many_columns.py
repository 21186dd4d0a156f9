"""Many dropped columns, whose joint classes would be as many as the rows: counted separately, exactly, in one pass."""

from __future__ import annotations

import itertools
from collections import Counter
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genreq_checks.charts.days import daily_counts
from genreq_checks.checks import needs_of, rows_behind
from genreq_checks.history.runs import fold
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.run import check, observe
from genreq_checks.scan.facets import population
from genreq_checks.scan.fusion import MOST_TOGETHER, Group, alone, ways_to_count
from genreq_checks.scan.selection import count_picked
from genreq_checks.snapshot import Snapshot, load_snapshot
from genreq_checks.sources.rows import listing
from genreq_checks.tally import counting
from rows import execute, flush_statistics

COLUMNS = [f"gone_{number}" for number in range(14)]
PLAN = (
    """
    plan_version = 1
    title = "Many"
    table = {name = "many", key = ["id"]}
    cohort = {column = "status", values = ["completed"], time = "done_at"}
    kept.url = {url = {hosts = ["github.com"]}}
    kept.other = {claim = {holds = "populated", text = "o"}}
    sql = {forward = "SELECT 1", rollback = "SELECT 1"}
    """
    + "".join(f"[dropped.{name}]\n" for name in COLUMNS[4:])
    + """
    [dropped.gone_0]
    claim = {holds = "redundant-with", column = "url", text = "r"}
    [dropped.gone_1]
    claim = {holds = "redundant-with", column = "url", text = "r"}
    reconstruction = {column = "other", prefix = "p"}
    [dropped.gone_2]
    reconstruction = {column = "url", suffix = "x"}
    [dropped.gone_3]
    claim = {holds = "always-null", text = "n"}
    """
)
CONTENT = "{0} IS NOT NULL AND btrim({0}) <> ''"
MADE = """
    CREATE TABLE many AS SELECT id, (ARRAY['completed', 'failed', 'queued'])[1 + mod(id, 3)] AS status,
        timestamp '2025-01-01' + make_interval(days => mod(id, 7)::int) AS done_at,
        (ARRAY[NULL, ' ', 'https://github.com/a/b', 'nonsense'])[1 + mod(id / 3, 4)] AS url,
        (ARRAY[NULL, 'o', ''])[1 + mod(id / 5, 3)] AS other, {}
    FROM generate_series(1, {}) AS id
"""


def make(url: str, rows: int) -> None:
    # a value depends on a hash of the key and the column's number, so that all combinations come about
    made = [
        f"(ARRAY[NULL, '', 'po', 'https://github.com/a/bx'])[1 + abs(mod(hashint8extended(id, {n}), 4))] AS {name}"
        for n, name in enumerate(COLUMNS)
    ]
    execute(url, MADE.format(", ".join(made), rows))


def asked(url: str, query: str) -> Any:
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()  # type: ignore[call-overload]


@pytest.fixture
def many(empty_database: str) -> str:
    make(empty_database, 5000)
    return empty_database


@pytest.fixture
def plan() -> Plan:
    return parse_plan(PLAN, "many")


@pytest.fixture
def counted(many: str, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> Snapshot:
    monkeypatch.setattr(counting, "MOST_GROUPS", 1000)
    return observe(plan, many)


def test_every_column_and_every_joint_class_is_counted_exactly(many: str, plan: Plan, counted: Snapshot) -> None:
    tally = counted.tally
    assert tally is not None, counted.problems
    assert tally.total == 5000
    for name in COLUMNS:
        content = CONTENT.format(name)
        query = f"SELECT count(*) FILTER (WHERE {name} IS NULL), count(*) FILTER (WHERE {content}), count(*) FROM many"
        ((null, populated, rows),) = asked(many, query)
        assert tally.count(name) == {"null": null, "blank": rows - null - populated, "populated": populated}
    joint = asked(many, f"""
        SELECT CASE WHEN gone_1 IS NULL THEN 'null' WHEN {CONTENT.format("gone_1")} THEN 'populated' ELSE 'blank' END,
            CASE WHEN gone_1 IS NULL THEN 'null' WHEN gone_1 = 'p' || other THEN 'same' ELSE 'other' END,
            CASE WHEN url IS NULL THEN 'null' WHEN url = ' ' THEN 'blank' WHEN url = 'nonsense' THEN 'malformed'
                 ELSE 'populated' END, count(*) FROM many GROUP BY 1, 2, 3
    """)  # fmt: skip
    assert tally.joint("gone_1", "rebuild.gone_1", "url") == {tuple(row[:3]): row[3] for row in joint}
    assert len(joint) > 12
    days = asked(many, "SELECT done_at::date::text, status, count(*) FROM many GROUP BY 1, 2")
    by_day = Counter({(day, status): rows for day, status, rows in days})
    for part in (tally, *tally.apart):
        assert sum((Counter({(r.day, r.status): r.rows}) for r in part.rows), Counter()) == by_day


def test_each_check_counts_the_rows_that_are_listed_for_it(many: str, plan: Plan, counted: Snapshot) -> None:
    assert counted.tally is not None
    for name, column in (
        ("claims", "gone_0"),
        ("claims", "gone_1"),
        ("loss", "gone_1"),
        ("loss", "gone_2"),
        ("loss", "gone_13"),
    ):
        one, selection = rows_behind(plan, f"{name}.{column}")
        with listing(plan, many, selection, needs_of(plan, [one])) as found:
            listed = Counter(row[3] for row in found.rows)
        assert {pick.label: count_picked(counted.tally, pick, plan) for pick in selection.picks} == dict(listed)
        assert sum(listed.values()) > 100


def test_it_is_one_statement_that_reads_the_table_once(many: str, plan: Plan) -> None:
    query = "SELECT seq_scan FROM pg_stat_user_tables WHERE relname = 'many'"
    flush_statistics(many)
    ((before,),) = asked(many, query)
    assert observe(plan, many).tally is not None
    flush_statistics(many)
    assert asked(many, query) == [(before + 1,)]


def test_a_snapshot_is_the_same_when_it_was_saved(plan: Plan, counted: Snapshot, tmp_path: Path) -> None:
    counted.save(tmp_path / "s.json")
    again = load_snapshot(tmp_path / "s.json")
    assert again.tally == counted.tally
    before, after = (check(plan, one, phase="before") for one in (counted, again))
    assert before.checks == after.checks
    assert before.check("loss.gone_13").outcome == "fail"


def test_sides_days_and_history_count_separate_facets(many: str, plan: Plan, counted: Snapshot) -> None:
    plan = plan.model_copy(update={"cutover": None})
    assert counted.tally is not None
    folded = fold(counted, None)
    assert folded.tally is not None
    assert folded.tally.count("gone_9") == counted.tally.count("gone_9")
    for column in ("url", "other"):
        days = daily_counts(check(plan, counted), column)
        query = f"SELECT count(*) FROM many WHERE status = 'completed' AND {CONTENT.format(column)}"
        assert [(sum(rate.populated for rate in days.rates),)] == asked(many, query)
    assert (counted.tally + counted.tally).count("gone_9")["null"] == 2 * counted.tally.count("gone_9")["null"]


def test_few_columns_with_many_classes_are_counted_by_a_second_statement(
    many: str, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    few = plan.model_copy(update={"dropped": {name: plan.dropped[name] for name in COLUMNS[:6]}})
    together = observe(few, many).tally
    monkeypatch.setattr(counting, "MOST_GROUPS", 1000)
    apart = observe(few, many).tally
    assert together is not None
    assert apart is not None
    assert (together.apart, len(apart.apart) > 1) == ((), True)
    for name in COLUMNS[:6]:
        assert together.count(name) == apart.count(name)
    for facets in needs_of(few).together:
        assert together.joint(*facets) == apart.joint(*facets)


@pytest.mark.parametrize(
    ("change", "note"),
    [
        ("ALTER TABLE many ALTER status TYPE text USING id::text", "too many different statuses"),
        ("UPDATE many SET done_at = done_at + make_interval(days => id)", "they are counted by month."),
    ],
)
def test_too_many_statuses_or_days_are_put_together_and_every_total_is_exact(
    many: str, plan: Plan, monkeypatch: pytest.MonkeyPatch, change: str, note: str
) -> None:
    whole = observe(plan, many).tally
    execute(many, change)
    monkeypatch.setattr(counting, "MOST_DAYS", 1000)
    now = observe(plan, many)
    assert now.tally is not None, now.problems
    assert whole is not None
    assert len({(row.day, row.status) for row in now.tally.rows}) < 1000
    for name in COLUMNS:
        assert now.tally.count(name) == whole.count(name)
    assert any(note in words for words in check(plan, now, phase="before").notes)


def test_a_status_that_was_counted_with_others_is_not_taken_for_one_without_rows(many: str, plan: Plan) -> None:
    text = "CASE WHEN id % 2 = 0 THEN 'completed' ELSE id::text END"
    execute(many, f"ALTER TABLE many ALTER status TYPE text USING {text}")
    now = observe(plan, many)
    assert now.tally is not None
    assert now.tally.other is not None
    other = plan.model_copy(update={"cohort": plan.cohort.model_copy(update={"values": ("completed", "4999")})})
    report = check(other, now)
    assert report.rates == ()
    assert report.check("population.url").outcome == "unknown"
    assert "may be among those that were counted together" in report.check("population.url").findings[0].message
    assert check(plan, now).rates  # the statuses of its own plan were counted each


def test_too_many_classes_are_a_problem_that_leaves_the_rest_readable(
    many: str, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "MOST_GROUPS", 2)
    now = observe(plan, many)
    problem = now.problem("tally")
    assert problem is not None
    assert "falls into too many classes" in problem.text
    assert now.dependents is not None
    assert now.books is not None


def test_row_files_are_counted_alike(many: str, plan: Plan, counted: Snapshot, tmp_path: Path) -> None:
    names = ["status", "done_at", "url", "other", *COLUMNS]
    rows = asked(many, f"SELECT {', '.join([*names[:1], 'done_at::text', *names[2:]])} FROM many")
    columns = (pa.array(values, pa.string()) for values in zip(*rows, strict=True))
    pq.write_table(pa.table(dict(zip(names, columns, strict=True))), tmp_path / "many.parquet")
    files = observe(plan, str(tmp_path / "many.parquet")).tally
    assert files is not None, observe(plan, str(tmp_path / "many.parquet")).problems
    assert counted.tally is not None
    for name in (*COLUMNS, "url", "other"):
        assert files.count(name) == counted.tally.count(name)
    for facets in needs_of(plan).together:
        assert files.joint(*facets) == counted.tally.joint(*facets)


GROUPS = [alone(population(f"c{number}")) for number in range(12)]
NAMES = [group.facets[0].name for group in GROUPS]


@given(
    groups=st.lists(st.sampled_from(GROUPS), unique=True),
    together=st.lists(st.frozensets(st.sampled_from(NAMES), min_size=2, max_size=3)),
)
def test_facets_that_are_needed_together_are_in_one_part(groups: list[Group], together: list[frozenset[str]]) -> None:
    there = {facet.name for group in groups for facet in group.facets}
    ways = list(ways_to_count(groups, together))
    for parts in ways:
        names = [{facet.name for group in part for facet in group.facets} for part in parts]
        assert set().union(*names) == there
        assert all(any(wanted & there <= part for part in names) for wanted in together if wanted & there)
    assert (len(ways) == 2) == (3 ** len(groups) <= MOST_TOGETHER)
    assert all(len(part) <= 3 for part in ways[-1])
    assert not any(set(one) < set(other) for one, other in itertools.permutations(ways[-1], 2))
