"""Which database and table something is of: another one is never compared, and its values are not restored without an option."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from typer.testing import CliRunner

from conftest import Server
from genreq_checks.archive import restore, write_archive
from genreq_checks.cli import app
from genreq_checks.cli import archive as archive_command
from genreq_checks.errors import ArchiveError, GenreqError
from genreq_checks.facts import identity
from genreq_checks.facts.identity import Identity, compare
from genreq_checks.plan import Plan
from genreq_checks.report import Report
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Snapshot, load_snapshot
from rows import execute, insert

CUTOVER = datetime(2025, 1, 10, 12, tzinfo=UTC)
GITHUB = "https://github.com/leo/app"
HERE = Identity(
    system_identifier="7311",
    timeline=1,
    server_address="10.0.0.1",
    server_port=5432,
    database="leo",
    database_oid=5,
    table_oid=9,
)


@pytest.fixture
def other(server: Server, leo_template: str) -> Iterator[str]:
    """Another database with the same table."""
    name = f"other_{uuid.uuid4().hex[:8]}"
    yield server.create_database(name, leo_template)
    server.drop_database(name)


def fill(url: str, rows: int = 20, mark: str = "a") -> None:
    insert(url, *({"github_url": GITHUB, "download_url": f"https://s3.example/{mark}/{n}"} for n in range(rows)))


def judged(plan: Plan, now: Snapshot, before: Snapshot | None, **more: bool) -> Report:
    return check(plan, now, before, phase="after", **more)


def invoke(*words: object) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, [str(word) for word in words])
    if isinstance(done.exception, GenreqError):  # the entry point makes this of it
        return done.exception.exit_code, done.stdout, done.stderr + str(done.exception)
    assert done.exception is None or isinstance(done.exception, SystemExit)
    return done.exit_code, done.stdout, done.stderr


def with_identity(snapshot: Snapshot, found: Identity | None) -> Snapshot:
    return snapshot.model_copy(update={"source": snapshot.source.model_copy(update={"identity": found})})


@pytest.mark.parametrize(
    ("change", "kind", "word"),
    [
        ({}, "same", ""),
        ({"system_identifier": "7312"}, "other", "pg_upgrade"),
        ({"database_oid": 6, "database": "staging"}, "other", "staging"),
        ({"table_oid": 10}, "other", "created again"),
        ({"table_oid": None}, "same", ""),
        ({"server_address": "10.0.0.2"}, "doubtful", "10.0.0.2"),
        ({"server_port": 5433}, "doubtful", "5433"),
        ({"timeline": 2}, "doubtful", "timeline"),
        ({"server_address": None, "server_port": None}, "same", ""),
        ({"system_identifier": None, "timeline": None, "unproved": ("not allowed",)}, "unproved", "not allowed"),
        ({"system_identifier": None, "database_oid": 6}, "other", "OID 5"),
    ],
)
def test_identities_are_compared_by_what_a_copy_does_not_share(change: dict[str, object], kind: str, word: str) -> None:
    found = compare(HERE, HERE.model_copy(update=change))
    assert (found.kind, word in found.text) == (kind, True)
    assert bool(found.reasons) == (kind != "same")


def test_no_identity_proves_nothing() -> None:
    assert {compare(None, HERE).kind, compare(HERE, None).kind, compare(None, None).kind} == {"unproved"}


def test_the_identity_is_the_servers_own(database: str, plan: Plan) -> None:
    taken = observe(plan, database)
    with psycopg.connect(database) as connection:
        row = connection.execute(
            "SELECT (SELECT system_identifier::text FROM pg_control_system()), d.oid, d.datname,"
            " 'generation_requests'::regclass::oid FROM pg_database d WHERE datname = current_database()"
        ).fetchone()
    found = taken.source.identity
    assert found is not None
    assert (found.system_identifier, found.database_oid, found.database, found.table_oid) == row
    assert taken.table is not None
    assert {c.name: c.position for c in taken.table.columns}["id"] == 1


def test_a_baseline_of_the_same_database_is_compared(database: str, plan: Plan) -> None:
    fill(database)
    before = observe(plan, database)
    execute(database, plan.sql.forward)
    report = judged(plan, observe(plan, database), before)
    assert report.check("identity").outcome == "pass"
    assert report.check("dropped.download_url").outcome == "pass"
    assert report.check("loss.download_url").outcome == "pass"


def test_a_baseline_of_another_database_is_unknown_and_nothing_is_compared_with_it(
    database: str, other: str, plan: Plan
) -> None:
    fill(database)
    fill(other)
    foreign = observe(plan, other, CUTOVER)
    for cutover in (None, CUTOVER):
        report = check(plan, observe(plan, database, cutover), foreign, cutover=cutover)
        assert report.check("identity").outcome == "unknown"
        assert report.check("population.artifacts_github_url").outcome == "unknown"
        assert not report.changes
        assert not report.meanwhile
    rolled_back = check(plan, observe(plan, database), foreign, phase="rolled-back")
    assert {c: rolled_back.check(c).outcome for c in ("rollback", "loss.download_url")} == {
        "rollback": "unknown",
        "loss.download_url": "unknown",
    }
    accepted = check(plan, observe(plan, database), foreign, phase="rolled-back", other_database=True)
    assert accepted.check("rollback").outcome == "pass"
    assert accepted.check("identity").outcome == "skip"
    assert "--other-database" in accepted.check("identity").findings[0].message


def test_a_table_that_was_created_again_is_another_one(database: str, plan: Plan) -> None:
    fill(database)
    before = observe(plan, database)
    execute(
        database,
        "CREATE TABLE anew (LIKE generation_requests INCLUDING ALL); INSERT INTO anew SELECT * FROM generation_requests;"
        " DROP TABLE generation_requests CASCADE; ALTER TABLE anew RENAME TO generation_requests",
    )
    report = judged(plan, observe(plan, database), before)
    assert report.check("identity").outcome == "unknown"
    assert "created again" in report.check("identity").findings[0].message


@pytest.mark.parametrize(("change", "outcome"), [({"server_address": "10.9.9.9"}, "warn"), ({"timeline": 7}, "warn")])
def test_a_physical_copy_warns(database: str, plan: Plan, change: dict[str, object], outcome: str) -> None:
    fill(database)
    now = observe(plan, database)
    found = now.source.identity
    assert found is not None
    known = found.model_copy(update={"server_address": "10.0.0.1", "server_port": 5432})
    before = with_identity(now, known.model_copy(update=change))
    report = judged(plan, with_identity(now, known), before)
    assert report.check("identity").outcome == outcome
    assert report.check("population.github_url").outcome == "pass"


def test_a_role_without_the_right_gets_a_message_about_what_is_not_proved(database: str, plan: Plan) -> None:
    fill(database)
    before = observe(plan, database)
    role = f"reader_{uuid.uuid4().hex[:8]}"
    functions = "pg_control_system(), pg_control_checkpoint()"
    execute(database, f"CREATE ROLE {role} LOGIN BYPASSRLS; GRANT SELECT ON generation_requests TO {role}")
    try:
        execute(database, f"REVOKE EXECUTE ON FUNCTION {functions} FROM PUBLIC")
        now = observe(plan, psycopg.conninfo.make_conninfo(database, user=role))
    finally:
        execute(database, f"GRANT EXECUTE ON FUNCTION {functions} TO PUBLIC; DROP OWNED BY {role}; DROP ROLE {role}")
    assert now.source.identity is not None
    assert now.source.identity.system_identifier is None
    finding = judged(plan, now, before).check("identity").findings[0]
    assert finding.outcome == "warn"
    assert "may not execute pg_control_system()" in finding.message
    assert "GRANT EXECUTE" in finding.remedy


def test_a_renamed_column_is_not_gone(database: str, plan: Plan, tmp_path: Path) -> None:
    fill(database)
    observe(plan, database).save(tmp_path / "before.json")
    execute(database, "ALTER TABLE generation_requests RENAME download_url TO old_dl")
    execute(database, "ALTER TABLE generation_requests DROP COLUMN conversation")
    report = judged(plan, observe(plan, database), load_snapshot(tmp_path / "before.json"))
    finding = report.check("dropped.download_url").findings[0]
    assert (finding.outcome, finding.evidence["renamed_to"]) == ("fail", "old_dl")
    assert report.check("dropped.conversation").outcome == "pass"


def test_a_column_that_was_dropped_and_replaced_by_another_is_gone(database: str, plan: Plan) -> None:
    fill(database)
    before = observe(plan, database)
    execute(database, plan.sql.forward + "ALTER TABLE generation_requests ADD COLUMN old_dl text")
    assert judged(plan, observe(plan, database), before).check("dropped.download_url").outcome == "pass"


def test_a_column_that_took_the_name_of_another_is_not_gone(database: str, plan: Plan) -> None:
    fill(database)
    before = observe(plan, database)
    execute(
        database,
        "ALTER TABLE generation_requests DROP COLUMN github_url; ALTER TABLE generation_requests DROP COLUMN conversation;"
        "ALTER TABLE generation_requests RENAME download_url TO github_url",
    )
    finding = judged(plan, observe(plan, database), before).check("dropped.download_url").findings[0]
    assert (finding.outcome, finding.evidence["renamed_to"]) == ("fail", "github_url")


def test_a_table_with_other_column_positions_has_no_rename(database: str, plan: Plan) -> None:
    """A baseline of format 1 and a table that was dumped and restored since: each column moved up by one place."""
    fill(database)
    before = with_identity(observe(plan, database), None)
    execute(
        database,
        "ALTER TABLE generation_requests DROP COLUMN download_url, DROP COLUMN conversation;"
        "CREATE TABLE anew (LIKE generation_requests INCLUDING ALL); DROP TABLE generation_requests CASCADE;"
        "ALTER TABLE anew RENAME TO generation_requests",
    )
    report = judged(plan, observe(plan, database), before)
    assert report.check("dropped.download_url").outcome == "pass"
    assert report.check("identity").outcome == "warn"


def test_a_renamed_column_of_a_partitioned_table_is_not_gone(empty_database: str, plan: Plan) -> None:
    execute(
        empty_database,
        "CREATE TYPE generation_status AS ENUM ('queued', 'completed');"
        "CREATE TABLE generation_requests (id serial, status generation_status, completed_at timestamp, download_url text,"
        " conversation jsonb, github_url text, artifacts_github_url text, deployment_url text) PARTITION BY LIST (status);"
        "CREATE TABLE done PARTITION OF generation_requests FOR VALUES IN ('completed')",
    )
    before = observe(plan, empty_database)
    execute(empty_database, "ALTER TABLE generation_requests RENAME download_url TO old_dl")
    report = judged(plan, observe(plan, empty_database), before)
    assert report.check("dropped.download_url").outcome == "fail"


def test_without_a_baseline_the_message_says_that_nothing_was_ever_dropped(database: str, plan: Plan) -> None:
    execute(database, "ALTER TABLE generation_requests RENAME download_url TO old_dl")
    message = judged(plan, observe(plan, database), None).check("dropped.download_url").findings[0].message
    assert "No column was ever dropped from this table" in message


def test_another_databases_values_are_not_restored(database: str, other: str, plan: Plan, tmp_path: Path) -> None:
    fill(database, mark="production")
    fill(other, mark="staging")
    path = tmp_path / "staging.parquet"
    write_archive(plan, other, path)
    execute(database, plan.sql.forward + plan.sql.rollback)
    code, out, told = invoke("restore", path, database, "--yes")
    assert (code, out) == (2, "")
    assert "--other-database" in told
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(download_url) FROM generation_requests").fetchone() == (0,)
    code, _, told = invoke("restore", path, database, "--yes", "--other-database")
    assert (code, "20 values placed" in told) == (0, True)


def test_an_archive_of_another_database_does_not_count(database: str, other: str, plan: Plan, tmp_path: Path) -> None:
    insert(database, {"download_url": "https://s3.example/only"})
    insert(other, {"download_url": "https://s3.example/theirs"})
    write_archive(plan, other, tmp_path / "theirs.parquet")
    write_archive(plan, database, tmp_path / "ours.parquet")
    for name, outcome in (("theirs", "unknown"), ("ours", "pass")):
        report = check(plan, observe(plan, database, archive=tmp_path / f"{name}.parquet"), phase="before")
        assert report.check("loss.download_url").outcome == outcome
        assert report.check("identity").outcome == outcome


def test_yes_does_not_confirm_a_doubtful_database(
    database: str, plan: Plan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(database)
    path = tmp_path / "a.parquet"
    write_archive(plan, database, path)
    doubt = identity.Comparison("doubtful", ("the timeline was 1 and is 2",))
    monkeypatch.setattr("genreq_checks.archive.target.compare", lambda *_: doubt)
    code, _, told = invoke("restore", path, database, "--yes")
    assert (code, "the timeline was 1 and is 2" in told) == (2, True)
    with pytest.raises(ArchiveError, match="not certain"):
        restore(plan, path, database)
    monkeypatch.setattr(archive_command, "is_terminal", lambda: True)
    asked = CliRunner().invoke(app, ["restore", str(path), database, "--yes"], input="n\n")
    assert (str(asked.exception), "Restore 20 rows" in asked.stderr) == ("Nothing was written.", True)
    assert CliRunner().invoke(app, ["restore", str(path), database], input="y\n").exit_code == 0
    assert invoke("restore", path, database, "--yes", "--other-database")[0] == 0


def test_the_commands_report_has_the_identity_finding(database: str, other: str, plan: Plan, tmp_path: Path) -> None:
    fill(database)
    fill(other)
    observe(plan, other).save(tmp_path / "theirs.json")
    code, out, _ = invoke("check", database, "--baseline", tmp_path / "theirs.json", "--format", "json")
    report = json.loads(out)
    assert code in (1, 3)
    found = next(c for c in report["checks"] if c["id"] == "identity")
    assert found["outcome"] == "unknown"
    assert report["sources"]["after"]["identity"]["database"] == psycopg.conninfo.conninfo_to_dict(database)["dbname"]
