"""Exported rows give the counts of the table that they came from, hold no more than checks need, and replace nothing."""

from __future__ import annotations

import stat
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from genreq_checks.archive.export import export_rows
from genreq_checks.cli import app
from genreq_checks.errors import SourceError, UsageError
from genreq_checks.plan import Plan
from genreq_checks.run import check, observe
from genreq_checks.tally import Tally
from rows import execute, insert
from test_source_files import CUTOVER, fill

ZONE = """
    DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET TimeZone = ''Asia/Tokyo''', current_database()); END $$
"""


def counted(tally: Tally) -> tuple[object, ...]:
    """What a tally counts, whatever the order of its rows."""
    return tally.facets, tally.split, tally.unit, tally.other, tally.apart, sorted(tally.rows, key=str)


def test_exported_rows_count_like_the_table(database: str, plan: Plan, tmp_path: Path) -> None:
    fill(database)
    insert(database, {"completed_at": "-infinity"}, {"completed_at": "20000-01-02 03:04:05.678"})
    done = export_rows(plan, database, tmp_path / "rows.parquet")
    table, files = observe(plan, database, CUTOVER), observe(plan, tmp_path / "rows.parquet", CUTOVER)
    assert table.tally
    assert files.tally
    assert done.rows == table.tally.total
    assert counted(files.tally) == counted(table.tally)
    assert files.probes == table.probes
    report = check(plan, files, cutover=CUTOVER)
    assert report.rates == check(plan, table, cutover=CUTOVER).rates
    assert stat.S_IMODE((tmp_path / "rows.parquet").stat().st_mode) == 0o600


def test_a_time_with_a_zone_is_exported_as_its_instant(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, {"completed_at": "2025-01-10 03:00"}, {"completed_at": "2025-01-10 12:00"})
    execute(
        database,
        "ALTER TABLE generation_requests ALTER completed_at TYPE timestamptz USING completed_at AT TIME ZONE 'UTC'",
    )
    execute(database, ZONE)
    export_rows(plan, database, tmp_path / "rows.parquet")
    table, files = observe(plan, database, CUTOVER), observe(plan, tmp_path / "rows.parquet", CUTOVER)
    assert table.tally
    assert files.tally
    assert counted(files.tally) == counted(table.tally)


def test_only_what_checks_need_is_in_the_file(database: str, plan: Plan, tmp_path: Path) -> None:
    secret = "my private words"
    for number, talk in enumerate((None, "null", "{}", f'{{"content": "{secret}"}}')):
        insert(database, {"conversation": talk, "prompt": f"{secret} {number}"})
    done = export_rows(plan, database, tmp_path / "rows.parquet")
    assert done.classes == ("conversation",)
    rows = pq.read_table(tmp_path / "rows.parquet")
    assert sorted(rows.column("conversation").to_pylist(), key=str) == sorted([None, "null", "{}", "true"], key=str)
    assert secret not in str(rows.to_pylist())
    assert {"status", "completed_at", "github_url", "download_url"} <= set(done.columns)
    assert {"prompt", "user_id", "id"}.isdisjoint(done.columns)
    few = export_rows(plan, database, tmp_path / "few.parquet", only=["population.github_url"])
    assert {"conversation", "download_url"}.isdisjoint(few.columns)


def test_an_export_is_whole_or_absent_and_replaces_nothing(database: str, plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "there.parquet").write_bytes(b"PAR1 mine")
    with pytest.raises(UsageError, match="replaces nothing"):
        export_rows(plan, database, tmp_path / "there.parquet")
    assert (tmp_path / "there.parquet").read_bytes() == b"PAR1 mine"
    execute(database, "ALTER TABLE generation_requests RENAME completed_at TO finished_at")
    with pytest.raises(SourceError, match="completed_at"):
        export_rows(plan, database, tmp_path / "new.parquet")
    assert [path.name for path in tmp_path.iterdir()] == ["there.parquet"]


def test_the_command_says_what_it_wrote(database: str, tmp_path: Path) -> None:
    insert(database, {"github_url": "https://github.com/a/b"})
    ran = CliRunner().invoke(app, ["export", database, "-o", str(tmp_path / "rows.parquet")])
    assert (ran.exit_code, ran.stdout) == (0, "")
    assert "1 row of public.generation_requests" in ran.stderr
    assert "conversation (classes)" in ran.stderr
    checked = CliRunner().invoke(app, ["check", str(tmp_path / "rows.parquet"), "--only", "population.github_url"])
    assert "github_url" in checked.stdout
