"""No file of the user is overwritten: an archive, a snapshot, a generation stays until a new one holds as much."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from genreq_checks.archive import write_archive
from genreq_checks.cli import app
from genreq_checks.errors import GenreqError, OutputError
from genreq_checks.files import evidence_in
from genreq_checks.leo.generation.saved import load_facts, save_facts
from genreq_checks.plan import Plan
from genreq_checks.run import observe
from genreq_checks.selftest.clean_files import GENERATION, write_files
from genreq_checks.snapshot import load_snapshot
from genreq_checks.sources.archive import read_facts
from rows import execute, insert

FILLED = [{"download_url": f"https://s3.example/{n}", "conversation": "[1]"} for n in range(1, 13)]
MADE_ANEW = (
    "ALTER TABLE generation_requests RENAME TO gone; CREATE TABLE generation_requests (LIKE gone INCLUDING ALL);"
    " INSERT INTO generation_requests SELECT * FROM gone"
)
EMPTY_COLUMNS = "UPDATE generation_requests SET download_url = NULL, conversation = NULL"


def invoke(*words: object) -> tuple[int, str]:
    """The exit code and the text on stderr, from the entry point."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(done.exception, GenreqError):
        return done.exception.exit_code, done.stderr + str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stderr


@pytest.fixture
def archived(database: str, plan: Plan, tmp_path: Path) -> Path:
    insert(database, *FILLED)
    write_archive(plan, database, tmp_path / "a.parquet")
    return tmp_path / "a.parquet"


def test_the_only_archive_is_not_replaced_by_an_empty_one(database: str, plan: Plan, archived: Path) -> None:
    before = archived.read_bytes()
    execute(database, plan.sql.forward + plan.sql.rollback)
    code, told = invoke("archive", database, "-o", archived)
    assert code == 2
    assert "12 values of download_url and 12 values of conversation in it would be lost" in told
    assert "--replace" in told
    assert archived.read_bytes() == before
    assert os.listdir(archived.parent) == ["a.parquet"]
    assert invoke("restore", archived, database, "--yes")[0] == 0
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(download_url) FROM generation_requests").fetchone() == (12,)


@pytest.mark.parametrize(
    ("change", "lost"),
    [
        ("SELECT 1", None),
        ("INSERT INTO generation_requests SELECT * FROM generation_requests WHERE false", None),
        ("UPDATE generation_requests SET app_name = 'x'", None),
        ("UPDATE generation_requests SET download_url = 'other' WHERE id = 3", "1 value of download_url"),
        ("UPDATE generation_requests SET download_url = NULL WHERE id IN (3, 4)", "2 values of download_url"),
        ("DELETE FROM generation_requests WHERE id = 5", "1 value of download_url and 1 value of conversation"),
        ("UPDATE generation_requests SET conversation = 'null' WHERE id = 3", "1 value of conversation"),
        (
            "UPDATE generation_requests SET id = CASE id WHEN 1 THEN 12 WHEN 12 THEN 1 END + 100 WHERE id IN (1, 12)",
            "2 values of download_url",
        ),
    ],
)
def test_an_archive_is_replaced_by_one_that_holds_every_value_of_it(
    database: str, archived: Path, change: str, lost: str | None
) -> None:
    execute(database, change)
    insert(database, {"download_url": "https://s3.example/new"})
    code, told = invoke("archive", database, "-o", archived)
    assert code == (0 if lost is None else 2)
    assert (lost or "verified") in told
    assert read_facts(archived).columns["download_url"].values == (13 if lost is None else 12)
    assert invoke("archive", database, "-o", archived, "--replace")[0] == 0


ROWS = st.lists(st.tuples(st.integers(1, 8), st.none() | st.sampled_from(["", "a", "b"])), unique_by=lambda row: row[0])


@pytest.mark.slow
@settings(max_examples=30)
@given(then=ROWS, now=ROWS)
def test_the_lost_values_are_those_of_a_plain_python_comparison(
    database: str, plan: Plan, tmp_path: Path, then: Any, now: Any
) -> None:
    path = tmp_path / "a.parquet"

    def fill(rows: list[tuple[int, str | None]]) -> None:
        execute(database, "TRUNCATE generation_requests CASCADE")
        insert(database, *({"id": key, "download_url": value} for key, value in rows))

    fill(then)
    write_archive(plan, database, path, replace=True)
    fill(now)
    lost = {(k, v) for k, v in then if v is not None} - set(now)
    words = f"{len(lost)} value{'' if len(lost) == 1 else 's'} of download_url in it would be lost"
    with pytest.raises(OutputError, match=words) if lost else nullcontext():
        write_archive(plan, database, path)
    held = pq.read_table(path).column("download_url").drop_null().to_pylist()
    assert sorted(held) == sorted(v for _, v in (then if lost else now) if v is not None)


def test_a_file_of_the_users_own_is_not_replaced_by_an_archive(database: str, tmp_path: Path) -> None:
    insert(database, *FILLED)
    (tmp_path / "mine.parquet").write_text("mine")
    code, told = invoke("archive", database, "-o", tmp_path / "mine.parquet")
    assert (code, "was not replaced" in told, (tmp_path / "mine.parquet").read_text()) == (2, True, "mine")
    (tmp_path / "empty.parquet").touch()
    assert invoke("archive", database, "-o", tmp_path / "empty.parquet")[0] == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("SELECT 1", ""),
        ("UPDATE generation_requests SET status = 'failed'", ""),
        ("DELETE FROM generation_requests WHERE id = 1", "1 row fewer"),
        (EMPTY_COLUMNS, "0 of 12 values of download_url"),
        ("ALTER TABLE generation_requests DROP COLUMN download_url", "0 of 12 values of download_url"),
        (MADE_ANEW, "another database or table"),
    ],
)
def test_a_snapshot_is_replaced_by_one_of_the_same_table_that_holds_as_much(
    database: str, tmp_path: Path, change: str, words: str
) -> None:
    file = tmp_path / "before.json"
    insert(database, *FILLED)
    assert invoke("snapshot", database, "-o", file)[0] == 0
    old = file.read_text()
    execute(database, change)
    insert(database, {})
    if "DELETE" in change:
        execute(database, "DELETE FROM generation_requests WHERE id = 13")
    code, told = invoke("snapshot", database, "-o", file)
    assert (code, words in told) == (2 if words else 0, True)
    assert (file.read_text() == old) == bool(words)
    assert invoke("snapshot", database, "-o", file, "--replace")[0] == 0
    assert file.read_text() != old


def test_a_snapshot_does_not_replace_another_kind_of_file(database: str, tmp_path: Path) -> None:
    file = tmp_path / "plan.toml"
    file.write_text("mine")
    code, told = invoke("snapshot", database, "-o", file)
    assert (code, "was not replaced" in told, file.read_text()) == (2, True, "mine")


def test_a_generation_that_was_completed_is_kept(plan: Plan, tmp_path: Path) -> None:
    write_files(tmp_path, plan)
    file = tmp_path / GENERATION
    good = load_facts(file)
    save_facts(good, file)
    with pytest.raises(OutputError, match="the new one was not completed"):
        save_facts(good.model_copy(update={"completed": False}), file)
    with pytest.raises(OutputError, match=r"the new one of other\.table"):
        save_facts(good.model_copy(update={"table": "other.table"}), file)
    save_facts(good.model_copy(update={"completed": False}), file, replace=True)
    assert not load_facts(file).completed
    file.write_text("mine")
    with pytest.raises(OutputError, match="was not replaced"):
        save_facts(good, file)


@pytest.mark.parametrize("option", ["--output", "--chart", "rows -o"])
def test_no_report_replaces_evidence_or_an_input(database: str, plan: Plan, archived: Path, option: str) -> None:
    folder = archived.parent
    observe(plan, database).save(folder / "before.svg" if option == "--chart" else folder / "before.json")
    baseline = next(folder.glob("before.*"))
    own_plan = folder / "plan.svg"
    own_plan.write_text("mine")
    kept = {path: path.read_bytes() for path in folder.iterdir()}
    for file in (baseline, archived, own_plan):
        words: list[object] = ["check", database, "--plan", own_plan, "--baseline", baseline, option, file]
        if option == "rows -o":
            words = ["rows", "loss.download_url", database, "--plan", own_plan, "-o", file]
        code, told = invoke(*words)
        assert code == 2
        assert "Name another file" in told or "A chart cannot be written" in told or "is not valid TOML" in told
    assert {path: path.read_bytes() for path in folder.iterdir()} == kept


def test_evidence_is_known_by_its_contents(database: str, plan: Plan, archived: Path, tmp_path: Path) -> None:
    observe(plan, database).save(tmp_path / "odd.name")
    (tmp_path / "more").mkdir()
    write_files(tmp_path / "more", plan)
    (tmp_path / "report.json").write_text('{"schema_version": 1}')
    assert evidence_in(tmp_path / "odd.name") == "a saved snapshot"
    assert evidence_in(tmp_path / "more" / GENERATION) == "a saved generation"
    assert evidence_in(archived) == "a Parquet file, such as an archive"
    assert evidence_in(tmp_path / "report.json") is None
    assert evidence_in(tmp_path / "none") is None
    assert load_snapshot(tmp_path / "odd.name").plan_table == plan.table.qualified


def test_the_demo_does_not_write_into_a_folder_with_other_files(tmp_path: Path) -> None:
    (tmp_path / "before.json").write_text("mine")
    code, told = invoke("demo", "-o", tmp_path)
    assert (code, "holds files that are not from a demo" in told) == (2, True)
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("before.json", "mine")]
