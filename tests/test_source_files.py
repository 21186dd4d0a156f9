"""Row files give the same counts as the table they came from."""

from __future__ import annotations

import gzip
import time
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


HEADER = b"status,completed_at,github_url\n"
LINE = b"completed,2025-01-09 10:00:00,https://github.com/a/b\n"


def problem_of(plan: Plan, path: Path) -> str:
    found = observe(plan, path)
    assert found.tally is None
    problem = found.problem("tally")
    assert problem
    return problem.message


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("cut.csv", HEADER + LINE * 9 + LINE[:-20]),
        ("short.csv", HEADER + LINE * 9 + b"completed,2025-01-09\n"),
        ("quote.csv", HEADER + LINE * 9 + b'completed,2025-01-09,"https://\n'),
        ("small.csv", HEADER + b'completed,2025-01-09,"https://\n'),
        ("empty.csv", b""),
        ("latin.csv", HEADER + "completed,2025-01-09,é\n".encode("latin-1")),
        ("packed.csv.gz", gzip.compress(HEADER + LINE * 999)[:-9]),
        ("half.parquet", b"PAR1" + bytes(999)),
        ("none.parquet", b""),
    ],
)
def test_a_damaged_file_is_named_among_whole_ones(plan: Plan, tmp_path: Path, name: str, content: bytes) -> None:
    for other in ("a", "z"):
        if name.endswith("parquet"):
            row = {"status": ["completed"], "completed_at": ["2025-01-09"], "github_url": ["https://github.com/a/b"]}
            pq.write_table(pa.table(row), tmp_path / f"{other}.parquet")
        else:
            (tmp_path / f"{other}.csv").write_bytes(HEADER + LINE)
    (tmp_path / name).write_bytes(content)
    assert str(tmp_path / name) in problem_of(plan, tmp_path)


def test_a_damaged_page_is_found_and_named(plan: Plan, tmp_path: Path) -> None:
    urls = [f"https://github.com/a/{n * 7919 % 10007}" for n in range(10007)]
    row = {"status": ["completed"] * 10007, "completed_at": ["2025-01-09"] * 10007, "github_url": urls}
    for name in ("a", "b", "c"):
        pq.write_table(pa.table(row), tmp_path / f"{name}.parquet")
    whole = bytearray((tmp_path / "b.parquet").read_bytes())
    whole[len(whole) // 2 : len(whole) // 2 + 5000] = b"\xff" * 5000
    (tmp_path / "b.parquet").write_bytes(whole)
    assert str(tmp_path / "b.parquet") in problem_of(plan, tmp_path)


def test_a_job_that_has_not_ended_makes_the_counts_unknown(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "part-0.csv").write_bytes(HEADER + LINE)
    (tmp_path / "_temporary" / "0").mkdir(parents=True)
    (tmp_path / "_temporary" / "0" / "part-1.csv").write_bytes(HEADER + LINE)
    assert "_temporary" in problem_of(plan, tmp_path)


def test_a_column_that_some_files_lack_is_not_null_there(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(HEADER + LINE)
    (tmp_path / "b.csv").write_bytes(b"status,completed_at\ncompleted,2025-01-09\n")
    assert f"1 of 2 files have no column github_url, such as {tmp_path / 'b.csv'}" in problem_of(plan, tmp_path)


def test_folders_with_values_in_their_names_are_columns(plan: Plan, tmp_path: Path) -> None:
    for status, rows in (("completed", 3), ("failed", 2), ("__HIVE_DEFAULT_PARTITION__", 1)):
        folder = tmp_path / f"status={status}"
        folder.mkdir()
        table = {"completed_at": ["2025-01-09"] * rows, "github_url": ["https://github.com/a/b"] * rows}
        pq.write_table(pa.table(table), folder / "rows.parquet")
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / "._SUCCESS.parquet").write_bytes(b"no row file")
    tally = observe(plan, tmp_path).tally
    assert tally
    assert tally.statuses() == {"completed": 3, "failed": 2, None: 1}


def test_packed_files_and_other_delimiters_are_read(plan: Plan, tmp_path: Path) -> None:
    for delimiter in b",;\t|":
        content = (HEADER + LINE).replace(b",", bytes([delimiter]))
        (tmp_path / "rows.csv.gz").write_bytes(gzip.compress(content))
        tally = observe(plan, tmp_path / "rows.csv.gz").tally
        assert tally
        assert tally.count("github_url")["populated"] == 1


def test_a_long_value_is_read(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_bytes(HEADER + b'completed,2025-01-09,"' + b"x\n" * 2_500_000 + b'"\n')
    tally = observe(plan, tmp_path / "rows.csv").tally
    assert tally
    assert tally.count("github_url")["malformed"] == 1


@pytest.mark.parametrize("zone", ["UTC", "America/New_York", "Asia/Kolkata"])
def test_a_time_with_a_zone_is_the_instant(
    plan: Plan, tmp_path: Path, zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        instants = pa.array([datetime(2025, 1, 10, 3, tzinfo=UTC)], pa.timestamp("us", tz="Asia/Tokyo"))
        row = {"status": ["completed"], "completed_at": instants, "github_url": [None]}
        pq.write_table(pa.table(row), tmp_path / "rows.parquet")
        found = [observe(plan, tmp_path / "rows.parquet").tally]
        for text in ("2025-01-09 22:00:00-05", "2025-01-10 08:30:00+05:30", "2025-01-10T03:00:00Z", "2025-01-10 03:00"):
            (tmp_path / "rows.csv").write_text(f"status,completed_at,github_url\ncompleted,{text},\n")
            found.append(observe(plan, tmp_path / "rows.csv").tally)
        assert [[row.day for row in tally.rows] for tally in found if tally] == [["2025-01-10"]] * 5
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_time_before_christ_is_not_read_as_one_after(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("status,completed_at,github_url\ncompleted,0044-03-15 00:00:00 BC,x\n")
    assert "1 values of completed_at" in problem_of(plan, tmp_path / "rows.csv")
