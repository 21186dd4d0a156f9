"""Spark counts as PostgreSQL, DuckDB and a reference in pandas do, on a cluster of two workers and through Spark Connect."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genreq_checks.archive.export import export_rows
from genreq_checks.errors import UsageError
from genreq_checks.plan import Plan
from genreq_checks.run import observe
from genreq_checks.scan.url_shape import WHITE_SPACE
from genreq_checks.snapshot import Snapshot
from genreq_checks.sources.spark_time import day_text
from javascript import HOSTILE_URLS
from strategies import is_storable
from test_export import counted
from test_facets import PIECES, VALUES, derivation_class, url_class

pytestmark = [pytest.mark.spark, pytest.mark.timeout(900), pytest.mark.filterwarnings("ignore")]

CUTOVER = datetime(2025, 1, 10, 12, 0, tzinfo=UTC)
TIMES = [None, "infinity", "-infinity", "2025-01-09 23:59:59.999999", "2025-01-10", "2025-01-10 11:59:59.999999"]
TIMES += [
    "2025-01-10 12:00",
    "2025-03-30 02:30",
    "2025-11-02 01:30",
    "0001-01-01",
    "9999-12-31 23:59:59",
    "20000-01-02",
]
TALK = [None, "null", " null ", "{}", "[]", "[ ]", '{"a": 1}', '"{}"', "nullx"]
NAMES = ("github_url", "artifacts_github_url", "deployment_url", "download_url")
INTO = ", ".join(("user_id, app_name, prompt, initial_prompt, status, completed_at, conversation", *NAMES))
CLIENT = """
import json, sys
from datetime import datetime
from pyspark.sql import SparkSession
from genreq_checks.plan import load_plan
from genreq_checks.run import observe
spark = SparkSession.builder.remote("local[2]").getOrCreate()
assert "connect" in type(spark).__module__
print(observe(load_plan(), sys.argv[1], datetime.fromisoformat(sys.argv[2]), spark=spark).model_dump_json())
spark.stop()
"""


@pytest.fixture(scope="module")
def spark() -> Iterator[Any]:
    """A session on a cluster of two worker processes, in another time zone than UTC."""
    from pyspark.sql import SparkSession

    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    builder = SparkSession.builder.master("local-cluster[2,1,1024]").config("spark.ui.enabled", "false")
    session = builder.config("spark.sql.session.timeZone", "America/New_York").getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    assert session.sparkContext.master == "local-cluster[2,1,1024]"
    yield session
    session.stop()


def hostile(count: int) -> list[dict[str, str | None]]:
    """Random rows of values that break naive code: white space of every kind, non-ASCII, signs with a meaning."""
    dice = random.Random(19)
    pieces = [*PIECES, "\n", "\r\n", "\\", "'", '"', "${x}", "{y}", "%", "\u00e9", "\u0130", "\U0001f600", *WHITE_SPACE]
    pool = [*VALUES, *WHITE_SPACE, WHITE_SPACE, *filter(is_storable, HOSTILE_URLS)]
    rows = []
    for number in range(count):
        row: dict[str, str | None] = {"status": dice.choice(["completed", "completed", "failed"])}
        row |= {"completed_at": dice.choice(TIMES), "conversation": dice.choice(TALK)}
        for name in NAMES:
            made = "https://github.com/leo/app" * dice.randrange(2) + "".join(dice.choices(pieces, k=dice.randrange(6)))
            row[name] = made if dice.random() < 0.5 else dice.choice(pool)
        if number % 3 == 0 and row["github_url"]:
            row["artifacts_github_url"] = row["github_url"].removesuffix("/") + "-artifacts"
        rows.append(row)
    return rows


def fill(database: str, rows: list[dict[str, str | None]]) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("ALTER TABLE generation_requests ALTER conversation TYPE json")
    with (
        psycopg.connect(database) as connection,
        connection.cursor().copy(f"COPY generation_requests ({INTO}) FROM STDIN") as copy,
    ):
        for row in rows:
            talk = row["conversation"] if row["conversation"] != "nullx" else '"null"'
            user = "00000000-0000-4000-8000-000000000001"
            copy.write_row((user, "a", "p", "p", row["status"], row["completed_at"], talk, *(row[n] for n in NAMES)))


def same(one: Snapshot, two: Snapshot) -> bool:
    assert one.tally, one.problems
    assert two.tally, two.problems
    return counted(one.tally) == counted(two.tally) and one.probes == two.probes


def test_four_engines_count_alike(database: str, plan: Plan, tmp_path: Path, spark: Any) -> None:
    rows = hostile(4000)
    fill(database, rows)
    file = tmp_path / "rows.parquet"
    export_rows(plan, database, file)
    table = observe(plan, database, CUTOVER)
    by_spark = observe(plan, file, CUTOVER, spark=spark)
    assert same(table, observe(plan, file, CUTOVER))
    assert same(table, by_spark)
    assert by_spark.tally
    frame = pd.DataFrame(rows, dtype=object)
    for name in ("github_url", "artifacts_github_url", "deployment_url"):
        shape = plan.kept[name].url
        assert shape
        reference = frame[name].map(lambda value, shape=shape: url_class(value, shape), na_action=None).value_counts()
        assert {k: n for k, n in by_spark.tally.count(name).items() if n} == reference.to_dict()
    derived = [derivation_class(a, b) for a, b in zip(frame["github_url"], frame["artifacts_github_url"], strict=True)]
    found = by_spark.tally.count("derivation.artifacts_github_url")
    assert {k: n for k, n in found.items() if n} == pd.Series(derived).value_counts().to_dict()


@pytest.mark.parametrize("zone", [None, "UTC", "Asia/Tokyo"])
def test_times_are_instants_whatever_the_session_says(plan: Plan, tmp_path: Path, spark: Any, zone: str | None) -> None:
    at = datetime(2025, 10, 26, tzinfo=UTC)  # the hours that clocks repeat in autumn are among them
    instants = [at + timedelta(minutes=15 * n) for n in range(900)]
    times = pa.array(instants if zone else [one.replace(tzinfo=None) for one in instants], pa.timestamp("us", tz=zone))
    row = {"status": ["completed"] * 900, "completed_at": times, "github_url": pa.array([None] * 900, pa.string())}
    pq.write_table(pa.table(row), tmp_path / "rows.parquet")
    for ansi in ("true", "false"):
        spark.conf.set("spark.sql.ansi.enabled", ansi)
        try:
            by_spark = observe(plan, tmp_path / "rows.parquet", CUTOVER, spark=spark)
        finally:
            spark.conf.set("spark.sql.ansi.enabled", "true")
        assert same(by_spark, observe(plan, tmp_path / "rows.parquet", CUTOVER))


def write(file: Path, **columns: list[str | None]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({name: pa.array(values, pa.string()) for name, values in columns.items()}), file)


def test_text_with_a_zone_is_the_instant(plan: Plan, tmp_path: Path, spark: Any) -> None:
    texts = ["2025-01-09 22:00:00-05", "2025-01-10 08:30:00+05:30", "2025-01-10T03:00:00Z", "2025-01-10 03:00"]
    write(tmp_path / "rows.parquet", status=["completed"] * 4, completed_at=texts, github_url=[None] * 4)
    found = observe(plan, tmp_path / "rows.parquet", spark=spark).tally
    assert found
    assert [row.day for row in found.rows] == ["2025-01-10"]


@pytest.mark.parametrize("text", ["yesterday", "", "2025-13-01", "0044-03-15 00:00:00 BC", "12:00"])
@pytest.mark.parametrize("ansi", ["true", "false"])
def test_a_value_that_is_no_time_makes_the_counts_unknown(
    plan: Plan, tmp_path: Path, spark: Any, text: str, ansi: str
) -> None:
    write(tmp_path / "rows.parquet", status=["completed"] * 2, completed_at=["2025-01-10", text], github_url=[None] * 2)
    spark.conf.set("spark.sql.ansi.enabled", ansi)
    try:
        found = observe(plan, tmp_path / "rows.parquet", spark=spark)
    finally:
        spark.conf.set("spark.sql.ansi.enabled", "true")
    assert found.tally is None
    problem = found.problem("tally")
    assert problem
    assert "are not timestamps" in problem.message


def test_tables_and_partitions_are_read(
    plan: Plan, tmp_path: Path, spark: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for status, count in (("completed", 3), ("failed", 2), ("__HIVE_DEFAULT_PARTITION__", 1)):
        times: list[str | None] = ["2025-01-09"] * count
        write(tmp_path / "rows" / f"status={status}" / "a.parquet", completed_at=times, github_url=["x"] * count)
    files = observe(plan, tmp_path / "rows", spark=spark)
    assert files.tally
    assert files.tally.statuses() == {"completed": 3, "failed": 2, None: 1}
    monkeypatch.chdir(tmp_path)  # which is not where Spark began
    assert same(files, observe(plan, "rows", spark=spark))
    spark.read.parquet(str(tmp_path / "rows")).createOrReplaceTempView("requests")
    assert same(files, observe(plan, "requests", spark=spark))
    assert [table.name for table in spark.catalog.listTables()] == ["requests"]


def test_a_damaged_file_is_named_and_a_missing_table_is_unknown(plan: Plan, tmp_path: Path, spark: Any) -> None:
    urls: list[str | None] = [f"https://github.com/a/{n * 7919 % 10007}" for n in range(10007)]
    for name in ("a", "b"):
        write(tmp_path / f"{name}.parquet", status=["completed"] * 10007, completed_at=[None] * 10007, github_url=urls)
    whole = bytearray((tmp_path / "b.parquet").read_bytes())
    spark.conf.set("spark.sql.files.ignoreCorruptFiles", "true")
    try:
        whole[len(whole) // 2 : len(whole) // 2 + 5000] = b"\xff" * 5000
        for content in (bytes(whole), bytes(whole)[:-9], b""):
            (tmp_path / "b.parquet").write_bytes(content)
            found = observe(plan, tmp_path, spark=spark)
            problem = found.problem("tally")
            assert found.tally is None
            assert problem
            assert str(tmp_path / "b.parquet") in problem.message
    finally:
        spark.conf.unset("spark.sql.files.ignoreCorruptFiles")
    missing = observe(plan, "no_such_table", spark=spark).problem("tally")
    assert missing
    assert "TABLE_OR_VIEW_NOT_FOUND" in missing.message


def test_a_session_that_reads_literals_otherwise_makes_the_counts_unknown(
    plan: Plan, tmp_path: Path, spark: Any
) -> None:
    write(tmp_path / "rows.parquet", status=["completed"], completed_at=["2025-01-10"], github_url=[None])
    spark.conf.set("spark.sql.parser.escapedStringLiterals", "true")
    try:
        found = observe(plan, tmp_path / "rows.parquet", spark=spark)
    finally:
        spark.conf.set("spark.sql.parser.escapedStringLiterals", "false")
    assert found.tally is None
    assert found.problem("tally")


def test_spark_connect_counts_alike(database: str, plan: Plan, tmp_path: Path) -> None:
    fill(database, hostile(500))
    export_rows(plan, database, tmp_path / "rows.parquet")
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CLIENT, str(tmp_path / "rows.parquet"), CUTOVER.isoformat()],
        capture_output=True, text=True, timeout=600, env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1"},
    )  # fmt: skip
    lines = [line for line in ran.stdout.splitlines() if line.startswith("{")]
    assert lines, ran.stderr[-3000:]
    assert same(observe(plan, database, CUTOVER), Snapshot.model_validate(json.loads(lines[-1])))


def test_a_wrong_call_is_said(plan: Plan, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no Spark master"):
        observe(plan, tmp_path, spark="http://example.com")
    with pytest.raises(UsageError, match="not a database"):
        observe(plan, "postgresql://u@h/d", spark="local[*]")


@pytest.mark.parametrize(
    ("spark_says", "postgresql_says"),
    [
        ("2025-01-10", "2025-01-10"),
        ("+20000-01-02", "20000-01-02"),
        ("-0043-03-15", "0044-03-15 BC"),
        ("0000-12-31", "0001-12-31 BC"),
        ("+289838-01-20", "infinity"),
        (None, None),
    ],
)
def test_a_day_is_written_as_postgresql_writes_it(spark_says: str | None, postgresql_says: str | None) -> None:
    assert day_text(spark_says) == postgresql_says
