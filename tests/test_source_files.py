"""Row files give the same counts as the table they came from."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from genreq_checks.errors import UsageError
from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from rows import insert
from test_facets import VALUES

CUTOVER = datetime(2025, 1, 10, 12, 0, tzinfo=UTC)
COLUMNS = "id, status::text, completed_at, github_url, artifacts_github_url, deployment_url, download_url, conversation"


def fill(database: str) -> None:
    times = ["2025-01-09", "2025-01-10 11:59:59.999999", "2025-01-10 12:00", None, "infinity"]
    talk = [None, "null", "{}", "[]", '{"a": 1}']
    for index, value in enumerate(VALUES):
        insert(
            database,
            {
                "completed_at": times[index % len(times)],
                "github_url": value,
                "artifacts_github_url": VALUES[index - 3] if index % 2 else value and value + "-artifacts",
                "deployment_url": VALUES[index - 7],
                "download_url": VALUES[index - 11],
                "conversation": talk[index % len(talk)],
                "status": "failed" if index % 9 == 4 else "completed",
            },
        )


def export_csv(database: str, file: Path) -> None:
    query = f"COPY (SELECT {COLUMNS} FROM generation_requests) TO STDOUT (FORMAT csv, HEADER)"
    with psycopg.connect(database) as connection, connection.cursor().copy(query) as copy, file.open("wb") as out:
        out.writelines(copy)


def export_parquet(database: str, file: Path) -> None:
    with psycopg.connect(database) as connection:
        columns = COLUMNS.replace("completed_at", "completed_at::text").replace(
            ", conversation", ", conversation::text"
        )
        cursor = connection.execute(f"SELECT {columns} FROM generation_requests")
        assert cursor.description
        names = [column.name for column in cursor.description]
        rows = cursor.fetchall()
    pq.write_table(pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)}), file)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_row_files_count_like_the_table(database: str, plan: Plan, tmp_path: Path, kind: str) -> None:
    fill(database)
    file = tmp_path / f"rows.{kind}"
    (export_csv if kind == "csv" else export_parquet)(database, file)
    table, files = observe(plan, database, CUTOVER), observe(plan, str(file), CUTOVER)
    assert table.tally
    assert files.tally
    one, two = check(plan, table, cutover=CUTOVER), check(plan, files, cutover=CUTOVER)
    assert one.rates == two.rates
    assert one.derivation == two.derivation
    assert {f.name: table.tally.count(f.name) for f in table.tally.facets} == {
        f.name: files.tally.count(f.name) for f in files.tally.facets
    }


def test_what_files_cannot_prove_is_unknown(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, {"completed_at": "2025-02-01"})
    export_csv(database, tmp_path / "rows.csv")
    report = check(plan, observe(plan, tmp_path, CUTOVER), cutover=CUTOVER)
    assert report.check("dropped.download_url").outcome == "unknown"
    assert report.check("kept.github_url").outcome == "unknown"


def test_a_time_that_cannot_be_read_makes_the_counts_unknown(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("status,completed_at,github_url\ncompleted,last tuesday,x\n")
    problem = observe(plan, tmp_path / "rows.csv").problem("tally")
    assert problem
    assert "1 values of completed_at in the files are not timestamps" in problem.message


def test_a_damaged_file_is_reported(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "rows.parquet").write_bytes(b"PAR1 nothing")
    problem = observe(plan, tmp_path / "rows.parquet").problem("tally")
    assert problem
    assert "could not be read as parquet" in problem.message


@pytest.mark.parametrize("name", ["none.csv", "*.parquet", "empty", "a**"])
def test_no_file_is_a_wrong_call(plan: Plan, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no row files"):
        observe(plan, str(tmp_path / name))
