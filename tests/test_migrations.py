"""Migrations: every state of files, journal, bookkeeping and table is recognized, in each phase."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner

from genreq_checks.cli import app
from genreq_checks.errors import UsageError
from genreq_checks.plan import Plan
from genreq_checks.report import CheckResult, Phase, Report
from genreq_checks.run import check, observe
from genreq_checks.snapshot import AppliedMigration, Books, Snapshot, load_snapshot
from genreq_checks.sources.migration_sql import read_statements
from genreq_checks.sources.migrations import files as reader
from genreq_checks.sources.migrations import read_folder
from rows import execute

MAKE = (
    'CREATE TABLE "generation_requests" (\n\t"id" serial PRIMARY KEY NOT NULL,\n'
    '\t"download_url" text,\n\t"conversation" jsonb\n);\n'
)
DROP = (
    'ALTER TABLE "generation_requests" DROP COLUMN "download_url";--> statement-breakpoint\n'
    'ALTER TABLE "generation_requests" DROP COLUMN "conversation";'
)
OLD, NEW = 1_000, 2_000


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def folder(
    path: Path, *, when: int = NEW, drop: str = DROP, journal: Sequence[str] = ("0000_make", "0001_drop")
) -> Path:
    """A 0.31 folder as drizzle-kit writes it: one migration makes the table, one drops the columns."""
    (path / "meta").mkdir(parents=True)
    (path / "0000_make.sql").write_bytes(MAKE.encode())
    (path / "0001_drop.sql").write_bytes(drop.encode())
    times = {"0000_make": OLD, "0001_drop": when}
    entries = [
        {"idx": n, "version": "7", "when": times[tag], "tag": tag, "breakpoints": True} for n, tag in enumerate(journal)
    ]
    (path / "meta" / "_journal.json").write_text(json.dumps({"version": "7", "entries": entries}))
    return path


MADE = AppliedMigration(id=1, hash=sha(MAKE), created_at=OLD)
DROPPED = AppliedMigration(id=2, hash=sha(DROP), created_at=NEW)


class Table:
    """A snapshot of the table with or without the dropped columns, and of some books."""

    def __init__(self, base: Snapshot, plan: Plan) -> None:
        self.base, self.plan = base, plan

    def __call__(self, *applied: AppliedMigration, gone: bool = False, books: Books | None = None) -> Snapshot:
        table = self.base.table
        assert table is not None
        columns = tuple(c for c in table.columns if not gone or c.name not in self.plan.dropped)
        found = books or Books(table="drizzle.__drizzle_migrations", present=bool(applied), applied=applied)
        return self.base.model_copy(update={"table": table.model_copy(update={"columns": columns}), "books": found})


@pytest.fixture
def table(database: str, plan: Plan) -> Table:
    return Table(observe(plan, database), plan)


def judge(plan: Plan, now: Snapshot, path: Path, phase: Phase = "after") -> CheckResult:
    return check(plan, now.with_evidence(migrations=read_folder(path, plan)), phase=phase).check("migrations")


def states(result: CheckResult) -> dict[str, tuple[str, str]]:
    return {f.subject: (f.evidence["state"], f.outcome) for f in result.findings if "state" in f.evidence}


APPLIED = {"0000_make": ("applied", "pass")}


def test_applied_passes(plan: Plan, table: Table, tmp_path: Path) -> None:
    result = judge(plan, table(MADE, DROPPED, gone=True), folder(tmp_path / "d"))
    assert states(result) == APPLIED | {"0001_drop": ("applied", "pass")}
    assert result.outcome == "pass"


@pytest.mark.parametrize(("phase", "outcome"), [("before", "pass"), ("after", "fail"), ("rolled-back", "pass")])
def test_pending_passes_before_and_fails_after(
    plan: Plan, table: Table, tmp_path: Path, phase: Phase, outcome: str
) -> None:
    result = judge(plan, table(MADE), folder(tmp_path / "d"), phase)
    assert states(result) == APPLIED | {"0001_drop": ("pending", outcome)}
    assert result.outcome == outcome


@pytest.mark.parametrize("when", [OLD - 1, OLD])
@pytest.mark.parametrize(("phase", "outcome"), [("before", "fail"), ("after", "fail"), ("rolled-back", "warn")])
def test_a_clock_that_was_behind_is_skipped_silently_by_the_migrator_and_not_by_us(
    plan: Plan, table: Table, tmp_path: Path, phase: Phase, outcome: str, when: int
) -> None:
    result = judge(plan, table(MADE), folder(tmp_path / "d", when=when), phase)
    assert states(result) == APPLIED | {"0001_drop": ("skipped", outcome)}


@pytest.mark.parametrize(("phase", "outcome"), [("before", "fail"), ("after", "fail"), ("rolled-back", "warn")])
def test_a_manual_rollback_contradicts_the_bookkeeping(
    plan: Plan, table: Table, tmp_path: Path, phase: Phase, outcome: str
) -> None:
    result = judge(plan, table(MADE, DROPPED), folder(tmp_path / "d"), phase)
    assert states(result) == APPLIED | {"0001_drop": ("contradicted", outcome)}


def test_a_rollback_by_a_migration_contradicts_nothing(plan: Plan, table: Table, tmp_path: Path) -> None:
    path = folder(tmp_path / "d")
    (path / "0002_back.sql").write_text(plan.sql.rollback)
    journal = json.loads((path / "meta" / "_journal.json").read_text())
    journal["entries"].append({"idx": 2, "when": NEW + 1, "tag": "0002_back"})
    (path / "meta" / "_journal.json").write_text(json.dumps(journal))
    back = AppliedMigration(id=3, hash=sha(plan.sql.rollback), created_at=NEW + 1)
    result = judge(plan, table(MADE, DROPPED, back), path, "rolled-back")
    assert {state for state, _ in states(result).values()} == {"applied"}
    assert states(judge(plan, table(MADE, DROPPED, back, gone=True), path))["0002_back"] == ("contradicted", "fail")


def test_what_was_pushed_is_unrecorded(plan: Plan, table: Table, tmp_path: Path) -> None:
    path = folder(tmp_path / "d")
    both = {"0000_make": ("unrecorded", "warn"), "0001_drop": ("unrecorded", "warn")}
    assert states(judge(plan, table(gone=True), path)) == both
    ahead = judge(plan, table(MADE, gone=True), path)
    assert states(ahead) == APPLIED | {"0001_drop": ("unrecorded", "warn")}
    assert any("migrate runs it again and fails" in finding.remedy for finding in ahead.findings)
    behind = judge(plan, table(MADE, gone=True), folder(tmp_path / "late", when=OLD))
    assert states(behind) == APPLIED | {"0001_drop": ("unrecorded", "warn")}
    assert any("silently in every other database" in finding.message for finding in behind.findings)


def test_an_edited_file_is_noticed(plan: Plan, table: Table, tmp_path: Path) -> None:
    path = folder(tmp_path / "d", drop=DROP + "\n-- edited")
    assert states(judge(plan, table(MADE, DROPPED, gone=True), path))["0001_drop"] == ("edited", "warn")
    assert states(judge(plan, table(MADE, DROPPED), path))["0001_drop"] == ("edited", "fail")


@pytest.mark.parametrize(("phase", "outcome"), [("before", "fail"), ("after", "fail"), ("rolled-back", "warn")])
def test_a_pending_file_with_a_byte_order_mark_will_be_refused(
    plan: Plan, table: Table, tmp_path: Path, phase: Phase, outcome: str
) -> None:
    result = judge(plan, table(MADE), folder(tmp_path / "out", drop=f"\ufeff{DROP}"), phase)
    (found,) = (f for f in result.findings if f.subject == "0001_drop")
    assert (found.evidence["state"], found.outcome) == ("pending", outcome)
    assert found.evidence["byte_order_mark"] is True
    assert found.evidence["drops"] == ["download_url", "conversation"]
    assert "begins with a byte-order mark" in found.message
    assert "without" in found.remedy


def test_a_byte_order_mark_in_what_is_applied_warns(plan: Plan, table: Table, tmp_path: Path) -> None:
    path = folder(tmp_path / "out", drop=f"\ufeff{DROP}")
    done = AppliedMigration(id=2, hash=sha(f"\ufeff{DROP}"), created_at=NEW)
    result = judge(plan, table(MADE, done, gone=True), path)
    assert states(result)["0001_drop"] == ("applied", "warn")
    saved = judge(plan, table(MADE, DROPPED, gone=True), path)
    assert states(saved)["0001_drop"] == ("edited", "warn")
    assert "begins with a byte-order mark" in str(saved.findings)


def test_other_line_endings_are_only_a_note(plan: Plan, table: Table, tmp_path: Path) -> None:
    windows = DROP.replace("\n", "\r\n")
    path = folder(tmp_path / "d", drop=windows)
    result = judge(plan, table(MADE, DROPPED, gone=True), path)
    assert (states(result)["0001_drop"], result.outcome) == (("line-endings", "pass"), "pass")
    other_way = AppliedMigration(id=2, hash=sha(windows), created_at=NEW)
    path = folder(tmp_path / "e")
    assert states(judge(plan, table(MADE, other_way, gone=True), path))["0001_drop"] == ("line-endings", "pass")


def test_a_file_that_is_not_in_the_journal_is_never_applied(plan: Plan, table: Table, tmp_path: Path) -> None:
    path = folder(tmp_path / "d", journal=["0000_make"])
    assert states(judge(plan, table(MADE), path))["0001_drop"] == ("unlisted", "fail")
    assert states(judge(plan, table(MADE, gone=True), path))["0001_drop"] == ("unlisted", "warn")


def test_a_time_that_was_changed_later_makes_a_migration_run_again(plan: Plan, table: Table, tmp_path: Path) -> None:
    result = judge(plan, table(MADE, DROPPED, gone=True), folder(tmp_path / "d", when=NEW + 5))
    assert states(result)["0001_drop"] == ("applied", "warn")


def test_bookkeeping_of_another_folder_is_reported(plan: Plan, table: Table, tmp_path: Path) -> None:
    foreign = AppliedMigration(id=9, hash="f" * 64, created_at=NEW + 1)
    result = judge(plan, table(MADE, DROPPED, foreign, gone=True), folder(tmp_path / "d"))
    assert states(result)["row 9"] == ("no-file", "warn")


@pytest.mark.parametrize(("phase", "outcome"), [("before", "fail"), ("after", "fail"), ("rolled-back", "pass")])
def test_a_column_that_no_migration_drops(plan: Plan, table: Table, tmp_path: Path, phase: Phase, outcome: str) -> None:
    path = folder(tmp_path / "d", drop='ALTER TABLE "other" DROP COLUMN "conversation";')
    row = AppliedMigration(id=2, hash=sha('ALTER TABLE "other" DROP COLUMN "conversation";'), created_at=NEW)
    assert judge(plan, table(MADE, row), path, phase).outcome == outcome
    assert judge(plan, table(MADE, row, gone=True), path).outcome == "warn"


def test_dynamic_sql_is_not_guessed_at(plan: Plan, table: Table, tmp_path: Path) -> None:
    text = "DO $$ BEGIN EXECUTE 'ALTER TABLE generation_requests DROP COLUMN ' || 'conversation'; END $$;"
    row = AppliedMigration(id=2, hash=sha(text), created_at=NEW)
    result = judge(plan, table(MADE, row, gone=True), folder(tmp_path / "d", drop=text))
    assert result.outcome == "unknown"
    assert "dynamic" in next(f.message for f in result.findings if f.subject == "0001_drop")


def dated(path: Path) -> Path:
    for name, text in (("20250101000000_make", MAKE), ("20240101000000_drop", DROP)):
        (path / name).mkdir(parents=True)
        (path / name / "migration.sql").write_text(text)
        (path / name / "snapshot.json").write_text("{}")
    return path


def test_folders_of_version_1_apply_by_name(plan: Plan, table: Table, tmp_path: Path) -> None:
    path = dated(tmp_path / "d")
    make = AppliedMigration(id=1, hash=sha(MAKE), created_at=1_735_689_600_000, name="20250101000000_make")
    drop = AppliedMigration(id=2, hash=sha(DROP), created_at=1_704_067_200_000, name="20240101000000_drop")
    old = {"20250101000000_make": ("applied", "pass")}
    assert states(judge(plan, table(make), path)) == old | {"20240101000000_drop": ("pending", "fail")}
    assert states(judge(plan, table(make, drop, gone=True), path)) == old | {"20240101000000_drop": ("applied", "pass")}
    edited = drop.model_copy(update={"hash": "0" * 64})
    assert states(judge(plan, table(make, edited, gone=True), path))["20240101000000_drop"] == ("edited", "warn")
    nameless = [row.model_copy(update={"name": None}) for row in (make, drop)]
    assert judge(plan, table(*nameless, gone=True), path).outcome == "pass"


@pytest.mark.parametrize(
    "journal",
    [
        "",
        "[]",
        "{",
        '{"entries": 3}',
        '{"entries": [1]}',
        '{"entries": [{"tag": "../../etc/x", "when": 1}]}',
        "[" * 99_999,
    ],
)
def test_a_damaged_journal_is_unknown(plan: Plan, table: Table, tmp_path: Path, journal: str) -> None:
    path = folder(tmp_path / "d")
    (path / "meta" / "_journal.json").write_text(journal)
    assert judge(plan, table(MADE, DROPPED, gone=True), path).outcome == "unknown"


def test_files_that_cannot_be_read_are_unknown(
    plan: Plan, table: Table, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = table(MADE, DROPPED, gone=True)
    file = folder(tmp_path / "d") / "0001_drop.sql"
    monkeypatch.setattr(reader, "LARGEST", 1_000)
    file.write_text(DROP + " " * 1_000)
    assert states(judge(plan, now, tmp_path / "d"))["0001_drop"] == ("unreadable", "unknown")
    file.unlink()
    assert states(judge(plan, now, tmp_path / "d"))["0001_drop"] == ("unreadable", "unknown")
    file.symlink_to("/etc/passwd")
    assert states(judge(plan, now, tmp_path / "d"))["0001_drop"] == ("unreadable", "unknown")
    file.unlink()
    os.mkfifo(file)
    assert states(judge(plan, now, tmp_path / "d"))["0001_drop"] == ("unreadable", "unknown")


def test_a_folder_without_migrations_is_unknown_and_a_missing_one_a_wrong_call(
    plan: Plan, table: Table, tmp_path: Path
) -> None:
    folder(tmp_path / "outer" / "drizzle")
    result = judge(plan, table(MADE), tmp_path / "outer")
    assert result.outcome == "unknown"
    assert "is it" in result.findings[0].message
    with pytest.raises(UsageError):
        read_folder(tmp_path / "nowhere", plan)
    assert CliRunner().invoke(app, ["check", "postgresql://x", "--migrations", "nowhere"]).exception is not None


@pytest.mark.parametrize(
    ("sql", "effects", "unclear"),
    [
        (
            'ALTER TABLE public.generation_requests DROP IF EXISTS "conversation" CASCADE, ADD x int',
            {"conversation": "gone"},
            "",
        ),
        ("ALTER TABLE ONLY Generation_Requests DROP Conversation", {"conversation": "gone"}, ""),
        ('ALTER TABLE "Generation_Requests" DROP conversation', {}, ""),
        ('ALTER TABLE generation_requests DROP "Conversation"', {}, ""),
        ("ALTER TABLE audit.generation_requests DROP conversation", {}, ""),
        ("BEGIN; ALTER TABLE generation_requests ADD conversation jsonb; COMMIT", {"conversation": "there"}, ""),
        ("-- ALTER TABLE generation_requests DROP conversation", {}, ""),
        ("SELECT 'ALTER TABLE generation_requests DROP conversation'", {}, ""),
        ("ALTER TABLE generation_requests RENAME conversation TO talk", {}, "a RENAME"),
        ("ALTER TABLE generation_requests SET SCHEMA old", {}, "dynamic or unusual SQL"),
        ("ALTER TABLE generation_requests DROP (((", {}, "unusual SQL"),
        ("DROP TABLE generation_requests x y", {}, "SQL that could not be parsed"),
        ("DROP TABLE other x y", {}, ""),
        ("SELECT (((", {}, ""),
        ('ALTER TABLE "generation_requests" ENABLE ROW LEVEL SECURITY;', {}, ""),
        ("DO $$ BEGIN CREATE TYPE m AS ENUM('a'); EXCEPTION WHEN duplicate_object THEN null; END $$;", {}, ""),
    ],
)
def test_a_parser_reads_what_sql_does(
    plan: Plan, sql: str, effects: Mapping[str, str], unclear: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        found = read_statements(sql, plan)
    assert (dict(found.effects), found.unclear) == (effects, unclear)
    assert caplog.records == []


BOOKS = (
    "CREATE TABLE {} (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint); INSERT INTO {} VALUES (1, 'x', 5)"
)


def test_the_bookkeeping_is_read_with_the_snapshot_and_saved_in_it(database: str, plan: Plan, tmp_path: Path) -> None:
    assert observe(plan, database).books == Books(table="drizzle.__drizzle_migrations", present=False)
    name = "drizzle.__drizzle_migrations"
    execute(database, f"CREATE SCHEMA drizzle; {BOOKS.format(name, name)}; ALTER TABLE {name} ADD name text")
    snapshot = observe(plan, database)
    assert snapshot.books == Books(table=name, present=True, applied=(AppliedMigration(id=1, hash="x", created_at=5),))
    snapshot.save(tmp_path / "s.json")
    assert load_snapshot(tmp_path / "s.json").books == snapshot.books


def test_bookkeeping_elsewhere_is_suggested_and_can_be_named(database: str, plan: Plan, tmp_path: Path) -> None:
    execute(database, BOOKS.format('public."my migrations"', 'public."my migrations"'))
    path = folder(tmp_path / "d")
    result = judge(plan, observe(plan, database), path)
    assert (result.outcome, "public.my migrations" in result.findings[0].message) == ("unknown", True)
    run = CliRunner().invoke(
        app,
        [
            "check",
            database,
            "--migrations",
            str(path),
            "--migrations-table",
            "public.my migrations",
            "--format",
            "json",
        ],
    )
    found = Report.model_validate_json(run.stdout).check("migrations")
    assert states(found)["row 1"] == ("no-file", "warn")


def test_another_table_or_an_unreadable_one_as_bookkeeping_is_unknown(
    database: str, plan: Plan, tmp_path: Path
) -> None:
    path = folder(tmp_path / "d")
    execute(database, "CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id int)")
    assert "is not a bookkeeping table" in judge(plan, observe(plan, database), path).findings[0].message
    name = "drizzle.__drizzle_migrations"
    execute(database, f"DROP TABLE {name}; {BOOKS.format(name, name)}")
    role = f"reader_{uuid.uuid4().hex[:8]}"
    execute(database, f"CREATE ROLE {role} LOGIN BYPASSRLS; GRANT SELECT ON generation_requests TO {role}")
    try:
        as_reader = psycopg.conninfo.make_conninfo(database, user=role)
        snapshot = observe(plan, as_reader)
        assert snapshot.tally is not None
        result = judge(plan, snapshot, path)
        assert (result.outcome, "may not read" in result.findings[0].message) == ("unknown", True)
    finally:
        execute(database, f"DROP OWNED BY {role}")
        execute(database, f"DROP ROLE {role}")


def test_a_fresh_database_has_everything_pending(empty_database: str, plan: Plan, tmp_path: Path) -> None:
    now = observe(plan, empty_database)
    path = folder(tmp_path / "d")
    pending: dict[str, Any] = {"0000_make": ("pending", "pass"), "0001_drop": ("pending", "pass")}
    assert states(judge(plan, now, path, "before")) == pending
    assert judge(plan, now, path).outcome == "fail"


def test_not_asked_for_is_skipped_and_an_unread_database_unknown(plan: Plan, table: Table, tmp_path: Path) -> None:
    assert check(plan, table(MADE)).check("migrations").outcome == "skip"
    gone = observe(plan, "postgresql://nobody@/nowhere?host=/nonexistent")
    assert judge(plan, gone, folder(tmp_path / "d")).outcome == "unknown"
    unread = table(MADE).model_copy(update={"books": None})
    assert judge(plan, unread, tmp_path / "d").outcome == "unknown"
