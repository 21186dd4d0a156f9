"""Flyway and golang-migrate: plain SQL files, with the bookkeeping written as their documentation says."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from genreq_checks.plan import Bookkeeping, Plan
from genreq_checks.report import CheckResult, Phase
from genreq_checks.run import check, observe
from genreq_checks.snapshot import Snapshot
from genreq_checks.sources.migrations import read_folder
from rows import execute

MAKE = "CREATE TABLE other (\n  id int\n);\n"
DROP = "ALTER TABLE generation_requests DROP download_url;\nALTER TABLE generation_requests DROP conversation;\n"
BOTH_GONE = "ALTER TABLE generation_requests DROP download_url, DROP conversation"
HISTORY = """
CREATE TABLE flyway_schema_history (
    installed_rank integer PRIMARY KEY, version varchar(50), description varchar(200) NOT NULL,
    type varchar(20) NOT NULL, script varchar(1000) NOT NULL, checksum integer, installed_by varchar(100) NOT NULL,
    installed_on timestamp NOT NULL DEFAULT now(), execution_time integer NOT NULL, success boolean NOT NULL)
"""


def folder(path: Path, **files: str) -> Path:
    path.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (path / f"{name}.sql").write_text(text)
    return path


def judge(plan: Plan, now: Snapshot, path: Path, phase: Phase = "after") -> CheckResult:
    return check(plan, now.with_evidence(migrations=read_folder(path, plan)), phase=phase).check("migrations")


def states(result: CheckResult) -> dict[str, tuple[str, str]]:
    return {one.subject: (str(one.evidence.get("state")), one.outcome) for one in result.findings}


class History:
    """The history of Flyway in a database."""

    def __init__(self, url: str) -> None:
        self.url, self.rank = url, 0
        execute(url, HISTORY)

    def add(
        self, version: str | None, script: str, checksum: int | None, kind: str = "SQL", success: bool = True
    ) -> None:
        self.rank += 1
        values = f"{self.rank}, {_sql(version)}, 'd', '{kind}', '{script}', {_sql(checksum)}, 'u', now(), 1, {success}"
        execute(self.url, f"INSERT INTO flyway_schema_history VALUES ({values})")


def _sql(value: str | int | None) -> str:
    return "NULL" if value is None else f"'{value}'" if isinstance(value, str) else str(value)


def checksum(plan: Plan, path: Path, tag: str) -> int:
    return int(next(one.hash for one in read_folder(path, plan).migrations if one.tag == tag) or 0)


@pytest.fixture
def history(database: str) -> History:
    return History(database)


@pytest.fixture
def flyway(tmp_path: Path) -> Path:
    return folder(tmp_path / "sql", V1__make=MAKE, V2__drop=DROP)


def test_the_checksum_is_flyways(plan: Plan, tmp_path: Path) -> None:
    """CRC-32 of the lines without their ends, signed, as in Java: known values of CRC-32."""
    path = folder(tmp_path, V1__a="123456789", V2__b="1234\r\n5678\n9\n", V3__c="\ufeff12345\r6789", V4__d="The quick")
    sums = {one.tag: one.hash for one in read_folder(path, plan).migrations}
    assert [sums[tag] for tag in ("V1__a", "V2__b", "V3__c")] == [str(0xCBF43926 - 2**32)] * 3
    assert sums["V4__d"] not in (None, sums["V1__a"])


def test_flyway_before_and_after(plan: Plan, history: History, flyway: Path) -> None:
    history.add("1", "V1__make.sql", checksum(plan, flyway, "V1__make"))
    now = observe(plan, history.url)
    pending = {"V1__make": ("applied", "pass"), "V2__drop": ("pending", "pass")}
    assert states(judge(plan, now, flyway, "before")) == pending
    assert states(judge(plan, now, flyway))["V2__drop"] == ("pending", "fail")
    execute(history.url, BOTH_GONE)
    assert states(judge(plan, observe(plan, history.url), flyway))["V2__drop"] == ("unrecorded", "warn")
    history.add("2", "V2__drop.sql", checksum(plan, flyway, "V2__drop"))
    now = observe(plan, history.url)
    assert set(states(judge(plan, now, flyway)).values()) == {("applied", "pass")}
    (flyway / "V2__drop.sql").write_text(DROP.replace("\n", "\r\n"))
    assert states(judge(plan, now, flyway))["V2__drop"] == ("applied", "pass")
    (flyway / "V2__drop.sql").write_text(DROP + "-- more")
    assert states(judge(plan, now, flyway))["V2__drop"] == ("edited", "warn")
    execute(history.url, "ALTER TABLE generation_requests ADD download_url text, ADD conversation jsonb")
    now = observe(plan, history.url)
    assert states(judge(plan, now, flyway))["V2__drop"] == ("edited", "fail")
    (flyway / "V2__drop.sql").write_text(DROP)
    assert states(judge(plan, now, flyway))["V2__drop"] == ("contradicted", "fail")


def test_flyway_out_of_order_failed_undone_baseline_and_missing(plan: Plan, history: History, flyway: Path) -> None:
    folder(flyway, V1_5__late="SELECT 1;", V10__last="SELECT 1;", U2__drop="SELECT 1;")
    history.add(None, "<< Flyway Schema Creation >>", None, "SCHEMA")
    history.add("1", "V1__make.sql", checksum(plan, flyway, "V1__make"))
    history.add("10.0", "V10__last.sql", None)
    assert states(judge(plan, observe(plan, history.url), flyway, "before")) == {
        "V1__make": ("applied", "pass"),
        "V1_5__late": ("skipped", "fail"),
        "V2__drop": ("skipped", "fail"),
        "V10__last": ("applied", "pass"),
    }
    history.add("2", "V2__drop.sql", None, success=False)
    assert states(judge(plan, observe(plan, history.url), flyway, "before"))["V2__drop"] == ("failed", "fail")
    execute(history.url, "DELETE FROM flyway_schema_history WHERE NOT success")
    history.add("2", "V2__drop.sql", None)
    history.add("2", "U2__drop.sql", None, "UNDO_SQL")
    assert states(judge(plan, observe(plan, history.url), flyway, "before"))["V2__drop"] == ("skipped", "fail")
    history.add("11", "V11__java", None, "JDBC")
    assert states(judge(plan, observe(plan, history.url), flyway, "before"))["11"] == ("no-file", "warn")


def test_flyway_at_or_below_the_baseline(plan: Plan, history: History, flyway: Path) -> None:
    history.add("2", "<< Flyway Baseline >>", None, "BASELINE")
    below = states(judge(plan, observe(plan, history.url), flyway))
    assert below == {"V1__make": ("applied", "pass"), "V2__drop": ("skipped", "fail")}
    execute(history.url, BOTH_GONE)
    assert states(judge(plan, observe(plan, history.url), flyway))["V2__drop"] == ("applied", "pass")


def test_flyway_repeatable_and_other_files(plan: Plan, history: History, flyway: Path) -> None:
    folder(flyway / "more", R__view="SELECT 1;", V3__deeper="SELECT 1;", R__replaced="SELECT '${x}';")
    folder(flyway, drop=DROP, afterMigrate="SELECT 1;")
    history.add(None, "more/R__view.sql", checksum(plan, flyway, "R__view"))
    history.add(None, "more/R__replaced.sql", 5)
    found = states(judge(plan, observe(plan, history.url), flyway))
    assert (found["R__view"], found["R__replaced"]) == (("applied", "pass"), ("applied", "pass"))
    assert (found["drop"], found["V3__deeper"]) == (("unlisted", "fail"), ("pending", "warn"))
    assert "afterMigrate" not in found
    folder(flyway / "more", R__view="SELECT 2;")
    assert states(judge(plan, observe(plan, history.url), flyway))["R__view"] == ("pending", "warn")
    folder(flyway, V2_0__again="SELECT 1;")
    assert "same version" in str(judge(plan, observe(plan, history.url), flyway).findings)
    (flyway / "V4__code.java").write_text("")
    assert "not SQL" in str(judge(plan, observe(plan, history.url), flyway).findings)


@pytest.fixture
def golang(tmp_path: Path) -> Path:
    return folder(
        tmp_path / "m",
        **{"000001_make.up": MAKE, "000001_make.down": "", "000002_drop.up": DROP, "000002_drop.down": ""},
    )


def set_version(url: str, version: int, dirty: bool = False) -> None:
    execute(url, "CREATE TABLE IF NOT EXISTS schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)")
    execute(url, f"TRUNCATE schema_migrations; INSERT INTO schema_migrations VALUES ({version}, {dirty})")


def test_golang_migrate(plan: Plan, database: str, golang: Path) -> None:
    assert states(judge(plan, observe(plan, database), golang))["000002_drop"] == ("pending", "fail")
    set_version(database, 1)
    now = observe(plan, database)
    pending = {"000001_make": ("applied", "pass"), "000002_drop": ("pending", "pass")}
    assert states(judge(plan, now, golang, "before")) == pending
    set_version(database, 2, dirty=True)
    assert states(judge(plan, observe(plan, database), golang, "before"))["000002_drop"] == ("failed", "fail")
    set_version(database, 2)
    assert states(judge(plan, observe(plan, database), golang))["000002_drop"] == ("contradicted", "fail")
    execute(database, BOTH_GONE)
    now = observe(plan, database)
    assert judge(plan, now, golang).outcome == "pass"
    assert judge(plan, now, golang, "before").outcome == "warn"
    set_version(database, 1)
    assert states(judge(plan, observe(plan, database), golang))["000002_drop"] == ("unrecorded", "warn")
    for version, dirty, outcome in ((7, False, "warn"), (7, True, "fail"), (-1, True, "fail")):
        set_version(database, version, dirty)
        assert states(judge(plan, observe(plan, database), golang))[str(version)] == ("no-file", outcome)


def test_golang_migrates_names(plan: Plan, database: str, golang: Path) -> None:
    folder(golang, **{"10_last.up": "SELECT 1;", "9_before.up": "SELECT 1;", "drop": DROP})
    read = read_folder(golang, plan)
    assert [one.tag for one in read.migrations] == ["000001_make", "000002_drop", "9_before", "10_last", "drop"]
    assert states(judge(plan, observe(plan, database), golang, "before"))["drop"] == ("unlisted", "fail")
    folder(golang, **{"2_again.up": "SELECT 1;"})
    assert "same version" in read_folder(golang, plan).problems[0]


def test_a_history_that_may_not_be_read_is_unknown_only_for_its_tool(
    plan: Plan, history: History, flyway: Path, golang: Path
) -> None:
    execute(history.url, "CREATE TABLE schema_migrations (version bigint PRIMARY KEY, dirty boolean NOT NULL)")
    role = "reader_of_plain_sql"
    execute(history.url, f"CREATE ROLE {role} LOGIN BYPASSRLS; GRANT SELECT ON generation_requests TO {role}")
    execute(history.url, f"GRANT SELECT ON schema_migrations TO {role}")
    try:
        now = observe(plan, psycopg.conninfo.make_conninfo(history.url, user=role))
        assert now.tally is not None
        refused = judge(plan, now, flyway, "before")
        assert (refused.outcome, "may not read public.flyway_schema_history" in refused.findings[0].message) == (
            "unknown",
            True,
        )
        assert judge(plan, now, golang, "before").outcome == "pass"
    finally:
        execute(history.url, f"DROP OWNED BY {role}")
        execute(history.url, f"DROP ROLE {role}")


def test_a_table_of_one_tool_with_the_folder_of_another_is_unknown(plan: Plan, history: History, golang: Path) -> None:
    named = plan.model_copy(update={"migrations": Bookkeeping(schema="public", table="flyway_schema_history")})
    result = judge(named, observe(named, history.url), golang)
    assert (result.outcome, "is the bookkeeping of flyway" in result.findings[0].message) == ("unknown", True)


FOREIGN = {
    "Prisma": {"migration_lock.toml": 'provider = "postgresql"', "20250101000000_drop/migration.sql": DROP},
    "Django": {"__init__.py": "", "0001_initial.py": "class Migration(migrations.Migration):\n    pass"},
    "Rails": {"20250101000000_drop.rb": "class Drop < ActiveRecord::Migration[7.1]\nend"},
    "Knex": {"20250101000000_drop.js": "exports.up = function (knex) {}"},
    "TypeORM": {"1700000000000-Drop.ts": "export class Drop1700000000000 implements MigrationInterface {}"},
    "sqitch": {"sqitch.plan": "%project=x", "deploy/drop.sql": DROP},
}
READ = {
    "journal": {"meta/_journal.json": json.dumps({"entries": []}), "V1__x.sql": ""},
    "folders": {"20250101000000_drop/migration.sql": DROP, "20250101000000_drop/snapshot.json": "{}"},
    "alembic": {"aaa_.py": "revision = 'a'\ndown_revision: str | None = None\ndef upgrade(): pass"},
    "flyway": {"sub/V1__x.sql": ""},
    "golang-migrate": {"1_x.up.sql": ""},
}


def _write(path: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text(text)
    return path


@pytest.mark.parametrize("tool", FOREIGN)
def test_a_tool_that_is_not_read_is_unknown_by_its_name(plan: Plan, tmp_path: Path, tool: str) -> None:
    read = read_folder(_write(tmp_path, FOREIGN[tool]), plan)
    assert (read.style, read.migrations, len(read.problems)) == ("none", (), 1)
    assert f" is {tool}, which is not read yet" in read.problems[0]


@pytest.mark.parametrize("style", READ)
def test_a_tool_is_recognized_by_its_own_mark(plan: Plan, tmp_path: Path, style: str) -> None:
    read = read_folder(_write(tmp_path, READ[style]), plan)
    assert (read.style, read.problems) == (style, ())


def test_folders_without_a_mark_are_not_guessed_at(plan: Plan, tmp_path: Path) -> None:
    read = read_folder(_write(tmp_path / "a", {"20250101000000_drop/migration.sql": DROP}), plan)
    assert "cannot be told" in read.problems[0]
    assert "is it" in read_folder(_write(tmp_path / "b", {"prisma/migration_lock.toml": ""}), plan).problems[0]
    assert "recognized" in read_folder(_write(tmp_path / "c", {"README": ""}), plan).problems[0]
