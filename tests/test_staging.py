"""Staging: the files rename the columns away and back, and nothing else; what differs is refused."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from genreq_checks.cli import app
from genreq_checks.embedded import sample
from genreq_checks.plan import Plan, Reconstruction
from genreq_checks.run import check, observe
from genreq_checks.staging import RefusedError, stage_backfill
from rows import execute, insert
from staged import dump, psql, write

FUNCTION = (
    "CREATE FUNCTION f() RETURNS bigint LANGUAGE sql AS 'SELECT count(download_url) FROM public.generation_requests'"
)


def places(url: str) -> dict[str, tuple[int, int]]:
    """The table's columns by name: attnum; and its file on disk."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT attname, attnum, c.relfilenode FROM pg_attribute JOIN pg_class c ON c.oid = attrelid "
            "WHERE relname = 'generation_requests' AND attnum > 0"
        ).fetchall()
    return {name: (number, file) for name, number, file in rows}


def retired(url: str) -> list[str]:
    return sorted(name for name in places(url) if name.startswith("_retired_"))


def test_retire_and_undo_leave_the_database_as_it_was(database: str, plan: Plan, tmp_path: Path) -> None:
    sample.load_history(database)
    execute(database, "COMMENT ON COLUMN generation_requests.download_url IS 'An ''old'' link'")
    before, stood = dump(database), places(database)
    written = write(plan, database, tmp_path)
    assert written.files == ("1-retire.sql", "undo.sql", "README.md")
    assert dump(database) == before  # writing them changes nothing
    assert "retired: download_url, conversation" in psql(database, tmp_path / "1-retire.sql")
    assert len(retired(database)) == 2
    assert sorted(places(database).values()) == sorted(stood.values())
    with psycopg.connect(database) as connection, pytest.raises(psycopg.errors.UndefinedColumn):
        connection.execute("SELECT download_url FROM generation_requests")
    assert "already retired" in psql(database, tmp_path / "1-retire.sql")
    assert "back: download_url, conversation" in psql(database, tmp_path / "undo.sql")
    assert dump(database) == before
    assert "already back" in psql(database, tmp_path / "undo.sql")
    assert places(database) == stood


def test_the_command_writes_the_files_and_runs_nothing(database: str, tmp_path: Path) -> None:
    before = dump(database)
    done = CliRunner().invoke(app, ["stage", database, "-o", str(tmp_path / "new")])
    assert done.exit_code == 0, done.output
    assert "1-retire.sql, undo.sql, README.md. Nothing was run." in done.stdout
    assert "do not notice the rename" in done.stderr
    assert dump(database) == before
    assert "1-retire.sql" in (tmp_path / "new" / "README.md").read_text()


def test_rows_written_meanwhile_are_kept(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, {"download_url": "https://a"})
    write(plan, database, tmp_path)
    psql(database, tmp_path / "1-retire.sql")
    insert(database, {"github_url": "https://github.com/a/b"})
    psql(database, tmp_path / "undo.sql")
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT download_url, github_url FROM generation_requests ORDER BY id").fetchall()
    assert rows == [("https://a", None), (None, "https://github.com/a/b")]


def test_not_null_is_taken_away_and_comes_back_as_a_check(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, {"download_url": "https://a"})
    execute(database, "ALTER TABLE generation_requests ALTER download_url SET NOT NULL")
    before = dump(database)
    write(plan, database, tmp_path)
    psql(database, tmp_path / "1-retire.sql")
    insert(database, {"app_name": "new"})
    psql(database, tmp_path / "undo.sql")
    with psycopg.connect(database, autocommit=True) as connection:
        with pytest.raises(psycopg.errors.CheckViolation):
            connection.execute("UPDATE generation_requests SET download_url = NULL WHERE download_url IS NOT NULL")
        connection.execute("DELETE FROM generation_requests WHERE download_url IS NULL")
        printed = (tmp_path / "README.md").read_text().partition("```sql\n")[2].partition("```")[0]
        connection.execute(printed.encode())
    execute(database, "SELECT setval('generation_requests_id_seq', 1)")
    assert dump(database) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("ALTER TABLE generation_requests ALTER download_url TYPE varchar(900)", "download_url is now"),
        (
            "ALTER TABLE generation_requests DROP download_url, ADD download_url text",
            "download_url was dropped, and a new column download_url is there",
        ),
        ("CREATE VIEW v AS SELECT download_url FROM generation_requests", "Something new depends on download_url: "),
        (
            "CREATE INDEX i ON generation_requests (download_url)",
            "Something new depends on download_url: index public.i",
        ),
        ("ALTER TABLE generation_requests ALTER download_url SET NOT NULL", "download_url is now NOT NULL"),
        ("ALTER TABLE generation_requests ALTER download_url SET DEFAULT ''", "download_url has a default now"),
        ("CREATE PUBLICATION p FOR ALL TABLES", "The table is published (p)"),
        (
            FUNCTION,
            "Something new depends on download_url: function public.f()",
        ),
    ],
)
def test_what_changed_since_the_file_was_written_makes_it_refuse(
    database: str, plan: Plan, tmp_path: Path, change: str, reason: str
) -> None:
    write(plan, database, tmp_path)
    execute(database, change)
    before = dump(database)
    said = psql(database, tmp_path / "1-retire.sql", code=3)
    assert f"genreq-checks refused to retire: {reason}" in said
    assert dump(database) == before


def test_a_session_in_the_way_is_named_and_nothing_changes(database: str, plan: Plan, tmp_path: Path) -> None:
    write(plan, database, tmp_path)
    before = dump(database)
    with psycopg.connect(database, application_name="nightly report") as reader:
        reader.execute("SELECT count(*) FROM generation_requests")
        said = psql(database, tmp_path / "1-retire.sql", code=3)
        assert f"session {reader.info.backend_pid} (nightly report, idle in transaction" in said
    assert dump(database) == before


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("CREATE PUBLICATION p FOR TABLE generation_requests", "the table is published (p)"),
        (
            FUNCTION,
            "download_url is named in function public.f()",
        ),
        ("ALTER TABLE generation_requests DROP conversation", "conversation is not in public.generation_requests"),
    ],
)
def test_it_refuses_with_the_reason(database: str, plan: Plan, tmp_path: Path, change: str, reason: str) -> None:
    execute(database, change)
    with pytest.raises(RefusedError) as refused:
        write(plan, database, tmp_path / "new")
    assert reason in str(refused.value)
    assert not (tmp_path / "new").exists()


def test_old_rows_get_the_derived_value(database: str, plan: Plan, tmp_path: Path) -> None:
    sample.load_history(database)
    stage_backfill(plan, database, tmp_path)
    before = observe(plan, database, hash_rows_to=tmp_path / "rows.parquet")
    said = psql(database, tmp_path / "backfill.sql")
    missing = check(plan, before).check("derivation.artifacts_github_url").findings[0].evidence["missing"]
    assert f"{missing} of {missing} rows got a value of artifacts_github_url" in said
    now = observe(plan, database, baseline=before, row_hashes=tmp_path / "rows.parquet")
    after = check(plan, now, before)
    found = after.check("derivation.artifacts_github_url").findings[0].evidence
    assert (found["missing"], found["wrong"], found["unexpected"]) == (0, 0, 0)
    assert after.check("values.artifacts_github_url").outcome == "pass"
    assert after.check("values.github_url").outcome == "pass"
    assert "0 of" in psql(database, tmp_path / "backfill.sql")


def test_a_back_fill_of_more_rows_than_were_counted_refuses(database: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, {"github_url": "https://github.com/a/b/"})
    stage_backfill(plan, database, tmp_path)
    insert(database, {"github_url": "https://github.com/a/c"})
    before = dump(database)
    said = psql(database, tmp_path / "backfill.sql", code=3)
    assert "refused to backfill: 2 rows have no artifacts_github_url, when this file was written it was 1" in said
    assert dump(database) == before


def test_a_reconstruction_is_told_as_sql_for_after_undo(database: str, plan: Plan, tmp_path: Path) -> None:
    recipe = Reconstruction(column="github_url", prefix="it's ", suffix="/zip")
    gone = plan.dropped["download_url"].model_copy(update={"reconstruction": recipe})
    write(plan.model_copy(update={"dropped": plan.dropped | {"download_url": gone}}), database, tmp_path)
    psql(database, tmp_path / "1-retire.sql")
    insert(database, {"github_url": "https://github.com/a/b"}, {"github_url": None})
    psql(database, tmp_path / "undo.sql")
    statement = (tmp_path / "README.md").read_text().partition("```sql\n")[2].partition("```")[0]
    execute(database, statement)
    with psycopg.connect(database) as connection:
        rows = connection.execute("SELECT download_url FROM generation_requests ORDER BY id").fetchall()
    assert rows == [("it's https://github.com/a/b/zip",), (None,)]


def test_a_prepared_select_of_all_columns_fails_once(database: str, plan: Plan, tmp_path: Path) -> None:
    write(plan, database, tmp_path)
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("PREPARE everything AS SELECT * FROM generation_requests")
        connection.execute("EXECUTE everything")
        psql(database, tmp_path / "1-retire.sql")
        with pytest.raises(psycopg.errors.FeatureNotSupported):
            connection.execute("EXECUTE everything")
        psql(database, tmp_path / "undo.sql")
        connection.execute("EXECUTE everything")
