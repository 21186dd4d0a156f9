"""The plan against the catalog: a contradiction with the table or the plan's SQL makes the checks that need it unknown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from contradicted import GITHUB, GONE, KEPT, ZIP, before, changed, names, unknown
from genreq_checks.facts import ArchivedColumn, ArchiveFacts
from genreq_checks.leo.messages import reconcile
from genreq_checks.plan import Cohort, Plan
from genreq_checks.rehearsal import rehearse
from genreq_checks.report import Phase
from genreq_checks.run import check, observe
from genreq_checks.snapshot import load_snapshot
from rows import execute, insert
from test_source_files import export_csv


@pytest.fixture
def filled(database: str) -> str:
    """A table about which phase `before` has nothing to say but that all is well."""
    insert(database, ZIP, ZIP, {"status": "failed"})
    return database


def test_a_plan_that_agrees_with_its_table_leaves_nothing_unknown(filled: str, plan: Plan) -> None:
    report = before(plan, filled)
    assert report.outcome == "pass"
    assert unknown(report) == {}


# The key


@pytest.mark.parametrize(
    ("key", "words"),
    [
        (("idd",), "names 'idd', which is not a column of public.generation_requests. Did you mean 'id'?"),
        (("app_name",), "no unique index proves that (app_name) is a key of public.generation_requests"),
        (("status", "app_name"), "no unique index proves that (status, app_name) is a key"),
    ],
)
def test_a_key_that_is_not_a_column_makes_dropped_values_unknown(
    filled: str, plan: Plan, key: tuple[str, ...], words: str
) -> None:
    found = unknown(before(changed(plan, "table", key=key), filled))
    assert set(found) == {"loss.download_url"}  # conversation has no value to lose
    assert words in found["loss.download_url"]
    assert "2 values go" in found["loss.download_url"]


@pytest.mark.parametrize(
    ("ddl", "proved"),
    [
        ("CREATE UNIQUE INDEX ON generation_requests (app_id)", True),
        ("ALTER TABLE generation_requests ADD UNIQUE (app_id)", True),
        ("CREATE UNIQUE INDEX ON generation_requests (app_id) INCLUDE (app_name)", True),
        ("CREATE INDEX ON generation_requests (app_id)", False),
        ("CREATE UNIQUE INDEX ON generation_requests (app_id, app_name)", False),
        ("CREATE UNIQUE INDEX ON generation_requests (app_id) WHERE status = 'completed'", False),
        ("CREATE UNIQUE INDEX ON generation_requests (app_id, lower(app_name))", False),
        (
            "CREATE UNIQUE INDEX ON generation_requests (app_id); ALTER TABLE generation_requests ALTER app_id DROP NOT NULL",
            False,
        ),
        (
            "CREATE UNIQUE INDEX ON generation_requests (app_id); CREATE TABLE child () INHERITS (generation_requests)",
            False,
        ),
    ],
)
def test_a_key_is_proved_by_a_unique_index_over_every_row(filled: str, plan: Plan, ddl: str, proved: bool) -> None:
    execute(filled, ddl)
    assert ("loss.download_url" not in unknown(before(changed(plan, "table", key=("app_id",)), filled))) == proved


def test_a_key_may_have_more_columns_than_its_index(filled: str, plan: Plan) -> None:
    assert unknown(before(changed(plan, "table", key=("app_id", "id")), filled)) == {}
    found = unknown(before(changed(plan, "table", key=("github_url", "id")), filled))
    assert "'github_url' of the plan's key may be NULL" in found["loss.download_url"]


def test_lost_values_fail_whatever_the_key(filled: str, plan: Plan) -> None:
    insert(filled, {"download_url": "x"})
    assert before(changed(plan, "table", key=("app_name",)), filled).check("loss.download_url").outcome == "fail"


def test_an_archive_that_is_needed_requires_a_key_also_after_the_drop(filled: str, plan: Plan) -> None:
    held = {name: ArchivedColumn(type="text", values=2, digest="d") for name in GONE}
    baseline = observe(plan, filled)
    archive = ArchiveFacts(
        path="a", table=plan.table.qualified, created_at=baseline.source.read_at, rows=2, verified=True, columns=held
    )
    execute(filled, plan.forward_sql)
    for key, outcome in ((("id",), "pass"), (("app_name",), "unknown")):
        other = changed(plan, "table", key=key)
        report = check(other, observe(other, filled).with_evidence(archive=archive), baseline)
        assert report.check("loss.download_url").outcome == outcome


def test_reconciliation_and_rollback_need_the_key(filled: str, plan: Plan, tmp_path: Path) -> None:
    line = {"type": "all_work_complete", "completion_reason": "completed", "request_id": 1, "github_url": GITHUB}
    (tmp_path / "m.jsonl").write_text(json.dumps(line) + "\n")
    execute(filled, "ALTER TABLE generation_requests DROP CONSTRAINT generation_requests_pkey CASCADE")
    baseline = observe(plan, filled)
    messages = reconcile(plan, filled, [tmp_path / "m.jsonl"])
    report = check(plan, baseline.with_evidence(messages=messages))
    assert report.check("reconciliation.github_url").outcome == "unknown"
    assert "no unique index" in report.check("reconciliation.github_url").findings[0].message
    assert check(plan, baseline).check("reconciliation.github_url").outcome == "skip"
    assert check(plan, baseline, baseline, phase="rolled-back").check("rollback").outcome == "unknown"
    execute(filled, "ALTER TABLE generation_requests ADD PRIMARY KEY (id)")
    proved = observe(plan, filled)
    assert check(plan, proved, proved, phase="rolled-back").check("rollback").outcome == "pass"
    assert check(plan, proved.with_evidence(messages=messages)).check("reconciliation.github_url").outcome != "unknown"


def test_a_rehearsal_of_a_table_without_a_unique_index_proves_no_rollback(filled: str, plan: Plan, server: Any) -> None:
    assert rehearse(plan, filled, scratch_url=server.url()).check("rollback").outcome == "pass"
    execute(filled, "ALTER TABLE generation_requests DROP CONSTRAINT generation_requests_pkey CASCADE")
    assert rehearse(plan, filled, scratch_url=server.url()).check("rollback").outcome == "unknown"


def test_a_file_of_an_earlier_version_has_no_unique_keys(filled: str, plan: Plan, tmp_path: Path) -> None:
    observe(plan, filled).save(tmp_path / "s.json")
    data = json.loads((tmp_path / "s.json").read_text())
    data["table"].pop("unique")
    for column in data["table"]["columns"]:
        for key in ("labels", "allowed"):
            column.pop(key)
    (tmp_path / "s.json").write_text(json.dumps(data))
    old = load_snapshot(tmp_path / "s.json")
    assert unknown(check(changed(plan, "table", key=("app_name",)), old, phase="before")) == {}
    assert "loss.download_url" in unknown(check(changed(plan, "table", key=("nope",)), old, phase="before"))
    cohort = changed(plan, "cohort", values=("completed", "done"))
    assert unknown(check(cohort, old, phase="before")) == {}


# The types


@pytest.mark.parametrize(
    ("written", "actual", "agrees"),
    [
        ("varchar(40)", "character varying(40)", True),
        ("varchar", "character varying(40)", False),
        ("text", "character varying(40)", False),
        ("int4", "integer", True),
        ("timestamptz", "timestamp with time zone", True),
        ("timestamp", "timestamp with time zone", False),
        ("text", "generation_mode", False),
        ("generation_mode", "generation_mode", True),
        ("public.generation_mode", "generation_mode", True),  # cannot be compared, so it is not contradicted
    ],
)
def test_a_type_that_the_rollback_would_not_restore_is_contradicted(
    filled: str, plan: Plan, written: str, actual: str, agrees: bool
) -> None:
    execute(filled, f"ALTER TABLE generation_requests ALTER conversation TYPE {actual} USING NULL")
    gone = plan.dropped["conversation"].model_copy(update={"type": written})
    back = plan.sql.rollback.replace("JSONB", actual)
    plan = changed(plan, "sql", rollback=back).model_copy(update={"dropped": plan.dropped | {"conversation": gone}})
    found = unknown(before(plan, filled))
    assert set(found) == (set() if agrees else {"claims.conversation", "loss.conversation"})
    if not agrees:
        assert f"the plan says that conversation is {written}" in found["loss.conversation"]


def test_rollback_sql_with_another_type_is_contradicted(filled: str, plan: Plan) -> None:
    other = changed(plan, "sql", rollback=plan.sql.rollback.replace("TEXT", "varchar(10)"))
    found = unknown(before(other, filled))
    assert set(found) == {"loss.download_url"}
    assert "brings download_url back as varchar(10)" in found["loss.download_url"]


# The cohort

OVER_THE_COHORT = {
    *names("population", *KEPT),
    *names("url-shape", *KEPT),
    "derivation.artifacts_github_url",
}


@pytest.mark.parametrize(
    ("ddl", "values", "words"),
    [
        ("", ("compleeted",), "does not allow 'compleeted', a value of the plan's cohort. Did you mean 'completed'?"),
        ("", ("completed", "done"), "generation_status does not allow 'done'"),
        (
            "ALTER status DROP DEFAULT, ALTER status TYPE text, ADD CHECK (status IN ('completed', 'failed'))",
            ("done",),
            "a CHECK of status does not allow 'done'",
        ),
        (
            "ALTER status DROP DEFAULT, ALTER status TYPE varchar(20), ADD CHECK (status = ANY ('{completed,failed}'))",
            ("completed",),
            "",
        ),
        (
            "ALTER status DROP DEFAULT, ALTER status TYPE varchar(20), ADD CHECK (status IN ('completed', 'failed'))",
            ("Completed",),
            "does not allow 'Completed'",
        ),
        (
            "ALTER status DROP DEFAULT, ALTER status TYPE text, ADD CHECK (status = 'completed' OR mode = 'single-shot')",
            ("completed", "done"),
            "",
        ),
        (
            "ALTER status DROP DEFAULT, ALTER status TYPE text, ADD CHECK (status IN ('completed', 'failed')) NOT VALID",
            ("completed", "done"),
            "",
        ),
        (
            "ALTER status DROP DEFAULT, ALTER status TYPE int USING 1, ADD CHECK (status IN (1, 2))",
            ("1", "3"),
            "a CHECK of status does not allow '3'",
        ),
        (
            "ALTER status DROP DEFAULT, ALTER status TYPE bool USING true",
            ("true", "yes"),
            "boolean does not allow 'yes'",
        ),
    ],
)
def test_a_cohort_value_that_the_column_cannot_hold_is_contradicted(
    filled: str, plan: Plan, ddl: str, values: tuple[str, ...], words: str
) -> None:
    if ddl:
        execute(filled, f"ALTER TABLE generation_requests {ddl}")
    plan = changed(plan, "cohort", values=values)
    found = unknown(before(plan, filled))
    assert set(found) == ({"claims.github_url"} if words else set())
    after = check(plan, observe(plan, filled))
    assert after.check("url-shape.github_url").outcome == ("unknown" if words else "pass")
    assert after.check("population.github_url").outcome in ("unknown", "fail")
    if words:
        assert words in found["claims.github_url"]
        assert all(words in after.check(name).findings[0].message for name in OVER_THE_COHORT)


def test_a_domain_over_an_enum_or_with_a_check_is_known_too(filled: str, plan: Plan) -> None:
    execute(filled, "CREATE DOMAIN state AS generation_status")
    execute(filled, "CREATE DOMAIN word AS text CHECK (VALUE IN ('completed', 'failed'))")
    plan = changed(plan, "cohort", values=("done",))
    for domain in ("state", "word"):
        execute(
            filled,
            f"ALTER TABLE generation_requests ALTER status DROP DEFAULT, ALTER status TYPE {domain} USING status::text::{domain}",
        )
        assert "does not allow 'done'" in unknown(before(plan, filled))["claims.github_url"]


@pytest.mark.parametrize("phase", ["before", "after", "rolled-back"])
def test_an_empty_cohort_is_unknown_wherever_it_is_judged(filled: str, plan: Plan, phase: Phase) -> None:
    execute(filled, "ALTER TABLE generation_requests ALTER status DROP DEFAULT, ALTER status TYPE text")
    plan = changed(plan, "cohort", values=("complete",))
    now = observe(plan, filled)
    report = check(plan, now, now, phase=phase)
    judged = OVER_THE_COHORT | {"claims.github_url"}
    made = {one.id: one for one in report.checks if one.id in judged and one.outcome != "skip"}
    assert bool(made) == (phase != "rolled-back")
    for one in made.values():
        assert one.outcome == "unknown"
        assert "0 of 3 rows are of the plan's cohort (status is complete)" in one.findings[0].message
        assert "Did you mean 'completed'?" in one.findings[0].message


def test_an_empty_table_has_no_cohort_to_be_empty(database: str, plan: Plan) -> None:
    report = check(plan, observe(plan, database))
    assert not any("cohort" in finding.message for one in report.checks for finding in one.findings)


def test_a_cohort_of_free_text_shows_no_text(filled: str, plan: Plan) -> None:
    execute(filled, "UPDATE generation_requests SET prompt = 'a secret, ' || id")
    plan = plan.model_copy(update={"cohort": Cohort(column="prompt", values=("a secret, 9",), time="completed_at")})
    assert "secret, 1" not in json.dumps([one.findings[0].message for one in before(plan, filled).checks])


def test_row_files_can_have_an_empty_cohort_but_no_catalog_contradiction(
    filled: str, plan: Plan, tmp_path: Path
) -> None:
    export_csv(filled, tmp_path / "rows.csv")
    other = changed(changed(plan, "table", key=("nope",)), "cohort", values=("complete",))
    found = unknown(before(other, tmp_path / "rows.csv"))
    assert "0 of 3 rows are of the plan's cohort" in found["claims.github_url"]
    assert "loss.download_url" not in found
