"""Restoring: every value is restored exactly, nothing is overwritten without an option, the next run finishes a killed one."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from genreq_checks.archive import restore, write_archive
from genreq_checks.archive.restoring import Unplaced
from genreq_checks.cli import app
from genreq_checks.errors import ArchiveError, SourceError, UsageError
from genreq_checks.plan import Plan, parse_plan
from genreq_checks.sources.archive import read_facts
from rows import execute, insert
from test_archive import FILL

pytestmark = pytest.mark.slow

ALL = "SELECT id, download_url, conversation::text FROM generation_requests ORDER BY id"
KILLED = """
import os, signal, sys
from genreq_checks.archive import restore
from genreq_checks.plan import load_plan
def stop(rows):
    if rows >= int(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)
restore(load_plan(), sys.argv[2], sys.argv[1], batch=1000, progress=stop)
"""
ODD_PLAN = """
plan_version = 1
title = "Odd names and types"
[table]
schema = "Odd schema"
name = 'My "Table" %s'
key = ["Key %one", "k2", "at"]
[cohort]
column = "s"
values = ["x"]
time = "at"
[kept.s]
[dropped."Some %Text"]
[dropped.doc]
[dropped.number]
[dropped.bytes]
[dropped.list]
[sql]
forward = "SELECT 1"
rollback = "SELECT 1"
"""
ODD_TABLE = """
CREATE SCHEMA "Odd schema";
CREATE TABLE "Odd schema"."My ""Table"" %s" (
    s text, "Key %one" text COLLATE "C", k2 uuid, at timestamptz,
    "Some %Text" text, doc jsonb, number double precision, bytes bytea, list text[],
    PRIMARY KEY ("Key %one", k2, at))
"""
ODD_ALL = (
    'SELECT "Key %one", k2, at, "Some %Text", doc::text, number::text, bytes, list '
    'FROM "Odd schema"."My ""Table"" %s" ORDER BY 1, 2'
)
TEXT = st.one_of(
    st.sampled_from(["", "\\N", "\\.", "null", 'a"b', "a'b", "\r\n", "\t", "{}", "NULL", " ", "%s", ":x", "‮"]),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12),
)
JSON = st.sampled_from(
    ["null", "{}", "[]", '""', '"\\u20ac"', "1.000000000000000000000000000000000001", "1e400", '{"b":1,"a":[]}']
)
ROW = st.tuples(
    TEXT,
    st.uuids(),
    st.one_of(st.none(), TEXT),
    st.one_of(st.none(), JSON),
    st.one_of(st.none(), st.floats()),
    st.one_of(st.none(), st.binary(max_size=9)),
    st.one_of(st.none(), st.lists(st.one_of(st.none(), TEXT), max_size=3)),
)


def query(url: str, statement: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        return connection.execute(statement).fetchall()  # type: ignore[call-overload,no-any-return]


@pytest.fixture
def archived(database: str, plan: Plan, tmp_path: Path) -> Path:
    """Five rows, archived, dropped and rolled back."""
    insert(
        database,
        {"download_url": "https://a", "conversation": None},
        {"download_url": "", "conversation": "null"},
        {"download_url": None, "conversation": '{"a": 1}'},
        {"download_url": None, "conversation": None},
        {"download_url": "=1+1", "conversation": "[]"},
    )
    path = tmp_path / "a.parquet"
    write_archive(plan, database, path)
    back_and_forth(database, plan)
    return path


def back_and_forth(url: str, plan: Plan) -> None:
    execute(url, plan.sql.forward)
    execute(url, plan.sql.rollback)


def test_every_value_is_restored(database: str, plan: Plan, archived: Path) -> None:
    done = restore(plan, archived, database)
    assert (done.placed, done.already, done.conflicts, done.gone, done.verified) == (6, 0, 0, 0, True)
    assert query(database, ALL) == [
        (1, "https://a", None),
        (2, "", "null"),
        (3, None, '{"a": 1}'),
        (4, None, None),
        (5, "=1+1", "[]"),
    ]
    again = restore(plan, archived, database)
    assert (again.placed, again.already, again.verified) == (0, 6, True)


@pytest.fixture(scope="module")
def odd(server: Any) -> Any:
    name = f"odd_{os.urandom(4).hex()}"
    url = server.create_database(name)
    execute(url, ODD_TABLE)
    yield url
    server.drop_database(name)


@given(rows=st.lists(ROW, max_size=6, unique_by=lambda row: row[:2]))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_values_with_any_key_are_restored_exactly(rows: list[Any], odd: str, tmp_path: Path) -> None:
    plan = parse_plan(ODD_PLAN, "odd")
    with psycopg.connect(odd) as connection, connection.cursor() as cursor:
        cursor.execute('TRUNCATE "Odd schema"."My ""Table"" %s"')
        cursor.executemany(
            'INSERT INTO "Odd schema"."My ""Table"" %%s" ("Key %%one", k2, at, "Some %%Text", doc, number, bytes, list) '
            "VALUES (%s, %s, '2025-01-01 12:00:00.123456+05:30', %s, %s, %s, %s, %s)",
            rows,
        )
    before = query(odd, ODD_ALL)
    write_archive(plan, odd, tmp_path / "a", replace=True)
    execute(
        odd,
        'UPDATE "Odd schema"."My ""Table"" %s" SET "Some %Text" = NULL, doc = NULL, number = NULL, bytes = NULL, list = NULL',
    )
    done = restore(plan, tmp_path / "a", odd, batch=2)
    assert done.verified
    assert [tuple(map(repr, row)) for row in query(odd, ODD_ALL)] == [tuple(map(repr, row)) for row in before]


def test_different_values_are_kept_unless_overwriting_is_asked_for(database: str, plan: Plan, archived: Path) -> None:
    execute(database, "UPDATE generation_requests SET download_url = 'newer' WHERE id IN (1, 3)")
    told: list[Unplaced] = []
    done = restore(plan, archived, database, unplaced=told.append)
    assert (done.placed, done.conflicts, done.overwritten, done.verified) == (5, 1, 0, True)
    assert told == [Unplaced(("1",), "download_url", "different")] == list(done.unplaced)
    assert query(database, ALL)[0] == (1, "newer", None)
    done = restore(plan, archived, database, overwrite=True)
    assert (done.placed, done.already, done.overwritten, done.verified) == (0, 5, 1, True)
    assert query(database, ALL)[0] == (1, "https://a", None)
    assert query(database, ALL)[2] == (3, "newer", '{"a": 1}')  # the archive has nothing to say of it


def test_missing_rows_are_listed_by_key(database: str, plan: Plan, archived: Path) -> None:
    execute(database, "DELETE FROM generation_requests WHERE id = 2")
    done = restore(plan, archived, database)
    assert (done.placed, done.gone, done.gone_values, done.verified) == (4, 1, 2, True)
    assert done.unplaced == (Unplaced(("2",), "", "gone"),)


@pytest.mark.parametrize("rows", [1000, 17_000, 40_000])
def test_a_killed_restore_is_finished_by_the_next(rows: int, database: str, plan: Plan, tmp_path: Path) -> None:
    execute(database, FILL)
    before = query(database, ALL)
    write_archive(plan, database, tmp_path / "a")
    back_and_forth(database, plan)
    run = [sys.executable, "-c", KILLED, database, str(tmp_path / "a"), str(rows)]
    assert subprocess.run(run, check=False).returncode == -signal.SIGKILL
    filled = query(database, "SELECT count(download_url) FROM generation_requests")[0][0]
    assert filled >= rows
    done = restore(plan, tmp_path / "a", database)
    assert (done.placed, done.already, done.verified) == (80_000 - 2 * filled, 2 * filled, True)
    assert query(database, ALL) == before


def test_a_table_that_changed_during_the_restore_is_not_verified(database: str, plan: Plan, archived: Path) -> None:
    def meddle(rows: int) -> None:
        if rows == 4:
            execute(database, statement)

    statement = "UPDATE generation_requests SET download_url = NULL WHERE id = 1"
    done = restore(plan, archived, database, progress=meddle)
    assert (done.verified, done.problem) == (False, "public.generation_requests lacks archived values in download_url.")
    statement = "DELETE FROM generation_requests WHERE id = 1"
    done = restore(plan, archived, database, progress=meddle)
    assert not done.verified
    assert "1 row gone" in done.problem


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "ALTER TABLE generation_requests DROP COLUMN download_url, DROP COLUMN conversation",
            "First run: ALTER TABLE",
        ),
        ("ALTER TABLE generation_requests DROP COLUMN conversation", "no column conversation"),
        ("ALTER TABLE generation_requests ALTER download_url TYPE integer USING 1", "is of type integer"),
        ("ALTER TABLE generation_requests ALTER conversation TYPE boolean USING true", "is of type boolean"),
        ("ALTER TABLE generation_requests ALTER download_url TYPE varchar(4)", "rejects a value"),
        ("ALTER TABLE generation_requests ADD CHECK (download_url <> '')", "rejects a value"),
        (
            (
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.download_url := 'mine'; RETURN NEW; END $$;"
                "CREATE TRIGGER t BEFORE UPDATE ON generation_requests FOR EACH ROW EXECUTE FUNCTION f()"
            ),
            "changed a value",
        ),
        (
            (
                "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
                "CREATE TRIGGER t BEFORE UPDATE ON generation_requests FOR EACH ROW EXECUTE FUNCTION f()"
            ),
            "changed a value",
        ),
    ],
)
def test_a_table_that_does_not_fit_is_rejected_and_keeps_its_rows(
    change: str, said: str, database: str, plan: Plan, archived: Path
) -> None:
    execute(database, change)
    before = query(database, "SELECT to_jsonb(g) FROM generation_requests g ORDER BY id")
    with pytest.raises(ArchiveError) as caught:
        restore(plan, archived, database)
    assert said in str(caught.value)
    assert "https://a" not in str(caught.value)
    assert query(database, "SELECT to_jsonb(g) FROM generation_requests g ORDER BY id") == before
    assert read_facts(archived).verified


def test_another_type_is_accepted_when_every_text_fits(database: str, plan: Plan, archived: Path) -> None:
    execute(
        database,
        "ALTER TABLE generation_requests ALTER download_url TYPE varchar(90), ALTER conversation TYPE json, ALTER id TYPE bigint",
    )
    assert restore(plan, archived, database).verified
    assert query(database, ALL)[2] == (3, None, '{"a": 1}')


def test_an_archive_of_another_table_or_key_is_refused(database: str, plan: Plan, archived: Path) -> None:
    with pytest.raises(ArchiveError, match=r"is of public\.generation_requests, not of public\.iteration_snapshots"):
        restore(plan.with_table("iteration_snapshots"), archived, database)
    key = plan.table.model_copy(update={"key": ("app_id",)})
    with pytest.raises(ArchiveError, match="key is"):
        restore(plan.model_copy(update={"table": key}), archived, database)


def test_a_locked_row_is_waited_for_and_reported(database: str, plan: Plan, archived: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules["genreq_checks.archive.restoring"].SETTINGS, "lock_timeout", "50ms")
    with psycopg.connect(database) as other:
        other.execute("SELECT FROM generation_requests WHERE id = 2 FOR UPDATE")
        with pytest.raises(SourceError, match="is locked by another"):
            restore(plan, archived, database)
    assert restore(plan, archived, database).verified


def test_without_a_terminal_and_without_yes_nothing_is_written(database: str, archived: Path) -> None:
    run = CliRunner()
    with pytest.raises(UsageError) as caught:
        run.invoke(app, ["restore", str(archived), database], input="y\n", catch_exceptions=False)
    assert caught.value.exit_code == 2
    assert "4 rows of the archive into public.generation_requests in postgresql://" in str(caught.value)
    assert "--yes" in str(caught.value)
    assert query(database, "SELECT count(download_url) FROM generation_requests") == [(0,)]


def test_in_a_terminal_the_answer_decides(database: str, archived: Path, monkeypatch: Any) -> None:
    run = CliRunner()
    monkeypatch.setattr("genreq_checks.cli.archive.is_terminal", lambda: True)
    with pytest.raises(UsageError, match="Nothing was written"):
        run.invoke(app, ["restore", str(archived), database], input="n\n", catch_exceptions=False)
    done = run.invoke(app, ["restore", str(archived), database], input="y\n", catch_exceptions=False)
    assert done.exit_code == 0
    assert "6 values placed, 0 already there; verified" in done.stderr


def test_values_that_stay_in_the_archive_are_csv_on_stdout(database: str, archived: Path) -> None:
    execute(database, "DELETE FROM generation_requests WHERE id = 2")
    execute(database, "UPDATE generation_requests SET conversation = '1' WHERE id = 3")
    done = CliRunner().invoke(app, ["restore", str(archived), database, "--yes"], catch_exceptions=False)
    assert (done.exit_code, done.stdout.splitlines()) == (
        1,
        ["reason,column,id", "gone,,2", "different,conversation,3"],
    )
    assert "1 different and kept, 1 row missing with 2 values" in done.stderr
    accepted = ["restore", str(archived), database, "--yes", "--accept-differences"]
    assert CliRunner().invoke(app, accepted, catch_exceptions=False).exit_code == 0
    execute(database, "DELETE FROM generation_requests")
    done = CliRunner().invoke(app, ["restore", str(archived), database, "--yes"], catch_exceptions=False)
    assert done.exit_code == 1


def test_triggers_fire_and_are_named(database: str, archived: Path) -> None:
    execute(
        database,
        "CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.app_name := 'touched'; RETURN NEW; END $$;"
        'CREATE TRIGGER "set_app" BEFORE UPDATE ON generation_requests FOR EACH ROW EXECUTE FUNCTION touch()',
    )
    done = CliRunner().invoke(app, ["restore", str(archived), database, "--yes"], catch_exceptions=False)
    assert "Each filled row fires these triggers: set_app." in done.stderr
    assert query(database, "SELECT count(*) FROM generation_requests WHERE app_name = 'touched'") == [(4,)]
