"""The plan's reasons to drop, measured."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from psycopg.types.json import Jsonb

from genreq_checks.plan import Plan
from genreq_checks.report import Finding, Report
from genreq_checks.run import check, observe
from rows import execute, insert

GITHUB = "https://github.com/leo/app"
ZIP = "https://downloads.leo.example/a.zip"
CUTOVER = datetime(2025, 1, 10, tzinfo=UTC)


def claims(plan: Plan, url: str, cutover: datetime | None = None) -> Report:
    return check(plan, observe(plan, url, cutover), cutover=cutover, phase="before")


def only(report: Report, column: str) -> Finding:
    (finding,) = report.check(f"claims.{column}").findings
    return finding


def test_a_redundant_column_counts_the_rows_where_the_other_is_empty_in_every_status(database: str, plan: Plan) -> None:
    both = {"download_url": ZIP, "github_url": GITHUB}
    insert(database, both, both, {"github_url": GITHUB}, {"download_url": " ", "github_url": None})
    assert only(claims(plan, database), "download_url").outcome == "pass"
    insert(database, {"download_url": ZIP, "status": "failed"}, {"download_url": ZIP, "github_url": "\t"})
    finding = only(claims(plan, database), "download_url")
    assert finding.outcome == "fail"
    assert "2 of 4" in finding.message
    counts = {key: finding.evidence[key] for key in ("rows", "populated", "null", "blank", "alone")}
    assert counts == {"rows": 6, "populated": 4, "null": 1, "blank": 1, "alone": 2}


def test_a_value_in_a_row_with_a_malformed_one_is_doubtful(database: str, plan: Plan) -> None:
    insert(database, {"download_url": ZIP, "github_url": "undefined"}, {"download_url": ZIP, "github_url": GITHUB})
    assert only(claims(plan, database), "download_url").outcome == "warn"


@pytest.mark.parametrize(
    ("value", "outcome", "label"),
    [
        (None, "pass", "null"),
        (Jsonb(None), "warn", "json-null"),
        (Jsonb({}), "warn", "empty"),
        (Jsonb([]), "warn", "empty"),
        (Jsonb([{"role": "user"}]), "fail", "populated"),
        (Jsonb(""), "fail", "populated"),
    ],
)
def test_always_null_distinguishes_null_json_null_empty_and_content(
    database: str, plan: Plan, value: object, outcome: str, label: str
) -> None:
    insert(database, {}, {"conversation": value, "status": "cancelled"})
    finding = only(claims(plan, database), "conversation")
    assert finding.outcome == outcome
    assert finding.evidence[label] == (2 if value is None else 1)


def test_a_kept_column_that_was_populated_before_warns_and_after_the_cutover_does_not(
    database: str, plan: Plan
) -> None:
    done = {"github_url": GITHUB, "artifacts_github_url": f"{GITHUB}-artifacts"}
    insert(database, {"completed_at": "2025-01-09 23:59"}, done | {"completed_at": "2025-01-10 00:00"})
    assert only(claims(plan, database), "artifacts_github_url").outcome == "warn"
    assert only(claims(plan, database, CUTOVER), "artifacts_github_url").outcome == "pass"
    insert(database, done | {"completed_at": "2025-01-09 23:59"})
    assert only(claims(plan, database, CUTOVER), "artifacts_github_url").outcome == "warn"


@pytest.mark.parametrize(("populated", "outcome"), [(19, "pass"), (18, "warn")])
def test_a_populated_claim_holds_by_the_plans_minimum(database: str, plan: Plan, populated: int, outcome: str) -> None:
    insert(database, *({"github_url": GITHUB if n < populated else None} for n in range(20)), {"status": "failed"})
    assert only(claims(plan, database), "github_url").outcome == outcome


def test_a_claim_without_a_rule_is_measured_and_skipped(database: str, plan: Plan) -> None:
    insert(database, {"deployment_url": "https://a.fly.dev"}, {})
    finding = only(claims(plan, database), "deployment_url")
    assert finding.outcome == "skip"
    assert (finding.evidence["rows"], finding.evidence["populated"]) == (2, 1)


def test_without_rows_or_without_the_column_nothing_is_known(database: str, plan: Plan) -> None:
    report = claims(plan, database)
    assert {only(report, column).outcome for column in ("download_url", "conversation", "github_url")} == {"unknown"}
    execute(database, plan.sql.forward)
    insert(database, {})
    finding = only(claims(plan, database), "conversation")
    assert finding.outcome == "unknown"
    assert "no column 'conversation'" in finding.message


def test_claims_are_judged_only_before_the_drop(database: str, plan: Plan) -> None:
    insert(database, {"conversation": Jsonb([1])})
    assert check(plan, observe(plan, database), phase="after").check("claims.conversation").outcome == "skip"
